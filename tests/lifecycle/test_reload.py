# SPDX-License-Identifier: Apache-2.0
"""SIGHUP ends a host, and makes a plugin read its files again."""

from __future__ import annotations

import os
import signal

import pytest
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.hosted import ROLES, Hosted, fake


@pytest.mark.parametrize("role", ROLES)
def test_a_hangup_of_the_host_ends_both(stage: Stage, role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role)
    hosted.ready()
    hosted.process.expected_end = True
    os.kill(hosted.process.pid, signal.SIGHUP)
    assert hosted.process.wait(15 * SLOWER) == -signal.SIGHUP
    strays.must_be_gone(1 * SLOWER, "the hangup")


@pytest.mark.parametrize("role", ROLES)
def test_a_hangup_of_the_plugin_is_its_own_affair(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, plugin=fake("toy-plugin"))
    plugin = hosted.ready()
    hosted.says(" says: ", "listening at")
    os.kill(plugin, signal.SIGHUP)
    hosted.says("]: toy: reloaded")
    assert hosted.plugins() == [plugin]
