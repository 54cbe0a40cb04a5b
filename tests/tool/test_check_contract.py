# SPDX-License-Identifier: Apache-2.0
"""Checks 1 to 29 and 43 against plugins whose behaviour was measured by hand, and against ours."""

from __future__ import annotations

import re

import pytest
from checking import End, Report, check, complaints
from harness.programs import ours, peer

ROWS = "1-29,43"

# What was measured of obfs-local (OL), obfs-server (OS) and ss-v2ray-plugin as client and as
# server (VC, VS): o passes, X fails, - does not apply.  Rows to be read with a note, as they differ
# from what was measured first, in another way:
#    3  OL takes 127.0.0.1 for a missing SS_LOCAL_HOST, OS all addresses for a missing
#       SS_REMOTE_HOST; only the other variables end them.
#    5-7  of a server nothing shows on the wire: its parser cannot be seen.
#   18  OS dies of SIGSEGV at 64 hosts; it hangs at 30.
#   20  two ss-v2ray-plugin share a port by SO_REUSEPORT; alone against another program's socket
#       it does fail (row 19).
#   26  only verbose (see below) OS blocks.
#   27  descriptors 1 and 2 of V2 are a pipe of its runtime, which is no socket.
MEASURED = """
 #  OL OS VC VS
 1   o  o  o  o
 2   o  o  o  o
 3   X  X  X  X
 4   o  o  X  X
 5   o  -  o  -
 6   X  -  o  -
 7   X  -  o  -
 8   X  X  o  o
 9   o  X  X  X
10   o  X  o  o
11   o  o  o  o
12   o  o  o  o
13   X  X  o  o
14   X  X  o  o
15   o  o  o  o
16   X  X  o  o
17   o  o  X  o
18   X  X  o  o
19   o  o  o  o
20   X  X  X  X
21   X  X  X  X
22   o  X  o  o
23   X  X  X  X
24   o  o  o  o
25   X  X  X  X
26   o  o  o  o
27   X  X  o  o
28   X  X  X  X
29   o  o  o  o
43   o  o  o  o
"""
SIGNS = {"o": "pass", "X": "fail"}


def measured(first: int) -> dict[tuple[int, str], str]:
    """The verdicts of the client in column first and of the server in the next."""
    rows = [line.split() for line in MEASURED.strip().splitlines()[1:]]
    return {
        (int(row[0]), of): SIGNS[row[first + i]]
        for row in rows
        for i, of in enumerate(("client", "server"))
        if row[first + i] != "-"
    }


@pytest.fixture(scope="module")
def simple_obfs() -> Report:
    return check(
        End(peer("obfs-local"), "obfs=http"),
        End(peer("obfs-server"), "obfs=http"),
        *("--only", ROWS, "-j", "4"),
    )


@pytest.fixture(scope="module")
def v2ray() -> Report:
    program = peer("ss-v2ray-plugin")
    options = ("--echo-opt", "path", "--enum-opt", "mode", "--only", ROWS, "-j", "4")
    return check(End(program), End(program, "server"), *options)


def differences(report: Report, expected: dict[tuple[int, str], str]) -> dict[str, str]:
    found = {row: verdict for row, verdict in report.rows.items() if row[0] != 26}
    assert {row for row in expected if row[0] != 26} <= found.keys()
    return {
        f"{row[0]} {row[1]}": f"expected {expected[row]}, {verdict}"
        for row, verdict in report.rows.items()
        if row in expected and verdict.verdict != expected[row]
    }


def test_simple_obfs_is_judged_as_it_was_measured(simple_obfs: Report) -> None:
    assert differences(simple_obfs, measured(1)) == {}
    assert simple_obfs.status == 1


def test_v2ray_plugin_is_judged_as_it_was_measured(v2ray: Report) -> None:
    assert differences(v2ray, measured(3)) == {}
    assert v2ray.status == 1


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        ((8, "client"), "SIGSEGV"),
        ((8, "server"), "SIGSEGV"),
        ((14, "client"), "-V: exit 1"),
        ((18, "client"), "SIGSEGV"),
        ((25, "client"), "a: closed before: killed by SIGPIPE"),
        ((25, "server"), "a: closed before: killed by SIGPIPE"),
        ((27, "client"), "2 is socket:"),
    ],
)
def test_the_evidence_names_how_simple_obfs_fails(
    simple_obfs: Report, row: tuple[int, str], evidence: str
) -> None:
    assert evidence in simple_obfs[row].evidence


@pytest.mark.parametrize(
    ("row", "evidence"),
    [
        ((3, "client"), "listens on 127.0.0.1:1984"),
        ((10, "server"), "exit 23"),
        ((25, "server"), "closed after: listens"),
        ((28, "client"), "alive 8000 ms after its parent"),
    ],
)
def test_the_evidence_names_how_v2ray_plugin_fails(
    v2ray: Report, row: tuple[int, str], evidence: str
) -> None:
    assert evidence in v2ray[row].evidence


def test_what_a_server_makes_of_escapes_is_not_asked(simple_obfs: Report) -> None:
    assert not any((number, "server") in simple_obfs.rows for number in (5, 6, 7))


def test_a_verbose_obfs_server_blocks_when_its_output_is_not_read() -> None:
    server = End(peer("obfs-server"), "obfs=http;v")
    report = check(End(peer("obfs-local"), "obfs=http"), server, "--only", "26")
    assert report[26, "client"].verdict == "pass"
    assert report[26, "server"].verdict == "fail"
    assert "SIGTERM: alive" in report[26, "server"].evidence


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
