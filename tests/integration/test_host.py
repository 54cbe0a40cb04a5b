# SPDX-License-Identifier: Apache-2.0
"""ss-local and ss-server as hosts: the contract with the plugin, and the life of its process."""

from __future__ import annotations

import json
import os
import signal
import socket
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, socks
from harness.content import read_exactly
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.stage import PASSWORD, Parts, Stage, our_parts
from harness.targets import echo

ADDITIVE = {"SS_PLUGIN_ROLE", "SS_PLUGIN_MODE", "SS_PLUGIN_NOTIFY_FD", "SS_EXIT_ON_STDIN_CLOSE",
            "SS_PLUGIN_HANDSHAKE_MS"}
SIDES = ["local", "server"]


class Hosted:
    """One of our programs with a plugin; parts that the test does not name are not there."""

    def __init__(self, stage: Stage, side: str, plugin: object, opts: str | None = None,
                 host: str = "127.0.0.1", env: dict[str, str] | None = None) -> None:
        self.public, self.near = stage.port(host), stage.port(host)
        own = {"local_address": host, "local_port": self.near} if side == "local" else {}
        path = stage.config(server=host, server_port=self.public, password=PASSWORD,
                            method="aes-256-gcm", plugin=str(plugin), plugin_opts=opts,
                            plugin_sandbox=False, **own)  # the fake ones write reports
        self.port = self.near if side == "local" else self.public
        self.process: Process = stage.run(ours(f"ss-{side}"), "-c", path, env=env)
        self._stage, self._side, self._host = stage, side, host

    def wait_ready(self) -> None:
        """Waits until the plugin listens and the host knows it."""
        local = self._side == "local"
        self._stage.wait_listening(self.process, self.port)
        self._stage.wait_plugin(self.process, "SS_LOCAL_PORT" if local else "SS_REMOTE_PORT")
        if local:
            socks.greet((self._host, self.port)).close()


def fake_opts(side: str, extra: str) -> str:
    return ("server;" if side == "server" else "") + extra


def read_report(path: Path) -> dict[str, Any]:
    procfs.eventually(path.exists, "the plugin wrote its report", 10 * SLOWER)
    return json.loads(path.read_text())


# The contract.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
@pytest.mark.parametrize("side", SIDES)
def test_the_environment_is_the_contract(stage: Stage, side: str, host: str) -> None:
    path = stage.home / "report"
    opts = fake_opts(side, f"report={path};a=b\\;c\\=d;e=f=g;flag;path=/x/\\\\y")
    hosted = Hosted(stage, side, stage.fake_plugin(), opts, host)
    report = read_report(path)
    env = {k: v for k, v in report["env"].items() if k.startswith("SS_") and k not in ADDITIVE}
    local_port = env.pop("SS_LOCAL_PORT")
    assert env == {"SS_REMOTE_HOST": host, "SS_REMOTE_PORT": str(hosted.public),
                   "SS_LOCAL_HOST": host, "SS_PLUGIN_OPTIONS": opts}
    assert 0 < int(local_port) < 65536 and int(local_port) not in (hosted.public, hosted.near)
    assert PASSWORD not in json.dumps(report)
    assert report["group"] == report["pid"], "the plugin has its own process group"


@pytest.mark.parametrize("side", SIDES)
def test_stale_options_are_not_inherited(stage: Stage, side: str) -> None:
    """Without options there is no SS_PLUGIN_OPTIONS; a plugin script shows what there is instead."""
    out = stage.home / "environment"
    script = stage.script("show", f"#!/bin/sh\nenv >{out}.part && mv {out}.part {out}\nexec sleep 60\n")
    Hosted(stage, side, script, None, env={"SS_PLUGIN_OPTIONS": "stale", "SS_LOCAL_PORT": "1"})
    procfs.eventually(out.exists, "the plugin ran")
    env = dict(line.partition("=")[::2] for line in out.read_text().splitlines())
    assert "SS_PLUGIN_OPTIONS" not in env
    assert env["SS_LOCAL_PORT"] != "1"


@pytest.mark.parametrize("side", SIDES)
def test_the_plugin_inherits_no_files_and_no_ignored_signals(stage: Stage, side: str) -> None:
    path = stage.home / "report"
    Hosted(stage, side, stage.fake_plugin(), fake_opts(side, f"report={path}"))
    report = read_report(path)
    known = {0, 1, 2, int(report["env"].get("SS_PLUGIN_NOTIFY_FD", 2))}
    assert set(report["files"]) <= known
    # Python itself ignores SIGPIPE and SIGXFSZ.
    assert set(report["ignored"]) <= {signal.SIGPIPE, signal.SIGXFSZ}


