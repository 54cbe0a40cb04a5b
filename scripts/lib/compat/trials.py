# SPDX-License-Identifier: Apache-2.0
"""What is tried with each host and plugin. A trial that returns has passed; AssertionError and the like fail it."""

from __future__ import annotations

import os
import signal
import socket
import time

from harness import procfs, udp
from harness.content import content, hash_exactly, read_exactly, read_to_end, sha256
from harness.stage import Chain, Stage
from harness.targets import hash_to_end, ledger

MIB = 1 << 20
LIMIT = 10.0  # seconds for an answer
LEAVE = 7.0  # seconds in which the processes of a host have to be gone; v2ray-plugin looks every five


def transfer(stage: Stage, chain: Chain) -> None:
    client, up, down = chain.dial(stage.target(ledger).address, LIMIT), content(MIB, 1), content(MIB, 2)
    client.sendall(b"PUT %d\n" % MIB + up)
    assert read_exactly(client, 64).decode() == sha256(up)
    client.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(client, MIB) == sha256(down)


def half_close(stage: Stage, chain: Chain) -> None:
    """The answer follows the end of the request."""
    client, data = chain.dial(stage.target(hash_to_end).address, LIMIT), content(100_000, 3)
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    assert read_to_end(client)[0].decode() == sha256(data)


def datagrams(stage: Stage, chain: Chain) -> None:
    """Through the plugin or around it: an echo comes back."""
    target = stage.keep(udp.Echo())
    client = stage.keep(udp.Client(chain.socks, timeout=LIMIT))
    client.sock.settimeout(3)
    client.trade(target.address, content(1000, 4))


def _are_gone(pids: list[int]) -> bool:
    return not [pid for pid in pids if procfs.alive(pid)]


def stop(_: Stage, chain: Chain) -> None:
    """SIGTERM ends both hosts, and all that they have started."""
    pids = chain.pids()
    for host in chain.hosts:
        host.stop(within=LEAVE)
    procfs.eventually(lambda: _are_gone(pids), "all processes have ended", LEAVE)


def kill(_: Stage, chain: Chain) -> None:
    """SIGKILL to both hosts leaves no process of theirs."""
    pids = chain.pids()
    for host in chain.hosts:
        host.kill()
    procfs.eventually(lambda: _are_gone(pids), "all processes have ended", LEAVE)


def death(_: Stage, chain: Chain) -> None:
    """A client whose plugin is killed ends with an error, or has the plugin again."""
    first = set(procfs.programs_below(chain.local.pid))
    chain.local.expected_end = True
    for pid in first:
        os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + LEAVE
    while chain.local.running and time.monotonic() < deadline:
        if set(procfs.programs_below(chain.local.pid)) - first:
            return
        time.sleep(0.05)
    assert not chain.local.running and chain.local.status != 0


# By chain: the last of each ends it.
CHAINS = [[("transfer", transfer), ("half-close", half_close), ("UDP", datagrams), ("stop", stop)],
          [("kill", kill)], [("death", death)]]
OF_PROCESSES = {"kill", "death"}


