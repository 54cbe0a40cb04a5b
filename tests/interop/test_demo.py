# SPDX-License-Identifier: Apache-2.0
"""scripts/demo: what it prints for a browser is what makes the browser use the chain."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import shlex
import signal
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import BIN, SLOWER, peer
from harness.processes import Process
from harness.stage import Stage

DEMO = Path(__file__).resolve().parents[2] / "scripts" / "lib" / "demo"
THROUGH, BESIDE = "It works.", "Not through the chain"


def story(*words: str) -> list[str]:
    return [sys.executable, "-B", str(DEMO), "--size", "2097152", *words]


@pytest.fixture
def kept(stage: Stage) -> Iterator[Process]:
    """A demo that waits for a browser."""
    demo = stage.run(*story("--keep"), env={"SHADOWPLUG_BIN": str(BIN)})

    def waits() -> bool:
        assert demo.running, demo.output()
        return "about:config" in demo.output()

    procfs.eventually(waits, "the demo waits for a browser", 60 * SLOWER)
    yield demo
    assert demo.stop(signal.SIGINT, 20) == 0


def shown(stage: Stage, command: list[str]) -> str:
    """The page in Chromium when it is started like that, without a window."""
    assert command[0] == "chromium"
    done = subprocess.run(
        [str(peer("chromium")), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
         "--no-first-run", "--disable-background-networking", f"--user-data-dir={stage.home}/profile",
         "--virtual-time-budget=5000", "--dump-dom", *command[1:]],
        capture_output=True, text=True, timeout=120 * SLOWER, check=False,
        env={**os.environ, "HOME": str(stage.home)})
    return done.stdout


def test_the_line_for_chromium_goes_through_the_chain(stage: Stage, kept: Process) -> None:
    """And the page can tell: without the word for loopback, Chromium dials the web server itself."""
    (line,) = [line for line in kept.output().splitlines() if "$ chromium" in line]
    command = shlex.split(line.split("$ ")[1])
    assert THROUGH in shown(stage, command)
    assert BESIDE in shown(stage, [word for word in command if "bypass" not in word])


@pytest.mark.parametrize("columns", [20, 40, 60, 80, 132])
def test_the_progress_line_fits_the_terminal(stage: Stage, columns: int) -> None:
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    demo = subprocess.Popen(story(), stdin=slave, stdout=slave, stderr=slave, close_fds=True,
                            env={**os.environ, "SHADOWPLUG_BIN": str(BIN), "NO_COLOR": "1", "TERM": "xterm"})
    os.close(slave)
    text = b""
    try:
        while part := os.read(master, 65536):
            text += part
    except OSError:  # the terminal has no other end any more
        pass
    os.close(master)
    assert demo.wait(60 * SLOWER) == 0
    drawn = re.findall(r"\r([^\r\n]*)\x1b\[K", text.decode())
    assert drawn and all(len(line) < columns for line in drawn)
