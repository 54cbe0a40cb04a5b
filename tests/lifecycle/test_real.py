# SPDX-License-Identifier: Apache-2.0
"""Debian's plugins, and our own pair, under the same hosts: their life is as orderly as a fake's."""

from __future__ import annotations

import os
import signal
import time

import pytest
from harness import procfs, socks
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.chance import moments, share
from life.hosted import HERE, ROLES, UNEXPECTED, Hosted, at_moment, echo_target, is_free, trade
from life.kinds import V2RAY, Kind, obfs

GONE, BACK = 10.0, 30.0

KINDS = {
    "simple-obfs http": obfs("http"),
    "simple-obfs tls": obfs("tls"),
    "v2ray": V2RAY,
    "our obfs": obfs("tls", are_ours=True),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return request.param


def host(stage: Stage, kind: Kind, role: str, **more: object) -> Hosted:
    return Hosted(stage, role, kind.opts(role), plugin=kind.plugin(role), **more)


class Pair:
    """Both hosts, each with its plugin; more goes to the one in the role."""

    def __init__(self, stage: Stage, kind: Kind, role: str = "", **more: object) -> None:
        self.server = host(stage, kind, "server", **(more if role == "server" else {}))
        self.local = host(stage, kind, "local", public=self.server.public,
                          **(more if role == "local" else {}))
        self.server.ready()
        self.local.ready()
        self.target = echo_target(stage)
        self.judged = self.local if role == "local" else self.server

    def carries(self, data: bytes = b"are you there?") -> None:
        with socks.dial((HERE, self.local.near), self.target, 10) as sock:
            trade(sock, data)

    def carries_by(self, deadline: float) -> None:
        def is_carried() -> bool:
            try:
                self.carries()
            except (OSError, EOFError):
                return False
            return True

        procfs.eventually(is_carried, "bytes are carried", deadline - time.monotonic())


def test_start_ready_and_stop(stage: Stage, kind: Kind) -> None:
    strays = tree.Strays()
    pair = Pair(stage, kind)
    pair.carries(os.urandom(300000))
    for hosted in (pair.local, pair.server):
        port = hosted.port_of(hosted.ready())
        hosted.stop()
        assert is_free(port) and not hosted.lines("ERROR")
    strays.must_be_gone(0.1, "the end of both")


def test_stop_during_the_start(stage: Stage, kind: Kind, role: str) -> None:
    strays = tree.Strays()
    hosted = host(stage, kind, role)
    hosted.plugin()
    hosted.stop()
    strays.must_be_gone(0.1, "the stop")


def test_what_a_plugin_has_is_its_own(stage: Stage, kind: Kind, role: str) -> None:
    hosted = host(stage, kind, role, env={"SECRET": "x", "SS_PLUGIN_OPTIONS": "stale"})
    pid = hosted.ready()
    environment = procfs.environment(pid)
    assert "SECRET" not in environment
    assert environment.get("SS_PLUGIN_OPTIONS") == kind.opts(role)
    links = {number: os.readlink(f"/proc/{pid}/fd/{number}") for number in (0, 1, 2)}
    assert all(link.startswith("pipe:") for link in links.values())


def test_kill_9_of_the_host(stage: Stage, kind: Kind, role: str) -> None:
    public = stage.port()
    for moment in moments(share(4 * len(KINDS)), f"real {kind} {role}"):
        strays = tree.Strays()
        hosted = host(stage, kind, role, public=public)
        at_moment(hosted.process, moment)
        ports = {hosted.near, public} | {hosted.port_of(pid) for pid in hosted.plugins()} - {0}
        hosted.process.kill()
        strays.must_be_gone(GONE * SLOWER, f"kill -9 {moment:.4f} s after the start")
        assert all(map(is_free, ports))
    host(stage, kind, role, public=public).ready()


def test_kill_9_of_a_ready_host(stage: Stage, kind: Kind, role: str) -> None:
    strays = tree.Strays()
    pair = Pair(stage, kind, role)
    pair.carries()
    ports = {pair.judged.near, *([pair.server.public] if role == "server" else []),
             pair.judged.port_of(pair.judged.ready())}
    family = pair.judged.family()
    pair.judged.process.kill()
    procfs.eventually(lambda: not [pid for pid in family if procfs.alive(pid)], "all are gone",
                      GONE * SLOWER)
    assert all(map(is_free, ports))
    other = pair.server if role == "local" else pair.local
    other.stop()
    strays.must_be_gone(0.1, "the end of both")


def test_kill_9_of_the_plugin_is_the_end(stage: Stage, kind: Kind, role: str) -> None:
    pair = Pair(stage, kind, role)
    pair.carries()
    pid = pair.judged.ready()
    name = kind.plugin(role).rsplit("/", 1)[1]
    pair.judged.kill_plugin(pid)
    pair.judged.fails(1)
    assert pair.judged.lines("ERROR", UNEXPECTED, f"plugin {name}[{pid}] was ended by signal 9")


def test_kill_9_of_a_supervised_plugin(stage: Stage, kind: Kind, role: str) -> None:
    pair = Pair(stage, kind, role, plugin_restart="on-failure")
    pid = 0
    for _ in range(2):
        pair.carries()
        pid = pair.judged.ready(other_than=pid)
        killed = pair.judged.kill_plugin(pid)
        pair.judged.says(UNEXPECTED, f"[{pid}]")
        pair.carries_by(killed + BACK * SLOWER)


def test_a_stopped_plugin(stage: Stage, kind: Kind, role: str) -> None:
    pair = Pair(stage, kind, role)
    pair.carries()
    pid = pair.judged.ready()
    os.kill(pid, signal.SIGSTOP)
    at_moment(pair.judged.process, 0.3)
    os.kill(pid, signal.SIGCONT)
    pair.carries_by(time.monotonic() + BACK * SLOWER)
    os.kill(pid, signal.SIGSTOP)
    pair.judged.stop()
    assert not procfs.alive(pid)


def test_a_stopped_plugin_and_kill_9_of_the_host(stage: Stage, kind: Kind, role: str) -> None:
    strays = tree.Strays()
    hosted = host(stage, kind, role)
    os.kill(hosted.ready(), signal.SIGSTOP)
    hosted.process.kill()
    strays.must_be_gone(GONE * SLOWER, "kill -9")
    assert is_free(hosted.public) and is_free(hosted.near)


def test_a_low_port_as_nobody(network: None, stage: Stage, kind: Kind) -> None:
    """Some of these programs carry capabilities in their file, which must not be in the way."""
    hosted = host(stage, kind, "server", public=443, user="nobody")
    pid = hosted.ready()
    status = dict(line.split(":\t") for line in open(f"/proc/{pid}/status", encoding="ascii")
                  if ":\t" in line)
    assert int(status["CapEff"], 16) == 1 << 10 and status["Uid"].split()[0] != "0"
