#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9112, section 9.3.2: a client may send further requests before it has the first answer, and a
# server must answer all of them in order. apt does so by default, with up to ten.
# One would expect a proxy to do as a server does, or at least to close behind the first, so that the
# client can ask for the others again, as tinyproxy makes it do. pproxy answers the first, proxy.py
# none at all, and both keep the connection open: the client waits until one of them loses patience.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1
python_packages proxy.py==2.4.10 pproxy==2.7.9
npm_packages proxy@4.1.0 proxy-chain@3.0.1
observe python - <<'PY'
import socket

from http_proxies import PROXIES, running
from peers import HOST, serve, through


def origin(conn):
    while True:
        path = through(conn, b"\r\n\r\n").split()[1].decode().split("/")[-1]
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n<%s>\n" % path.encode())


for name in PROXIES:
    where = f"{HOST}:{serve(origin)}"
    with running(name) as port, socket.create_connection((HOST, port), 10) as conn:
        conn.sendall("".join(f"GET http://{where}/{n} HTTP/1.1\r\nHost: {where}\r\n\r\n" for n in "123").encode())
        conn.settimeout(3)
        got, end = b"", "open"
        try:
            while data := conn.recv(4096):
                got += data
            end = "closed"
        except TimeoutError:
            pass
        answered = [n for n in "123" if f"<{n}>".encode() in got]
        print(f"{name}: answers {', '.join(answered) or 'none'}, then {end}", flush=True)
PY
sees 'tinyproxy 1.11.1: answers 1, then closed'
for name in 'proxy 4.1.0 (npm)' 'proxy-chain 3.0.1 (npm)'; do
    sees "$name: answers 1, 2, 3, then open"
done
sees 'proxy.py 2.4.10: answers none, then open'
sees 'pproxy 2.7.9: answers 1, then open'
verdict
