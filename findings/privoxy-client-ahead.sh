#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TCP lets a client end its sending side after a request and still read (RFC 9293, section 3.6), and
# what follows the head of a CONNECT belongs to the tunnel (RFC 9110, section 9.3.6).
# One would expect a proxy to serve both clients. privoxy asks the origin for a client that has ended
# its side, as `printf ... | nc -N` does, and then closes without the answer. Bytes in the segment of
# a CONNECT head are thrown away: the tunnel opens, and a client that saved a round trip waits for an
# answer to bytes that the target never got. After a pause they arrive. In tinyproxy both work.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1 privoxy=3.0.34-1 libmbedtls14=2.28.3-1 libmbedx509-1=2.28.3-1 \
    libmbedcrypto7=2.28.3-1
python_packages
observe python - <<'PY'
import os
import socket

from peers import HOST, free_port, serve, start, stop, through

asked = []


def everything(conn):
    data = b""
    while piece := conn.recv(4096):
        data += piece
    return data


def answer(conn):
    asked.append(through(conn, b"\r\n\r\n"))
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")


def count(conn):
    conn.settimeout(1)
    data = b""
    try:
        while piece := conn.recv(4096):
            data += piece
    except TimeoutError:
        pass
    conn.sendall(b"%d bytes" % len(data))


origin, counter = serve(answer), serve(count)
port = {name: free_port() for name in ("tinyproxy 1.11.1", "privoxy 3.0.34")}
with open("tinyproxy.conf", "w") as config:
    config.write(f"Port {port['tinyproxy 1.11.1']}\nListen {HOST}\nTimeout 10\nMaxClients 5\n")
with open("privoxy.conf", "w") as config:
    config.write(f"listen-address {HOST}:{port['privoxy 3.0.34']}\nconfdir {os.getcwd()}\nlogdir {os.getcwd()}\n")
commands = ["tinyproxy", "-d", "-c", "tinyproxy.conf"], ["privoxy", "--no-daemon", "privoxy.conf"]
for (name, number), command in zip(port.items(), commands):
    proxy = start(command, number)
    try:
        for ends in False, True:
            asked.clear()
            with socket.create_connection((HOST, number), 5) as conn:
                conn.sendall(f"GET http://{HOST}:{origin}/ HTTP/1.1\r\nHost: {HOST}:{origin}\r\n"
                             "Connection: close\r\n\r\n".encode())
                if ends:
                    conn.shutdown(socket.SHUT_WR)
                status = everything(conn).split(b"\r\n")[0].decode() or "nothing"
            print(f"{name}, the client {'ended' if ends else 'keeps'} its side: "
                  f"{len(asked)} requests at the origin, answer {status}")
        for together in False, True:
            head = f"CONNECT {HOST}:{counter} HTTP/1.1\r\nHost: {HOST}:{counter}\r\n\r\n".encode()
            with socket.create_connection((HOST, number), 5) as conn:
                conn.sendall(head + b"hello" if together else head)
                through(conn, b"\r\n\r\n")
                if not together:
                    conn.sendall(b"hello")
                print(f"{name}, 5 bytes {'with' if together else 'after'} CONNECT: "
                      f"the target got {everything(conn).decode()}")
    finally:
        stop(proxy)
PY
for name in 'tinyproxy 1.11.1' 'privoxy 3.0.34'; do
    sees "$name, the client keeps its side: 1 requests at the origin, answer HTTP/1.1 200 OK"
    sees "$name, 5 bytes after CONNECT: the target got 5 bytes"
done
sees 'tinyproxy 1.11.1, the client ended its side: 1 requests at the origin, answer HTTP/1.1 200 OK'
sees 'tinyproxy 1.11.1, 5 bytes with CONNECT: the target got 5 bytes'
sees 'privoxy 3.0.34, the client ended its side: 1 requests at the origin, answer nothing'
sees 'privoxy 3.0.34, 5 bytes with CONNECT: the target got 0 bytes'
verdict
