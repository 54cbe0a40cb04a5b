# SPDX-License-Identifier: Apache-2.0
"""The command line of `ss-plugin check`, its three outputs and its exit status."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import pty
import re
import resource
import signal
import socket
import struct
import subprocess
import termios
from html.parser import HTMLParser
from pathlib import Path

import pytest
from checking import End, call, check, ends, given
from harness import procfs
from harness.plugin import toy
from harness.programs import SLOWER, Program, ours, peer

FLAWED = Program(Path(__file__).with_name("flawed_plugin.py"), ours=True)
FORWARDER = Program(Path(__file__).with_name("lossy_plugin.py"), ours=True)
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
        ([], "--client or --server is missing"),
        (["--client"], "--client needs a value"),
        (["--client", "x", "--only", "1-"], "--only 1-: not a list of numbers"),
        (["--client", "x", "--only", "5-2"], "not a list of numbers"),
        (["--client", "x", "--jobs", "0"], "--jobs"),
        (["--client", "x", "-j", "0"], "--jobs 0"),
        (["--client", "x", "--copts", "-j", "--only", "50"], "no check is left"),
        (["--client", "x", "--only", "\x1b[31m"], "--only ?[31m"),
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


def test_the_list_as_json_is_the_same() -> None:
    rows = json.loads(call("--list", "--json").stdout)
    assert [f"{row['number']:2}  {row['level']:6}  {row['of']:6}  {row['title']}" for row in rows] == call(
        "--list"
    ).stdout.splitlines()


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


def test_the_table_is_wrapped_to_the_terminal(tmp_path: Path) -> None:
    ours_end, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 60, 0, 0))
    with subprocess.Popen([str(ours("ss-plugin")), "check", *pair(), "--only", "1-4"], stdout=theirs,
                          stderr=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1"}) as tool:
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # how a terminal says that the program is gone
            while more := os.read(ours_end, 4096):
                text += more
        assert tool.wait() == 0
    os.close(ours_end)
    lines = text.decode().splitlines()
    assert len(lines) > 20
    assert [line for line in lines if len(line) > 60] == []


def test_what_failed_is_listed_again_at_the_end(tmp_path: Path) -> None:
    flawed = ends(End(given(FLAWED, tmp_path, FLAW="extra")), None)
    done = call(*flawed, "--only", "1,2,24")
    passed, failed = done.stdout.split("\nfailed:\n")
    assert " 2  MUST    client  fail" in passed
    assert re.match(r" 2  MUST +client  fail  listens nowhere else\n +.* too", failed)
    assert "MUST    client  pass" not in failed
    assert failed.splitlines()[-1].startswith("MUST 2/3, ")


def test_only_what_failed_is_printed_when_that_is_asked_for(tmp_path: Path) -> None:
    flawed = [*ends(End(given(FLAWED, tmp_path, FLAW="extra")), None), "--failed", "--only", "1,2,24"]
    table = call(*flawed)
    assert [line.split()[0] for line in table.stdout.splitlines() if " client " in line] == ["2"]
    tap = call(*flawed, "--tap").stdout.splitlines()
    assert tap[1] == "1..1"
    assert tap[2].startswith("not ok 1 - 2 MUST client")
    (row,) = json.loads(call(*flawed, "--json").stdout)["checks"]
    assert row["number"] == 2


def test_bytes_of_others_are_escaped(tmp_path: Path) -> None:
    server = [*ends(None, End(given(FORWARDER, tmp_path, FLAW="open"), "server")), "--only", "41"]
    text, tap = (call(*server, *form).stdout for form in ([], ["--tap"]))
    for told in (text, tap):
        assert told.isascii()
        assert "\x1b" not in told
    assert re.search(r'the first are "[ -~]*\\x[0-9a-f]{2}', text)
    assert re.search(r'evidence: ".*\\"[ -~]*\\\\x[0-9a-f]{2}', tap)


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


class Page(HTMLParser):
    """Elements, and the text of each row of checks."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: dict[str, int] = {}
        self.open: list[str] = []
        self.rows: dict[str, str] = {}
        self.row = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)
        known = dict(attrs)
        assert not any(name.startswith("on") or name == "src" for name in known)
        assert (known.get("href") or "#").startswith("#")
        if tag == "tr":
            self.row = known.get("id") or ""
        if tag == "details" and "open" in known:
            self.rows[self.row] = self.rows.get(self.row, "") + "[open]"

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.rows[self.row] = self.rows.get(self.row, "") + data


