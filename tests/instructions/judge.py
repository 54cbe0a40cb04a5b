# SPDX-License-Identifier: Apache-2.0
"""Counts against the recorded ones."""

from __future__ import annotations

import json
import platform
import re
import sys
from pathlib import Path

LIMIT = 1.03

Counts = dict[str, dict[str, int]]  # of each program, by scenario


def toolchain(build: Path) -> dict[str, str]:
    """All that instructions of our own depend on, beside the source."""
    description = next((build / "CMakeFiles").glob("*/CMakeCCompiler.cmake")).read_text()
    cache = (build / "CMakeCache.txt").read_text()

    def of(pattern: str, text: str) -> str:
        found = re.search(pattern, text)
        return found.group(1) if found else ""

    return {
        "compiler": of(r'C_COMPILER_ID "(.*)"', description) + " " + of(r'C_COMPILER_VERSION "(.*)"', description),
        "machine": platform.machine(),
        "build": of(r"CMAKE_BUILD_TYPE:\w+=(.*)", cache),
        "flags": of(r"CMAKE_C_FLAGS:\w+=(.*)", cache),
        "hardened": of(r"SSP_HARDEN:\w+=(.*)", cache),
        "sanitizers": of(r"SSP_SANITIZE:\w+=(.*)", cache),
    }


def comparable(build: Path, file: Path) -> bool:
    """Whether the record is of the same toolchain; if not, the difference is told."""
    mine = toolchain(build)
    recorded = json.loads(file.read_text())["toolchain"]
    differences = [f"{key} {mine[key] or 'none'} (recorded: {recorded.get(key) or 'none'})"
                   for key in mine if mine[key] != recorded.get(key)]
    if differences:
        print(f"scripts/instructions: not compared: {', '.join(differences)}", file=sys.stderr)
    return not differences


def read(file: Path) -> Counts:
    counts: Counts = json.loads(file.read_text())["counts"]
    return counts


def record(build: Path, file: Path, counts: Counts) -> None:
    file.write_text(json.dumps({"toolchain": toolchain(build), "counts": counts}, indent=1) + "\n")


def compare(counts: Counts, recorded: Counts) -> list[str]:
    """Prints a table; returns the failures."""
    failures = []
    for name, programs in counts.items():
        for program, count in programs.items():
            before = recorded.get(name, {}).get(program)
            change = f"{count / before - 1:+7.2%}" if before else "    new"
            print(f"{name:32} {program:12} {count:14,} {change}", flush=True)
            if before is None:
                failures.append(f"{name}, {program}: not recorded: scripts/instructions --record")
            elif count > before * LIMIT:
                failures.append(f"{name}, {program}: {change.strip()} instructions, limit {LIMIT - 1:+.0%}: "
                                "mend it, or record it with the reason in the commit")
            elif count < before / LIMIT:
                print(f"{name}, {program}: fewer than recorded; scripts/instructions --record keeps it so")
    return failures
