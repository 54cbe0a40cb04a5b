#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 3493, section 6.1, whose interface ares_getaddrinfo offers: a node name may be an address in
# text, which is then converted.
# One would expect 192.0.2.1 to give 192.0.2.1 without a query. With AF_UNSPEC c-ares 1.18.1, which
# Debian 12 ships, asks the name server for A and AAAA of "192.0.2.1", waits for both answers, and
# gives the address together with what came back: behind a server with a wildcard that is another
# host, and the sorting rules of RFC 6724 decide which is first. AF_INET asks nothing; AF_INET6 asks
# for AAAA and then gives the IPv4 address. Later versions ask nothing at all. A proxy that resolves
# each target with c-ares tells its name server the addresses that its users visit, and waits a
# round trip for each; it should take literals out before.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

cat >ask.py <<'PY'
import select
import socket
import threading

import pycares

from peers import HOST

server = socket.socket(type=socket.SOCK_DGRAM)
server.bind((HOST, 0))
asked = []


def answer():
    """A name server with a wildcard: each A record is 192.0.2.99, there is no AAAA."""
    while True:
        query, peer = server.recvfrom(512)
        end = query.index(b"\x00", 12) + 5
        kind = query[end - 3]
        asked.append({1: "A", 28: "AAAA"}[kind])
        head = query[:2] + b"\x81\x80\x00\x01\x00" + bytes([kind == 1]) + bytes(4)
        record = b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04" + socket.inet_aton("192.0.2.99")
        server.sendto(head + query[12:end] + (record if kind == 1 else b""), peer)


def resolve(name, family):
    results = []
    channel = pycares.Channel(servers=[HOST], udp_port=server.getsockname()[1], timeout=5, tries=1)
    channel.getaddrinfo(name, 80, lambda result, error: results.append((result, error)), family=family)
    while not results:
        reading, writing = channel.getsock()
        ready = select.select(reading, writing, [], channel.timeout())
        for fd in ready[0]:
            channel.process_fd(fd, pycares.ARES_SOCKET_BAD)
        for fd in ready[1]:
            channel.process_fd(pycares.ARES_SOCKET_BAD, fd)
    result, error = results[0]
    return sorted(node.addr[0].decode() for node in result.nodes) if not error else pycares.errno.strerror(error)


threading.Thread(target=answer, daemon=True).start()
for family in "AF_UNSPEC", "AF_INET", "AF_INET6":
    asked.clear()
    found = resolve("192.0.2.1", getattr(socket, family))
    print(f"c-ares {pycares.ARES_VERSION}, {family}: asks for {sorted(asked) or 'nothing'}, gives {found}")
PY
python_packages pycares==4.4.0
observe python ask.py
python_packages pycares==4.11.0
observe python ask.py
sees "c-ares 1.18.1, AF_UNSPEC: asks for ['A', 'AAAA'], gives ['192.0.2.1', '192.0.2.99']"
sees "c-ares 1.18.1, AF_INET: asks for nothing, gives ['192.0.2.1']"
sees "c-ares 1.18.1, AF_INET6: asks for ['AAAA'], gives ['192.0.2.1']"
sees "c-ares 1.34.5, AF_UNSPEC: asks for nothing, gives ['192.0.2.1']"
verdict
