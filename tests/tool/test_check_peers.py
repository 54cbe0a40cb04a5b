# SPDX-License-Identifier: Apache-2.0
"""Plugins of others are judged as docs/sip003.md says that they were measured.

Only by checks that ask what any host or user may do: what provokes a plugin is tried on fakes of ours, see
test_check_flaws.py and test_check_traffic.py.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from checking import End, Report, check
from harness.programs import peer

ROWS = "1-7,9-12,14,15,17,19,20,23,24,28-30,32-38,42-44"
PAGE = Path(__file__).resolve().parents[2] / "docs/compatibility.md"
SIGNS = {"o": "pass", "x": "fail", "-": "n/a"}
COLUMNS = {"obfs=http": "simple-obfs, http", "obfs=tls": "simple-obfs, tls", "ss-v2ray-plugin": "v2ray-plugin"}


def measured(subject: str) -> dict[int, list[str]]:
    """The verdicts that the page has, by number: of both ends, or of the client and of the server."""
    text = PAGE.read_text()
    head = re.search(r"^\| # \|(.*)\|$", text, re.M)
    good = re.search(r"None of them fails these: ([\d, ]+)\.", text)
    assert head is not None and good is not None
    column = [name.strip() for name in head[1].split("|")].index(COLUMNS[subject])
    table = {int(number): ["pass"] for number in good[1].split(", ")}
    for row in re.findall(r"^\| (\d+) \|(.*)\|$", text, re.M):
        table[int(row[0])] = [SIGNS[mark] for mark in row[1].split("|")[column].strip().split(" / ")]
    return table


@pytest.fixture(scope="module")
def reports() -> dict[str, Report]:
    return {}


@pytest.fixture
def report(subject: str, reports: dict[str, Report]) -> Report:
    if subject not in reports:
        programs = [peer(subject)] * 2 if subject.startswith("ss-") else [peer("obfs-local"), peer("obfs-server")]
        options = [None, "server"] if subject.startswith("ss-") else [subject] * 2
        more = ["--echo-opt", "path", "--enum-opt", "mode"] if subject.startswith("ss-") else []
        reports[subject] = check(End(programs[0], options[0]), End(programs[1], options[1]), "--only", ROWS, *more)
    return reports[subject]


@pytest.mark.parametrize("subject", COLUMNS)
def test_a_plugin_is_judged_as_the_page_says(subject: str, report: Report) -> None:
    table = measured(subject)
    wrong = {}
    for (number, of), verdict in report.rows.items():
        expected = table[number][-1 if of == "server" else 0]
        if verdict.verdict not in (expected, "n/a"):
            wrong[f"{number} {of}"] = f"expected {expected}, {verdict}"
    assert wrong == {}


@pytest.mark.parametrize(("subject", "row", "evidence"), [
    ("obfs=http", (14, "client"), "-V: exit 1"),
    ("obfs=http", (44, "pair"), "later connections 0 extra"),
    ("ss-v2ray-plugin", (3, "client"), "listens on 127.0.0.1:1984"),
    ("ss-v2ray-plugin", (10, "server"), "exit 23"),
    ("ss-v2ray-plugin", (28, "client"), "alive 8000 ms after its parent"),
    ("ss-v2ray-plugin", (44, "pair"), " extra: first byte after "),
])
def test_the_evidence_names_how(report: Report, row: tuple[int, str], evidence: str) -> None:
    assert evidence in report[row].evidence


@pytest.mark.parametrize("subject", ["obfs=http"])
def test_what_a_server_makes_of_escapes_is_not_asked(report: Report) -> None:
    assert not any((number, "server") in report.rows for number in (5, 6, 7))
