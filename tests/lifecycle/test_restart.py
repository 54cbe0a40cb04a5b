# SPDX-License-Identifier: Apache-2.0
"""plugin_restart: on-failure. A plugin that dies is started again, at a sensible pace."""

from __future__ import annotations

import re
import select
import signal
import socket
import statistics
import threading
import time

import pytest
from harness import procfs, socks
from harness.extent import FULL, extent
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Stage
from life import tree
from life.chance import moments, share
from life.hosted import (HERE, METHOD, ROLES, UNEXPECTED, Hosted, at_moment, echo_target, is_free,
                         joined, trade)
from life.load import Load
from life.workshop import Workshop

BACK = 30.0  # seconds that a wait for the next plugin may take
KILLS = 2  # of one host: the back-off after the third would be longer than a user waits


def supervised(stage: Stage, role: str, opts: str | None = None, *argv: object,
               peer: bool = True, **conf: object) -> Hosted:
    return Hosted(stage, role, opts, *argv, peer=peer, plugin_restart="on-failure", **conf)


# kill -9 of the plugin.


def no_zombies(hosted: Hosted) -> bool:
    """Processes that a plugin does not reap are its own affair."""
    parents = {hosted.process.pid, *hosted.family()} - set(hosted.plugins())
    return all(procfs.alive(pid) for parent in parents for pid in procfs.children(parent))


@pytest.mark.parametrize("opts", ["", "ignore-term;fork-grandchild", "listen-after=100"])
@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_the_plugin_under_load(stage: Stage, role: str, opts: str) -> None:
    target = echo_target(stage)
    for moment in moments(share(6 * KILLS), f"{role}{opts}"):
        hosted = supervised(stage, role, opts, plugin_grace=0.2)
        hosted.come_up()
        load = stage.keep(Load((HERE, hosted.near), target))
        pid = 0
        for _ in range(KILLS):
            pid = hosted.plugin(other_than=pid)
            at_moment(hosted.process, moment)
            killed = hosted.kill_plugin(pid)
            hosted.says(UNEXPECTED, f"[{pid}]", within=30)
            hosted.works_by(target, killed + BACK * SLOWER)
        load.close()
        procfs.eventually(lambda: no_zombies(hosted), "no zombies", 2)
        hosted.stop()


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_a_plugin_that_has_just_started(stage: Stage, role: str) -> None:
    target = echo_target(stage)
    for moment in moments(share(6), f"early {role}"):
        hosted = supervised(stage, role, "listen-after=20")
        pid = hosted.plugin()
        at_moment(hosted.process, moment / 8)
        killed = hosted.kill_plugin(pid)
        hosted.ready(other_than=pid, within=BACK)
        hosted.works_by(target, killed + 2 * BACK * SLOWER)
        hosted.stop()


@pytest.mark.parametrize("role", ROLES)
def test_deaths_leak_no_descriptors(stage: Stage, role: str) -> None:
    hosted = supervised(stage, role)
    target, pid = echo_target(stage), 0
    hosted.works(target).close()
    before = procfs.fd_count(hosted.process.pid)
    for _ in range(3):
        kept = [hosted.works(target) for _ in range(20)]
        pid = hosted.plugin(other_than=pid)
        killed = hosted.kill_plugin(pid)
        hosted.works_by(target, killed + 2 * SLOWER)
        for sock in kept:
            sock.close()
    procfs.eventually(lambda: procfs.fd_count(hosted.process.pid) <= before, "all are closed", 5)


# New connections meanwhile.


