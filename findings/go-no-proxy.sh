#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The Go module golang.org/x/net reads NO_PROXY in two of its packages: proxy.FromEnvironment for
# SOCKS5 by ALL_PROXY, and http/httpproxy, which net/http uses, for HTTP_PROXY.
# One would expect one list to name the same hosts in both. Only single addresses and networks mean
# the same. "example.com" includes its subdomains for HTTP and not for SOCKS5; ".example.com"
# matches no host at all for SOCKS5; "*.example.com" includes example.com itself for SOCKS5 only;
# and "*", which switches the proxy off for HTTP, switches nothing off for SOCKS5, nor does an entry
# with a port or in capital letters. A program that speaks both takes two ways to one host, and what
# "NO_PROXY=*" was to keep local goes through the SOCKS5 proxy.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

cat >main.go <<'GO'
package main

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"

	"golang.org/x/net/http/httpproxy"
	"golang.org/x/net/proxy"
)

// way notes whether a connection is meant for the proxy or for the target.
type way string

func (w *way) Dial(_, address string) (net.Conn, error) {
	*w = "direct"
	if address == "127.0.0.1:1" {
		*w = "proxy"
	}
	return nil, errors.New("dialled enough")
}

func main() {
	var socks way
	proxy.FromEnvironmentUsing(&socks).Dial("tcp", os.Args[1]+":80")
	target, _ := url.Parse("http://" + os.Args[1] + "/")
	http := "proxy"
	if through, _ := httpproxy.FromEnvironment().ProxyFunc()(target); through == nil {
		http = "direct"
	}
	fmt.Printf("NO_PROXY=%s, %s: SOCKS5 %s, HTTP %s\n", os.Getenv("NO_PROXY"), os.Args[1], socks, http)
}
GO
go_module golang.org/x/net@v0.62.0
for list in 192.0.2.1 192.0.2.0/24 example.com .example.com '*.example.com' '*' example.com:80 EXAMPLE.com; do
    case $list in
    192*) hosts=192.0.2.1 ;;
    *) hosts='example.com www.example.com' ;;
    esac
    for host in $hosts; do
        observe env ALL_PROXY=socks5://127.0.0.1:1 HTTP_PROXY=http://127.0.0.1:1 NO_PROXY="$list" ./main "$host"
    done
done
sees 'NO_PROXY=192.0.2.0/24, 192.0.2.1: SOCKS5 direct, HTTP direct'
sees 'NO_PROXY=example.com, example.com: SOCKS5 direct, HTTP direct'
sees 'NO_PROXY=example.com, www.example.com: SOCKS5 proxy, HTTP direct'
sees 'NO_PROXY=.example.com, www.example.com: SOCKS5 proxy, HTTP direct'
sees 'NO_PROXY=*.example.com, example.com: SOCKS5 direct, HTTP proxy'
sees 'NO_PROXY=*, www.example.com: SOCKS5 proxy, HTTP direct'
sees 'NO_PROXY=example.com:80, example.com: SOCKS5 proxy, HTTP direct'
sees 'NO_PROXY=EXAMPLE.com, example.com: SOCKS5 proxy, HTTP direct'
verdict
