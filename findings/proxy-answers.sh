#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9110, section 15.2: a proxy must forward 1xx responses that it has not asked for itself. RFC
# 9112, section 6.1: Transfer-Encoding must not be sent to a client of HTTP/1.0.
# One would expect each proxy to keep both. None of five does: the two of npm, on top of Node's http,
# throw a 103 away, and the other three, which copy octets, give chunk sizes to a client that cannot
# know them.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1
python_packages proxy.py==2.4.10 pproxy==2.7.9
npm_packages proxy@4.1.0 proxy-chain@3.0.1
observe python - <<'PY'
import socket

from http_proxies import PROXIES, running
from peers import HOST, linger, play, serve, through

OK = b"HTTP/1.1 200 OK\r\n"


def asked(port, version, *steps):
    """The bytes that come back within three seconds."""

    def origin(conn):
        through(conn, b"\r\n\r\n")
        play(conn, steps)
        linger(conn)

    where = f"{HOST}:{serve(origin)}"
    with socket.create_connection((HOST, port), 10) as conn:
        conn.sendall(f"GET http://{where}/ HTTP/{version}\r\nHost: {where}\r\n\r\n".encode())
        conn.settimeout(3)
        got = b""
        try:
            while data := conn.recv(4096):
                got += data
        except TimeoutError:
            pass
        return got


for name in PROXIES:
    with running(name) as port:
        got = asked(port, "1.1", b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", 0.3, OK + b"Content-Length: 2\r\n\r\nok")
        print(f"{name}, 103: {'forwarded' if b'103 Early' in got else 'lost'}", flush=True)
        got = asked(port, "1.0", OK + b"Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n")
        print(f"{name}, chunks for HTTP/1.0: {'passed on' if b'chunked' in got else 'decoded'}", flush=True)
PY
for name in 'proxy 4.1.0 (npm)' 'proxy-chain 3.0.1 (npm)'; do
    sees "$name, 103: lost"
    sees "$name, chunks for HTTP/1.0: decoded"
done
for name in 'tinyproxy 1.11.1' 'proxy.py 2.4.10' 'pproxy 2.7.9'; do
    sees "$name, 103: forwarded"
    sees "$name, chunks for HTTP/1.0: passed on"
done
verdict
