# SPDX-License-Identifier: Apache-2.0
"""Port numbers that stay ours: a bound socket that never listens keeps everybody else away."""

from __future__ import annotations

import socket


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


class Reservation:
    """A TCP port of the loopback. A program that sets SO_REUSEADDR can still listen on it."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        self._sock = socket.socket(family_of(host), socket.SOCK_STREAM)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._sock.bind((host, 0))
        self.number: int = self._sock.getsockname()[1]

    def close(self) -> None:
        self._sock.close()
