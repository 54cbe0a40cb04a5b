# SPDX-License-Identifier: Apache-2.0
"""Runs `ss-plugin check`, and reads what it says."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.programs import SLOWER, Program, ours

LIMIT = 180 * SLOWER


@dataclass(frozen=True)
class End:
    """One end of a pair, and its SS_PLUGIN_OPTIONS; None: unset."""

    program: Program
    options: str | None = None


@dataclass(frozen=True)
class Verdict:
    level: str
    verdict: str
    evidence: str

    def __str__(self) -> str:
        return f"{self.verdict}: {self.evidence}"


class Report:
    """The outcome of one run: report[8, "client"] is what check 8 says of the client."""

    def __init__(self, status: int, text: str) -> None:
        self.status = status
        document = json.loads(text)
        self.seconds: float = document["seconds"]
        self.summary: dict[str, dict[str, int]] = document["summary"]
        self.rows = {
            (row["number"], row["of"]): Verdict(row["level"], row["verdict"], row["evidence"])
            for row in document["checks"]
        }

    def __getitem__(self, row: tuple[int, str]) -> Verdict:
        return self.rows[row]


def call(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(ours("ss-plugin")), "check", *arguments],
        capture_output=True,
        text=True,
        timeout=LIMIT,
        stdin=subprocess.DEVNULL,
        check=False,
    )


def given(program: Program, directory: Path, **env: str) -> Program:
    """The program with variables that the tool, as every host, would not pass on."""
    script = directory / "-".join(["with", *env.values()]).replace("/", "_")
    words = " ".join(f"{name}={shlex.quote(value)}" for name, value in env.items())
    script.write_text(f'#!/bin/sh\n{words} exec {program} "$@"\n')
    script.chmod(0o755)
    return Program(script, ours=True)


def ends(client: End | None, server: End | None) -> list[str]:
    words = []
    for end, program, options in ((client, "--client", "--copts"), (server, "--server", "--sopts")):
        if end is not None:
            words += [program, str(end.program)]
            words += [options, end.options] if end.options is not None else []
    return words


def check(
    client: End | None,
    server: End | None,
    *arguments: str,
) -> Report:
    """One run of the tool, which must come to a verdict: status 0 or 1."""
    done = call(*ends(client, server), "--json", *arguments)
    assert done.returncode in (0, 1), f"status {done.returncode}: {done.stderr}"
    return Report(done.returncode, done.stdout)


def complaints(report: Report, levels: Sequence[str] = ("MUST", "SHOULD")) -> dict[str, str]:
    """The checks that did not pass at these levels."""
    return {
        f"{number} {of}": row.evidence
        for (number, of), row in report.rows.items()
        if row.verdict == "fail" and row.level in levels
    }
