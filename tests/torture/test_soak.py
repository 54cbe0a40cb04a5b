# SPDX-License-Identifier: Apache-2.0
"""Both daemons and their plugins under a mixed load for a while: nothing grows; and processes that are
killed, stopped and continued at random: the service comes back, and nothing is left.

SOAK in the environment is the number of seconds (10; in full a day of load and an hour of chaos).
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import socket
import time
from collections.abc import Iterator

from harness import procfs, socks, udp
from harness.content import content, read_exactly
from harness.extent import extent
from harness.programs import SANITIZED, SLOWER
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

LOAD = float(os.environ.get("SOAK") or extent(10, 86_400))
CHAOS = float(os.environ.get("SOAK") or extent(10, 3600))
CALM = 90.0  # seconds without a death after which a plugin is started again without a pause
DEATHS = 600.0  # seconds between two deaths of plugins under load
HEALTHY = 5.0 * SLOWER  # seconds after which the service works again
GROWTH = 512 if not SANITIZED else 1 << 20  # KiB of a process, after the first third
HOURLY = 50  # KiB more for each hour
SALTS, SALTS_MOST = 80 / 1024, 32 << 10  # KiB of the filters of replays, one of streams and one of packets


def carry(chain: Chain, target: socks.Address, size: int, seed: int) -> None:
    """One stream; a part of it is wrong bytes never."""
    sent = content(size, seed)
    with socks.dial(chain.socks, target, HEALTHY) as sock:
        sock.sendall(sent)
        got = read_exactly(sock, size)
    assert got == sent, "wrong bytes"


def carries(chain: Chain, target: socks.Address, size: int, seed: int) -> bool:
    with contextlib.suppress(OSError, EOFError):
        carry(chain, target, size, seed)
        return True
    return False


def probe(chain: Chain, chance: random.Random) -> None:
    with socket.create_connection(chain.public, HEALTHY) as sock:
        sock.sendall(chance.randbytes(chance.randrange(1, 300)))


def until(end: float) -> Iterator[float]:
    while (now := time.monotonic()) < end:
        yield now


def packet(client: udp.Client, target: socks.Address) -> bool:
    try:
        return client.trade(target, b"a packet") == target
    except TimeoutError:
        return False


def test_nothing_grows(stage: Stage) -> None:
    """Streams and packets, probes, and now and then the death of a plugin."""
    chain = stage.chain(our_parts("http"), plugin_restart="on-failure", mode="tcp_and_udp")
    udp.wait_bound(chain.socks[1], 10 * SLOWER)
    target, packets = stage.target(echo).address, stage.keep(udp.Echo())
    client = stage.keep(udp.Client(chain.socks))
    hosts = [host.pid for host in chain.hosts]
    chance, start = random.Random(1), time.monotonic()
    rounds, lost, died, settled, first = 0, 0, start, {}, 0
    for now in until(start + LOAD):
        if now > died + DEATHS:
            died = now
            chance.choice(chain.hosts).kill_plugin()
            procfs.eventually(lambda: carries(chain, target, 1, 0), "the service is back", HEALTHY)
        carry(chain, target, chance.choice([1, 700, 20_000, 400_000]), rounds % 8)
        lost += not packet(client, packets.address)
        packets.seen.clear()
        if rounds % 20 == 0:
            probe(chain, chance)
        if not settled and now > start + min(LOAD / 3, 3600):
            settled, first = {pid: procfs.rss_kib(pid) for pid in hosts}, rounds
        rounds += 1
    grown = {pid: procfs.rss_kib(pid) - before for pid, before in settled.items()}
    assert rounds > 10 and settled
    salts = min(SALTS * (rounds - first), SALTS_MOST)
    assert max(grown.values()) <= GROWTH + HOURLY * LOAD / 3600 + salts, (grown, rounds - first)
    assert lost <= 1 + rounds // 1000
    for host in chain.hosts:
        procfs.eventually(lambda: procfs.connections(host.pid) <= 20, "connections are closed", HEALTHY)


def test_chaos(stage: Stage) -> None:
    """The plugins are supervised; the hosts only stop and go on."""
    chain = stage.chain(our_parts("tls"), plugin_restart="on-failure")
    target, chance, acts = stage.target(echo).address, random.Random(2), 0
    assert carries(chain, target, 5000, 0)
    files = {host.pid: procfs.socket_count(host.pid) for host in chain.hosts}
    kills: dict[int, list[float]] = {host.pid: [] for host in chain.hosts}
    for now in until(time.monotonic() + CHAOS):
        host = chance.choice(chain.hosts)
        victims = [*host.plugins(), host.pid]
        act = chance.choice(["kill", "stop", "stop host"])
        recent = [kill for kill in kills[host.pid] if now - kill < CALM]
        if act == "kill" and len(victims) > 1 and len(recent) < 3:  # more would make the pauses long
            kills[host.pid] = [*recent, now]
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
    procfs.eventually(lambda: [len(host.plugins()) for host in chain.hosts] == [1, 1], "each has its plugin", HEALTHY)
    procfs.eventually(lambda: all(procfs.socket_count(pid) <= n + 4 for pid, n in files.items()),
                      "no descriptor is left", HEALTHY)
