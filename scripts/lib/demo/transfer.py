# SPDX-License-Identifier: Apache-2.0
"""The big file through the chain, compared with what it must be while it arrives."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from dataclasses import dataclass

from harness import socks
from page import BLOCK, big_sha256, blocks

Progress = Callable[[int, int, float], None]


@dataclass(frozen=True)
class Transfer:
    seconds: float
    sha256: str
    problem: str = ""

    @property
    def equal(self) -> bool:
        return not self.problem


def _skip_head(sock: socket.socket) -> None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            raise EOFError("the web server did not answer")
        head += byte


def _receive(sock: socket.socket, view: memoryview) -> int:
    got = 0
    while got < len(view):
        count = sock.recv_into(view[got:])
        if not count:
            break
        got += count
    return got


def _compare(sock: socket.socket, size: int, progress: Progress) -> str:
    """The fault of the bytes that arrive, or an empty text."""
    room, done, started = bytearray(BLOCK), 0, time.monotonic()
    for block in blocks(size):
        view = memoryview(room)[: len(block)]
        got = _receive(sock, view)
        if got < len(block):
            return f"the stream ended after {done + got} bytes"
        if room != block if len(block) == BLOCK else view.tobytes() != block:
            return f"wrong bytes between {done} and {done + len(block)}"
        done += len(block)
        progress(done, size, time.monotonic() - started)
    return ""


def download(proxy: tuple[str, int], site: tuple[str, int], size: int, progress: Progress) -> Transfer:
    expected = big_sha256(size)
    with socks.dial(proxy, ("localhost", site[1])) as sock:
        sock.sendall(b"GET /big HTTP/1.0\r\n\r\n")
        _skip_head(sock)
        started = time.monotonic()
        problem = _compare(sock, size, progress)
        return Transfer(time.monotonic() - started, expected, problem)
