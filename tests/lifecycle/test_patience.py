# SPDX-License-Identifier: Apache-2.0
"""A test of a minute: a plugin that was healthy for that long has a clean record again, and one that
cannot be executed has been given up."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.hosted import ROLES, UNEXPECTED, Hosted, at_moment

HEALTHY = 60.0
DEATHS = 5  # the pause after the last of them is 0.8 s, and the next one would be 1.6 s


def dies(hosted: Hosted, pid: int) -> tuple[int, float]:
    """Kills the plugin; returns the pid of the next one, and the seconds until it was there."""
    killed = hosted.kill_plugin(pid)
    hosted.says(UNEXPECTED, f"[{pid}]")
    return hosted.plugin(other_than=pid), time.monotonic() - killed


def die_often(hosted: Hosted) -> int:
    pid, pauses = hosted.ready(), []
    for _ in range(DEATHS):
        pid, pause = dies(hosted, pid)
        pauses.append(pause)
        hosted.ready()
    assert pauses[-1] > 0.5, pauses
    return pid


def hanging(stage: Stage, role: str) -> Hosted:
    """Its plugin is stopped between fork and exec."""
    while True:
        hosted = Hosted(stage, role)
        child = tree.first_child(tree.first_child(hosted.process.pid))
        os.kill(child, signal.SIGSTOP)
        if Path(f"/proc/{child}/comm").read_text() == "ss-guardian\n":
            return hosted
        hosted.stop()


def test_a_minute_of_health_makes_the_pause_short_again(stage: Stage) -> None:
    """A plugin that runs is left alone for that minute; an exec has half of it."""
    hung = [hanging(stage, role) for role in ROLES]
    hosts = [Hosted(stage, role, plugin_restart="on-failure") for role in ROLES]
    pids = [die_often(hosted) for hosted in hosts]
    at_moment(hosts[0].process, HEALTHY + 0.5)
    for hosted, pid in zip(hosts, pids):
        assert hosted.plugins() == [pid] and not tree.exits_within(hosted.process.pid, 0)
        _, pause = dies(hosted, pid)
        assert pause < 0.4 * SLOWER
    for hosted in hung:
        assert "did not execute" in hosted.fails(0)
