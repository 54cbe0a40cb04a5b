# SPDX-License-Identifier: Apache-2.0
"""Deterministic bytes, and how a stream of them ends."""

from __future__ import annotations

import enum
import functools
import hashlib
import socket

CHUNK = 256 * 1024


@functools.lru_cache(maxsize=8)
def content(size: int, seed: int = 0) -> bytes:
    """The same bytes for the same size and seed, without any pattern a relay could repeat unseen."""
    return hashlib.shake_128(b"shadowplug %d" % seed).digest(size)


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class End(enum.Enum):
    """How the other side ended a connection."""

    FIN = "a clean end"
    RST = "an error"
    OPEN = "still open"


def read_exactly(sock: socket.socket, size: int) -> bytes:
    """Blocks for exactly size bytes; EOFError when the stream ends before."""
    got = bytearray()
    while len(got) < size:
        part = sock.recv(min(CHUNK, size - len(got)))
        if not part:
            raise EOFError(f"the stream ended after {len(got)} of {size} bytes")
        got += part
    return bytes(got)


def read_to_end(sock: socket.socket) -> tuple[bytes, End]:
    """Everything until the other side ends, and how it ended. OPEN: the socket's timeout passed."""
    got = bytearray()
    while True:
        try:
            part = sock.recv(CHUNK)
        except TimeoutError:
            return bytes(got), End.OPEN
        except OSError:
            return bytes(got), End.RST
        if not part:
            return bytes(got), End.FIN
        got += part


def hash_exactly(sock: socket.socket, size: int) -> str:
    """SHA-256 of the next size bytes, without keeping them."""
    digest, left = hashlib.sha256(), size
    while left:
        part = sock.recv(min(CHUNK, left))
        if not part:
            raise EOFError(f"the stream ended {left} bytes too early")
        digest.update(part)
        left -= len(part)
    return digest.hexdigest()
