# SPDX-License-Identifier: Apache-2.0
"""The command line of scripts/instructions."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

from harness import isolation

from . import judge
from .scenarios import SCENARIOS, run

DESCRIPTION = f"""\
Runs fixed work through the programs under callgrind, counts the instructions of their own code (no
library's), and compares them with those of tests/instructions/counts.json: more than
{judge.LIMIT - 1:.0%} above is a failure.  Counts depend on the compiler.  Those of another one are not
compared: that is said, and is a failure with --strict."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="scripts/instructions", description=DESCRIPTION,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--record", action="store_true", help="keep the counts of all scenarios as the new measure")
    add("--strict", action="store_true", help="fail where nothing can be compared")
    add("--build", type=Path, metavar="DIR", help="the programs to count (build/release)")
    add("--only", default="", metavar="TEXT", help="compare scenarios with this text in their name")
    return parser


def _count(build: Path, only: str) -> judge.Counts:
    counts = {}
    for scenario in SCENARIOS:
        if only in scenario.name:
            with tempfile.TemporaryDirectory() as folder:
                counts[scenario.name] = run(scenario, build / "bin", Path(folder))
    return counts


def _measure(options: argparse.Namespace, build: Path, file: Path) -> int:
    if options.record:
        judge.record(build, file, _count(build, ""))
        return 0
    if not judge.comparable(build, file):
        return 1 if options.strict else 0
    failures = judge.compare(_count(build, options.only), judge.read(file))
    for failure in failures:
        print(f"scripts/instructions: {failure}", file=sys.stderr)
    return 1 if failures else 0


def main(root: Path) -> int:
    options = _parser().parse_args()
    build = (options.build or root / "build/release").resolve()
    if not (build / "bin/ss-local").exists() or shutil.which("valgrind") is None:
        print(f"scripts/instructions: {build} with programs, and valgrind, are needed: "
              "scripts/build; apt-get install valgrind", file=sys.stderr)
        return 2
    if not isolation.inside():
        return isolation.run_inside(sys.argv[0], sys.argv[1:])
    isolation.prepare_network()
    return _measure(options, build, root / "tests/instructions/counts.json")
