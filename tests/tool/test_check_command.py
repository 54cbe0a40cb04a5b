# SPDX-License-Identifier: Apache-2.0
"""The command line of `ss-plugin check`, its three outputs and its exit status."""

from __future__ import annotations

import re
import signal
import subprocess
from pathlib import Path

import pytest
from checking import End, call, check, ends
from harness import procfs
from harness.plugin import toy
from harness.programs import ours, peer

CLIENT = "obfs=http;obfs-host=www.example.com"


def pair() -> list[str]:
    return ends(End(ours("obfs-local"), CLIENT), End(ours("obfs-server"), "obfs=http"))


def test_a_program_that_is_both_ends_is_told_which() -> None:
    both = End(toy())
    assert check(both, both, "--only", "1,30").status == 0


def test_a_plain_host_does_not_tell() -> None:
    untold = check(None, End(toy()), "--only", "1", "--plain")
    assert untold[1, "server"].verdict == "fail"
    told = check(None, End(toy(), "server"), "--only", "1", "--plain")
    assert told[1, "server"].verdict == "pass"


def test_help_has_examples() -> None:
    done = call("--help")
    assert done.returncode == 0
    assert "--echo-opt NAME" in done.stdout
    assert "ss-plugin check --client" in done.stdout


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "--client or --server is needed"),
        (["--client"], "--client needs a value"),
        (["--client", "x", "--only", "1-"], "--only 1-: not a list of numbers"),
        (["--client", "x", "--only", "5-2"], "not a list of numbers"),
        (["--client", "x", "--jobs", "0"], "--jobs"),
        (["--client", "x", "stray"], "stray"),
        (["--cleint", "x"], "did you mean --client?"),
    ],
)
def test_a_wrong_command_line_is_status_64(words: list[str], what: str) -> None:
    done = call(*words)
    assert done.returncode == 64
    assert what in done.stderr


def test_a_program_that_is_not_there_is_status_2() -> None:
    done = call("--client", "no-such-plugin")
    assert done.returncode == 2
    assert "no-such-plugin: No such file or directory" in done.stderr


def test_a_file_that_cannot_be_executed_is_status_2(tmp_path: Path) -> None:
    file = tmp_path / "plugin"
    file.write_bytes(b"\x7fELF, but not really")
    file.chmod(0o755)
    done = call("--client", str(file), "--only", "1")
    assert done.returncode == 2
    assert "Exec format error" in done.stderr


def test_the_list_has_all_44_checks() -> None:
    done = call("--list")
    assert {int(line.split()[0]) for line in done.stdout.splitlines()} == set(range(1, 45))


def test_only_and_skip_choose() -> None:
    report = check(End(ours("obfs-local"), CLIENT), None, "--only", "1-3,12", "--skip", "2")
    assert {number for number, _ in report.rows} == {1, 3, 12}


def test_the_table_has_verdict_and_evidence_and_no_colours_in_a_pipe() -> None:
    done = call(*pair(), "--only", "1,2")
    assert done.returncode == 0
    assert re.search(r"^ 1  MUST +client  pass  listens on exactly", done.stdout, re.M)
    assert "round trip in" in done.stdout
    assert "MUST 4/4, SHOULD 0/0" in done.stdout
    assert "\x1b" not in done.stdout


def test_tap_is_well_formed() -> None:
    client = ends(End(peer("obfs-local"), "obfs=http"), None)
    done = call(*client, "--tap", "-j", "2", "--only", "1,5,14")
    lines = done.stdout.splitlines()
    assert lines[:2] == ["TAP version 13", "1..5"]
    points = [line for line in lines if line.startswith(("ok", "not ok"))]
    assert [int(re.match(r"(?:not )?ok (\d+) - ", line)[1]) for line in points] == [1, 2, 3, 4, 5]
    assert points[0].startswith("ok 1 - 1 MUST client: ")
    assert points[1].endswith("# SKIP no server was given")
    assert points[3].startswith("not ok 4 - 14 SHOULD client")
    assert done.returncode == 0, "only a SHOULD failed"


def test_a_must_that_fails_is_status_1() -> None:
    report = check(End(peer("obfs-local"), "obfs=http"), None, "--only", "8")
    assert report.status == 1
    assert report.summary["must"] == {"passed": 0, "applicable": 1}


def test_a_plugin_that_does_not_start_fails_check_1_and_nothing_else() -> None:
    report = check(End(peer("obfs-local"), "obfs=nonsense"), None, "--only", "1-4")
    assert report.status == 1
    assert report[1, "client"].verdict == "fail"
    assert "exit 1" in report[1, "client"].evidence
    assert report[2, "client"].evidence == "the client does not start: see check 1"


def test_without_the_other_end_the_wire_is_looked_at() -> None:
    report = check(End(ours("obfs-local"), CLIENT), None, "--only", "15,25")
    assert "bytes on the wire" in report[15, "client"].evidence
    assert report[25, "client"].verdict == "pass"


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def test_an_interrupt_leaves_no_process_behind() -> None:
    tool = subprocess.Popen(
        [str(ours("ss-plugin")), "check", *ends(End(peer("obfs-local"), "obfs=http"), None)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    started: set[int] = set()

    def plugins_run() -> bool:
        started.update(procfs.descendants(tool.pid))
        return "obfs-local" in map(name, started)

    procfs.eventually(plugins_run, "a plugin runs")
    tool.send_signal(signal.SIGINT)
    assert tool.wait(20) == 128 + signal.SIGINT
    procfs.eventually(
        lambda: not [pid for pid in started if Path(f"/proc/{pid}").exists()], "all are gone"
    )
