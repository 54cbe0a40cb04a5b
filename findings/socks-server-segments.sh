#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SOCKS5 (RFC 1928, section 3) is spoken over TCP, a stream of bytes: the four octets of a greeting
# may come in two segments, and so may a request. A relay that cuts writes, a small MSS or a client
# that writes field by field is enough.
# One would expect a server to read on. microsocks and simple-socks take what one read gives them
# for the whole message. Of a greeting "05 01 | 00" they answer the first half, "no acceptable
# method"; of a request in two halves they answer the first half, with an error or with a reply that
# is as short as that half. Dante reads on. A plugin in front of such a server must keep the
# handshake's messages whole.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian microsocks=1.0.3-2 dante-server=1.4.2+dfsg-7+b8
python_packages
npm_packages simple-socks@3.6.0
observe python - <<'PY'
import socket

from peers import HOST, echo, exactly, free_port, play, start, stop

target = echo().to_bytes(2, "big")
GREETING, REQUEST = b"\x05\x01\x00", b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target
port = {name: free_port() for name in ("danted 1.4.2", "microsocks 1.0.3", "simple-socks 3.6.0")}
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
SIMPLE = """
import socks from "simple-socks";
socks.createServer().listen(Number(process.argv[2]), process.argv[3]);
"""
commands = {
    "danted 1.4.2": ["danted", "-f", "danted.conf"],
    "microsocks 1.0.3": ["microsocks", "-i", HOST, "-p", str(port["microsocks 1.0.3"])],
    "simple-socks 3.6.0": [
        "node", "--input-type=module", "-e", SIMPLE, "-", str(port["simple-socks 3.6.0"]), HOST],
}


def outcome(number, greeting, request):
    with socket.create_connection((HOST, number), 3) as conn:
        play(conn, greeting)
        try:
            method = exactly(conn, 2)
            if method != b"\x05\x00":
                return f"method {method.hex(' ')}"
            play(conn, request)
            reply = exactly(conn, 10)
            if reply[:2] != b"\x05\x00":
                return f"reply {reply[:4].hex(' ')}"
            conn.sendall(b"hello")
            return f"tunnel, {exactly(conn, 5).decode()}"
        except (EOFError, OSError) as error:
            return f"no whole reply: {error}"


processes = [start(commands[name], number) for name, number in port.items()]
try:
    for name, number in port.items():
        print(f"{name}, whole: {outcome(number, [GREETING], [REQUEST])}")
        print(f"{name}, greeting cut: {outcome(number, [GREETING[:2], 0.3, GREETING[2:]], [REQUEST])}")
        print(f"{name}, request cut: {outcome(number, [GREETING], [REQUEST[:4], 0.3, REQUEST[4:]])}")
finally:
    stop(*processes)
PY
sees 'danted 1.4.2, greeting cut: tunnel, hello'
sees 'danted 1.4.2, request cut: tunnel, hello'
sees 'microsocks 1.0.3, whole: tunnel, hello'
sees 'microsocks 1.0.3, greeting cut: method 05 ff'
sees 'microsocks 1.0.3, request cut: reply 05 01 00 01'
sees 'simple-socks 3.6.0, whole: tunnel, hello'
sees 'simple-socks 3.6.0, greeting cut: method 05 ff'
sees 'simple-socks 3.6.0, request cut: no whole reply: 4 of 10 bytes: 05020001'
verdict