def test_a_page_has_both_ends_and_runs_nothing(tmp_path: Path) -> None:
    file = tmp_path / "report.html"
    options = "obfs=http;obfs-host=<script>alert('x')</script>&\"\x01"
    client = ends(End(peer("obfs-local"), options), End(peer("obfs-server"), "obfs=http"))
    done = call(*client, "--only", "1,14,30", "--html", str(file), "--json")
    assert {row["number"] for row in json.loads(done.stdout)["checks"]} == {1, 14, 30}
    text = file.read_text()
    page = Page(text)
    assert (page.open, page.tags.get("script"), page.tags["details"]) == ([], None, 5)
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    assert set(page.rows) >= {"check-1", "check-14", "check-30"}
    assert page.rows["check-14"].count("[open]fail") == 2
    assert "[open]" not in page.rows["check-1"]
    assert "<script>alert('x')</script>&\"\\x01" in "".join(page.rows.values())


def test_a_page_that_cannot_be_written_is_status_2(tmp_path: Path) -> None:
    for file, why in ((tmp_path / "none" / "page", "No such file"), ("/dev/full", "No space left")):
        done = call(*ends(End(ours("obfs-local"), CLIENT), None), "--only", "1", "--html", str(file))
        assert done.returncode == 2
        assert f"write {file}: {why}" in done.stderr


def test_a_must_that_fails_is_status_1(tmp_path: Path) -> None:
    report = check(End(given(FLAWED, tmp_path, FLAW="extra")), None, "--only", "2")
    assert report.status == 1
    assert report.summary["must"] == {"passed": 0, "applicable": 1}


def test_a_plugin_that_does_not_start_fails_check_1_and_nothing_else() -> None:
    report = check(End(peer("obfs-local"), "obfs=nonsense"), None, "--only", "1-4")
    assert report.status == 1
    assert report[1, "client"].verdict == "fail"
    assert "exit 1" in report[1, "client"].evidence
    assert report[2, "client"].evidence == "the client does not start: see check 1"


def test_what_does_not_start_is_status_1_whatever_was_asked_for() -> None:
    report = check(End(peer("obfs-local"), "obfs=nonsense"), None, "--only", "2-4")
    assert {row.verdict for row in report.rows.values()} == {"n/a"}
    assert report.status == 1


def test_a_pair_that_does_not_fit_fails_check_30_and_is_not_asked_for_more() -> None:
    tls = End(ours("obfs-server"), "obfs=tls")
    report = check(End(ours("obfs-local"), CLIENT), tls, "--only", "30-33")
    assert report.status == 1
    assert report[30, "pair"].verdict == "fail"
    assert report[31, "pair"].evidence == "the pair carries nothing: see check 30"
    assert check(End(ours("obfs-local"), CLIENT), tls, "--only", "44").status == 1


def test_without_the_other_end_the_wire_is_looked_at() -> None:
    report = check(End(ours("obfs-local"), CLIENT), None, "--only", "15,25,26")
    assert "bytes on the wire" in report[15, "client"].evidence
    assert report[25, "client"].verdict == "pass"
    assert "2000 connections served" in report[26, "client"].evidence


def test_a_client_that_waits_for_its_server_is_not_asked_for_more_than_it_can_say() -> None:
    report = check(End(peer("ss-v2ray-plugin")), None, "--only", "26")
    assert report[26, "client"].verdict == "pass"
    assert "sends nothing more unanswered" in report[26, "client"].evidence


def test_a_machine_with_thousands_of_listeners_hides_nothing() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 4000:
        pytest.skip("too few descriptors")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4000), hard))
    with contextlib.ExitStack() as held:
        for _ in range(3000):
            held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1))
        report = check(End(ours("obfs-local"), CLIENT), End(ours("obfs-server"), "obfs=http"), "--only", "1,2")
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert report.status == 0, report.rows


def name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT, signal.SIGKILL])
def test_an_interrupt_leaves_no_process_behind(number: signal.Signals) -> None:
    """Also when the whole group gets it, as from a terminal; SIGKILL only the tool."""
    tool = subprocess.Popen(
        [str(ours("ss-plugin")), "check", *ends(End(peer("obfs-local"), "obfs=http"), None)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    started: set[int] = set()

    def plugins_run() -> bool:
        started.update(procfs.descendants(tool.pid))
        return "obfs-local" in map(name, started)

    procfs.eventually(plugins_run, "a plugin runs")
    if number == signal.SIGKILL:
        tool.kill()
        assert tool.wait(20) == -number
    else:
        os.killpg(tool.pid, number)
        assert tool.wait(20) == 128 + number
    procfs.eventually(lambda: not any(map(procfs.alive, started)), "all are gone")


def test_a_hangup_that_is_ignored_ends_nothing() -> None:
    """As nohup(1) has it."""
    tool = subprocess.Popen(
        ["nohup", str(ours("ss-plugin")), "check", *ends(End(toy()), None), "--only", "22"],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    procfs.eventually(lambda: bool(procfs.descendants(tool.pid)), "it has begun")
    tool.send_signal(signal.SIGHUP)
    assert tool.wait(60 * SLOWER) == 0
