# SPDX-License-Identifier: Apache-2.0
"""Both daemons and their plugins under a mixed load for a while: nothing grows; and processes that are
killed, stopped and continued at random: the service comes back, and nothing is left.

SOAK in the environment is the number of seconds (10; 600 in the long form).
"""

from __future__ import annotations

import os
import random
import signal
import socket
import time
from collections.abc import Iterator

from harness import procfs, socks
from harness.content import content, read_exactly
from harness.extent import FULL
from harness.programs import SANITIZED, SLOWER
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

SECONDS = float(os.environ.get("SOAK", "600" if FULL else "10"))
HEALTHY = 5.0 * SLOWER  # seconds after which the service works again
GROWTH = 512 if not SANITIZED else 1 << 20  # KiB of a process, after the first third


def carries(chain: Chain, target: socks.Address, size: int, seed: int) -> bool:
    """One stream; a part of it is wrong bytes never."""
    sent, got = content(size, seed), b""
    try:
        with socks.dial(chain.socks, target, HEALTHY) as sock:
            sock.sendall(sent)
            got = read_exactly(sock, size)
    except (OSError, EOFError):
        return False
    assert got == sent, "wrong bytes"
    return True


def probe(chain: Chain, chance: random.Random) -> None:
    with socket.create_connection(chain.public, HEALTHY) as sock:
        sock.sendall(chance.randbytes(chance.randrange(1, 300)))


def until(end: float) -> Iterator[float]:
    while (now := time.monotonic()) < end:
        yield now


def test_nothing_grows(stage: Stage) -> None:
    chain, target = stage.chain(our_parts("http")), stage.target(echo).address
    chance, start = random.Random(1), time.monotonic()
    rounds, settled = 0, {}
    for now in until(start + SECONDS):
        assert carries(chain, target, chance.choice([1, 700, 20_000, 400_000]), rounds % 8)
        if rounds % 20 == 0:
            probe(chain, chance)
        if not settled and now > start + SECONDS / 3:
            settled = {pid: procfs.rss_kib(pid) for pid in chain.pids()}
        rounds += 1
    grown = {pid: procfs.rss_kib(pid) - before for pid, before in settled.items()}
    assert rounds > 10 and settled and max(grown.values()) <= GROWTH, grown
    for host in chain.hosts:
        procfs.eventually(lambda: procfs.connections(host.pid) <= 20, "connections are closed", HEALTHY)


def test_chaos(stage: Stage) -> None:
    """The plugins are supervised; the hosts only stop and go on."""
    chain = stage.chain(our_parts("tls"), plugin_restart="on-failure")
    target, chance, acts = stage.target(echo).address, random.Random(2), 0
    kills = {host.pid: 0 for host in chain.hosts}  # more would make the pauses of restarts long
    for _ in until(time.monotonic() + SECONDS):
        host = chance.choice(chain.hosts)
        victims = [*host.plugins(), host.pid]
        act = chance.choice(["kill", "stop", "stop host"])
        if act == "kill" and len(victims) > 1 and kills[host.pid] < 3:
            kills[host.pid] += 1
            os.kill(victims[0], signal.SIGKILL)
        elif len(victims) > 1:
            victim = victims[0] if act == "stop" else host.pid
            os.kill(victim, signal.SIGSTOP)
            os.kill(victim, signal.SIGCONT)
        acts += 1
        deadline = time.monotonic() + HEALTHY
        while not carries(chain, target, 5000, acts % 8):
            assert time.monotonic() < deadline, f"no service {HEALTHY} s after {act} of {host}"
            assert all(h.running for h in chain.hosts)
    assert acts > 5
    assert [len(host.plugins()) for host in chain.hosts] == [1, 1]
