# SPDX-License-Identifier: Apache-2.0
"""A relay for the wire between two programs: it records, cuts, drips, withholds."""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass, field

from .content import CHUNK
from .queues import wait_until_read
from .socks import Address
from .targets import Target


@dataclass
class Wire:
    """The bytes of one connection: up to the server, down to the client.  reads is what came up at once."""

    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)
    reads: list[int] = field(default_factory=list)


@dataclass
class Segments:
    """How a direction is cut: at one offset of the stream, or byte by byte up to drip bytes."""

    cut: int = 0
    drip: int = 0

    def of(self, start: int, data: bytes) -> list[bytes]:
        """data, which begins at offset start of the stream, in the pieces to be sent one by one."""
        end = start + len(data)
        cuts = {self.cut} | set(range(1, self.drip + 1))
        marks = [start, *sorted(c for c in cuts if start < c < end), end]
        return [data[a - start : b - start] for a, b in zip(marks, marks[1:])]


class Relay:
    """Forwards to a destination. A piece is sent only once the receiver has read the one before."""

    def __init__(self, destination: Address) -> None:
        self._destination = destination
        self.up, self.down = Segments(), Segments()
        self.wires: list[Wire] = []
        self._dialed: list[socket.socket] = []
        self._target = Target(self._serve)
        self.address = self._target.address

    def close(self) -> None:
        for sock in self._dialed:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._target.close()

    def _serve(self, near: socket.socket) -> None:
        wire = Wire()
        self.wires.append(wire)
        with socket.create_connection(self._destination) as far:
            self._dialed.append(far)
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_pump, args=(far, near, wire.down, [], self.down), daemon=True)
            back.start()
            _pump(near, far, wire.up, wire.reads, self.up)
            back.join()


def _pump(source: socket.socket, sink: socket.socket, record: bytearray, reads: list[int],
          segments: Segments) -> None:
    try:
        while data := source.recv(CHUNK):
            reads.append(len(data))
            pieces = segments.of(len(record), data)
            record += data
            for piece in pieces[:-1]:
                sink.sendall(piece)
                wait_until_read(sink)
            sink.sendall(pieces[-1])
        sink.shutdown(socket.SHUT_WR)
    except (OSError, AssertionError):
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
