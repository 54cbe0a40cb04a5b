#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928: a server that accepts none of the methods must send 05 FF (section 3), and of a request
# that fails it returns a reply with the reason, among them 05, refused, and 07, command not
# supported (section 6). SOCKS4 has 5B for that.
# One would expect ssh -D, the SOCKS server that most people have, to say why. It has one kind of
# reply, success: whatever else happens, a refused port, a name that does not exist, BIND and UDP
# ASSOCIATE, a client that offers user and password only, ends without an octet. A client cannot tell
# a closed port from a broken proxy, and one that tries the next proxy when there is no answer, as
# strict lists do, gives a good one up.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian openssh-client=1:9.2p1-2+deb12u10
python_packages asyncssh==2.24.1
observe python - <<'PY'
import asyncio
import socket
import struct
import threading

import asyncssh

from peers import HOST, await_port, echo, exactly, free_port, start, stop


class Server(asyncssh.SSHServer):
    def begin_auth(self, username):
        return False

    def connection_requested(self, *_):
        return True


def serve_ssh(port):
    async def run():
        key = asyncssh.generate_private_key("ssh-ed25519")
        await asyncssh.listen(HOST, port, server_factory=Server, server_host_keys=[key])
        await asyncio.Event().wait()

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    await_port(port)


def reply(*sent):
    """The answer to the last message; each one before has an answer of two octets."""
    with socket.create_connection((HOST, door), 10) as conn:
        for octets in sent[:-1]:
            conn.sendall(octets)
            exactly(conn, 2)
        conn.sendall(sent[-1])
        return conn.recv(100).hex(" ") or "nothing"


far, door, refused = free_port(), free_port(), free_port()
serve_ssh(far)
ssh = start(["ssh", "-F", "none", "-N", "-D", f"{HOST}:{door}", "-o", "StrictHostKeyChecking=no", "-o",
             "UserKnownHostsFile=/dev/null", "-p", str(far), f"x@{HOST}"], door)
try:
    here, greeting = socket.inet_aton(HOST), b"\x05\x01\x00"
    to_echo, to_refused = struct.pack("!4sH", here, echo()), struct.pack("!4sH", here, refused)
    print("connect:", reply(greeting, b"\x05\x01\x00\x01" + to_echo))
    print("connect, refused:", reply(greeting, b"\x05\x01\x00\x01" + to_refused))
    print("connect, no such name:", reply(greeting, b"\x05\x01\x00\x03\x09a.invalid\x00\x50"))
    print("bind:", reply(greeting, b"\x05\x02\x00\x01" + to_echo))
    print("udp associate:", reply(greeting, b"\x05\x03\x00\x01" + to_echo))
    print("user and password only:", reply(b"\x05\x01\x02"))
    print("SOCKS4:", reply(b"\x04\x01" + to_echo[4:] + here + b"\x00"))
    print("SOCKS4, refused:", reply(b"\x04\x01" + to_refused[4:] + here + b"\x00"))
finally:
    stop(ssh)
PY
sees 'connect: 05 00 00 01 00 00 00 00 00 00'
for case in 'connect, refused' 'connect, no such name' bind 'udp associate' 'user and password only' 'SOCKS4, refused'; do
    sees "$case: nothing"
done
sees 'SOCKS4: 00 5a 00 00 00 00 00 00'
verdict
