# SPDX-License-Identifier: Apache-2.0
"""The queues of a TCP connection on this machine: what is on the way, what is not read yet."""

from __future__ import annotations

import contextlib
import socket
import struct
import time
from pathlib import Path

_NETLINK_SOCK_DIAG = 4
_SOCK_DIAG_BY_FAMILY = 20
_REQUEST = 1
_HEADER = struct.Struct("=IHHII")
_ANY_COOKIE = b"\xff" * 8
_QUEUES_AT = _HEADER.size + 56  # behind the four bytes of state, the 48 of the id and the expiry

Address = tuple[str, int]


class _Diag:
    """Looks up one IPv4 connection by its two addresses, without a list of all the others."""

    def __init__(self) -> None:
        self._sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG)
        self._sock.settimeout(5)

    def queues(self, near: Address, far: Address) -> tuple[int, int]:
        self._sock.send(_request(near, far))
        answer = self._sock.recv(4096)
        if _HEADER.unpack_from(answer)[1] != _SOCK_DIAG_BY_FAMILY:
            return 0, 0  # no such connection any more
        unread, sent = struct.unpack_from("=II", answer, _QUEUES_AT)
        return sent, unread

    def close(self) -> None:
        self._sock.close()


def _request(near: Address, far: Address) -> bytes:
    ports = struct.pack("!HH", near[1], far[1])
    hosts = (socket.inet_aton(host).ljust(16, b"\0") for host in (near[0], far[0]))
    body = struct.pack("=BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0xFFFFFFFF)
    body += ports + b"".join(hosts) + b"\0" * 4 + _ANY_COOKIE
    return _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST, 1, 0) + body


class _Table:
    """The same from the text of /proc/net/tcp, for kernels without sock_diag."""

    @staticmethod
    def queues(near: Address, far: Address) -> tuple[int, int]:
        text = Path("/proc/net/tcp").read_text()
        at = text.find(f" {_hex(near)} {_hex(far)} ")
        if at < 0:
            return 0, 0
        sent, _, unread = text[at:].split(maxsplit=4)[3].partition(":")
        return int(sent, 16), int(unread, 16)

    def close(self) -> None:
        pass


def _hex(address: Address) -> str:
    return f"{socket.inet_aton(address[0])[::-1].hex().upper()}:{address[1]:04X}"


def _source() -> _Diag | _Table:
    try:
        return _Diag()
    except OSError:
        return _Table()


def wait_until_read(sock: socket.socket, within: float = 10) -> None:
    """Blocks until the program at the other end has read everything sent on this IPv4 socket."""
    near, far = sock.getsockname(), sock.getpeername()
    deadline = time.monotonic() + within
    with contextlib.closing(_source()) as source:
        while source.queues(near, far)[0] or source.queues(far, near)[1]:
            assert time.monotonic() < deadline, f"the peer did not read what was sent to {far}"
