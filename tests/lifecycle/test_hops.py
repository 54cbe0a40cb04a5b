# SPDX-License-Identifier: Apache-2.0
"""Where a plugin stands: no plugin at all, several of them, and UDP beside them."""

from __future__ import annotations

import re
import socket

import pytest
from harness import procfs, socks
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Stage
from life import tree
from life.hosted import HERE, METHOD, ROLES, Hosted, echo_target, trade
from life.workshop import Workshop

# None.


@pytest.mark.parametrize("argv", [("--plugin", ""), ("--plugin=",)])
@pytest.mark.parametrize("role", ROLES)
def test_an_empty_plugin_on_the_command_line_is_none(stage: Stage, role: str,
                                                     argv: tuple[str, ...]) -> None:
    """Also when the file names one."""
    public, near = stage.port(), stage.port()
    common = ("-s", HERE, "-p", public, "-k", PASSWORD, "-m", METHOD)
    mine = (*common, *(("-l", near) if role == "local" else ()), *argv)
    other = "server" if role == "local" else "local"
    process = stage.run(ours(f"ss-{role}"), *mine)
    peer = stage.run(ours(f"ss-{other}"), *common, *(("-l", near) if other == "local" else ()))
    stage.wait_listening(process if role == "server" else peer, public)
    stage.wait_listening(process if role == "local" else peer, near)
    assert not process.plugins()
    carries_bytes(stage, near)


def carries_bytes(stage: Stage, near: int) -> None:
    with socks.dial((HERE, near), echo_target(stage)) as sock:
        trade(sock, b"no plugin at all")


@pytest.mark.parametrize("role", ROLES)
def test_an_empty_plugin_in_the_file_is_none(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "", plugin="", peer=True)
    stage.wait_listening(hosted.process, hosted.near if role == "local" else hosted.public)
    assert not hosted.family()
    carries_bytes(stage, hosted.near)


@pytest.mark.parametrize("role", ROLES)
def test_udp_only_starts_no_plugin(stage: Stage, role: str) -> None:
    mark = stage.home / "report"
    hosted = Hosted(stage, role, f"report={mark}", mode="udp_only")
    if not tree.exits_within(hosted.process.pid, 0.5 * SLOWER):
        assert not hosted.family()
    else:
        assert "udp_only" in hosted.fails()
    assert not mark.exists()


# UDP beside it.


@pytest.mark.parametrize("udp", [None, "direct", "off"])
@pytest.mark.parametrize("role", ROLES)
def test_udp_beside_a_plugin_is_announced_in_one_line(stage: Stage, role: str,
                                                      udp: str | None) -> None:
    more = {"plugin_udp": udp} if udp else {}
    hosted = Hosted(stage, role, mode="tcp_and_udp", peer=True, **more)
    hosted.works(echo_target(stage))
    lines = hosted.lines("plugin", "UDP")
    assert len(lines) == 1, hosted.process.output()


@pytest.mark.parametrize("role", ROLES)
def test_without_udp_there_is_nothing_to_announce(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role)
    hosted.ready()
    assert not hosted.lines("UDP")


def test_plugin_udp_has_two_values(stage: Stage) -> None:
    hosted = Hosted(stage, "server", plugin_udp="perhaps")
    assert hosted.process.wait(15 * SLOWER) in (1, 255)
    assert re.search("plugin_udp.*perhaps", hosted.process.output())


# Several servers.


def test_each_server_of_a_client_has_its_own_plugin(stage: Stage) -> None:
    ports = [stage.port() for _ in range(3)]
    hosted = Hosted(stage, "local", server=[f"{HERE}:{port}" for port in ports])
    procfs.eventually(lambda: len(hosted.plugins()) == 3, "three plugins run")
    environments = [procfs.environment(pid) for pid in hosted.plugins()]
    assert sorted(int(env["SS_REMOTE_PORT"]) for env in environments) == sorted(ports)
    assert {env["SS_REMOTE_HOST"] for env in environments} == {HERE}

    def local_ports() -> set[int]:
        return {hosted.port_of(pid) for pid in hosted.plugins()}

    procfs.eventually(lambda: len(local_ports()) == 3 and all(map(procfs.listening, local_ports())),
                      "all listen, each on its own port")


def test_several_addresses_of_a_server_have_one_plugin(stage: Stage) -> None:
    """As shadowsocks-libev does: joined by a bar."""
    hosted = Hosted(stage, "server", server=[HERE, "::1"])
    environment = procfs.environment(hosted.ready())
    assert environment["SS_REMOTE_HOST"] == f"{HERE}|::1" and len(hosted.plugins()) == 1


def test_users_need_not_wait_for_the_slowest_plugin(stage: Stage, workshop: Workshop) -> None:
    """One server's plugin listens at once, the other's never."""
    ports = [stage.port(), stage.port()]
    server = stage.run(ours("ss-server"), "-s", HERE, "-p", ports[0], "-k", PASSWORD, "-m", METHOD)
    stage.wait_listening(server, ports[0])
    workshop.copy()
    plugin = workshop.script("choosy", f"test $SS_REMOTE_PORT = {ports[0]} || exec sleep 60",
                             f"exec {workshop.path}/fakeplugin")
    hosted = Hosted(stage, "local", server=[f"{HERE}:{port}" for port in ports], plugin=plugin)
    stage.wait_listening(hosted.process, hosted.near)
    target = echo_target(stage)
    procfs.eventually(lambda: is_carried(hosted, target), "a user is served", 5 * SLOWER)


def is_carried(hosted: Hosted, target: socks.Address) -> bool:
    try:
        with socks.dial((HERE, hosted.near), target, 2) as sock:
            trade(sock, b"quick")
    except (OSError, EOFError):
        return False
    return True


# The hop itself.


@pytest.mark.parametrize("argv", [("-i", "no-such-interface"), ("--fast-open",), ("--mptcp",),
                                  ("--tcp-outgoing-sndbuf", "65536"), ("-b", HERE)])
def test_options_for_the_outside_are_not_spent_on_the_loopback(stage: Stage,
                                                               argv: tuple[str, ...]) -> None:
    hosted = Hosted(stage, "local", None, *argv, peer=True)
    hosted.works(echo_target(stage))


def test_a_client_of_ipv6_servers_has_a_hop_of_ipv6(stage: Stage) -> None:
    with socket.socket(socket.AF_INET6) as probe:
        probe.bind(("::1", 0))
        port = probe.getsockname()[1]
    hosted = Hosted(stage, "local", server="::1", server_port=port)
    environment = procfs.environment(hosted.plugin())
    assert (environment["SS_REMOTE_HOST"], environment["SS_LOCAL_HOST"]) == ("::1", "::1")
