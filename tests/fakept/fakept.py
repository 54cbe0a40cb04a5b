#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A pluggable transport that disguises nothing, for tests of its parents: fakept.py [CONDUCT] [FILE]

It is strict where a parent can be wrong (variables, lock-step, the form of arguments), and CONDUCT
says how it is wrong itself.  What it was told is written to FILE as JSON.  Managed proxy, version 1,
written from the specification; both roles, SOCKS5 or SOCKS4A, ORPort or Extended ORPort.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import select
import signal
import socket
import socketserver
import sys
import threading
from pathlib import Path

NAME = "fake"
CONDUCT = sys.argv[1] if len(sys.argv) > 1 else "good"
FILE = Path(sys.argv[2]) if len(sys.argv) > 2 else None
HEADER = b"! Extended ORPort Auth Cookie !\n"

# Lines in the place of VERSION 1, or right behind it, before the end.
FIRST_WORDS = {
    "version-error": ["VERSION-ERROR no-version"],
    "env-error": ["ENV-ERROR no state for today"],
    "other-version": ["VERSION 2"],
    "garbage": ["\x01\x02 %s%n \xff", "XMETHOD", "=" * 5000],
    "too-long": ["VERSION 1", "CMETHOD " + "x" * 100000],
    "method-error": ["VERSION 1", "{M}METHOD-ERROR fake the stars are wrong", "{M}METHODS DONE"],
    "in-use": ["VERSION 1", "{M}METHOD-ERROR fake listen tcp: bind: address already in use"],
    "proxy-error": ["VERSION 1", "PROXY-ERROR no such proxy"],
    "proxy-ignored": ["VERSION 1", "CMETHOD fake socks5 127.0.0.1:9", "CMETHODS DONE"],
    "nothing-done": ["VERSION 1", "{M}METHODS DONE"],
    "other-name": ["VERSION 1", "CMETHOD other socks5 127.0.0.1:9", "CMETHODS DONE"],
    "bad-method": ["VERSION 1", "{M}METHOD fake nonsense"],
    "other-role": ["VERSION 1", "{W}METHOD fake socks5 127.0.0.1:9"],
    "no-version": ["{M}METHODS DONE"],
    "bad-args": ["VERSION 1", "SMETHOD fake 127.0.0.1:9 ARGS:key", "SMETHODS DONE"],
    "other-port": ["VERSION 1", "SMETHOD fake 127.0.0.1:9", "SMETHODS DONE"],
    "long-args": ["VERSION 1", "SMETHOD fake 127.0.0.1:9 ARGS:key=" + "sesame" * 700,
                  "SMETHODS DONE"],
    "silent": [],
    "exit": ["VERSION 1"],
    "crash": ["VERSION 1"],
}


def say(line: str) -> None:
    os.write(1, line.encode("latin-1") + b"\n")


def tell(**what: object) -> None:
    if FILE is not None:
        with FILE.open("a") as file:
            file.write(json.dumps(what) + "\n")


