#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 6455, section 5.5.1: an endpoint that has sent a Close frame sends no more data, and reads on
# until the Close frame of its peer; the answer to a question may lie between the two. Behind its
# Close frame it has nothing to send, so one would expect that it may end its direction of TCP, and
# that a proxy passes that on as it passes the frames. nginx, once it has passed an upgrade on, closes
# both connections as soon as the client ends its direction: the answer that the server sends then is
# lost. With TCP left whole until the peer's Close frame the answer arrives. A WebSocket whose end
# has to wait for an answer must end TCP last, however its own library names that end.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian nginx-light=1.22.1-9+deb12u11 nginx=1.22.1-9+deb12u11
python_packages
observe python - <<'PY'
import os
import socket
import subprocess
import time

from peers import HOST, free_port, serve, start, stop, through
from websocket_ends import BINARY, close, frame, heard, mask, read_to_the_end, server

said = []


def slow(head):
    return [head, 0.5, frame(BINARY, b"the answer"), close(1000)]


back, front = server(slow, said), free_port()
places = "".join(f"{kind}_temp_path {os.getcwd()}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
with open("nginx.conf", "w") as config:
    config.write(f"""daemon off; master_process off; pid nginx.pid; error_log stderr; events {{}}
http {{ access_log off; {places} server {{ listen {HOST}:{front}; location / {{ proxy_pass http://{HOST}:{back};
proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; }} }} }}""")
proxy = start(["nginx", "-p", os.getcwd(), "-e", "stderr", "-c", os.getcwd() + "/nginx.conf"], front)


def ask(ends_tcp):
    with socket.create_connection((HOST, front), 5) as conn:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                     b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        through(conn, b"\r\n\r\n")
        conn.sendall(frame(BINARY, b"a question", mask=mask()) + close(1000, mask=mask()))
        if ends_tcp:
            conn.shutdown(socket.SHUT_WR)
        data, end = read_to_the_end(conn)
        return ", ".join([*heard(data), end])


try:
    print("TCP whole:", ask(False))
    print("TCP ended behind the Close frame:", ask(True))
finally:
    stop(proxy)
PY
sees "TCP whole: binary b'the answer', close 1000, closed"
sees 'TCP ended behind the Close frame: closed'
verdict
