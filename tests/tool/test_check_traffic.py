# SPDX-License-Identifier: Apache-2.0
"""Checks 30 to 42 and 44 against our plugins, and against a pair with one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from checking import End, Report, check, complaints, given
from harness.programs import SANITIZED, Program, ours

ROWS = "30-42,44"
SIDE_BY_SIDE = 3
LOSSY = Program(Path(__file__).with_name("lossy_plugin.py"), ours=True)
LOSSY_PAIR = (End(LOSSY, "client"), End(LOSSY, "server"))

def evidence(report: Report) -> str:
    return "\n".join(f"{n} {of} {v}" for (n, of), v in report.rows.items())


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
    ("breaks", 31, "the server is gone: killed by SIGABRT"),
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
    ("open", 41, 'the first are "'),
    ("datagrams", 42, "datagram of 1199 bytes: another answer comes"),
    ("chatty", 44, "later connections "),
]


@pytest.fixture(scope="module")
def flawed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[Report]]]:
    """A run for each flaw that is asked for; side by side, as most of their time is waiting."""
    wanted = [item.callspec.params for item in request.session.items
              if getattr(item, "originalname", "") == test_a_flaw_is_found.__name__ and item.path == request.path]
    home = tmp_path_factory.mktemp("flaws")

    def ends_with(flaw: str) -> tuple[End, End]:
        program = given(LOSSY, home, FLAW=flaw)
        return End(program, "client"), End(program, "server")

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield {row["flaw"]: pool.submit(check, *ends_with(row["flaw"]), "--only", str(row["row"]))
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


def test_hostile_bytes_that_come_late_are_not_those_of_a_good_client(tmp_path: Path) -> None:
    """A server that is slow, as on a busy machine, delivers what it was attacked with while the good client waits."""
    program = given(LOSSY, tmp_path, FLAW="late")
    report = check(End(program, "client"), End(program, "server"), "--only", "39")
    assert {v.verdict for v in report.rows.values()} == {"pass"}, evidence(report)
