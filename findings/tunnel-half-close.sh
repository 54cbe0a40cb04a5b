#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A TCP connection has two directions, and each ends by itself (RFC 9293, section 3.6). A SOCKS5
# proxy (RFC 1928) and a TCP relay carry bytes between two of them; for CONNECT, RFC 9110, section
# 9.3.6, wants both sides closed when one side has closed its connection.
# One would expect a relay to pass an end on and to bring the answer, as dante and haproxy do. Seven
# of nine close the tunnel with the first end, the HTTP proxies as the RFC may be read, the SOCKS
# servers and socat (option -t, half a second by default) without a rule that says so. A client that
# ends its request by closing its side, as `nc -N` and protocols without lengths do, gets nothing when
# the target thinks for a second; a client that keeps its side open gets the answer.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1 privoxy=3.0.34-1 libmbedtls14=2.28.3-1 libmbedx509-1=2.28.3-1 \
    libmbedcrypto7=2.28.3-1 microsocks=1.0.3-2 dante-server=1.4.2+dfsg-7+b8 socat=1.7.4.4-2 \
    ncat=7.93+dfsg1-1 liblua5.3-0=5.3.6-2 libpcap0.8=1.10.3-1 haproxy=2.6.12-1+deb12u4 \
    libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4
python_packages pproxy==2.7.9
npm_packages simple-socks@3.6.0
observe python - <<'PY'
import os
import socket
import time

from peers import HOST, exactly, free_port, serve, start, stop, through


def everything(conn):
    data = b""
    try:
        while piece := conn.recv(4096):
            data += piece
    except OSError:
        pass
    return data


def answer(conn):
    """A target that thinks for a second when it has the whole request, then answers and ends."""
    exactly(conn, 5)
    time.sleep(1)
    conn.sendall(b"answer")


target = serve(answer)


def connect(conn):
    conn.sendall(f"CONNECT {HOST}:{target} HTTP/1.1\r\nHost: {HOST}:{target}\r\n\r\n".encode())
    through(conn, b"\r\n\r\n")


def socks(conn):
    conn.sendall(b"\5\1\0")
    exactly(conn, 2)
    conn.sendall(b"\5\1\0\1" + socket.inet_aton(HOST) + target.to_bytes(2, "big"))
    exactly(conn, 10)


def plain(_):
    pass


def write(name, text):
    with open(name, "w") as file:
        file.write(text)
    return name


def tinyproxy(port):
    return ["tinyproxy", "-d", "-c", write("tinyproxy.conf", f"Port {port}\nListen {HOST}\nTimeout 10\n")]


def privoxy(port):
    text = f"listen-address {HOST}:{port}\nconfdir {os.getcwd()}\nlogdir {os.getcwd()}\n"
    return ["privoxy", "--no-daemon", write("privoxy.conf", text)]


def dante(port):
    text = (f"internal: {HOST} port = {port}\nexternal: lo\nsocksmethod: none\nclientmethod: none\n"
            "user.unprivileged: nobody\nclient pass { from: 0/0 to: 0/0 }\nsocks pass { from: 0/0 to: 0/0 }\n")
    return ["danted", "-f", write("danted.conf", text)]


def haproxy(port):
    text = (f"defaults\n mode tcp\n timeout connect 5s\n timeout client 10s\n timeout server 10s\n"
            f"listen l\n bind {HOST}:{port}\n server s {HOST}:{target}\n")
    return ["haproxy", "-db", "-f", write("haproxy.cfg", text)]


write("socks.mjs", 'import socks from "simple-socks";\nsocks.createServer().listen(+process.argv[2], "127.0.0.1");\n')
proxies = {
    "tinyproxy 1.11.1": (connect, tinyproxy),
    "privoxy 3.0.34": (connect, privoxy),
    "ncat 7.93 --proxy-type http": (connect, lambda port: ["ncat", "-l", HOST, str(port), "-k", "--proxy-type", "http"]),
    "microsocks 1.0.3": (socks, lambda port: ["microsocks", "-i", HOST, "-p", str(port)]),
    "dante 1.4.2": (socks, dante),
    "simple-socks 3.6.0": (socks, lambda port: ["node", "socks.mjs", str(port)]),
    "pproxy 2.7.9": (socks, lambda port: ["pproxy", "-l", f"socks5://{HOST}:{port}"]),
    "socat 1.7.4.4": (plain, lambda port: ["socat", f"TCP-LISTEN:{port},bind={HOST},fork,reuseaddr", f"TCP:{HOST}:{target}"]),
    "haproxy 2.6.12": (plain, haproxy),
}
for name, (open_tunnel, command) in proxies.items():
    port = free_port()
    proxy = start(command(port), port)
    try:
        results = []
        for ends in False, True:
            with socket.create_connection((HOST, port), 5) as conn:
                open_tunnel(conn)
                conn.sendall(b"hello")
                if ends:
                    conn.shutdown(socket.SHUT_WR)
                results.append(everything(conn).decode() or "nothing")
        print(f"{name}: the client keeps its side: {results[0]}, ends it: {results[1]}")
    finally:
        stop(proxy)
PY
for name in 'dante 1.4.2' 'haproxy 2.6.12'; do
    sees "$name: the client keeps its side: answer, ends it: answer"
done
for name in 'tinyproxy 1.11.1' 'privoxy 3.0.34' 'ncat 7.93 --proxy-type http' 'microsocks 1.0.3' \
    'simple-socks 3.6.0' 'pproxy 2.7.9' 'socat 1.7.4.4'; do
    sees "$name: the client keeps its side: answer, ends it: nothing"
done
verdict
