# SPDX-License-Identifier: Apache-2.0
"""Each check that real plugins pass fails for a plugin with just that flaw."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from checking import End, call, check, ends, given
from harness.programs import Program

PLUGIN = Program(Path(__file__).with_name("flawed_plugin.py"), ours=True)


@pytest.mark.parametrize(
    ("flaw", "row", "evidence"),
    [
        ("wildcard", 1, "0.0.0.0"),
        ("wildcard", 2, "listens on 0.0.0.0"),
        ("extra", 2, "too"),
        ("public-hop", 2, "listens on 0.0.0.0"),
        ("raw", 5, "another value"),
        ("raw", 6, "another value"),
        ("valued", 8, "SIGABRT"),
        ("strict", 11, "exit 78"),
        ("empty", 12, "SIGABRT"),
        ("arguments", 14, "-V: exit 1"),
        ("no-v6", 15, "SS_LOCAL_HOST=::1: exit 78"),
        ("few", 18, "SIGABRT"),
        ("stubborn", 19, "alive"),
        ("shares", 20, "listens on"),
        ("stdin", 1, "exit 78"),
        ("pipe", 25, "a: closed before: killed by SIGPIPE"),
        ("blocks", 26, "SIGTERM: alive"),
        ("closed", 27, "is socket:"),
        ("leftover", 29, "1 left"),
        ("tells", 43, "a secret among them"),
        ("colours", 43, "escape sequences"),
    ],
)
def test_a_flaw_is_found(flaw: str, row: int, evidence: str, tmp_path: Path) -> None:
    plugin = given(PLUGIN, tmp_path, FLAW=flaw)
    flawed = check(
        End(plugin), None, "--echo-opt", "host", "--only", str(row)
    )[row, "client"]
    assert flawed.verdict == "fail", flawed
    assert evidence in flawed.evidence


def test_what_refuses_options_that_it_does_not_know_is_said_not_to_start(tmp_path: Path) -> None:
    """Names that other plugins have, such as key, are left alone."""
    report = check(End(given(PLUGIN, tmp_path, FLAW="strict")), None, "--only", "43")
    assert report[43, "client"].verdict == "pass"
    assert "it did not start with an unknown option, see check 11: exit 78" in report[43, "client"].evidence


def test_a_program_of_the_plugin_may_listen_on_loopback(tmp_path: Path) -> None:
    report = check(End(given(PLUGIN, tmp_path, FLAW="hop")), None, "--only", "2")
    assert report[2, "client"].verdict == "pass", report[2, "client"]
    assert "1 of them hops of its programs on loopback" in report[2, "client"].evidence


def test_what_takes_its_time_to_go_is_not_left_behind(tmp_path: Path) -> None:
    report = check(End(given(PLUGIN, tmp_path, FLAW="slow-end")), None, "--only", "29")
    assert report[29, "client"].verdict == "pass", report[29, "client"]


def test_a_limit_that_is_missed_once_is_no_failure(tmp_path: Path) -> None:
    """The first start is that of the tool's own look, the second that of the check."""
    count = tmp_path / "count"
    plugin = given(PLUGIN, tmp_path, FLAW="mute-once", COUNT=str(count))
    done = call(*ends(End(plugin), None), "--json", "--only", "24")
    (row, _) = json.loads(done.stdout)["checks"]
    assert (row["verdict"], row["attempts"]) == ("pass", 2), row


def test_the_same_plugin_without_a_flaw_passes_them_all() -> None:
    rows = "1,2,5,6,8,11,12,14,15,18,19,20,24-27,29,43"
    report = check(End(PLUGIN), None, "--echo-opt", "host", "--only", rows)
    assert {row: str(v) for row, v in report.rows.items() if v.verdict == "fail"} == {}
    assert report[1, "server"].evidence == "no server was given"
