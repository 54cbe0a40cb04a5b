# SPDX-License-Identifier: Apache-2.0
"""A relay on the wire between the plugins: it keeps the first bytes and splices everything else."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from dataclasses import dataclass, field

from harness.targets import Target

_KEEP = 4096
_PIPE = 1 << 20


@dataclass
class _Wire:
    up: bytearray = field(default_factory=bytearray)
    down: bytearray = field(default_factory=bytearray)


class Recorder:
    def __init__(self, destination: tuple[str, int]) -> None:
        self._destination = destination
        self._wires: list[_Wire] = []
        self._target = Target(self._serve)
        self.port: int = self._target.address[1]

    def first_wire(self) -> tuple[bytes, bytes]:
        """The bytes of the first connection, up to the server and down to the client."""
        return bytes(self._wires[0].up), bytes(self._wires[0].down)

    def close(self) -> None:
        self._target.close()

    def _serve(self, near: socket.socket) -> None:
        wire = _Wire()
        self._wires.append(wire)
        with socket.create_connection(self._destination) as far:
            far.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            back = threading.Thread(target=_pump, args=(far, near, wire.down), daemon=True)
            back.start()
            _pump(near, far, wire.up)
            back.join()


def _pump(source: socket.socket, sink: socket.socket, record: bytearray) -> None:
    try:
        while len(record) < _KEEP:
            part = source.recv(_KEEP)
            if not part:
                break
            record += part
            sink.sendall(part)
        else:
            _splice(source, sink)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        for sock in (source, sink):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)


def _splice(source: socket.socket, sink: socket.socket) -> None:
    """The bytes stay in the kernel, so that the recorder hardly costs anything."""
    reader, writer = os.pipe()
    try:
        while moved := os.splice(source.fileno(), writer, _PIPE):
            while moved:
                moved -= os.splice(reader, sink.fileno(), moved)
    finally:
        os.close(reader)
        os.close(writer)
