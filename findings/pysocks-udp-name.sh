#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, sections 4 and 6: the address in UDP ASSOCIATE is the one from which the client will
# send, or all zeros with port zero when the client does not know it; the server may drop what comes
# from another one.
# One would expect PySocks to send 0.0.0.0 and port 0, or its own address and port. It sends the
# domain name "0", one octet long, with the real port of its socket. Dante lets that pass. A server
# that resolves the name gets 0.0.0.0 or an error, and one that limits access, as
# asyncio-socks-server does with --strict, drops each datagram: PySocks' user waits for an answer
# that never comes, while the same datagrams by hand, with zeros, are relayed. A server for all
# clients does not look at this address.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian dante-server=1.4.2+dfsg-7+b8
python_packages PySocks==1.7.1 asyncio-socks-server==0.3.0
observe python - <<'PY'
import socket
import threading

import socks

from peers import HOST, exactly, free_port, linger, serve, start, stop

answered = socket.socket(type=socket.SOCK_DGRAM)
answered.bind((HOST, 0))
TARGET = answered.getsockname()[1]


def reply():
    while True:
        data, peer = answered.recvfrom(100)
        answered.sendto(data, peer)


def pysocks(port):
    with socks.socksocket(socket.AF_INET, socket.SOCK_DGRAM) as conn:
        conn.settimeout(3)
        conn.set_proxy(socks.SOCKS5, HOST, port)
        conn.bind((HOST, 0))
        bound = conn.getsockname()[1]
        conn.sendto(b"hello", (HOST, TARGET))
        try:
            return conn.recvfrom(100)[0].decode(), bound
        except TimeoutError:
            return "no answer", bound


def zeros(port):
    with socket.create_connection((HOST, port), 5) as conn, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        conn.sendall(b"\x05\x01\x00")
        exactly(conn, 2)
        conn.sendall(b"\x05\x03\x00\x01" + bytes(6))
        relay = int.from_bytes(exactly(conn, 10)[8:], "big")
        datagrams.settimeout(3)
        datagrams.sendto(b"\x00\x00\x00\x01\x7f\x00\x00\x01" + TARGET.to_bytes(2, "big") + b"hello", (HOST, relay))
        try:
            return datagrams.recv(100)[10:].decode()
        except TimeoutError:
            return "no answer"


requests = []


def listen(conn):
    exactly(conn, exactly(conn, 2)[1])
    conn.sendall(b"\x05\x00")
    requests.append(conn.recv(300))
    conn.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01" + TARGET.to_bytes(2, "big"))
    linger(conn)


threading.Thread(target=reply, daemon=True).start()
_, bound = pysocks(serve(listen))
request = requests[0]
own = "its own port" if request[6:] == bound.to_bytes(2, "big") else "another port"
print(f"PySocks 1.7.1 asks: {request[:6].hex(' ')} and {own}")

port = {name: free_port() for name in ("danted 1.4.2", "asyncio-socks-server 0.3.0 --strict")}
with open("danted.conf", "w") as config:
    config.write(f"""
logoutput: /dev/null
internal: {HOST} port = {port["danted 1.4.2"]}
external: {HOST}
clientmethod: none
socksmethod: none
client pass {{ from: 0/0 to: 0/0 }}
socks pass {{ from: 0/0 to: 0/0 }}
""")
strict = ["asyncio_socks_server", "-H", HOST, "-P", str(port["asyncio-socks-server 0.3.0 --strict"]), "--strict"]
for (name, number), command in zip(port.items(), (["danted", "-f", "danted.conf"], strict)):
    server = start(command, number)
    try:
        print(f"{name}: with PySocks {pysocks(number)[0]}, with zeros {zeros(number)}")
    finally:
        stop(server)
PY
sees 'PySocks 1.7.1 asks: 05 03 00 03 01 30 and its own port'
sees 'danted 1.4.2: with PySocks hello, with zeros hello'
sees 'asyncio-socks-server 0.3.0 --strict: with PySocks no answer, with zeros hello'
verdict
