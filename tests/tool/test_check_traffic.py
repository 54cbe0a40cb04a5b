# SPDX-License-Identifier: Apache-2.0
"""Checks 30 to 42 and 44 against plugins whose behaviour was measured by hand, against ours, and
against a pair with one flaw at a time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from checking import End, Report, check, complaints
from harness.programs import SANITIZED, Program, ours, peer

ROWS = "30-42,44"
SIDE_BY_SIDE = 3
LOSSY = Program(Path(__file__).with_name("lossy_plugin.py"), ours=True)
LOSSY_PAIR = (End(LOSSY, "client"), End(LOSSY, "server"))

# What was measured of simple-obfs by mode, and of ss-v2ray-plugin; "-": does not apply.
MEASURED = """
 #         http tls  v2ray
 30 pair   pass pass pass
 31 pair   fail fail pass
 32 pair   pass pass pass
 33 pair   pass pass pass
 34 pair   fail fail fail
 35 pair   pass pass pass
 36 pair   pass pass pass
 37 client pass pass pass
 37 server pass pass pass
 38 client pass pass fail
 39 server pass fail pass
 40 server pass pass pass
 41 server fail fail pass
 42 pair   n/a  n/a  n/a
 44 pair   pass pass pass
"""


def measured(name: str) -> dict[tuple[int, str], str]:
    head, *rows = (line.split() for line in MEASURED.strip().splitlines())
    column = head.index(name) + 1
    return {(int(row[0]), row[1]): row[column] for row in rows}


def verdicts(report: Report) -> dict[tuple[int, str], str]:
    return {row: v.verdict for row, v in report.rows.items()}


def simple_obfs(mode: str) -> Report:
    options = f"obfs={mode}"
    pair = End(peer("obfs-local"), options), End(peer("obfs-server"), options)
    return check(*pair, "--only", ROWS)


@pytest.fixture(scope="module")
def http() -> Report:
    return simple_obfs("http")


@pytest.fixture(scope="module")
def tls() -> Report:
    return simple_obfs("tls")


@pytest.fixture(scope="module")
def v2ray() -> Report:
    program = peer("ss-v2ray-plugin")
    return check(End(program, ""), End(program, "server"), "--only", ROWS)


# A damaged heap is found by the kernel or by the C library's allocator, as chance has it.
BY_A_CRASH = re.compile(r"killed by SIG(SEGV|ABRT)\b")


def evidence(report: Report) -> str:
    return "\n".join(f"{n} {of} {v}" for (n, of), v in report.rows.items())


@pytest.mark.parametrize("name", ["http", "tls", "v2ray"])
def test_the_measured_plugins_are_judged_as_measured(
    name: str, request: pytest.FixtureRequest
) -> None:
    report: Report = request.getfixturevalue(name)
    assert verdicts(report) == measured(name), evidence(report)


def test_the_first_cut_that_simple_obfs_does_not_bear_is_named(http: Report) -> None:
    # One byte of a header line stands alone in front of it: "GET / HTTP/1.1\r\n" and an "H".
    found = http[31, "pair"].evidence
    assert "cuts to the server" in found
    assert "the first behind byte 17:" in found
    assert "bytes came that nobody sent" in found


def test_the_crashes_of_simple_obfs_in_tls_mode_are_reported_with_their_signal(tls: Report) -> None:
    assert BY_A_CRASH.search(tls[31, "pair"].evidence)
    assert "the cut behind byte" in tls[31, "pair"].evidence
    assert BY_A_CRASH.search(tls[39, "server"].evidence)
    assert re.search(r"it is input \d+ of \d+ bytes: a good flight", tls[39, "server"].evidence)


def test_the_bytes_of_strangers_are_shown(http: Report) -> None:
    assert '"GET / HTTP/1.1' in http[41, "server"].evidence


def test_round_trips_are_counted(http: Report, v2ray: Report) -> None:
    assert "later connections 0 extra" in http[44, "pair"].evidence
    assert re.match(r"[12] extra", v2ray[44, "pair"].evidence)


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_our_plugins_pass_every_check(mode: str) -> None:
    options = f"obfs={mode}"
    pair = End(ours("obfs-local"), options), End(ours("obfs-server"), options)
    memory = ("--skip", "35,36") if SANITIZED else ()  # a sanitizer keeps what is freed
    report = check(*pair, "--only", ROWS, *memory)
    assert complaints(report) == {}
    assert report.status == 0
    assert "1024 of 1024 cuts to the server" in report[31, "pair"].evidence


# The flaw, the check that finds it, and what it says.
FLAWS = [
    ("corrupt", 30, "wrong byte at offset 99952 "),  # 100,000 less the order of 48
    ("loses", 30, "wrong byte at offset"),
    ("swaps", 30, "wrong byte at offset"),
    ("whole", 31, "the first behind byte"),
    ("mixes", 32, "wrong bytes"),
    ("truncates", 33, "of 8388608 bytes came"),
    ("lingers", 33, "after the backend had closed"),
    ("full-close", 34, "0 of 1000 bytes came"),
    ("hoards", 35, "memory grows by"),
    ("leaks", 36, "descriptors, then"),
    ("holds", 37, "still open"),
    ("eager", 38, "dials upstream all the same"),
    ("aborts", 39, "SIGSEGV"),
    ("serial", 40, "a good client meanwhile"),
    ("open", 41, "reach the backend"),
    ("datagrams", 42, "datagram of 1199 bytes: another answer comes"),
    ("chatty", 44, "later connections 3 extra"),
]


@pytest.fixture(scope="module")
def flawed(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[Report]]]:
    """A run for each flaw that is asked for; side by side, as most of their time is waiting."""
    wanted = [item.callspec.params for item in request.session.items
              if getattr(item, "originalname", "") == test_a_flaw_is_found.__name__ and item.path == request.path]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {row["flaw"]: pool.submit(check, *LOSSY_PAIR, "--only", str(row["row"]), env={"FLAW": row["flaw"]})
               for row in wanted}


@pytest.mark.parametrize(("flaw", "row", "found"), FLAWS)
def test_a_flaw_is_found(flaw: str, row: int, found: str, flawed: dict[str, Future[Report]]) -> None:
    report = flawed[flaw].result()
    assert {number for number, _ in report.rows} == {row}
    wrong = [v for v in report.rows.values() if v.verdict == "fail"]
    assert wrong != [], evidence(report)
    assert found in wrong[0].evidence


def test_the_same_pair_without_a_flaw_passes_them_all() -> None:
    report = check(*LOSSY_PAIR, "--only", ROWS)
    assert complaints(report, ("MUST", "SHOULD", "MAY")) == {}
    assert "12 datagrams of 1 to 1400 bytes are echoed" in report[42, "pair"].evidence


def test_without_a_client_the_server_is_attacked_all_the_same() -> None:
    report = check(None, End(ours("obfs-server"), "obfs=http"), "--only", "39-41")
    assert {v.verdict for v in report.rows.values()} == {"pass"}, evidence(report)
    assert "a flight of 0 bytes" in report[39, "server"].evidence
