# SPDX-License-Identifier: Apache-2.0
"""SIGHUP makes a host read its configuration again, and a plugin its files."""

from __future__ import annotations

import os
import signal

import pytest
from harness.stage import Stage
from life.hosted import ROLES, Hosted, fake


@pytest.mark.parametrize("role", ROLES)
def test_a_hangup_of_the_host_leaves_its_plugin_alone(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role)
    plugin = hosted.ready()
    os.kill(hosted.process.pid, signal.SIGHUP)
    hosted.says("reload of ", "ports added: 0, changed: 0, removed: 0")
    assert hosted.plugins() == [plugin]


@pytest.mark.parametrize("role", ROLES)
def test_a_hangup_of_the_plugin_is_its_own_affair(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, plugin=fake("toy-plugin"))
    plugin = hosted.ready()
    hosted.says(" says: ", "listening at")
    os.kill(plugin, signal.SIGHUP)
    hosted.says("]: toy: reloaded")
    assert hosted.plugins() == [plugin]
