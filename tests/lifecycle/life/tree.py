# SPDX-License-Identifier: Apache-2.0
"""The tree of processes below ours, and how a process ends."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path


def _parents() -> dict[int, int]:
    """The parent of every living process."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        with contextlib.suppress(OSError, ValueError):
            text = Path(f"/proc/{name}/stat").read_text(errors="replace")
            state, parent = text[text.rindex(")") + 2 :].split(maxsplit=2)[:2]
            if state not in "ZX":
                found[int(name)] = int(parent)
    return found


def descendants(root: int) -> list[int]:
    """Every living process below root, parents before their children."""
    parents = _parents()
    found, front = [], [root]
    while front:
        front = sorted(pid for pid, parent in parents.items() if parent in front)
        found += front
    return found


def first_child(parent: int, within: float = 5) -> int:
    """Waits for the first child of a process without a pause, to meet it as young as possible."""
    listing, deadline = Path(f"/proc/{parent}/task/{parent}/children"), time.monotonic() + within
    while time.monotonic() < deadline:
        if found := listing.read_text().split() if listing.exists() else descendants(parent):
            return int(found[0])
    raise AssertionError(f"{command(parent)} has no child after {within} s")


def command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return "gone"


def exits_within(pid: int, seconds: float) -> bool:
    """True when the process ends, or has ended, within so many seconds."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    try:
        return bool(poll.poll(seconds * 1000))
    finally:
        os.close(fd)


def holders(links: Iterable[str]) -> list[int]:
    """Every process that has one of these open: "pipe:[1234]", "socket:[1234]"."""
    wanted, found = set(links), []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            for name in os.listdir(f"/proc/{pid}/fd"):
                # A descriptor may close between the two looks.
                with contextlib.suppress(OSError):
                    if os.readlink(f"/proc/{pid}/fd/{name}") in wanted:
                        found.append(int(pid))
                        break
    return sorted(found)


class Strays:
    """Whatever comes into being below this test process from now on."""

    def __init__(self) -> None:
        self._known = set(descendants(os.getpid()))

    def living(self) -> list[int]:
        return [pid for pid in descendants(os.getpid()) if pid not in self._known]

    def must_be_gone(self, within: float, what: str) -> None:
        """Fails with a list of the survivors, which are killed."""
        deadline = time.monotonic() + within
        while left := self.living():
            if time.monotonic() > deadline:
                names = [f"{command(pid)}[{pid}]" for pid in left]
                kill_all(left)
                raise AssertionError(f"{within} s after {what} there still are {names}")
            exits_within(left[0], 0.004)


def kill_all(pids: Iterable[int]) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
