# SPDX-License-Identifier: Apache-2.0
"""Work that is the same in every run: one message is under way at a time, so that each read has one size.

Left out for that reason are the sizes of reads under load, many streams at once, and UDP in bursts: scripts/bench
measures those. The engine of AES-GCM does not matter, since no instruction of a library is counted.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .callgrind import Counted

HOST = "127.0.0.1"
SECONDS = 60.0
MIDDLE, NEAR, ORIGIN = 2001, 2002, 2003  # in a network of its own
BLOCK = 16 * 1024
BLOCKS = 4096
CONNECTIONS = 200
PACKETS = 10000
PAYLOAD = 1200
KEYS = ("-k", "a word of no use", "-m", "aes-256-gcm", "-t", 300)
TARGET = b"\1" + socket.inet_aton(HOST) + struct.pack(">H", ORIGIN)
SOCKS = b"\5\1\0" + b"\5\1\0" + TARGET
ASSOCIATE = b"\5\1\0" + b"\5\3\0\1" + bytes(6)
ANSWER = len(b"\5\0" + b"\5\0\0" + TARGET)

Programs = list[Counted]
Connect = Callable[[], tuple[socket.socket, socket.socket]]


@dataclass(frozen=True)
class Scenario:
    name: str
    programs: Callable[[Path, Path], Programs]
    work: Callable[[Connect], None]
    first: bytes = b""  # that a client sends ahead, and nobody else sees
    answer: int = 0  # that the client gets for it


def _chain(ours: Path, folder: Path) -> Programs:
    server = Counted(folder, ours / "ss-server", "-s", HOST, "-p", MIDDLE, "--outbound", "all", "-u", *KEYS)
    local = Counted(folder, ours / "ss-local", "-s", HOST, "-p", MIDDLE, "-l", NEAR, "-u", *KEYS)
    return [server, local]


def _obfs(mode: str) -> Callable[[Path, Path], Programs]:
    def programs(ours: Path, folder: Path) -> Programs:
        server = Counted(folder, ours / "obfs-server", "-s", HOST, "-p", MIDDLE, "-r", f"{HOST}:{ORIGIN}", "--obfs", mode)
        local = Counted(folder, ours / "obfs-local", "-s", HOST, "-p", MIDDLE, "-l", NEAR, "--obfs", mode,
                        "--obfs-host", "www.example.com")
        return [server, local]

    return programs


def _receive(sock: socket.socket, count: int) -> None:
    while count > 0:
        got = len(sock.recv(count))
        if got == 0:
            raise RuntimeError("the connection ended early")
        count -= got


def _pass(sender: socket.socket, receiver: socket.socket, message: bytes) -> None:
    """Returns when all of it has arrived."""
    sender.sendall(message)
    _receive(receiver, len(message))


def _connections(connect: Connect) -> None:
    for _ in range(CONNECTIONS):
        near, far = connect()
        _pass(far, near, bytes(PAYLOAD))
        for one, other in (near, far), (far, near):
            one.shutdown(socket.SHUT_WR)
            if other.recv(1) != b"":
                raise RuntimeError("there is more than was sent")


def _down(connect: Connect) -> None:
    near, far = connect()
    for _ in range(BLOCKS):
        _pass(far, near, bytes(BLOCK))


def _up(connect: Connect) -> None:
    near, far = connect()
    for _ in range(BLOCKS):
        _pass(near, far, bytes(BLOCK))


def _both(connect: Connect) -> None:
    near, far = connect()
    for _ in range(BLOCKS // 2):
        _pass(far, near, bytes(BLOCK))
        _pass(near, far, bytes(BLOCK))


def _packets(connect: Connect) -> None:
    with ExitStack() as stack:
        lease = stack.enter_context(socket.create_connection((HOST, NEAR), SECONDS))
        near, far = (stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) for _ in range(2))
        far.bind((HOST, ORIGIN))
        near.settimeout(SECONDS)
        far.settimeout(SECONDS)
        lease.sendall(ASSOCIATE)
        _receive(lease, ANSWER)
        packet = b"\0\0\0" + TARGET + bytes(PAYLOAD)
        for _ in range(PACKETS):
            near.sendto(packet, (HOST, NEAR))
            payload, source = far.recvfrom(2 * PAYLOAD)
            far.sendto(payload, source)
            if near.recv(2 * PAYLOAD) != packet:
                raise RuntimeError("a packet came back otherwise")


SCENARIOS = (
    Scenario("200 connections", _chain, _connections, SOCKS, ANSWER),
    Scenario("64 MiB down", _chain, _down, SOCKS, ANSWER),
    Scenario("64 MiB up", _chain, _up, SOCKS, ANSWER),
    Scenario("10,000 packets there and back", _chain, _packets),
    Scenario("200 connections, obfs http", _obfs("http"), _connections),
    Scenario("200 connections, obfs tls", _obfs("tls"), _connections),
    Scenario("64 MiB both ways, obfs http", _obfs("http"), _both),
    Scenario("64 MiB both ways, obfs tls", _obfs("tls"), _both),
)


@contextmanager
def _connected(scenario: Scenario) -> Iterator[Connect]:
    """Connections through the programs; what the client sends first is one segment with a message."""
    with ExitStack() as stack, socket.create_server((HOST, ORIGIN)) as origin:
        origin.settimeout(SECONDS)

        def connect() -> tuple[socket.socket, socket.socket]:
            near = stack.enter_context(socket.create_connection((HOST, NEAR), SECONDS))
            near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            near.sendall(scenario.first + bytes(PAYLOAD))
            far = stack.enter_context(origin.accept()[0])
            far.settimeout(SECONDS)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            _receive(far, PAYLOAD)
            _receive(near, scenario.answer)
            return near, far

        yield connect


def run(scenario: Scenario, ours: Path, folder: Path) -> dict[str, int]:
    """The instructions of each program."""
    programs = scenario.programs(ours, folder)
    try:
        for program, port in zip(programs, (MIDDLE, NEAR)):
            program.wait_listening(port)
        with _connected(scenario) as connect:
            scenario.work(connect)
        return {program.name: program.stop() for program in programs}
    finally:
        for program in programs:
            program.kill()
