# SPDX-License-Identifier: Apache-2.0
"""How the demo looks: colours and a progress line on a terminal, plain text in a pipe."""

from __future__ import annotations

import os
import shutil
import sys
import time
from dataclasses import dataclass

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "cyan": 36}
_BAR = 32
_REDRAW = 0.05


def human(size: float) -> str:
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.4g} {unit}"
        size /= 1024
    return f"{size:.3g} GiB"


@dataclass(frozen=True)
class Hop:
    """A program, and the way to the next one; the last has none."""

    name: str
    pid: int
    way: str = ""
    port: int = 0
    public: bool = False


class Screen:
    def __init__(self) -> None:
        self._tty = sys.stdout.isatty()
        plain = "NO_COLOR" in os.environ or os.environ.get("TERM") == "dumb"
        self._colours = self._tty and not plain
        self._drawn = 0.0

    def _paint(self, text: str, *styles: str) -> str:
        if not self._colours:
            return text
        return "".join(f"\033[{_CODES[style]}m" for style in styles) + text + "\033[0m"

    @staticmethod
    def _print(text: str) -> None:
        print(text, flush=True)

    def title(self, text: str) -> None:
        self._print("\n" + self._paint(text, "bold"))

    def blank(self) -> None:
        self._print("")

    def note(self, text: str) -> None:
        self._print("  " + self._paint(text, "dim"))

    def row(self, name: str, value: str) -> None:
        self._print(f"  {name:<18} {value}")

    def verdict(self, good: bool, text: str) -> None:
        mark = self._paint("✓", "green", "bold") if good else self._paint("✗", "red", "bold")
        self._print(f"  {mark} {text}")

    def hop(self, hop: Hop) -> None:
        who = f"[{hop.pid}]" if hop.pid else ""
        self._print(f"    {self._paint(f'{hop.name:<12}', 'cyan', 'bold')} {self._paint(who, 'dim')}")
        if hop.way:
            colour = "yellow" if hop.public else "dim"
            self._print(f"      │  {hop.way:<38} {self._paint(f'127.0.0.1:{hop.port}', colour)}")

    def wire(self, line: str) -> None:
        kind, _, text = line.partition(" ")
        styles = {"up": ("cyan",), "down": ("green",), "hex": ("dim",), "say": ("bold",)}[kind]
        mark = {"up": "→ ", "down": "← ", "hex": "  ", "say": ""}[kind]
        self._print("  " + mark + self._paint(text, *styles))

    def progress(self, done: int, size: int, seconds: float) -> None:
        """Redraws the progress line; does nothing in a pipe."""
        now = time.monotonic()
        if not self._tty or (done < size and now - self._drawn < _REDRAW):
            return
        self._drawn = now
        rate = human(done / max(seconds, 1e-6))
        text = f"{human(done)} of {human(size)}, {rate}/s"
        # The last column stays free: a full line would wrap, and stay when it is drawn anew.
        room = shutil.get_terminal_size().columns - 1
        width = max(0, min(_BAR, room - len(text) - 3))
        full = width * done // size
        bar = self._paint("█" * full, "green") + self._paint("░" * (width - full), "dim")
        line = f"  {bar} {text}" if width else text[:room]
        sys.stdout.write(f"\r{line}\033[K")
        sys.stdout.flush()

    def progress_done(self) -> None:
        if self._tty:
            self._print("")
