# SPDX-License-Identifier: Apache-2.0
"""A directory that a host which is root trusts, and that every user can read: plugins of one test."""

from __future__ import annotations

import platform
import shutil
import struct
import tempfile
from pathlib import Path

from harness.programs import reachable

from .hosted import FAKES, fake


_ARM, _X86 = (183, "(?i)(aarch64|arm64)"), (62, "(?i)(x86.64|amd64)")
_MACHINE, FOREIGN_NAME = _X86 if platform.machine() == "aarch64" else _ARM
# The head of a program for a machine that this one is not.
FOREIGN = (b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
           + struct.pack("<HHIQQQIHHHHHH", 2, _MACHINE, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
           + bytes(56))


class Workshop:
    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="workshop-", dir=reachable(FAKES)))
        self.path.chmod(0o755)

    def close(self) -> None:
        shutil.rmtree(self.path)

    def write(self, name: str, data: bytes, mode: int = 0o755) -> Path:
        path = self.path / name
        path.write_bytes(data)
        path.chmod(mode)
        return path

    def script(self, name: str, *lines: str, interpreter: str = "/bin/sh") -> Path:
        return self.write(name, "\n".join([f"#!{interpreter}", *lines, ""]).encode())

    def copy(self, name: str = "fakeplugin", more: bytes = b"") -> Path:
        """The fake plugin under another name, with more at the end of its file."""
        return self.write(name, fake().read_bytes() + more)

    def socket_taker(self) -> Path:
        """The fake plugin, with the note of programs that take a listening socket."""
        return self.write("socket-taker", fake("socket-taker").read_bytes())

    def wrapper(self) -> Path:
        """A shell script that leaves processes everywhere and runs the plugin as a child."""
        self.copy()
        return self.script("wrapper", "sleep 60 &", "setsid sleep 60 &", "(sleep 60 & ) &",
                           f"{self.path}/fakeplugin", "status=$?", "exit $status")
