# SPDX-License-Identifier: Apache-2.0
"""A SOCKS5 client in plain sockets."""

from __future__ import annotations

import ipaddress
import socket
import struct

from .content import read_exactly

TIMEOUT = 30.0
Address = tuple[str, int]


class Refused(Exception):
    """The proxy answered with an error; code is the REP field."""

    def __init__(self, code: int) -> None:
        super().__init__(f"SOCKS5 reply {code}")
        self.code = code


def request(target: Address) -> bytes:
    """A CONNECT request: numeric addresses as such, everything else as a name."""
    host, port = target
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        name = host.encode()
        return b"\5\1\0\3" + bytes([len(name)]) + name + struct.pack("!H", port)
    return b"\5\1\0" + (b"\1" if ip.version == 4 else b"\4") + ip.packed + struct.pack("!H", port)


def _skip_bound_address(sock: socket.socket, kind: int) -> None:
    size = {1: 4, 4: 16}.get(kind)
    read_exactly(sock, (size if size else read_exactly(sock, 1)[0]) + 2)


def greet(proxy: Address, timeout: float = TIMEOUT, near: str = "") -> socket.socket:
    """Connects to the proxy, from an address if one is named, and agrees on no authentication."""
    sock = socket.create_connection(proxy, timeout, (near, 0) if near else None)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.sendall(b"\5\1\0")
    assert read_exactly(sock, 2) == b"\5\0"
    return sock


def dial(proxy: Address, target: Address, timeout: float = TIMEOUT) -> socket.socket:
    """A connection to target through the proxy, after the proxy's success."""
    sock = greet(proxy, timeout)
    sock.sendall(request(target))
    reply = read_exactly(sock, 4)
    if reply[1] != 0:
        sock.close()
        raise Refused(reply[1])
    _skip_bound_address(sock, reply[3])
    return sock
