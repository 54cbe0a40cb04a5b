# SPDX-License-Identifier: Apache-2.0
"""The death of a plugin is told in full, and ends its host unless it is to be restarted."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable

import pytest
from harness import procfs
from harness.content import read_to_end
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.chance import share
from life.hosted import ROLES, UNEXPECTED, Hosted, at_moment, echo_target, is_free, joined, trade

NOTICED = 0.1


def death(hosted: Hosted) -> re.Match[str]:
    """The line that tells of it."""
    lines = hosted.lines("ERROR", UNEXPECTED)
    assert len(lines) == 1, hosted.process.output()
    found = re.search(r"plugin (\S+)\[(\d+)\] (exited with status (\d+)|was ended by signal (\d+) "
                      r"\(([^)]+)\)) after (\d+\.\d+) s", lines[0])
    assert found, lines[0]
    return found


# The news.


@pytest.mark.parametrize("status", [0, 1, 3, 64, 78, 255])
@pytest.mark.parametrize("role", ROLES)
def test_an_exit_is_told_with_its_status(stage: Stage, role: str, status: int) -> None:
    hosted = Hosted(stage, role, f"say=the reason is this;exit={status}")
    output = hosted.fails()
    told = death(hosted)
    assert told[1] == "fakeplugin" and int(told[4]) == status
    assert "the reason is this" in output and not hosted.family()
    assert is_free(hosted.public) and is_free(hosted.near)


@pytest.mark.parametrize("role", ROLES)
def test_a_late_exit_is_told_with_its_time(stage: Stage, role: str) -> None:
    """So late that it has been seen ready before."""
    hosted = Hosted(stage, role, f"exit-after={3000 * SLOWER},7")
    pid = hosted.ready()
    hosted.fails()
    lived = time.monotonic() - hosted.started
    told = death(hosted)
    assert (int(told[2]), int(told[4])) == (pid, 7)
    # The host counts from the moment it knows that the exec succeeded, a little after the plugin.
    assert 3 * SLOWER - 0.1 < float(told[7]) < lived


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGUSR1])
@pytest.mark.parametrize("role", ROLES)
def test_a_signal_is_told_by_number_and_name(stage: Stage, role: str, number: int) -> None:
    hosted = Hosted(stage, role)
    pid = hosted.ready()
    hosted.kill_plugin(pid, number)
    hosted.fails()
    told = death(hosted)
    if number == signal.SIGTERM:  # which it obeys
        assert int(told[4]) == 0
    else:
        assert int(told[5]) == number and told[6] == signal.strsignal(number)


@pytest.mark.parametrize("role", ROLES)
def test_the_last_words_are_in_the_log(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "say=one\ntwo\nthree;partial-line;exit=1")
    hosted.fails()
    words = [text for _, text in hosted.said_by_plugin()]
    assert words == ["one", "two", "three", "a line without an end"]
    assert "a line without an end" in hosted.lines(UNEXPECTED)[0]


@pytest.mark.parametrize("role", ROLES)
def test_a_flood_does_not_wash_the_last_words_away(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "flood-stderr=3000;partial-line;exit=1")
    assert "a line without an end" in hosted.fails()


@pytest.mark.parametrize("role", ROLES)
def test_the_news_comes_at_once(stage: Stage, role: str) -> None:
    """The best of some tries: the machine may be busy."""
    delays = []
    for _ in range(5):
        hosted = Hosted(stage, role)
        moment = hosted.kill_plugin(hosted.ready())
        assert tree.exits_within(hosted.process.pid, 15 * SLOWER)
        delays.append(time.monotonic() - moment)
        assert hosted.process.wait() == 255
    assert sorted(delays)[len(delays) // 2] <= NOTICED * SLOWER, delays


@pytest.mark.parametrize("role", ROLES)
def test_a_death_at_the_moment_of_readiness_is_a_death(stage: Stage, role: str) -> None:
    """Its listener and its process vanish one after the other: that is nobody else's port."""
    for _ in range(share(2)):
        hosted = Hosted(stage, role, "listen-after=20")
        plugin = hosted.plugin()
        at_once(lambda port=hosted.port_of(plugin): procfs.listening(port))
        hosted.kill_plugin(plugin)
        hosted.fails(1)
        assert int(death(hosted)[5]) == signal.SIGKILL and "lost" not in hosted.process.output()


