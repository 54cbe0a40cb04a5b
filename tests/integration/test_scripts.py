# SPDX-License-Identifier: Apache-2.0
"""The scripts for people: what they say of themselves, and of what they cannot do."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["bench", "build", "check", "demo", "on", "peers", "test"]


def run(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts" / script, *argv], text=True, check=False,
                          capture_output=True, env={**os.environ, "NO_COLOR": "1"})


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_what_it_is_for(script: str) -> None:
    done = run(script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: scripts/{script}" in done.stdout or f"usage: {script}" in done.stdout


@pytest.mark.parametrize("system", ["jessie", "11", "bookworms", "trixie/arm64", ""])
def test_an_unknown_system_is_named(system: str) -> None:
    done = run("on", system, "true")
    assert done.returncode == 1 and f"unknown system {system}:" in done.stderr


@pytest.mark.parametrize("argv", [[], ["sid"], ["--mirror"], ["--frsh", "sid", "true"]])
def test_half_a_command_is_answered_with_the_usage(argv: list[str]) -> None:
    done = run("on", *argv)
    assert done.returncode == 1
    assert "usage: scripts/on" in done.stderr or "needs a value" in done.stderr
