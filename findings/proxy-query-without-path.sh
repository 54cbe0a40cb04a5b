#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# http://target.example?q=1 is a valid http URI: RFC 9110, section 4.2.1, takes the path from RFC
# 3986, where it may be empty, and section 4.2.3 calls the empty path equivalent to "/". RFC 9112,
# section 3.2.1, lets the proxy send "/?q=1" to the origin, with its query.
# One would expect the same page through any proxy. tinyproxy sends "GET /": the query is gone and
# the origin answers 200 with another page. privoxy answers 400 and never asks the origin. With a
# slash before the question mark both work. A client that builds URLs by hand learns of it by wrong
# results only, so a proxy that is to replace one of these must keep the query.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1 privoxy=3.0.34-1 libmbedtls14=2.28.3-1 libmbedx509-1=2.28.3-1 \
    libmbedcrypto7=2.28.3-1
python_packages
observe python - <<'PY'
import os
import socket

from peers import HOST, free_port, serve, start, stop, through

asked = []


def answer(conn):
    asked.append(through(conn, b"\r\n\r\n").split(b"\r\n")[0].decode())
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


origin = serve(answer)
port = {name: free_port() for name in ("tinyproxy 1.11.1", "privoxy 3.0.34")}
with open("tinyproxy.conf", "w") as config:
    config.write(f"Port {port['tinyproxy 1.11.1']}\nListen {HOST}\nTimeout 10\nMaxClients 5\n")
with open("privoxy.conf", "w") as config:
    config.write(f"listen-address {HOST}:{port['privoxy 3.0.34']}\nconfdir {os.getcwd()}\nlogdir {os.getcwd()}\n")
commands = ["tinyproxy", "-d", "-c", "tinyproxy.conf"], ["privoxy", "--no-daemon", "privoxy.conf"]
for (name, number), command in zip(port.items(), commands):
    proxy = start(command, number)
    try:
        for path in "/?q=1", "?q=1":
            asked.clear()
            with socket.create_connection((HOST, number), 5) as conn:
                conn.sendall(f"GET http://{HOST}:{origin}{path} HTTP/1.1\r\nHost: {HOST}:{origin}\r\n"
                             "Connection: close\r\n\r\n".encode())
                status = through(conn, b"\r\n").split(b"\r\n")[0].decode().split()[1]
            print(f"{name}, http://HOST{path}: the origin sees {asked or 'nothing'}, the client {status}")
    finally:
        stop(proxy)
PY
sees "tinyproxy 1.11.1, http://HOST/?q=1: the origin sees ['GET /?q=1 HTTP/1.1'], the client 200"
sees "tinyproxy 1.11.1, http://HOST?q=1: the origin sees ['GET / HTTP/1.1'], the client 200"
sees "privoxy 3.0.34, http://HOST/?q=1: the origin sees ['GET /?q=1 HTTP/1.1'], the client 200"
sees "privoxy 3.0.34, http://HOST?q=1: the origin sees nothing, the client 400"
verdict
