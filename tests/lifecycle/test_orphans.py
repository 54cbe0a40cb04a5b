# SPDX-License-Identifier: Apache-2.0
"""Whatever kills a host, at whatever moment: within a second nothing below it lives."""

from __future__ import annotations

import os
import signal

import pytest
from harness import procfs
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.chance import moments, share
from life.hosted import ROLES, Hosted, at_moment, echo_target, is_free
from life.workshop import Workshop

GONE = 1.0
KINDS = {
    "plain": "",
    "slow": "listen-after=100",
    "deaf": "ignore-term",
    "grandchild": "fork-grandchild",
    "deaf family": "ignore-term;fork-grandchild;close-output",
    "wrapper": "ignore-term;fork-grandchild",
}


def start(stage: Stage, workshop: Workshop, role: str, kind: str, **more: object) -> Hosted:
    plugin = workshop.wrapper() if kind == "wrapper" else None
    return Hosted(stage, role, KINDS[kind], plugin=plugin, **more)


def ports_of(hosted: Hosted) -> set[int]:
    found = {hosted.near, hosted.public}
    for pid in hosted.plugins():
        environment = procfs.environment(pid)
        found |= {int(environment.get(f"SS_{side}_PORT", hosted.near)) for side in ("LOCAL", "REMOTE")}
    return found


def must_be_free(ports: set[int]) -> None:
    assert not [port for port in ports if not is_free(port)]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_the_host_at_any_moment(stage: Stage, workshop: Workshop, role: str,
                                          kind: str) -> None:
    plugin = workshop.wrapper() if kind == "wrapper" else None
    public = stage.port()
    for moment in moments(share(len(KINDS) * len(ROLES)), f"{role}{kind}"):
        strays = tree.Strays()
        hosted = Hosted(stage, role, KINDS[kind], plugin=plugin, public=public)
        at_moment(hosted.process, moment)
        ports = ports_of(hosted)
        hosted.process.kill()
        strays.must_be_gone(GONE * SLOWER, f"kill -9 {moment:.4f} s after the start")
        must_be_free(ports)
    again = Hosted(stage, role, plugin=plugin, public=public, peer=True)
    again.works(echo_target(stage))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_a_host_that_is_ready(stage: Stage, workshop: Workshop, role: str,
                                        kind: str) -> None:
    strays = tree.Strays()
    hosted = start(stage, workshop, role, kind)
    hosted.ready()
    if "grandchild" in KINDS[kind]:
        procfs.eventually(lambda: len(hosted.plugins()) >= 2, "the grandchild lives")
    ports = ports_of(hosted)
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")
    must_be_free(ports)


@pytest.mark.parametrize("number", [signal.SIGABRT, signal.SIGQUIT, signal.SIGXCPU, signal.SIGALRM])
@pytest.mark.parametrize("role", ROLES)
def test_any_other_violent_end_is_the_same(stage: Stage, role: str, number: int) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, KINDS["deaf family"])
    hosted.ready()
    os.kill(hosted.process.pid, number)
    hosted.process.expected_end = True
    if tree.exits_within(hosted.process.pid, 0.5):
        hosted.process.wait()
        strays.must_be_gone(GONE * SLOWER, f"signal {number}")
        hosted.process.complaint = lambda: None  # that it crashed is what this test wants


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_while_the_plugin_is_stopped(stage: Stage, role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, "fork-grandchild")
    os.kill(hosted.ready(), signal.SIGSTOP)
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")
    must_be_free({hosted.near, hosted.public})


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_while_the_guardian_is_stopped(stage: Stage, role: str) -> None:
    """The end of the host continues it."""
    strays = tree.Strays()
    hosted = Hosted(stage, role, "ignore-term;fork-grandchild")
    hosted.ready()
    os.kill(tree.first_child(hosted.process.pid), signal.SIGSTOP)
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")
    must_be_free({hosted.near, hosted.public})


@pytest.mark.parametrize("opts", ["exit=1", "exit=1;fork-grandchild", "listen-after=60000"])
@pytest.mark.parametrize("role", ROLES)
def test_kill_9_while_a_plugin_is_started_again(stage: Stage, role: str, opts: str) -> None:
    for moment in moments(4, f"gap {role}{opts}"):
        strays = tree.Strays()
        hosted = Hosted(stage, role, opts, plugin_restart="on-failure")
        at_moment(hosted.process, moment)
        hosted.process.kill()
        strays.must_be_gone(GONE * SLOWER, f"kill -9 {moment:.4f} s after the start")


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_a_host_in_the_middle_of_its_stop(stage: Stage, role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, KINDS["deaf family"], plugin_grace=30)
    hosted.ready()
    hosted.process.expected_end = True
    os.kill(hosted.process.pid, signal.SIGTERM)
    at_moment(hosted.process, 0.2)
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")


@pytest.mark.parametrize("opts", ["", "ignore-term", "ignore-term;fork-grandchild"])
@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_what_stands_in_between(stage: Stage, role: str, opts: str) -> None:
    """Whatever process of ours is between host and plugin: its death leaves nothing behind."""
    strays = tree.Strays()
    hosted = Hosted(stage, role, opts)
    plugins = {hosted.ready()}
    if "grandchild" in opts:
        procfs.eventually(lambda: len(hosted.plugins()) == 2, "the grandchild lives")
    plugins |= set(hosted.plugins())
    for pid in set(hosted.family()) - plugins:
        hosted.kill_plugin(pid)
    assert hosted.process.wait(15 * SLOWER) == 255
    strays.must_be_gone(GONE * SLOWER, "the end of the host")
    must_be_free({hosted.near, hosted.public})


def test_several_plugins_of_one_host_go_together(stage: Stage) -> None:
    strays = tree.Strays()
    servers = [f"127.0.0.1:{stage.port()}" for _ in range(4)]
    hosted = Hosted(stage, "local", KINDS["deaf family"], server=servers)
    procfs.eventually(lambda: len(hosted.plugins()) == 8, "four plugins and their children live")
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_a_daemon(stage: Stage, role: str) -> None:
    strays = tree.Strays()
    pid_file, mark = stage.home / "pid", stage.home / "report"
    hosted = Hosted(stage, role, f"report={mark};ignore-term;fork-grandchild", "-f", pid_file, writes=True)
    assert hosted.process.wait(15 * SLOWER) == 0
    procfs.eventually(mark.exists, "the plugin runs", 10 * SLOWER)
    os.kill(int(pid_file.read_text()), signal.SIGKILL)
    strays.must_be_gone(GONE * SLOWER, "kill -9")
    must_be_free({hosted.near, hosted.public})
