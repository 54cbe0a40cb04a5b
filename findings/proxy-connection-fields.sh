#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9110, section 7.6.1: before a message is forwarded, an intermediary must take out Connection
# and every field that it names; Keep-Alive, TE and Proxy-Connection should go, too.
# One would expect that of what calls itself a proxy. proxy and proxy-chain of npm put a Connection of
# their own there, but leave the fields that it has named, as if they were for the other end; proxy.py
# and pproxy pass on all of it in both directions, so that the origin's "Connection: X-Res" speaks to
# the client.
# proxy-chain also makes HTTP/1.1 of a request of HTTP/1.0 and adds no Host, which section 3.2 of
# RFC 9112 has an origin answer with 400. tinyproxy does it all by the book.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1
python_packages proxy.py==2.4.10 pproxy==2.7.9
npm_packages proxy@4.1.0 proxy-chain@3.0.1
observe python - <<'PY'
import socket

from http_proxies import PROXIES, running
from peers import HOST, serve, through

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: X-Res\r\nX-Res: 1\r\nX-End: 2\r\n\r\nok"


def names(head):
    found = [line.split(b":")[0].decode() for line in head.split(b"\r\n")[1:] if line]
    hop = [name for name in ("Connection", "X-Hop", "TE", "Keep-Alive", "Proxy-Connection", "X-Res") if name in found]
    return ", ".join(hop) or "none"


def asked(port, request):
    """The head that reached the origin, and the one that came back."""
    heads = []

    def origin(conn):
        heads.append(through(conn, b"\r\n\r\n"))
        conn.sendall(ANSWER)

    with socket.create_connection((HOST, port), 10) as conn:
        conn.sendall(request.replace(b"ORIGIN", f"{HOST}:{serve(origin)}".encode()))
        back = through(conn, b"\r\n\r\n")
    return heads[0], back


for name in PROXIES:
    with running(name) as port:
        fields = b"Connection: X-Hop\r\nX-Hop: 1\r\nTE: trailers\r\nKeep-Alive: 3\r\nProxy-Connection: keep-alive\r\n"
        there, back = asked(port, b"GET http://ORIGIN/ HTTP/1.1\r\nHost: ORIGIN\r\n" + fields + b"\r\n")
        print(f"{name}, request: {names(there)}", flush=True)
        print(f"{name}, response: {names(back)}", flush=True)
        there, _ = asked(port, b"GET http://ORIGIN/ HTTP/1.0\r\n\r\n")
        version, host = there.split(b"\r\n")[0].split()[2].decode(), b"Host:" in there
        print(f"{name}, of HTTP/1.0: {version}, {'with' if host else 'without'} Host", flush=True)
PY
sees 'tinyproxy 1.11.1, response: none'
for name in 'proxy 4.1.0 (npm)' 'proxy-chain 3.0.1 (npm)'; do
    sees "$name, request: Connection, X-Hop, Proxy-Connection"
    sees "$name, response: Connection, Keep-Alive, X-Res"
done
for name in 'proxy.py 2.4.10' 'pproxy 2.7.9'; do
    sees "$name, request: Connection, X-Hop, TE, Keep-Alive"
    sees "$name, response: Connection, X-Res"
done
sees 'proxy-chain 3.0.1 (npm), of HTTP/1.0: HTTP/1.1, without Host'
verdict
