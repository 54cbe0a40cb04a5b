# SPDX-License-Identifier: Apache-2.0
"""The harness itself: a stage must notice what goes wrong, or the other tests prove nothing."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from harness import procfs, programs
from harness.content import End, read_exactly, read_to_end
from harness.prober import Probe, probe_all
from harness.queues import wait_until_read
from harness.relay import Segments
from harness.stage import Stage
from harness.targets import echo, reset

ROOT = Path(__file__).resolve().parents[2]


def closing(home: Path, *argv: str) -> str:
    """The words of a stage at its end about one process."""
    stage = Stage(home)
    process = stage.run(*argv)
    procfs.eventually(lambda: process.output() or not process.running, "the process has done it")
    with pytest.raises(AssertionError) as raised:
        stage.close()
    return str(raised.value)


def test_the_packages_of_all_peers_are_installed() -> None:
    """By scripts/test, wherever the system offers them; scripts/peers builds those that no Debian has."""
    built = set(re.findall(r"printf '([\w-]+)\\n'", (ROOT / "scripts/lib/peers.sh").read_text()))
    assert built
    lines = (ROOT / "scripts/lib/packages").read_text().splitlines()
    groups = dict(line.split(":", 1) for line in lines if not line.startswith("#"))
    listed = {package for group in ("build", "clang", "test", "peers") for package in groups[group].split()}
    assert set(programs.PACKAGES.values()) <= listed | built


def test_an_unexpected_end_is_noticed(tmp_path: Path) -> None:
    assert "exited by itself with 3" in closing(tmp_path, "/bin/sh", "-c", "exit 3")


def test_a_crash_is_noticed(tmp_path: Path) -> None:
    assert "crashed with SIGSEGV" in closing(tmp_path, "/bin/sh", "-c", "kill -SEGV $$")


@pytest.mark.parametrize("line", ["==1==ERROR: AddressSanitizer: heap-use-after-free",
                                  "x.c:1:2: runtime error: signed integer overflow",
                                  "==1==ERROR: LeakSanitizer: detected memory leaks"])
def test_a_report_is_noticed(tmp_path: Path, line: str) -> None:
    code = f"import signal, sys; print({line!r}, file=sys.stderr, flush=True); signal.pause()"
    assert "printed a report" in closing(tmp_path, sys.executable, "-c", code)


def test_a_deaf_process_is_noticed(tmp_path: Path) -> None:
    code = "import signal; signal.signal(15, signal.SIG_IGN); print(1, flush=True); signal.pause()"
    said = closing(tmp_path, sys.executable, "-c", code)
    assert "still running" in said and ", state S, in " in said


def test_an_orphan_is_noticed(tmp_path: Path) -> None:
    script = "sleep 60 & echo started; trap 'exit 0' TERM; wait"
    assert "left behind: sleep 60" in closing(tmp_path, "/bin/sh", "-c", script)


def test_ends_are_told_apart(stage: Stage) -> None:
    listener = stage.listener()
    for leave, expected in ((reset, End.RST), (lambda sock: sock.close(), End.FIN)):
        client = stage.connect(listener.address)
        leave(listener.accept())
        assert read_to_end(client) == (b"", expected)
    client = stage.connect(listener.address, 0.1)
    assert read_to_end(client) == (b"", End.OPEN)


def test_a_probe_tells_answer_and_end(stage: Stage) -> None:
    (reaction,) = probe_all(stage.target(echo).address, [Probe(b"abc", fin=True)], 5)
    assert (reaction.answer, reaction.end) == (b"abc", End.FIN)


def test_what_is_not_read_is_known(stage: Stage) -> None:
    listener = stage.listener()
    client = stage.connect(listener.address)
    far = listener.accept()
    client.sendall(b"12345")
    with pytest.raises(AssertionError):
        wait_until_read(client, 0.1)
    assert read_exactly(far, 5) == b"12345"
    wait_until_read(client)


def test_segments() -> None:
    assert Segments(cut=3).of(0, b"abcdef") == [b"abc", b"def"]
    assert Segments(cut=3).of(2, b"cd") == [b"c", b"d"]
    assert Segments(cut=9).of(0, b"abc") == [b"abc"]
    assert Segments(drip=2).of(0, b"abcd") == [b"a", b"b", b"cd"]


def test_a_relay_cuts_where_it_is_told(stage: Stage) -> None:
    listener = stage.listener()
    relay = stage.relay(listener.address)
    relay.up.cut = 2
    client = stage.connect(relay.address)
    client.sendall(b"abcd")
    far = listener.accept()
    assert [far.recv(100), far.recv(100)] == [b"ab", b"cd"]
    assert relay.wires[0].up == b"abcd"
