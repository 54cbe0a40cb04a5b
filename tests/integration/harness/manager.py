# SPDX-License-Identifier: Apache-2.0
"""ss-manager and a client of it: datagrams go there and answers come back."""

from __future__ import annotations

import contextlib
import json
import select
import shutil
import socket
import tempfile
from pathlib import Path
from typing import Any

from . import procfs
from .processes import Process
from .programs import SLOWER, Program, ours
from .socks import Address
from .stage import Stage
from .udp import wait_bound


class Folder:
    """A directory with a path that is short enough for a socket."""

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="manager-"))

    def close(self) -> None:
        shutil.rmtree(self.path)


class Client:
    """Sends requests to a path or an address, from a socket that hears the answers."""

    def __init__(self, stage: Stage, to: str | Address) -> None:
        self._to = to
        if isinstance(to, str):
            self._sock = stage.keep(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            self._sock.bind(str(stage.keep(Folder()).path / "client"))
        else:
            self._sock = stage.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        self._sock.settimeout(10 * SLOWER)

    def send(self, request: bytes) -> None:
        self._sock.sendto(request, self._to)

    def ask(self, request: bytes) -> bytes:
        self.send(request)
        return self._sock.recv(65536)

    def hears_nothing(self, request: bytes) -> bool:
        """Asks, then pings: requests are answered in their order."""
        self.send(request)
        pinged = self.ask(b"ping").startswith(b"stat: {")
        return pinged and not select.select([self._sock], [], [], 0)[0]

    def hears(self, answer: bytes) -> bool:
        return self._sock.recv(65536) == answer

    def add(self, port: int, password: str, **values: Any) -> bytes:
        return self.ask(b"add: " + json.dumps({"server_port": port, "password": password, **values}).encode())

    def remove(self, port: int) -> bytes:
        return self.ask(b"remove: " + json.dumps({"server_port": port}).encode())

    def ports(self) -> list[dict[str, str]]:
        return json.loads(self.ask(b"list"))

    def traffic(self) -> dict[str, int]:
        answer = self.ask(b"ping")
        assert answer.startswith(b"stat: "), answer
        return json.loads(answer.removeprefix(b"stat: "))


class Manager:
    """ss-manager at a path, with a client; its directory is beside it."""

    def __init__(self, stage: Stage, *argv: object, program: Program | None = None, udp: int = 0,
                 path: str = "", wait: bool = True, **env: str) -> None:
        self.work = stage.home / "ports"
        path = path or str(stage.keep(Folder()).path / "manager")
        self.path: str | Address = ("127.0.0.1", udp) if udp else path
        written = f"127.0.0.1:{udp}" if udp else self.path
        self.process: Process = stage.run(
            program or ours("ss-manager"), "--manager-address", written, "-D", self.work,
            "-s", "127.0.0.1", "-m", "aes-256-gcm", *argv, env=env)
        if wait and udp:
            wait_bound(udp, 10 * SLOWER)
        if wait:
            self.client = Client(stage, self.path)
            procfs.eventually(self._answers, f"{self.process} answers:\n{self.process.output()}", 10 * SLOWER)

    def _answers(self) -> bool:
        assert self.process.running, f"{self.process} ended:\n{self.process.output()}"
        with contextlib.suppress(OSError):
            return self.client.ask(b"ping").startswith(b"stat: ")
        return False

    def kept(self, port: int) -> Path:
        return self.work / f".shadowsocks_{port}.conf"

    def wait_output(self, text: str) -> None:
        procfs.eventually(lambda: text in self.process.output(),
                          f"{text} from {self.process}:\n{self.process.output()}", 10 * SLOWER)
