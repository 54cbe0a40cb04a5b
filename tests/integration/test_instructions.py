# SPDX-License-Identifier: Apache-2.0
"""scripts/instructions: the count is of the program alone, and more than 3 % above the record is a failure."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from harness.programs import BIN

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))

from instructions import judge  # noqa: E402
from instructions.callgrind import own_instructions  # noqa: E402

PROGRAM = Path("/usr/bin/true")
PROFILE = f"""\
version: 1
events: Ir
ob=(1) /lib/libc.so.6
fn=(1) memcpy
0 1000
ob=(2) {PROGRAM}
fn=(2) main
16 7
+3 5
cob=(1)
cfn=(1)
calls=3 0
* 500
-2 1
*
ob=(1)
fn=(1)
0 20
ob=(2)
fn=(3) turn
4 30
summary: 1563
"""


def test_what_the_program_calls_in_libraries_is_not_counted(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text(PROFILE)
    assert own_instructions(tmp_path / "profile", PROGRAM) == 7 + 5 + 1 + 30


@pytest.mark.parametrize(("count", "failures"), [(900, 0), (1000, 0), (1030, 0), (1031, 1), (2000, 1)])
def test_three_percent_above_the_record_is_the_limit(count: int, failures: int) -> None:
    assert len(judge.compare({"work": {"ss-local": count}}, {"work": {"ss-local": 1000}})) == failures


def test_a_program_that_is_not_recorded_is_a_failure() -> None:
    assert len(judge.compare({"work": {"ss-local": 1}}, {"other": {"ss-local": 1}})) == 1


def test_counts_of_another_compiler_are_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """And never pass for compared ones where that is asked for."""
    file = tmp_path / "counts.json"
    toolchain = judge.toolchain(BIN.parent)
    assert toolchain["compiler"] and toolchain["build"]
    file.write_text(json.dumps({"toolchain": {**toolchain, "compiler": "GNU 2.95"}, "counts": {}}))
    assert not judge.comparable(BIN.parent, file)
    assert f"not compared: compiler {toolchain['compiler']} (recorded: GNU 2.95)" in capsys.readouterr().err
    file.write_text(json.dumps({"toolchain": toolchain, "counts": {}}))
    assert judge.comparable(BIN.parent, file)
    assert capsys.readouterr().err == ""
