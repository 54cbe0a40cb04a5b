# SPDX-License-Identifier: Apache-2.0
"""A network of one's own: only a loopback, and every port of it free."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import socket
import struct
import subprocess
from collections.abc import Iterator
from pathlib import Path

_CLONE_NEWNET = 0x40000000
_SIOCSIFFLAGS = 0x8914
_IFF_UP = 1
_libc = ctypes.CDLL(None, use_errno=True)


def _check(result: int) -> None:
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def _raise_loopback() -> None:
    with socket.socket() as sock:
        fcntl.ioctl(sock, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _IFF_UP))


@contextlib.contextmanager
def own_network() -> Iterator[None]:
    """This thread, and all threads and processes it starts meanwhile, are in a fresh network."""
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        _check(_libc.unshare(_CLONE_NEWNET))
        _raise_loopback()
        yield
    finally:
        _check(_libc.setns(before, _CLONE_NEWNET))
        os.close(before)


def ephemeral_ports(first: int, last: int) -> None:
    """Narrows the range of ports for bind(0) in this network."""
    Path("/proc/sys/net/ipv4/ip_local_port_range").write_text(f"{first} {last}")


def ip(*command: str) -> str:
    """Runs ip(8) in this network; returns what it says."""
    return subprocess.run(["ip", *command], check=True, capture_output=True, text=True, timeout=30).stdout


def set_ipv6(on: bool) -> None:
    Path("/proc/sys/net/ipv6/conf/all/disable_ipv6").write_text("0" if on else "1")
