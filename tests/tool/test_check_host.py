# SPDX-License-Identifier: Apache-2.0
"""`ss-plugin check-host`: our hosts, those of others, and one with every flaw that it looks for."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from checking import LIMIT, Report, complaints
from harness import procfs
from harness.manager import Folder
from harness.programs import SLOWER, Program, ours, peer
from harness.stage import Stage

PLUGIN = ["--plugin", "{plugin}", "--plugin-opts", "{options}"]
KEY = ["-k", "test", "-m", "aes-256-gcm"]
CLIENT = ["-s", "{host}", "-p", "{port}", "-l", "{local}", *KEY, *PLUGIN]
SERVER = ["-s", "{host}", "-p", "{port}", *KEY, *PLUGIN]
FLAWED = Path(__file__).with_name("flawed_host.py")
# A limit of 10 s, and a plugin that gets as long as its host allows.
SLOW = ["--skip", "119,121"]


def call(*words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(ours("ss-plugin")), "check-host", *words], capture_output=True, text=True, timeout=LIMIT,
                          stdin=subprocess.DEVNULL, check=False, env={**os.environ, **env})


def check(host: Program | Path, command: Sequence[str], *words: str) -> Report:
    done = call("--json", *words, "--", str(getattr(host, "path", host)), *command)
    assert done.returncode in (0, 1), f"status {done.returncode}: {done.stderr}"
    return Report(done.returncode, done.stdout)


def flawed(flaws: str, *words: str) -> Report:
    return check(FLAWED, ["--flaws", flaws, "--host", "{host}", "--port", "{port}", "--local", "{local}",
                          "--plugin", "{plugin}", "--options", "{options}"], *words)


@pytest.mark.parametrize(("host", "command"), [("ss-local", CLIENT), ("ss-server", SERVER)])
def test_our_hosts_keep_the_contract(host: str, command: list[str]) -> None:
    report = check(ours(host), command, *SLOW)
    assert complaints(report, ("MUST", "SHOULD", "MAY")) == {}
    assert (report.status, len(report.rows)) == (0, 26)
    role = "client" if host == "ss-local" else "server"
    assert report[118, role].verdict == ("pass" if role == "client" else "n/a")
    assert f"SS_PLUGIN_ROLE={role}" in report[128, role].evidence


@pytest.mark.parametrize(
    ("host", "command", "failed"),
    [
        ("ss-local", CLIENT, {104, 105, 109, 114, 116, 118}),
        ("ss-server", SERVER, {104, 105, 109, 114}),
        ("sslocal", ["-s", "{address}", "-b", "127.0.0.1:{local}", *KEY, *PLUGIN], {104, 105, 114, 117, 118}),
        ("ssserver", ["-s", "{address}", *KEY, *PLUGIN], {104, 105, 114}),
    ],
)
def test_the_hosts_of_others_are_told_apart(host: str, command: list[str], failed: set[int]) -> None:
    rows = "101,104,105,109,114,116-118"
    report = check(peer(host), command, "--only", rows)
    assert {number for (number, _), row in report.rows.items() if row.verdict == "fail"} == failed, report.rows
    assert report.status == 1


GIVEN = {
    "port": (101, "SS_REMOTE_PORT 1;"), "brackets": (102, "[::1]"), "public": (103, "0.0.0.0"),
    "inherits": (104, "zz-stale"), "empty": (106, 'is ""'), "escapes": (107, "the plugin gets"),
    "tells": (108, "the options among them"), "cheerful": (110, "exit 0"), "arguments": (111, '"-v"'),
    "descriptor": (112, "7 is open too"), "blocks": (113, "blocked 0x200"), "shares": (114, "the group of its host"),
}
LIVED = {
    "hasty": (116, "the first is lost"), "kills": (120, "did not get SIGTERM"),
    "oblivious": (125, "goes on without its plugin"), "role": (128, "SS_PLUGIN_ROLE=server"),
}


def test_what_a_host_gives_is_looked_at() -> None:
    """All at once: none of these hides another one."""
    report = flawed(",".join(GIVEN), "--only", "101-114")
    for flaw, (number, evidence) in GIVEN.items():
        row = report[number, "client"]
        assert (row.verdict, evidence in row.evidence) == ("fail", True), f"{flaw}: {row}"


def test_what_a_host_does_is_looked_at() -> None:
    report = flawed(",".join(LIVED), "--only", ",".join(str(number) for number, _ in LIVED.values()))
    for flaw, (number, evidence) in LIVED.items():
        row = report[number, "client"]
        assert (row.verdict, evidence in row.evidence) == ("fail", True), f"{flaw}: {row}"


def test_a_curious_and_restless_host_is_found() -> None:
    report = flawed("curious,restarts,ignores", "--only", "113,117,125,126")
    assert {number: row.verdict for (number, _), row in report.rows.items()} == {
        113: "fail", 117: "fail", 125: "pass", 126: "fail"}
    assert "started again" in report[126, "client"].evidence


def test_the_same_host_without_a_flaw_passes() -> None:
    """But for what only a guardian can do, and a look at who listens."""
    report = flawed("none", "--skip", "118,119,121,123,124")
    assert {str(row) for row in report.rows.values() if row.verdict == "fail"} == set()
    assert report.status == 0


def test_a_host_that_starts_no_plugin_fails_check_101_and_nothing_else() -> None:
    report = check(Path("/bin/false"), ["{plugin}", "{address}"], "--only", "101-103")
    assert report.status == 1
    assert report[101, "server"].evidence.startswith("no plugin was started: exit 1 after")
    assert report[102, "server"].evidence.startswith("the host does not start a plugin")


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ([], "a command of a host is missing"),
        (["--", "host"], "the command has no {plugin}"),
        (["--", "host", "{plugin}"], "neither {port} nor {address}"),
        (["--role", "client", "--", "host", "{plugin}", "{port}"], "the command has no {local}"),
        (["--role", "both", "--", "host"], "--role both: it is client or server"),
        (["--only", "1-44", "--", "host", "{plugin}"], "no check is left"),
    ],
)
def test_a_wrong_command_line_is_status_64(words: list[str], what: str) -> None:
    done = call(*words)
    assert done.returncode == 64
    assert what in done.stderr


def test_a_host_that_is_not_there_is_status_2(tmp_path: Path) -> None:
    done = call("--", "no-such-host", "{plugin}", "{port}")
    assert done.returncode == 2
    assert "no-such-host: No such file or directory" in done.stderr
    done = call("--", "true", "{plugin}", "{port}", TMPDIR=str(tmp_path / "none"))
    assert done.returncode == 2
    assert "set TMPDIR" in done.stderr


@pytest.fixture
def temporary(stage: Stage) -> Path:
    """A directory that plugins of any user reach."""
    folder = stage.keep(Folder()).path
    folder.chmod(0o755)
    return folder


def test_nothing_of_a_host_that_is_killed_is_left(temporary: Path) -> None:
    """Our host gives its plugin a directory for temporary files, which it cannot remove any more."""
    done = call("--only", "101,124", "--", str(ours("ss-local").path), *CLIENT, TMPDIR=str(temporary))
    assert done.returncode == 0, done.stdout
    assert list(temporary.iterdir()) == []


def name(pid: int) -> str:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/comm").read_text()
    return ""


def test_an_interrupt_leaves_no_process_and_no_file_behind(temporary: Path) -> None:
    tool = subprocess.Popen([str(ours("ss-plugin")), "check-host", "--", str(ours("ss-local").path), *CLIENT],
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env={**os.environ, "TMPDIR": str(temporary)})
    started: set[int] = set()

    def a_plugin_runs() -> bool:
        started.update(procfs.descendants(tool.pid))
        return any(name(pid).startswith("ss-probe") for pid in started)

    procfs.eventually(a_plugin_runs, "a plugin runs")
    tool.send_signal(signal.SIGINT)
    assert tool.wait(20 * SLOWER) == 128 + signal.SIGINT
    procfs.eventually(lambda: not any(map(procfs.alive, started)), "all are gone")
    assert list(temporary.iterdir()) == []


def test_a_page_is_utf_8_whatever_a_host_and_its_words_are(tmp_path: Path) -> None:
    """Elements, controls, stray bytes and marks that turn a text around are text, in a name and in what it prints."""
    page = tmp_path / "host.html"
    host = tmp_path / "<b>h&"
    host.write_text("#!/bin/sh\nprintf '<script>\\377\\033[31m'; exit 3\n")
    host.chmod(0o755)
    done = subprocess.run([ours("ss-plugin").path, "check-host", "--only", "101", "--html", page, "--", host, "{plugin}", "{port}",
                           b"<i>\xff\x1b\xe2\x80\xae", "\u00e4"], stdin=subprocess.DEVNULL, capture_output=True, check=False)
    assert done.returncode == 1
    text = page.read_bytes().decode()
    assert f"Host, server: <code>{tmp_path}/&lt;b&gt;h&amp;</code> <code>{{plugin}}</code> <code>{{port}}</code> " \
           r"<code>&lt;i&gt;\xff\x1b\xe2\x80\xae</code> <code>\u00e4</code>".replace(r"\u00e4", "\u00e4") in text
    assert r"exit 3" in text and r"&lt;script&gt;\xff\x1b[31m" in text
    assert 'id="check-101"' in text and not {"<b>", "<i>", "<script>"} & set(re.findall(r"<\w+>", text))


def test_the_list_has_all_28_checks() -> None:
    lines = call("--list").stdout.splitlines()
    assert [int(line.split()[0]) for line in lines] == list(range(101, 129))
    assert [row["number"] for row in json.loads(call("--list", "--json").stdout)] == list(range(101, 129))