def fake_parts(stage: Stage, client_extra: str = "", server_extra: str = "") -> Parts:
    plugin = str(stage.fake_plugin())
    return replace(our_parts(), client_plugin=plugin, client_opts=client_extra or None,
                   server_plugin=plugin, server_opts="server" + server_extra)


def test_a_plugin_of_somebody_else_carries_traffic(stage: Stage) -> None:
    chain = stage.chain(fake_parts(stage), plugin_sandbox=False)
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"through a stranger")
    assert read_exactly(client, 18) == b"through a stranger"


def test_the_host_says_what_the_plugin_says(stage: Stage) -> None:
    hosted = Hosted(stage, "local", stage.fake_plugin(), "say=remarkable words")
    procfs.eventually(lambda: "remarkable words" in hosted.process.output(), "the line is logged")


def test_a_talkative_plugin_does_not_block(stage: Stage) -> None:
    chain = stage.chain(fake_parts(stage, "spam=20000"), plugin_sandbox=False)
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"x")
    assert read_exactly(client, 1) == b"x"


def ask_at_once(stage: Stage, proxy: Address, target: Address) -> socket.socket:
    """Everything a client has to say, before any answer."""
    client = stage.connect(proxy)
    client.sendall(b"\5\1\0" + socks.request(target) + b"patience")
    return client


def test_nobody_is_lost_while_a_plugin_starts(stage: Stage) -> None:
    """Either the host does not listen yet, or it keeps early clients waiting."""
    parts, public = fake_parts(stage), stage.port()
    stage.ss_server(parts, public, plugin_sandbox=False)
    go, up = stage.home / "go", stage.home / "up"
    near = ("127.0.0.1", stage.port())
    slow = replace(parts, client_opts=f"report={up};wait-for={go}")
    local = stage.ss_local(slow, ("127.0.0.1", public), near[1], wait=False,
                           plugin_sandbox=False)
    procfs.eventually(up.exists, "the plugin runs")
    target = stage.target(echo).address
    early = [ask_at_once(stage, near, target) for _ in range(5)] if procfs.listening(near[1]) else []
    go.touch()
    stage.wait_listening(local, near[1])
    for client in [*early, ask_at_once(stage, near, target)]:
        assert read_exactly(client, 2 + 10 + 8)[-8:] == b"patience"


# Plugins that cannot start.


def bad_plugins(home: Path) -> dict[str, tuple[Path, str]]:
    missing, plain, broken = home / "missing", home / "plain", home / "broken"
    plain.write_text("not executable")
    broken.write_bytes(b"\x7fELF but not really")
    broken.chmod(0o755)
    return {"missing": (missing, "No such file"), "not executable": (plain, "Permission denied"),
            "bad format": (broken, "Exec format error"), "directory": (home, "directory")}


@pytest.mark.parametrize("kind", ["missing", "not executable", "bad format", "directory"])
@pytest.mark.parametrize("side", SIDES)
def test_a_plugin_that_cannot_start_is_a_quick_error(stage: Stage, side: str, kind: str) -> None:
    path, reason = bad_plugins(stage.home)[kind]
    started = time.monotonic()
    hosted = Hosted(stage, side, path)
    assert hosted.process.wait(5) == 255
    assert time.monotonic() - started < 0.4 * SLOWER
    lines = [line for line in hosted.process.output().splitlines() if "ERROR" in line]
    assert any(reason in line and str(path) in line for line in lines), hosted.process.output()
    assert not procfs.listening(hosted.port)


@pytest.mark.parametrize("side", SIDES)
def test_a_program_in_the_current_directory_is_not_a_plugin(stage: Stage, side: str) -> None:
    mark = stage.home / "ran"
    stage.script("a-trojan", f"#!/bin/sh\ntouch {mark}\nexec sleep 60\n")
    hosted = Hosted(stage, side, "a-trojan")
    assert hosted.process.wait(5) == 255
    assert "No such file" in hosted.process.output() and not mark.exists()


def test_a_relative_path_is_a_plugin(stage: Stage) -> None:
    stage.fake_plugin()
    hosted = Hosted(stage, "local", "./fake-plugin")
    stage.wait_listening(hosted.process, hosted.port)


