# SPDX-License-Identifier: Apache-2.0
"""Checks 1 to 29 and 43 against our own plugins."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from checking import End, check, complaints
from harness.programs import ours

ROWS = "1-29,43"
OUTSIDE = "1={0};1.obfs=http;2={0};2.obfs=http"  # a stage that is a program of its own, as it has a path
FAKE = Path(__file__).resolve().parents[1] / "fakept/fakept.py"


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_our_plugins_pass_every_must_and_should(mode: str) -> None:
    client = End(ours("obfs-local"), f"obfs={mode};obfs-host=www.example.com")
    report = check(client, End(ours("obfs-server"), f"obfs={mode}"), "--only", ROWS)
    assert complaints(report) == {}
    assert report.status == 0
    assert not [row for row in report.rows.values() if row.verdict == "n/a"]
    # The stricter half of check 22, but for the time, which depends on the machine.
    for of in ("client", "server"):
        evidence = report[22, of].evidence
        assert re.search(r"idle: exit 0 .*; 50 connections, \d+ came out: exit 0 ", evidence)


def test_the_programs_inside_of_our_plugins_are_hops() -> None:
    chain, local, server = ours("chain"), ours("obfs-local"), ours("obfs-server")
    outside = [End(chain, OUTSIDE.format(program)) for program in (local, server)]
    report = check(*outside, "--only", "1,2")
    assert complaints(report) == {}
    assert "1 of them hops" in report[2, "client"].evidence and "1 of them hops" in report[2, "server"].evidence


def test_the_transport_of_pt_wrap_is_a_hop(tmp_path: Path) -> None:
    options = f"transport=fake;exec={sys.executable} -B '{FAKE}' good {tmp_path}/told;state={tmp_path}/state"
    report = check(End(ours("pt-wrap"), options), None, "--only", "1,2")
    assert complaints(report) == {}
    assert "1 of them hops" in report[2, "client"].evidence
