# SPDX-License-Identifier: Apache-2.0
"""Port numbers that stay ours.

They lie below those that the kernel gives to sockets without a number, of which any program of a test
that runs at the same time may have many, over UDP too.
"""

from __future__ import annotations

import errno
import random
import socket
from pathlib import Path


def family_of(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _below_the_kernels() -> range:
    first = int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    return range(max(1024, first - 16384), first) or range(1024, 65536)


def _bound(family: socket.AddressFamily, kind: socket.SocketKind, name: object) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(name)
    except OSError:
        sock.close()
        raise
    return sock


class Reservation:
    """A port of the loopback, free for TCP and UDP. A program that sets SO_REUSEADDR can still listen on it.

    Two sockets that do not listen may have one TCP port, so that a name of the same network, which only
    one process can have, keeps two tests apart.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        numbers = _below_the_kernels()
        self._socks: list[socket.socket] = []
        while not self._take(host, random.choice(numbers)):
            self.close()

    def _take(self, host: str, number: int) -> bool:
        family = family_of(host)
        try:
            self._socks = [_bound(socket.AF_UNIX, socket.SOCK_DGRAM, f"\0port {number} of a test")]
            _bound(family, socket.SOCK_DGRAM, (host, number)).close()
            self._socks.append(_bound(family, socket.SOCK_STREAM, (host, number)))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            self.close()
            raise
        self.number = number
        return True

    def close(self) -> None:
        for sock in self._socks:
            sock.close()
