# SPDX-License-Identifier: Apache-2.0
"""Mixes of our programs and the peers', and the traffic that each mix must carry."""

from __future__ import annotations

import itertools
import socket
from dataclasses import dataclass

from harness import socks
from harness.content import content, hash_exactly, read_exactly, read_to_end, sha256
from harness.programs import Program, ours, peer
from harness.stage import Chain, Parts, Stage
from harness.targets import PAGE, ledger, web

MIB = 1024 * 1024
METHODS = ["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"]
MAKERS = ["ours", "theirs"]


def program(name: str, maker: str) -> Program:
    return ours(name) if maker == "ours" else peer(name)


@dataclass(frozen=True)
class Mix:
    """The makers of the four programs."""

    ss_local: str
    obfs_local: str
    obfs_server: str
    ss_server: str

    def __str__(self) -> str:
        return "-".join((self.ss_local, self.obfs_local, self.obfs_server, self.ss_server))

    def parts(self, method: str, obfs: str) -> Parts:
        return Parts(program("ss-local", self.ss_local), program("ss-server", self.ss_server), method,
                     str(program("obfs-local", self.obfs_local)),
                     f"obfs={obfs};obfs-host=www.example.com",
                     str(program("obfs-server", self.obfs_server)), f"obfs={obfs}")


ALL_MIXES = [Mix(*makers) for makers in itertools.product(MAKERS, repeat=4)]


def _fetch_page(client: socket.socket) -> bytes:
    client.sendall(b"GET / HTTP/1.0\r\nHost: page.test\r\n\r\n")
    return read_to_end(client)[0].partition(b"\r\n\r\n")[2]


def carries_everything(stage: Stage, chain: Chain) -> None:
    """A page, then 1 MiB up and 1 MiB down on one connection, each compared by its hash."""
    stage.patience = 6.0  # the peers' plugins look for their host every five seconds
    page = stage.target(web).address
    assert _fetch_page(chain.dial(page)) == PAGE
    by_name = stage.keep(socks.dial(chain.socks, ("localhost", page[1])))
    assert _fetch_page(by_name) == PAGE
    client, up, down = chain.dial(stage.target(ledger).address), content(MIB, 1), content(MIB, 2)
    client.sendall(b"PUT %d\n" % MIB + up)
    assert read_exactly(client, 64).decode() == sha256(up)
    client.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(client, MIB) == sha256(down)
