# SPDX-License-Identifier: Apache-2.0
"""Which way a client takes a target: to it, or to the server."""

from __future__ import annotations

import select
from pathlib import Path

from .content import read_exactly
from .names import Etc
from .programs import SLOWER, Program, ours
from .socks import dial
from .stage import PASSWORD, Stage
from .targets import echo

LOCAL, METHOD = "127.0.0.1", "aes-256-gcm"


def acl(stage: Stage, *lines: str) -> Path:
    path = stage.home / "list.acl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


class Fork:
    """ss-local whose server is a mere listener: a connection there went the way of the server."""

    def __init__(self, stage: Stage, rules: Path, etc: Etc | None = None,
                 program: Program | None = None, **extra: object) -> None:
        self.stage = stage
        self.server = stage.listener()
        self.target = stage.target(echo).address[1]
        self.socks = (LOCAL, stage.port())
        path = stage.config(server=LOCAL, server_port=self.server.address[1], local_address=LOCAL,
                            local_port=self.socks[1], password=PASSWORD, method=METHOD,
                            acl=str(rules), **extra)
        program = program or ours("ss-local")
        self.process = stage.run(*(etc.run(program, "-c", path) if etc else (program, "-c", path)))
        stage.wait_listening(self.process, self.socks[1])

    def way(self, host: str) -> str:
        """The events of a connection to the port of the target."""
        sock = self.stage.keep(dial(self.socks, (host, self.target)))
        sock.sendall(b"hello")
        ready = select.select([sock, self.server.sock], [], [], 20 * SLOWER)[0]
        if self.server.sock in ready:
            self.server.accept().close()
            return "server"
        return "direct" if ready and read_exactly(sock, 5) == b"hello" else "nowhere"