def at_once(condition: Callable[[], bool]) -> None:
    """Returns at the very moment that it is true."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline


# Connections that die with it.


@pytest.mark.parametrize("opts", ["fork-grandchild", "fork-grandchild;ignore-term"])
@pytest.mark.parametrize("role", ROLES)
def test_what_a_dead_plugin_leaves_behind_goes_too(stage: Stage, role: str, opts: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, opts)
    plugin = hosted.ready()
    procfs.eventually(lambda: len(hosted.plugins()) == 2, "the grandchild lives")
    port = hosted.port_of(plugin)
    hosted.kill_plugin(plugin)
    hosted.fails()
    strays.must_be_gone(1 * SLOWER, "the end of the host")
    assert is_free(port)


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_goes_to_the_background_has_exited(stage: Stage, role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, "fork-and-exit")
    hosted.fails()
    assert int(death(hosted)[4]) == 0
    strays.must_be_gone(1 * SLOWER, "the end of the host")


# Not a death.


@pytest.mark.parametrize("restart", ["never", "on-failure"])
@pytest.mark.parametrize("role", ROLES)
def test_a_stopped_plugin_is_not_a_dead_one(stage: Stage, role: str, restart: str) -> None:
    hosted = Hosted(stage, role, peer=True, plugin_restart=restart)
    target = echo_target(stage)
    sock = hosted.works(target)
    plugin = hosted.ready()
    hosted.kill_plugin(plugin, signal.SIGSTOP)
    sock.sendall(b"patience")
    at_moment(hosted.process, 0.5)
    assert hosted.plugins() == [plugin]
    assert all("is stopped and carries nothing" in line for line in hosted.lines("ERROR"))
    hosted.kill_plugin(plugin, signal.SIGCONT)
    assert sock.recv(8) == b"patience"
    trade(sock, b"again")


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_stops_itself_is_not_a_dead_one(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "stop-self-after-bytes=2000", peer=True)
    sock = hosted.dial(echo_target(stage))
    plugin = hosted.ready()
    sock.sendall(bytes(10000))
    procfs.eventually(lambda: procfs._stat(plugin)[0] == "T", "it has stopped")
    at_moment(hosted.process, 0.3)
    hosted.stop()


@pytest.mark.parametrize("role", ROLES)
def test_a_child_of_the_plugin_may_die(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "fork-grandchild", peer=True)
    plugin = hosted.ready()
    procfs.eventually(lambda: len(hosted.plugins()) == 2, "the grandchild lives")
    (grandchild,) = [pid for pid in hosted.plugins() if pid != plugin]
    hosted.kill_plugin(grandchild)
    at_moment(hosted.process, 0.3)
    hosted.works(echo_target(stage))


@pytest.mark.parametrize("role", ROLES)
def test_closed_output_is_not_a_death(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "close-output", peer=True)
    hosted.works(echo_target(stage))
    before = procfs.cpu_seconds(hosted.process.pid)
    at_moment(hosted.process, 0.5)
    assert procfs.cpu_seconds(hosted.process.pid) - before <= 0.1 * SLOWER
    hosted.works(echo_target(stage))


# The view of users.


@pytest.mark.parametrize("fault", ["crash", "kill"])
@pytest.mark.parametrize("size", [0, 1, 50, 1460, 16384, 300000])
@pytest.mark.parametrize("role", ROLES)
def test_a_crash_in_mid_stream_delivers_a_prefix(stage: Stage, role: str, size: int,
                                                 fault: str) -> None:
    hosted = Hosted(stage, role, joined(f"{fault}-after-bytes={size}"), peer=True)
    hosted.ready()
    sock = hosted.dial(echo_target(stage))
    sent = bytes(range(256)) * 4096
    sock.setblocking(False)
    try:
        sock.send(sent)
    except OSError:
        pass
    sock.settimeout(5 * SLOWER)
    got, end = read_to_end(sock)
    assert sent.startswith(got) and end.name != "OPEN"
    assert int(death_by_signal(hosted)) == (signal.SIGSEGV if fault == "crash" else signal.SIGKILL)


def death_by_signal(hosted: Hosted) -> str:
    hosted.fails()
    return death(hosted)[5]
