# SPDX-License-Identifier: Apache-2.0
"""A thief of ports, as another user: it never gets a byte that was meant for a plugin."""

from __future__ import annotations

import re

import pytest
from harness.extent import extent
from harness.network import ephemeral_ports
from harness.processes import Process
from harness.socks import Address
from harness.stage import Stage
from life.hosted import ROLES, Hosted, echo_target, fake

STARTS = extent(20, 250)  # of each kind: 1,000 in full
RANGE = (40000, 40399)  # few enough for the thief to come by every few milliseconds


def thief(stage: Stage) -> Process:
    process = stage.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        fake("portthief"), "100")
    process.expected_end = True
    return process


def loot(process: Process) -> tuple[int, int, int]:
    """Ports, connections and bytes that it took."""
    assert process.stop() == 0
    found = re.fullmatch(r"(\d+) ports, (\d+) connections, (\d+) bytes\n", process.output())
    assert found, process.output()
    return int(found[1]), int(found[2]), int(found[3])


def start(stage: Stage, role: str, opts: str, target: Address, ports: tuple[int, int]) -> bool:
    """One start, and bytes through it; False when the host gave up, which it must say."""
    hosted = Hosted(stage, role, opts, peer=True, public=ports[0], near=ports[1])
    try:
        hosted.works(target)
    except (AssertionError, OSError, EOFError):
        assert "port" in hosted.fails()
        return False
    finally:
        hosted.peer.stop()
    hosted.stop()
    return True


@pytest.mark.parametrize("opts", ["", "listen-after=5"])
@pytest.mark.parametrize("role", ROLES)
def test_the_thief_gets_nothing(network: None, stage: Stage, role: str, opts: str) -> None:
    ephemeral_ports(20000, 29999)  # for the ports of the test, which the thief must not have
    target = echo_target(stage)
    ports = [(stage.port(), stage.port()) for _ in range(STARTS)]
    ephemeral_ports(*RANGE)
    criminal = thief(stage)
    served = [start(stage, role, opts, target, pair) for pair in ports]
    taken, connections, stolen = loot(criminal)
    assert taken > 1000 and (connections, stolen) == (0, 0)
    assert served.count(True) >= STARTS * 2 // 3