def exactly(sock: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        more = sock.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def nothing_waits(sock: socket.socket) -> None:
    """The parent must not send the next step, or payload, before it is asked."""
    if select.select([sock], [], [], 0.02)[0] and sock.recv(1, socket.MSG_PEEK):
        tell(pipelined=True)
        raise EOFError


def join(a: socket.socket, b: socket.socket) -> None:
    def one_way(source: socket.socket, sink: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    other = threading.Thread(target=one_way, args=(b, a), daemon=True)
    other.start()
    one_way(a, b)
    other.join()


def until_nul(sock: socket.socket) -> bytes:
    data = b""
    while (byte := exactly(sock, 1)) != b"\0":
        data += byte
    return data


def socks5(sock: socket.socket) -> tuple[str, int]:
    version, count = exactly(sock, 2)
    methods = exactly(sock, count)
    nothing_waits(sock)
    if CONDUCT == "hang":
        signal.pause()
    method = 2 if 2 in methods else 0
    sock.sendall(bytes((5, method)))
    user = password = b""
    if method == 2:
        user = exactly(sock, exactly(sock, 2)[1])
        password = exactly(sock, exactly(sock, 1)[0])
        nothing_waits(sock)
        sock.sendall(b"\1\1" if CONDUCT == "refuse-args" else b"\1\0")
    kind = exactly(sock, 4)[3]
    if kind == 3:
        host = exactly(sock, exactly(sock, 1)[0]).decode()
    else:
        family, size = ((socket.AF_INET, 4), (socket.AF_INET6, 16))[kind == 4]
        host = socket.inet_ntop(family, exactly(sock, size))
    port = int.from_bytes(exactly(sock, 2), "big")
    nothing_waits(sock)
    tell(version=version, methods=list(methods), user=user.decode(), password=password.decode(),
         kind=kind, host=host, port=port)
    return host, port


def socks4(sock: socket.socket) -> tuple[str, int]:
    head = exactly(sock, 8)
    user = until_nul(sock)
    named = head[4:7] == b"\0\0\0" and head[7] != 0
    host = until_nul(sock).decode() if named else socket.inet_ntoa(head[4:])
    port = int.from_bytes(head[2:4], "big")
    nothing_waits(sock)
    tell(version=head[0], user=user.decode(), host=host, port=port)
    return host, port


class Client(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        four = CONDUCT == "socks4"
        try:
            target = (socks4 if four else socks5)(self.request)
            if CONDUCT == "mute" and target[0] == "127.0.0.2":  # grants at once what it has not tried
                self.request.sendall(b"\5\0\0\1" + bytes(6))
                while self.request.recv(65536):
                    pass
                return
            code = {"unreachable": 4, "refuse": 5}.get(CONDUCT, 0)
            with socket.create_connection(target, 10) as beyond:
                beyond.settimeout(None)
                bound = b"\1" + bytes(6) if CONDUCT != "named" else b"\3\4here\0\0"
                self.request.sendall(b"\0\x5a" + bytes(6) if four else bytes((5, code, 0)) + bound)
                if code == 0:
                    join(self.request, beyond)
        except (OSError, EOFError):
            pass


def extended(cookie: bytes, address: str, client: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    sock = socket.create_connection((host.strip("[]"), int(port)), 10)
    methods = b""
    while not methods.endswith(b"\0"):
        methods += exactly(sock, 1)
    assert methods == b"\1\0", methods
    nonce = os.urandom(32)
    sock.sendall(b"\1" + nonce)
    answer = exactly(sock, 64)

    def proof(way: bytes) -> bytes:
        said = b"ExtORPort authentication " + way + b" hash" + nonce + answer[32:]
        return hmac.new(cookie, said, hashlib.sha256).digest()

    assert hmac.compare_digest(answer[:32], proof(b"server-to-client"))
    wrong = bytes(32) if CONDUCT == "wrong-proof" else proof(b"client-to-server")
    sock.sendall(wrong)
    tell(known=exactly(sock, 1)[0])
    for what, body in ((1, client), (2, NAME), (0x99, "whatever"), (0, "")):
        sock.sendall(what.to_bytes(2, "big") + len(body).to_bytes(2, "big") + body.encode())
    reply = exactly(sock, 4)
    assert reply == b"\x10\0\0\0", reply
    return sock


class Server(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        address = os.environ["TOR_PT_EXTENDED_SERVER_PORT"]
        host, port = self.client_address[:2]
        client = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        try:
            if address:
                cookie = Path(os.environ["TOR_PT_AUTH_COOKIE_FILE"]).read_bytes()
                assert cookie.startswith(HEADER) and len(cookie) == 64
                beyond = extended(cookie[32:], address, client)
            else:
                host, _, number = os.environ["TOR_PT_ORPORT"].rpartition(":")
                beyond = socket.create_connection((host.strip("[]"), int(number)), 10)
            with beyond:
                beyond.settimeout(None)
                join(self.request, beyond)
        except (OSError, EOFError):
            pass


class Listener(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 256


def listen(at: tuple[str, int], how: type[socketserver.BaseRequestHandler]) -> str:
    six = ":" in at[0]
    kind = type("Listener6", (Listener,), {"address_family": socket.AF_INET6}) if six else Listener
    server = kind(at, how)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    host, port = server.server_address[:2]
    return f"[{host}]:{port}" if six else f"{host}:{port}"


def flood() -> None:
    while True:
        os.write(1, b"noise, SMETHOD and VERSION in it, " * 100 + b"\n")


def start(client: bool) -> None:
    if CONDUCT == "flood":
        threading.Thread(target=flood, daemon=True).start()
    say("VERSION 1")
    os.write(2, b"fakept: words of its own\n")
    if client:
        if os.environ.get("TOR_PT_PROXY"):
            say("PROXY DONE")
        at = listen(("127.0.0.1", 0), Client)
        say(f"CMETHOD {NAME} socks{4 if CONDUCT == 'socks4' else 5} {at}")
        say("CMETHODS DONE")
        return
    name, _, place = os.environ["TOR_PT_SERVER_BINDADDR"].partition("-")
    host, _, port = place.rpartition(":")
    at = listen((host.strip("[]"), int(port)), Server)
    say(f"SMETHOD {NAME} {at} ARGS:key=a\\,b\\\\c;d,other=se=cret")
    say("SMETHODS DONE")


def misbehave(client: bool) -> None:
    say_role = {"{M}": "C" if client else "S", "{W}": "S" if client else "C"}
    for line in FIRST_WORDS[CONDUCT]:
        for mark, letter in say_role.items():
            line = line.replace(mark, letter)
        say(line)
    if CONDUCT == "exit":
        sys.exit(3)
    if CONDUCT == "crash":
        os.kill(os.getpid(), signal.SIGKILL)


def main() -> None:
    tell(environment={k: v for k, v in os.environ.items() if k.startswith(("TOR_PT_", "SS_"))},
         argv=sys.argv)
    client = "TOR_PT_CLIENT_TRANSPORTS" in os.environ
    if CONDUCT in FIRST_WORDS:
        misbehave(client)
    else:
        start(client)
    if CONDUCT == "mortal":
        while not os.path.exists(f"{FILE}.die"):
            if select.select([0], [], [], 0.05)[0]:
                break
        sys.exit(4)
    if os.environ.get("TOR_PT_EXIT_ON_STDIN_CLOSE") == "1":
        while os.read(0, 4096):
            pass
        tell(ended="stdin")
    else:
        signal.pause()


if __name__ == "__main__":
    main()
