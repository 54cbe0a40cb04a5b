#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, section 6: the reply to UDP ASSOCIATE names the address and port to which the client
# sends its datagrams, and code 7 says that a command is not supported.
# One would expect 7 from an ss-local that was started without -u. It answers 0, "succeeded", and
# its own TCP port, on which no UDP socket is open. A client that believes it loses every datagram
# (on loopback an ICMP error tells it, elsewhere nothing does), and has no reason to fall back to
# TCP: DNS over such a proxy runs into its time limit for each name.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

shadowsocks_libev
python_packages
observe python - <<'PY'
import socket

from peers import HOST, exactly, free_port, start, stop

for name, flags in ("ss-local", []), ("ss-local -u", ["-u"]):
    port = free_port()
    local = start(["ss-local", "-s", HOST, "-p", str(free_port()), "-l", str(port), "-k", "word",
                   "-m", "aes-128-gcm", *flags], port)
    try:
        with socket.create_connection((HOST, port), 5) as conn:
            conn.sendall(b"\x05\x01\x00")
            exactly(conn, 2)
            conn.sendall(b"\x05\x03\x00\x01" + bytes(6))
            reply = exactly(conn, 10)
            bound = int.from_bytes(reply[8:], "big")
            same = "its TCP port" if bound == port else "another port"
            with socket.socket(type=socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind((HOST, bound))
                    taken = "no UDP socket is bound to it"
                except OSError:
                    taken = "a UDP socket is bound to it"
            print(f"{name}: code {reply[1]}, {same}, {taken}")
    finally:
        stop(local)
PY
sees 'ss-local: code 0, its TCP port, no UDP socket is bound to it'
sees 'ss-local -u: code 0, its TCP port, a UDP socket is bound to it'
verdict