def test_a_client_in_the_gap_waits(stage: Stage) -> None:
    hosted = supervised(stage, "local", "listen-after=300")
    target = echo_target(stage)
    hosted.works(target)
    hosted.kill_plugin(pid := hosted.ready())
    hosted.says(UNEXPECTED, f"[{pid}]")
    served: list[int] = []

    def visit(number: int) -> None:
        trade(hosted.dial(target), b"held")
        served.append(number)

    threads = [threading.Thread(target=visit, args=(n,), daemon=True) for n in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(3 * SLOWER)
    assert len(served) == 10


def test_a_server_in_the_gap_refuses_clearly(stage: Stage) -> None:
    hosted = supervised(stage, "server", "listen-after=500")
    hosted.kill_plugin(pid := hosted.ready())
    hosted.says(UNEXPECTED, f"[{pid}]")
    with pytest.raises(ConnectionRefusedError), socket.create_connection((HERE, hosted.public), 5):
        pass


# Sessions.


def test_a_session_around_the_plugin_is_untouched(stage: Stage) -> None:
    """Straight to the loopback port of ss-server, which is behind the plugin for all others."""
    hosted = supervised(stage, "server")
    pid, near = hosted.ready(), stage.port()
    inner = int(procfs.environment(pid)["SS_LOCAL_PORT"])
    around = stage.run(ours("ss-local"), "-s", HERE, "-p", inner, "-l", near, "-k", PASSWORD,
                       "-m", METHOD)
    stage.wait_listening(around, near)
    sock = stage.keep(socks.dial((HERE, near), echo_target(stage)))
    trade(sock, b"before")
    hosted.kill_plugin(pid)
    hosted.ready(other_than=pid)
    trade(sock, b"after")


@pytest.mark.parametrize("role", ROLES)
def test_sessions_through_the_dead_plugin_end(stage: Stage, role: str) -> None:
    hosted = supervised(stage, role)
    socks_ = [hosted.works(echo_target(stage)) for _ in range(10)]
    hosted.kill_plugin(hosted.ready())
    deadline = time.monotonic() + 2 * SLOWER
    while socks_:
        ready = select.select(socks_, [], [], max(0, deadline - time.monotonic()))[0]
        assert ready, f"{len(socks_)} connections still hang"
        socks_ = [sock for sock in socks_ if sock not in ready]


def test_only_the_users_of_one_server_notice(stage: Stage) -> None:
    """One plugin for each server of a client: the death of one leaves the other alone."""
    ports = [stage.port(), stage.port()]
    for port in ports:
        server = stage.run(ours("ss-server"), "-s", HERE, "-p", port, "-k", PASSWORD, "-m", METHOD)
        stage.wait_listening(server, port)
    hosted = Hosted(stage, "local", server=[f"{HERE}:{port}" for port in ports],
                    plugin_restart="on-failure")
    target = echo_target(stage)
    hosted.works(target)
    procfs.eventually(lambda: all(procfs.listening(hosted.port_of(pid)) for pid in hosted.plugins())
                      and len(hosted.plugins()) == 2, "both are ready")
    victim, other = hosted.plugins()
    assert {procfs.environment(pid)["SS_REMOTE_PORT"] for pid in (victim, other)} == \
        {str(port) for port in ports}
    socks_ = [hosted.works(target) for _ in range(12)]
    hosted.kill_plugin(victim)
    killed = time.monotonic()
    hosted.works_by(target, killed + BACK * SLOWER)
    hosted.says(UNEXPECTED, f"[{victim}]")
    assert procfs.alive(other) and sum(map(survives, socks_)) > 0


def survives(sock: socket.socket) -> bool:
    try:
        trade(sock, b"still there?")
    except (OSError, EOFError):
        return False
    return True


# The pace.


def deaths(hosts: list[Hosted], count: int, within: float) -> list[list[float]]:
    """When each log told of its first deaths, so many of them."""
    seen: list[list[float]] = [[] for _ in hosts]

    def is_enough() -> bool:
        for hosted, times in zip(hosts, seen):
            hosted.must_run()
            while len(times) < len(hosted.lines(UNEXPECTED)):
                times.append(time.monotonic())
        return all(len(times) >= count for times in seen)

    procfs.eventually(is_enough, f"{count} deaths", within * SLOWER)
    return seen


def pauses(times: list[float]) -> list[float]:
    return [after - before for before, after in zip(times, times[1:])]


@pytest.mark.parametrize("role", ROLES)
def test_the_pauses_double_from_a_tenth_of_a_second(stage: Stage, role: str) -> None:
    """Behind the first restart. A quarter less is jitter. A slow machine makes pauses longer, and
    nothing makes them shorter."""
    begun = time.monotonic()
    hosted = supervised(stage, role, "exit=1", peer=False)
    (times,) = deaths([hosted], 5, 6)
    for number in range(2, 5):
        assert times[number] - begun >= 0.75 * 0.1 * (2 ** (number - 1) - 1), times
    hosted.stop()


def test_the_first_restart_has_no_pause(stage: Stage) -> None:
    """It takes what a start takes; the next one takes that and a pause."""
    hosts = [supervised(stage, "server", "exit=1", peer=False) for _ in range(6)]
    took = [pauses(times) for times in deaths(hosts, 3, 5)]
    assert min(first for first, _, *_ in took) + 0.04 < min(second for _, second, *_ in took), took


@pytest.mark.parametrize("role", ROLES)
def test_service_is_back_soon_after_a_first_death(stage: Stage, role: str) -> None:
    """From the kill to the bytes of a new connection. In full: 0.15 s, as the median of 50 hosts."""
    target, took = echo_target(stage), []
    for _ in range(extent(2, 50)):
        hosted = supervised(stage, role)
        hosted.works(target).close()
        killed = hosted.kill_plugin(hosted.plugin())
        took.append(hosted.works_by(target, killed + BACK * SLOWER) - killed)
        hosted.stop()
    middle = statistics.median(took)
    print(f"{1000 * middle:.0f} ms, {1000 * max(took):.0f} ms at most")
    if FULL:
        assert middle <= 0.15, took


def test_the_pauses_are_not_the_same_for_all(stage: Stage) -> None:
    """With jitter, plugins that died together come back apart."""
    hosts = [supervised(stage, "server", "exit=1", peer=False) for _ in range(6)]
    fourth = [pauses(times)[3] for times in deaths(hosts, 5, 5)]
    assert max(fourth) - min(fourth) > 0.03, fourth


# No restart.


@pytest.mark.parametrize("opts", ["exit=64", "exit=77", "exit=78", "exit=23", "exit-after=400,78"])
@pytest.mark.parametrize("role", ROLES)
def test_a_configuration_error_is_final(stage: Stage, role: str, opts: str) -> None:
    hosted = supervised(stage, role, joined("say=started", opts), peer=False)
    output = hosted.fails()
    assert output.count("]: started") == 1 and len(hosted.lines(UNEXPECTED)) == 1
    assert re.search(r"exited with status (64|77|78|23) ", output)
    assert is_free(hosted.public) and not hosted.family()


@pytest.mark.parametrize("argv", [(), ("--plugin-restart", "never")])
@pytest.mark.parametrize("role", ROLES)
def test_the_default_is_no_restart(stage: Stage, role: str, argv: tuple[str, ...]) -> None:
    hosted = Hosted(stage, role, "say=started;exit=1", *argv)
    assert hosted.fails().count("]: started") == 1


@pytest.mark.parametrize("status", [0, 1, 255])
def test_the_option_is_the_key(stage: Stage, status: int) -> None:
    hosted = Hosted(stage, "server", f"exit={status}", "--plugin-restart", "on-failure")
    deaths([hosted], 3, 3)


def test_another_policy_is_a_mistake(stage: Stage) -> None:
    mark = stage.home / "ran"
    hosted = Hosted(stage, "server", f"report={mark}", plugin_restart="sometimes")
    assert hosted.process.wait(15 * SLOWER) in (1, 255)
    assert re.search("plugin_restart.*sometimes", hosted.process.output()) and not mark.exists()


# The end, in between.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("role", ROLES)
def test_a_stop_in_the_gap_is_quick(stage: Stage, role: str, number: int) -> None:
    strays = tree.Strays()
    hosted = supervised(stage, role, "exit=1", peer=False)
    deaths([hosted], 4, 4)
    hosted.stop(number)
    strays.must_be_gone(1, "the stop")


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_vanishes_is_tried_again(stage: Stage, workshop: Workshop, role: str) -> None:
    """An upgrade replaces the file: for a moment there is none."""
    plugin = workshop.copy()
    hosted = supervised(stage, role, plugin=plugin)
    pid = hosted.ready()
    aside = plugin.rename(plugin.with_name("aside"))
    hosted.kill_plugin(pid)
    hosted.says("No such file")
    aside.rename(plugin)
    hosted.ready(other_than=pid)
    hosted.works_by(echo_target(stage), time.monotonic() + 5 * SLOWER)
