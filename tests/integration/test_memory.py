# SPDX-License-Identifier: Apache-2.0
"""The memory of many connections goes back to the system once they are gone, and few bytes cost little."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import read_exactly
from harness.programs import SANITIZED, SLOWER
from harness.stage import Stage, our_parts
from harness.targets import echo

MANY = 1500
LEFT = 0.15  # of the growth; what the filter of replays keeps is a twentieth
IDLE_KIB = 1.0  # of a connection that has been used
SLOW_KIB = 2.3  # of a connection that has sent a few bytes


def anonymous_kib(pid: int) -> int:
    match = re.search(r"^Anonymous: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1])


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what is freed")
def test_memory_comes_back(stage: Stage) -> None:
    chain, target = stage.chain(our_parts(), nofile=8192), stage.target(echo).address
    pids = [chain.local.pid, chain.server.pid]

    def use() -> socket.socket:
        sock = socks.dial(chain.socks, target)
        sock.sendall(b"x")
        assert read_exactly(sock, 1) == b"x"
        return sock

    use().close()
    before = [anonymous_kib(pid) for pid in pids]
    held = [use() for _ in range(MANY)]
    grown = [anonymous_kib(pid) - then for pid, then in zip(pids, before, strict=True)]
    assert MANY // 2 < min(grown) <= max(grown) < IDLE_KIB * MANY, grown
    for sock in held:
        sock.close()

    def is_back() -> bool:
        return all(anonymous_kib(pid) - then < LEFT * more
                   for pid, then, more in zip(pids, before, grown, strict=True))

    procfs.eventually(is_back, "the memory is back", 60 * SLOWER)


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has memory of its own for each block")
def test_a_slow_connection_costs_little(stage: Stage) -> None:
    """A few bytes have to wait for more."""
    port = stage.port()
    server = stage.ss_server(our_parts(), port, nofile=8192)
    idle = procfs.socket_count(server.pid)
    before = anonymous_kib(server.pid)
    held = [stage.connect(("127.0.0.1", port)) for _ in range(MANY)]
    for _ in range(3):
        for sock in held:
            sock.sendall(b"x")
        time.sleep(0)
    procfs.eventually(lambda: procfs.socket_count(server.pid) == idle + MANY, "all are accepted")
    assert anonymous_kib(server.pid) - before < SLOW_KIB * MANY
