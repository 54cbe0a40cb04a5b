# SPDX-License-Identifier: Apache-2.0
"""Sends bytes to a port and records the reaction: what came back, how it ended, and when."""

from __future__ import annotations

import selectors
import socket
import time
from dataclasses import dataclass

from .content import CHUNK, End
from .socks import Address


@dataclass
class Reaction:
    started: float = 0.0
    end: End = End.OPEN
    seconds: float = 0.0
    answer: bytes = b""


@dataclass
class Probe:
    """data goes out right after connect, and FIN behind it when fin is set."""

    data: bytes = b""
    fin: bool = False


def probe_all(address: Address, probes: list[Probe], within: float) -> list[Reaction]:
    """All probes at the same time, each on its own connection; waits until all have ended."""
    return collect([(_send(address, probe), time.monotonic()) for probe in probes], within)


def collect(opened: list[tuple[socket.socket, float]], within: float) -> list[Reaction]:
    """How connections end, each of them made at a moment of its own; they are closed."""
    reactions = [Reaction(started=started) for _, started in opened]
    with selectors.DefaultSelector() as selector:
        for (sock, _), reaction in zip(opened, reactions):
            selector.register(sock, selectors.EVENT_READ, reaction)
        deadline = time.monotonic() + within
        while selector.get_map() and (left := deadline - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                if _read(key.fileobj, key.data):
                    selector.unregister(key.fileobj)
                    key.fileobj.close()
        for key in list(selector.get_map().values()):
            key.fileobj.close()
    return reactions


def _send(address: Address, probe: Probe) -> socket.socket:
    sock = socket.create_connection(address, 10)
    if probe.data:
        sock.sendall(probe.data)
    if probe.fin:
        sock.shutdown(socket.SHUT_WR)
    return sock


def _read(sock: socket.socket, reaction: Reaction) -> bool:
    """True when the connection has ended."""
    try:
        part = sock.recv(CHUNK)
    except OSError:
        part, reaction.end = b"", End.RST
    reaction.answer += part
    if part:
        return False
    if reaction.end is End.OPEN:
        reaction.end = End.FIN
    reaction.seconds = time.monotonic() - reaction.started
    return True
