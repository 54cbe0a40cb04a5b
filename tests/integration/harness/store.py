# SPDX-License-Identifier: Apache-2.0
"""A real Redis, asked without a library, and a wire to it that breaks its answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any

from .manager import Folder
from .procfs import eventually
from .programs import SLOWER, peer
from .socks import Address
from .stage import Stage
from .targets import Target

HERE = "127.0.0.1"


class Refused(Exception):
    """The store has answered with an error."""


class Store:
    """Redis, which can be killed, started again with what it had, and asked."""

    def __init__(self, stage: Stage, password: str = "") -> None:
        self._stage, self._password = stage, password
        self.address: Address = (HERE, stage.port())
        self._home = stage.home / f"store-{self.address[1]}"
        self._home.mkdir()
        self.path = stage.keep(Folder()).path / "store"
        self.start()

    def start(self) -> None:
        more = ("--requirepass", self._password) if self._password else ()
        self._process = self._stage.run(peer("redis-server"), "--bind", HERE, "--port", self.address[1],
                                        "--unixsocket", self.path,
                                        "--dir", self._home, "--save", "", "--appendonly", "yes",
                                        "--appendfsync", "always", *more)
        self._stage.wait_listening(self._process, self.address[1])
        eventually(self._answers, "Redis has loaded", 20 * SLOWER)

    def _answers(self) -> bool:
        try:
            return self.ask("PING") == "PONG"
        except (OSError, Refused):
            return False

    def kill(self) -> None:
        self._process.kill()

    @property
    def url(self) -> str:
        account = f":{self._password}@" if self._password else ""
        return f"redis://{account}{self.address[0]}:{self.address[1]}/0?prefix=fleet"

    def ask(self, *words: object) -> Any:
        with socket.create_connection(self.address, 10) as sock, sock.makefile("rb") as answers:
            for command in ([("AUTH", self._password)] if self._password else []) + [words]:
                parts = [str(word).encode() if not isinstance(word, bytes) else word for word in command]
                sock.sendall(b"*%d\r\n" % len(parts) + b"".join(b"$%d\r\n%s\r\n" % (len(p), p) for p in parts))
                answer = _read(answers)
            return answer

    def traffic(self, port: int) -> dict[str, int]:
        words = self.ask("HGETALL", f"fleet:traffic:{port}")
        return {name: int(value) for name, value in zip(words[::2], words[1::2])}

    def calls(self, command: str) -> int:
        for line in self.ask("INFO", "commandstats").splitlines():
            if line.startswith(f"cmdstat_{command}:calls="):
                return int(line.split("=")[1].split(",")[0])
        return 0


def _read(answers: Any) -> Any:
    line = answers.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    if kind == b"-":
        raise Refused(rest.decode())
    if kind == b"+":
        return rest.decode()
    if kind == b":":
        return int(rest)
    if kind == b"$":
        return None if rest == b"-1" else answers.read(int(rest) + 2)[:-2].decode(errors="replace")
    return [_read(answers) for _ in range(int(rest))]


class Wire:
    """Between a node and its store. spoil(asked, answer) changes an answer; None cuts the connection."""

    def __init__(self, store: Address, spoil: Callable[[bytes, bytes], bytes | None]) -> None:
        self._store = store
        self.spoil = spoil
        self._dialed: list[socket.socket] = []
        self._target = Target(self._serve)
        self.address = self._target.address

    def _serve(self, near: socket.socket) -> None:
        with contextlib.suppress(OSError), near, socket.create_connection(self._store, 10) as far:
            self._dialed += [near, far]
            asked = bytearray()
            threading.Thread(target=self._ask, args=(near, far, asked), daemon=True).start()
            while answer := far.recv(1 << 20):
                said, asked[:] = bytes(asked), b""
                spoiled = self.spoil(said, answer)
                if spoiled is None:
                    return
                near.sendall(spoiled)

    @staticmethod
    def _ask(near: socket.socket, far: socket.socket, asked: bytearray) -> None:
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 20):
                asked += data
                far.sendall(data)
            far.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        for sock in self._dialed:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._target.close()
