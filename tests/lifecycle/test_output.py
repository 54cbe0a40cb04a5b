# SPDX-License-Identifier: Apache-2.0
"""The output of a plugin becomes our log: line by line, tame, and never in the way of the plugin."""

from __future__ import annotations

import json
import os
import re
import signal
import time

import pytest
from harness import procfs
from harness.extent import FULL, extent
from harness.programs import SLOWER
from harness.stage import Stage
from life import tree
from life.hosted import ROLES, Hosted, Report, echo_target, trade
from life.workshop import Workshop

FLOOD = 20000
BURST, RATE = 200, 60
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def flooded(hosted: Hosted) -> list[str]:
    return [text for _, text in hosted.said_by_plugin() if text.startswith("flood ")]


def dropped(hosted: Hosted) -> int:
    return sum(int(m[1]) for line in hosted.lines("plugin fakeplugin[", "lines dropped")
               if (m := re.search(r"(\d+) (?:\w+ )*lines dropped", line)))


# Lines.


@pytest.mark.parametrize("role", ROLES)
def test_each_line_has_the_name_and_the_pid(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "say=one\ntwo\\; with \\= and \\\\\nthree")
    pid = hosted.ready()
    hosted.says("three")
    assert hosted.said_by_plugin()[:3] == [(pid, "one"), (pid, "two; with = and \\"), (pid, "three")]


@pytest.mark.parametrize("role", ROLES)
def test_a_program_under_another_name_says_so(stage: Stage, workshop: Workshop, role: str) -> None:
    hosted = Hosted(stage, role, "say=hello", plugin=workshop.copy("another-name"))
    hosted.says(f"plugin another-name[{hosted.ready()}]: hello")


@pytest.mark.parametrize("role", ROLES)
def test_a_program_that_says_its_name_is_named_once(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "say=fakeplugin: one\nfakeplugin two\nfakeplugin: fakeplugin: x;exit=1")
    assert "; it said: fakeplugin: x" in hosted.fails()
    said = [text for _, text in hosted.said_by_plugin()]
    assert said == ["one", "fakeplugin two", "fakeplugin: x"]


@pytest.mark.parametrize("role", ROLES)
def test_no_control_character_reaches_the_log(stage: Stage, role: str) -> None:
    """Neither do the 8-bit ones, nor bytes that are not UTF-8 and could be taken for such."""
    hosted = Hosted(stage, role, "control-chars")
    hosted.says("forged")
    hosted.ready()
    for path in (hosted.process.stdout, hosted.process.stderr):
        assert not CONTROLS.search(path.read_bytes().decode("utf-8"))
    assert "]: red\\x07 bell\\x08\\x7f \\x9b\\xff" in hosted.process.output()


@pytest.mark.parametrize("role", ROLES)
def test_a_line_cannot_be_forged(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "control-chars;say=a\r 2000-01-01 00:00:00 ERROR: forged\vforged")
    hosted.says("forged")
    hosted.ready()
    text = (hosted.process.stdout.read_bytes() + hosted.process.stderr.read_bytes())
    lines = re.split(rb"[\r\n\v\f\x85]", text)
    assert all(b"plugin fakeplugin[" in line for line in lines if b"ERROR: forged" in line)


@pytest.mark.parametrize("size", [1000, 1024, 1025, 5000, 1000000])
@pytest.mark.parametrize("role", ROLES)
def test_a_line_is_a_kilobyte_at_most(stage: Stage, role: str, size: int) -> None:
    hosted = Hosted(stage, role, f"long-line={size};say=short", peer=True)
    hosted.works(echo_target(stage))
    hosted.says("xxxx")
    lines = hosted.process.output().split("\n")
    assert max(map(len, lines)) <= 1024 + 80
    shown = sum(line.count("x") for line in lines if "plugin fakeplugin[" in line)
    assert shown == size if size <= 5000 else shown >= 900


def test_an_unfinished_line_is_not_lost(stage: Stage) -> None:
    hosted = Hosted(stage, "server", "partial-line")
    hosted.ready()
    hosted.stop()
    assert hosted.said_by_plugin()[-1][1] == "a line without an end"


# Floods.


@pytest.mark.parametrize("role", ROLES)
def test_a_flood_is_cut_and_counted(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, f"flood-stderr={FLOOD};say=hello", peer=True)
    hosted.works(echo_target(stage))
    hosted.stop()
    seconds = time.monotonic() - hosted.started
    shown = len(flooded(hosted))
    assert 10 <= shown <= BURST + RATE * seconds
    assert abs(shown + dropped(hosted) - FLOOD) <= 1


@pytest.mark.parametrize("role", ROLES)
def test_a_flood_costs_little(stage: Stage, role: str) -> None:
    """The plugin is held for a moment only, and so is the host."""
    hosted = Hosted(stage, role, f"flood-stderr={5 * FLOOD}")
    hosted.ready()
    assert procfs.cpu_seconds(hosted.process.pid) < 1 * SLOWER


