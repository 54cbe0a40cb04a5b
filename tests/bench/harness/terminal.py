# SPDX-License-Identifier: Apache-2.0
"""Colour and progress, for people only: plain text everywhere else."""

import os
import sys
import time

COLOURS = {"good": "32", "bad": "1;31", "weak": "33", "head": "1", "dim": "2"}


class Paint:
    def __init__(self) -> None:
        self._on = sys.stdout.isatty() and "NO_COLOR" not in os.environ

    def __call__(self, text: str, colour: str) -> str:
        return f"\033[{COLOURS[colour]}m{text}\033[0m" if self._on else text


class Progress:
    """One line on a terminal that is rewritten, and nothing elsewhere."""

    def __init__(self) -> None:
        self._on = sys.stderr.isatty()
        self._start = time.monotonic()

    def step(self, done: int, total: int, title: str) -> None:
        if not self._on:
            return
        left = ""
        if done > 2:
            seconds = (time.monotonic() - self._start) / done * (total - done)
            left = f"  {int(seconds) // 60}:{int(seconds) % 60:02} left"
        width = (os.get_terminal_size(sys.stderr.fileno()).columns or 80) - 1
        self._write(f"[{done + 1:{len(str(total))}}/{total}]  {title}{left}"[:width])

    def finish(self) -> None:
        if self._on:
            self._write("")

    def _write(self, line: str) -> None:
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()
