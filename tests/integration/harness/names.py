# SPDX-License-Identifier: Apache-2.0
"""A DNS server (RFC 1035) that answers each type of question in its own way, and an /etc of one's own."""

from __future__ import annotations

import contextlib
import shutil
import socket
import struct
import threading
from dataclasses import dataclass, field
from pathlib import Path

from .socks import Address
from .stage import Stage

_TYPES = {1: socket.AF_INET, 28: socket.AF_INET6}
_NAME_ERROR = 3
NEVER = "never"


@dataclass
class Name:
    """The answer: an address, None for none, NEVER for silence, or an address after seconds."""

    v4: str | None = None
    v6: str | None = None
    v4_late: float = 0
    v6_late: float = 0


@dataclass
class NameServer:
    """Knows a few names, and says of all others that there are none."""

    host: str = "127.0.0.1"
    port: int = 0
    names: dict[str, Name] = field(default_factory=dict)
    silent: bool = False

    def __post_init__(self) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.bind((self.host, self.port))
        self.address: Address = self._sock.getsockname()
        self._timers: list[threading.Timer] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def __str__(self) -> str:
        return f"{self.address[0]}:{self.address[1]}"

    def close(self) -> None:
        for timer in self._timers:
            timer.cancel()
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._thread.join()
        self._sock.close()

    def _serve(self) -> None:
        while True:
            try:
                packet, client = self._sock.recvfrom(4096)
            except OSError:
                return
            if packet == b"":
                return
            if not self.silent:
                self._answer(packet, client)

    def _answer(self, packet: bytes, client: Address) -> None:
        labels, at = [], 12
        while (size := packet[at]) != 0:
            labels.append(packet[at + 1:at + 1 + size].decode())
            at += 1 + size
        kind, question = struct.unpack("!H", packet[at + 1:at + 3])[0], packet[12:at + 5]
        name = self.names.get(".".join(labels).lower())
        family = _TYPES.get(kind)
        known = name is not None and family is not None
        text, late = None, 0.0
        if known:
            text, late = (name.v4, name.v4_late) if kind == 1 else (name.v6, name.v6_late)
        if text == NEVER:
            return
        record = b""
        if text is not None:
            raw = socket.inet_pton(family, text)
            record = struct.pack("!HHHIH", 0xC00C, kind, 1, 60, len(raw)) + raw
        code = 0 if known else _NAME_ERROR
        head = packet[:2] + struct.pack("!BBHHHH", 0x81, 0x80 | code, 1, 1 if record else 0, 0, 0)
        self._send(head + question + record, client, late)

    def _send(self, packet: bytes, client: Address, late: float) -> None:
        if late == 0:
            self._sock.sendto(packet, client)
            return
        timer = threading.Timer(late, self._send, (packet, client, 0))
        timer.daemon = True
        self._timers.append(timer)
        timer.start()


class Etc:
    """A folder that a program sees as /etc, with a resolv.conf and a hosts file that change."""

    def __init__(self, stage: Stage, resolv_conf: str | None = "", hosts: str = "") -> None:
        self.path = stage.home / "etc"
        self.path.mkdir()
        for name in ("passwd", "group", "nsswitch.conf"):
            shutil.copy(Path("/etc") / name, self.path)
        if Path("/etc/ld.so.cache").exists():
            shutil.copy("/etc/ld.so.cache", self.path)
        self.write("hosts", hosts)
        if resolv_conf is not None:
            self.write("resolv.conf", resolv_conf)

    def write(self, name: str, text: str) -> None:
        """Another file takes the place of the old one, as resolvconf, dhclient and systemd do it."""
        new = self.path / f"{name}.new"
        new.write_text(text)
        new.replace(self.path / name)

    def run(self, program: object, *argv: object) -> tuple[object, ...]:
        """The command that runs program with this /etc."""
        mount = f'mount --bind {self.path} /etc && exec "$0" "$@"'
        return ("unshare", "--mount", "sh", "-c", mount, program, *argv)
