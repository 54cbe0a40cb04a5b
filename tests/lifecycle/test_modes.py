# SPDX-License-Identifier: Apache-2.0
"""plugin_mode: what goes through a plugin, what goes around it, and what the plugin is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness import procfs, udp
from harness.content import content
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.hosted import ROLES, Hosted, echo_target, fake, trade

MODES = ["tcp_only", "tcp_and_udp", "udp_only"]
BOTH = {"mode": "tcp_and_udp", "plugin_mode": "tcp_and_udp"}


def both_ends(stage: Stage, *opts: str, **conf: str) -> tuple[Hosted, Hosted]:
    """A server, whose plugin listens if it does by TCP, and a client, both with the fake plugin."""
    server = Hosted(stage, "server", *opts, **conf)
    client = Hosted(stage, "local", *opts, public=server.public, **conf)
    if conf["plugin_mode"] != "udp_only":
        server.ready()
    return server, client


def owners(port: int) -> set[int]:
    """The processes that receive on the UDP port."""
    suffix = f":{port:04X}"
    rows = (line.split() for line in Path("/proc/net/udp").read_text().splitlines()[1:])
    return set(tree.holders(f"socket:[{row[9]}]" for row in rows if row[1].endswith(suffix)))


def comes_back(user: udp.Client, target: udp.Echo, payload: bytes) -> bool:
    """True when the target has answered this packet; one may be lost while a plugin starts."""
    user.sock.settimeout(0.2)
    user.send(target.address, payload)
    try:
        return user.receive()[1] == payload
    except OSError:
        return False


def carries_udp(stage: Stage, client: Hosted, payload: bytes) -> udp.Echo:
    """Waits until packets get to a target and back; returns the target."""
    udp.wait_bound(client.near, 10 * SLOWER)
    user, target = stage.keep(udp.Client(("127.0.0.1", client.near))), stage.keep(udp.Echo())
    procfs.eventually(lambda: comes_back(user, target, payload), "packets get through",
                      10 * SLOWER)
    return target


def told(pid: int) -> str | None:
    return procfs.environment(pid).get("SS_PLUGIN_MODE")


# News for the plugin.


@pytest.mark.parametrize("plugin_mode", [None, *MODES])
@pytest.mark.parametrize("mode", [None, *MODES])
@pytest.mark.parametrize("role", ROLES)
def test_the_plugin_is_told_what_both_modes_have(stage: Stage, role: str, mode: str | None,
                                                 plugin_mode: str | None) -> None:
    hosted = Hosted(stage, role, None, "--print-plugin-env", mode=mode, plugin_mode=plugin_mode)
    assert hosted.process.wait(15 * SLOWER) == 0
    wants = set((mode or "tcp_only").split("_")) & {"tcp", "udp"}
    carries = set((plugin_mode or "tcp_only").split("_")) & {"tcp", "udp"}
    both = sorted(wants & carries) or ["tcp"]
    expected = "tcp_and_udp" if len(both) == 2 else f"{both[0]}_only"
    assert f"SS_PLUGIN_MODE={expected}\n" in hosted.process.output()


def test_the_option_beats_the_key(stage: Stage) -> None:
    hosted = Hosted(stage, "server", None, "-u", "--plugin-mode", "tcp_only", "--print-plugin-env",
                    plugin_mode="udp_only")
    assert hosted.process.wait(15 * SLOWER) == 0
    assert "SS_PLUGIN_MODE=tcp_only\n" in hosted.process.output()


@pytest.mark.parametrize("role", ROLES)
def test_another_mode_is_an_error(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, plugin_mode="udp")
    assert hosted.process.wait(15 * SLOWER) in (1, 255)
    assert "expected tcp_only, tcp_and_udp or udp_only" in hosted.process.output()


# Both.


def test_tcp_and_udp_go_through_it(stage: Stage) -> None:
    server, client = both_ends(stage, **BOTH)
    near = client.works(echo_target(stage))
    server_plugins, client_plugins = server.plugins(), client.plugins()
    assert owners(server.public) and owners(server.public) <= set(server_plugins)
    near_port = client.port_of(client.ready())
    assert owners(near_port) and owners(near_port) <= set(client_plugins)
    assert told(server.ready()) == told(client.ready()) == "tcp_and_udp"
    target = stage.keep(udp.Echo())
    user = stage.keep(udp.Client(("127.0.0.1", client.near)))
    for size in (0, 1, 1000, 1400, 20000):
        user.trade(target.address, content(size))
    trade(near, b"and TCP as before")
    for hosted in (server, client):
        assert len(hosted.lines("UDP goes through the plugin")) == 1


def test_a_plugin_made_with_the_sdk_carries_both(stage: Stage) -> None:
    server, client = both_ends(stage, plugin=fake("toy-plugin"), **BOTH)
    trade(client.works(echo_target(stage)), b"bytes")
    user, target = stage.keep(udp.Client(("127.0.0.1", client.near))), stage.keep(udp.Echo())
    for size in (0, 1, 1000, 1400, 20000):
        user.trade(target.address, content(size))
    assert owners(server.public) <= set(server.plugins())


def test_many_users_are_told_apart(stage: Stage) -> None:
    _, client = both_ends(stage, **BOTH)
    client.ready()
    target = carries_udp(stage, client, b"warm")
    users = [stage.keep(udp.Client(("127.0.0.1", client.near))) for _ in range(20)]
    for n, user in enumerate(users):
        user.send(target.address, b"from %d" % n)
    for n, user in enumerate(users):
        assert user.receive()[1] == b"from %d" % n


def test_udp_works_again_after_the_plugin_has_died(stage: Stage) -> None:
    _, client = both_ends(stage, **BOTH, plugin_restart="on-failure")
    first = client.ready()
    target = carries_udp(stage, client, b"before")
    user = stage.keep(udp.Client(("127.0.0.1", client.near)))
    client.kill_plugin(first)
    client.ready(other_than=first)
    procfs.eventually(lambda: comes_back(user, target, b"after"), "packets get through again",
                      10 * SLOWER)


# One of them.


def test_with_udp_only_tcp_goes_around_it(stage: Stage) -> None:
    server, client = both_ends(stage, mode="tcp_and_udp", plugin_mode="udp_only")
    for hosted in (server, client):
        hosted.says("TCP bypasses the plugin")
        procfs.eventually(hosted.plugins, "the plugin runs", 10 * SLOWER)
    server_plugin, client_plugin = server.plugins()[0], client.plugins()[0]
    assert told(server_plugin) == told(client_plugin) == "udp_only"
    udp.wait_bound(server.public, 10 * SLOWER)
    udp.wait_bound(client.port_of(client_plugin), 10 * SLOWER)
    stage.wait_listening(server.process, server.public)
    stage.wait_listening(client.process, client.near)
    client._is_up = True
    trade(client.dial(echo_target(stage)), b"around it")
    assert not procfs.listening(client.port_of(client_plugin))
    carries_udp(stage, client, b"through it")


def test_udp_only_all_over_needs_no_tcp(stage: Stage) -> None:
    server, client = both_ends(stage, mode="udp_only", plugin_mode="udp_only")
    for hosted in (server, client):
        procfs.eventually(hosted.plugins, "the plugin runs", 10 * SLOWER)
    udp.wait_bound(server.public, 10 * SLOWER)
    udp.wait_bound(client.port_of(client.plugins()[0]), 10 * SLOWER)
    carries_udp(stage, client, b"nothing else")
    assert not procfs.listening(server.public) and not procfs.listening(client.near)


def test_what_is_on_the_wire_is_the_plugins(stage: Stage) -> None:
    """The plugin puts a tag on every packet; the target gets none of it."""
    only = {"mode": "udp_only", "plugin_mode": "udp_only", "plugin": fake("toy-plugin")}
    server = Hosted(stage, "server", **only)
    udp.wait_bound(server.public, 10 * SLOWER)
    wire = stage.keep(udp.Wire(("127.0.0.1", server.public)))
    client = Hosted(stage, "local", public=wire.address[1], **only)
    target = carries_udp(stage, client, b"in disguise")
    assert {packet for packet, _ in target.seen} == {b"in disguise"}
    assert wire.up and wire.down
    for packet in wire.up + wire.down:
        assert packet.startswith(b"toyd")


@pytest.mark.parametrize("role", ROLES)
def test_plugin_udp_off_is_about_udp_around_it(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, plugin_udp="off", **BOTH)
    hosted.ready()
    assert told(hosted.ready()) == "tcp_and_udp"
    assert hosted.lines("UDP goes through the plugin") and not hosted.lines("UDP is off")


# A plugin that does not do it.


@pytest.mark.parametrize("plugin_mode", ["tcp_and_udp", "udp_only"])
@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_without_udp_is_not_ready(stage: Stage, role: str, plugin_mode: str) -> None:
    hosted = Hosted(stage, role, "no-udp", "--plugin-ready", "0.6", mode="tcp_and_udp",
                    plugin_mode=plugin_mode, plugin=fake())
    output = hosted.fails()
    assert f"SS_PLUGIN_MODE: {plugin_mode}" in output
    assert "receive UDP" in output or "listen for TCP and UDP" in output