@pytest.mark.parametrize("role", ROLES)
def test_a_steady_flood_holds_up_nobody(stage: Stage, role: str) -> None:
    """60 MB a second. In full: a tenth of a core, 100 ms for the plugin, and 60 lines a second."""
    seconds = extent(1, 30)
    hosted = Hosted(stage, role, f"pour={seconds}", peer=True)
    hosted.works(echo_target(stage))
    before = procfs.cpu_seconds(hosted.process.pid)
    told = re.compile(r"poured (\d+) bytes, waited (\d+) us at most")
    procfs.eventually(lambda: told.search(hosted.process.output()), "the flood is over", (seconds + 30) * SLOWER)
    poured, waited = map(int, told.search(hosted.process.output()).groups())
    spent = procfs.cpu_seconds(hosted.process.pid) - before
    assert poured > 1e6 and len(hosted.lines("-----")) <= BURST + RATE * (seconds + 30)
    print(f"{poured / seconds / 1e6:.1f} MB/s, {spent / seconds:.3f} of a core, {waited} us")
    if FULL:
        assert poured >= 0.95 * 60e6 * seconds, poured
        assert spent <= 0.1 * seconds, spent
        assert waited <= 100_000, waited
    hosted.works(echo_target(stage))


@pytest.mark.parametrize("role", ROLES)
def test_after_a_flood_the_log_speaks_again(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, f"flood-stderr={FLOOD};exit-after=1500,9")
    hosted.fails()
    assert hosted.lines("lines dropped") and "exited with status 9" in hosted.process.output()


# A log that nobody reads.


def over_a_pipe(stage: Stage, role: str, *, read_end_stays: bool) -> Hosted:
    """Standard output and error are a pipe that is never read, or whose reader is gone."""
    path = stage.home / "unread"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    hosted = Hosted(stage, role, f"flood-stderr={FLOOD}", "-v", peer=True,
                    wrap=("sh", "-c", f'exec "$@" >{path} 2>&1', "sh"))
    hosted.come_up()
    if not read_end_stays:
        os.close(reader)
    else:
        stage.keep(os.fdopen(reader, "rb", buffering=0))
    return hosted


@pytest.mark.parametrize("read_end_stays", [True, False])
@pytest.mark.parametrize("role", ROLES)
def test_a_pipe_that_nobody_reads_does_not_stop_us(stage: Stage, role: str,
                                                   read_end_stays: bool) -> None:
    hosted = over_a_pipe(stage, role, read_end_stays=read_end_stays)
    target = echo_target(stage)
    for _ in range(200):
        with hosted.dial(target, 10) as sock:
            trade(sock, b"x" * 1000)
    hosted.stop()


@pytest.mark.parametrize("role", ROLES)
def test_a_log_is_rotated_under_load(stage: Stage, role: str) -> None:
    """Truncated, renamed and removed, one after the other; it is appended to."""
    log, target = stage.home / "log", echo_target(stage)
    hosted = Hosted(stage, role, f"flood-stderr={FLOOD}", "-v", peer=True,
                    wrap=("sh", "-c", f'exec "$@" >>{log} 2>&1', "sh"))
    hosted.works(target)
    for _ in range(50):
        os.truncate(log, 0)
        hosted.works(target).close()
    procfs.eventually(lambda: log.stat().st_size > 0, "the log goes on", 10 * SLOWER)
    assert b"\0" not in log.read_bytes()
    log.rename(aside := log.with_name("log.1"))
    hosted.works(target).close()
    aside.unlink()
    hosted.works(target).close()
    hosted.stop()


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&- >&- 2>&-", ">/dev/full 2>&1"])
@pytest.mark.parametrize("role", ROLES)
def test_closed_output_of_the_host_does_not_stop_us(stage: Stage, role: str, closed: str) -> None:
    hosted = Hosted(stage, role, f"flood-stderr={FLOOD};report", "-v", peer=True,
                    wrap=("sh", "-c", f'exec "$@" {closed}', "sh"))
    sock = hosted.works(echo_target(stage))
    trade(sock, bytes(100000))
    got = hosted.ask()
    assert set(got.descriptors) == {0, 1, 2, got.notify_fd}
    assert all(link.startswith("pipe:") for link in got.descriptors.values())
    hosted.stop()


@pytest.mark.parametrize("role", ROLES)
def test_a_daemon_drains_its_plugin_too(stage: Stage, role: str) -> None:
    """With -f there is no terminal; the plugin is served all the same, and ends with the daemon."""
    strays = tree.Strays()
    pid_file, mark = stage.home / "pid", stage.home / "report"
    hosted = Hosted(stage, role, f"report={mark};flood-stderr={FLOOD}", "-f", pid_file, writes=True)
    assert hosted.process.wait(15 * SLOWER) == 0
    procfs.eventually(mark.exists, "the plugin runs", 10 * SLOWER)
    report = Report(json.loads(mark.read_text()))
    port = report.env["SS_LOCAL_PORT" if role == "local" else "SS_REMOTE_PORT"]
    procfs.eventually(lambda: procfs.listening(int(port)), "the plugin listens", 10 * SLOWER)
    os.kill(int(pid_file.read_text()), signal.SIGTERM)
    strays.must_be_gone(2 * SLOWER, "the end of the daemon")
