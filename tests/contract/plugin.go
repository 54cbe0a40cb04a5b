// SPDX-License-Identifier: Apache-2.0

// A SIP003 plugin by docs/sip003.md and the standard library alone: every byte is combined with the
// option key, and both ends send a line first.  The numbers are those of the requirements.
package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	hello     = "contract\n"
	handshake = 10 * time.Second
)

type plugin struct {
	key    byte
	server bool
	far    []string
}

func fail(status int, why string) {
	fmt.Fprintln(os.Stderr, why) // P-18: SIGPIPE is ignored, an error of the log is none
	os.Exit(status)
}

// options decodes section 3; a mistake is the position of its byte, else -1.
func options(text string) (found map[string]string, mistake int) {
	found = map[string]string{}
	key, value, has := "", "", false
	for at := 0; at <= len(text); at++ {
		c := byte(';')
		if at < len(text) {
			c = text[at]
		}
		switch {
		case c == ';' && key == "" && has, c == '\\' && at+1 == len(text):
			return nil, at
		case c == ';' && key == "":
			continue
		case c == ';':
			if !has {
				value = "true"
			}
			found[key] = value
			key, value, has = "", "", false
			continue
		case c == '=' && !has:
			has = true
			continue
		case c == '\\':
			at++
			c = text[at]
		}
		if has {
			value += string(rune(c))
		} else {
			key += string(rune(c))
		}
	}
	return found, -1
}

// addresses reads a host variable and its port, section 2.1.
func addresses(side string) (all []string) {
	host, port := os.Getenv("SS_"+side+"_HOST"), os.Getenv("SS_"+side+"_PORT")
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 || port[0] == '+' {
		fail(78, "SS_"+side+"_PORT is no port") // P-2
	}
	for _, one := range strings.Split(host, "|") {
		if one == "" {
			fail(78, "SS_"+side+"_HOST is empty")
		}
		all = append(all, net.JoinHostPort(strings.Trim(one, "[]"), port))
	}
	return all
}

func listen(near []string) (all []net.Listener) {
	for _, at := range near {
		listener, err := net.Listen("tcp", at)
		if err == nil {
			all = append(all, listener)
		} else if !strings.HasPrefix(at, "0.0.0.0:") || len(all) == 0 { // "::" has it
			fail(69, err.Error())
		}
	}
	return all
}

func (p *plugin) dial() (net.Conn, error) {
	var last error
	for _, at := range p.far {
		conn, err := net.DialTimeout("tcp", at, 2*time.Second)
		if err == nil {
			return conn, nil
		}
		last = err
	}
	return nil, last
}

func (p *plugin) combine(bytes []byte) []byte {
	for i := range bytes {
		bytes[i] ^= p.key
	}
	return bytes
}

// pump is one direction: the end is passed on as such, a reset as a reset (P-21).
func (p *plugin) pump(from, to net.Conn, first []byte) {
	bytes := make([]byte, 16384)
	n, err := copy(bytes, first), error(nil)
	for err == nil {
		if n > 0 {
			if _, err = to.Write(p.combine(bytes[:n])); err != nil {
				break
			}
		}
		n, err = from.Read(bytes)
	}
	if err == io.EOF {
		to.(*net.TCPConn).CloseWrite()
		return
	}
	from.(*net.TCPConn).SetLinger(0)
	to.(*net.TCPConn).SetLinger(0)
	from.Close()
	to.Close()
}

// greeted is true for a peer that begins as ours do.  The first wrong byte ends it (P-23).
func (p *plugin) greeted(wire net.Conn) bool {
	expected, said := p.combine([]byte(hello)), make([]byte, len(hello))
	wire.SetReadDeadline(time.Now().Add(handshake))
	for have := 0; have < len(said); {
		n, err := wire.Read(said[have:])
		if err != nil || string(said[have:have+n]) != string(expected[have:have+n]) {
			return false
		}
		have += n
	}
	return wire.SetReadDeadline(time.Time{}) == nil
}

func (p *plugin) serve(accepted net.Conn) {
	defer accepted.Close()
	first := make([]byte, 4096)
	n := 0
	if p.server {
		if !p.greeted(accepted) {
			return
		}
	} else if n, _ = accepted.Read(first); n == 0 {
		return // P-24: nothing is dialed for nothing
	}
	dialed, err := p.dial()
	if err != nil {
		return
	}
	defer dialed.Close()
	wire, plain := dialed, accepted
	if p.server {
		wire, plain = accepted, dialed
	}
	if _, err := wire.Write(p.combine([]byte(hello))); err != nil {
		return
	}
	done := make(chan bool)
	go func() { p.pump(plain, wire, first[:n]); done <- true }()
	if p.server || p.greeted(wire) {
		p.pump(wire, plain, nil)
	} else {
		wire.Close()
		plain.Close()
	}
	<-done
}

func notify(line string) {
	if fd, err := strconv.Atoi(os.Getenv("SS_PLUGIN_NOTIFY_FD")); err == nil {
		pipe := os.NewFile(uintptr(fd), "host")
		pipe.WriteString(line + "\n") // P-27
		pipe.Close()
	}
}

// live ends the process when it is told to, and after its host (P-14, P-15, 6.4).
func live() {
	go func() {
		for parent := os.Getppid(); os.Getppid() == parent; {
			time.Sleep(500 * time.Millisecond)
		}
		os.Exit(0)
	}()
	if os.Getenv("SS_EXIT_ON_STDIN_CLOSE") == "1" {
		go func() { io.Copy(io.Discard, os.Stdin); os.Exit(0) }()
	}
	signals := make(chan os.Signal, 1)
	signal.Ignore(syscall.SIGHUP, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGPIPE)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() { <-signals; os.Exit(0) }()
}

func main() {
	live()
	if os.Getenv("SS_REMOTE_HOST")+os.Getenv("SS_REMOTE_PORT")+os.Getenv("SS_LOCAL_HOST")+os.Getenv("SS_LOCAL_PORT") == "" {
		fail(64, "no host: see docs/sip003.md")
	}
	found, mistake := options(os.Getenv("SS_PLUGIN_OPTIONS"))
	if mistake != -1 {
		fail(78, fmt.Sprintf("SS_PLUGIN_OPTIONS: byte %d is wrong", mistake))
	}
	key := uint64(90)
	if word, has := found["key"]; has {
		key, _ = strconv.ParseUint(word, 10, 8)
	}
	if key == 0 {
		fail(78, "key is no number from 1 to 255") // P-7
	}
	if mode := os.Getenv("SS_PLUGIN_MODE"); mode != "" && mode != "tcp_only" {
		fail(78, "this plugin carries no UDP") // P-26
	}
	_, server := found["server"]
	if role := os.Getenv("SS_PLUGIN_ROLE"); role != "" {
		server = role == "server"
	}
	near, far := addresses("LOCAL"), addresses("REMOTE")
	if server {
		near, far = far, near
	}
	p := &plugin{byte(key), server, far}
	listeners := listen(near)
	notify("READY=1")
	for _, listener := range listeners {
		go func(listener net.Listener) {
			for {
				accepted, err := listener.Accept()
				if err != nil {
					time.Sleep(50 * time.Millisecond) // no descriptor is left
					continue
				}
				go p.serve(accepted)
			}
		}(listener)
	}
	select {}
}