def test_a_name_is_found_in_path(stage: Stage) -> None:
    stage.fake_plugin()
    path = f"{stage.home}:{os.environ['PATH']}"
    hosted = Hosted(stage, "local", "fake-plugin", env={"PATH": path})
    stage.wait_listening(hosted.process, hosted.port)


# Plugins that end.


@pytest.mark.parametrize("side", SIDES)
def test_a_plugin_that_gives_up_at_once_ends_its_host(stage: Stage, side: str) -> None:
    opts = fake_opts(side, "say=the reason is this;exit=3")
    hosted = Hosted(stage, side, stage.fake_plugin(), opts)
    assert hosted.process.wait(5) == 255
    output = hosted.process.output()
    assert "plugin" in output and "the reason is this" in output and "3" in output
    assert not procfs.listening(hosted.port)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM])
@pytest.mark.parametrize("side", SIDES)
def test_the_death_of_a_plugin_is_the_hosts(stage: Stage, side: str, number: int) -> None:
    hosted = Hosted(stage, side, stage.fake_plugin(), fake_opts(side, ""))
    hosted.wait_ready()
    hosted.process.kill_plugin(number)
    assert hosted.process.wait(15 * SLOWER) == 255
    assert "plugin service exit unexpectedly" in hosted.process.output()


@pytest.mark.parametrize("side", SIDES)
def test_a_stopped_plugin_has_not_ended(stage: Stage, side: str) -> None:
    hosted = Hosted(stage, side, stage.fake_plugin(), fake_opts(side, ""))
    hosted.wait_ready()
    (plugin,) = hosted.process.plugins()
    os.kill(plugin, signal.SIGSTOP)
    with pytest.raises(AssertionError, match="still running"):
        hosted.process.wait(0.5)
    assert hosted.process.stop() == 0
    assert not procfs.alive(plugin)


# Hosts that end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("mode", ["http", "tls"])
def test_a_stopped_host_takes_its_plugin_along(stage: Stage, mode: str, number: int) -> None:
    chain = stage.chain(our_parts(mode))
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"x")
    assert read_exactly(client, 1) == b"x"
    pids = chain.pids()
    assert [host.stop(number, within=1) for host in chain.hosts] == [0, 0]
    assert not [pid for pid in pids if procfs.alive(pid)]


@pytest.mark.parametrize("side", SIDES)
def test_a_deaf_plugin_cannot_hold_its_host(stage: Stage, side: str) -> None:
    hosted = Hosted(stage, side, stage.fake_plugin(), fake_opts(side, "ignore-term"))
    hosted.wait_ready()
    (plugin,) = hosted.process.plugins()
    assert hosted.process.stop(within=5) == 0
    assert not procfs.alive(plugin)


@pytest.mark.parametrize("side", SIDES)
def test_the_children_of_a_plugin_go_with_it(stage: Stage, side: str) -> None:
    fake, mark = stage.fake_plugin(), stage.home / "grandchild"
    script = stage.script("wrapper", f"#!/bin/sh\nsleep 60 &\necho $! >{mark}\n{fake}\n")
    hosted = Hosted(stage, side, script, fake_opts(side, ""))
    hosted.wait_ready()
    procfs.eventually(lambda: mark.exists() and mark.read_text().strip(), "the wrapper runs")
    assert hosted.process.stop() == 0
    procfs.eventually(lambda: not procfs.alive(int(mark.read_text())), "the grandchild is gone", 1)


@pytest.mark.parametrize("side", SIDES)
def test_a_killed_host_leaves_no_plugin(stage: Stage, side: str) -> None:
    hosted = Hosted(stage, side, stage.fake_plugin(), fake_opts(side, ""))
    hosted.wait_ready()
    (plugin,) = hosted.process.plugins()
    hosted.process.kill()
    procfs.eventually(lambda: not procfs.alive(plugin), "the plugin is gone", SLOWER)


def test_a_server_is_behind_its_plugin(stage: Stage) -> None:
    """The public port is the plugin's; ss-server itself listens on the loopback only."""
    path = stage.home / "report"
    hosted = Hosted(stage, "server", stage.fake_plugin(), f"server;report={path}")
    inner = int(read_report(path)["env"]["SS_LOCAL_PORT"])
    hosted.wait_ready()
    with socket.create_connection(("127.0.0.1", inner), 5):
        pass
