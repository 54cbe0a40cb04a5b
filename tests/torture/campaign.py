# SPDX-License-Identifier: Apache-2.0
"""Many trials of one scene; all of them run, and the end tells every promise that was broken."""

from __future__ import annotations

import errno
import os
import random
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from harness.extent import FULL
from trial import Counts, Fault, Scene, Trial, Wrong

_T = TypeVar("_T")
_SEED = int(os.environ.get("TORTURE_SEED", "1"))

# Errors of a call, from its manual page; the first is taken in a sample. Errors that tell of a
# dead connection (EPIPE, ENOTCONN) are left out: one that stands cannot have them.
_ERRORS = {
    "accept4": [errno.EMFILE, errno.ECONNABORTED, errno.ENOBUFS, errno.EPERM, errno.EPROTO, errno.ENETDOWN],
    "bind": [errno.EADDRINUSE, errno.EACCES],
    "close": [errno.EIO, errno.EINTR],
    "connect": [errno.ENETUNREACH, errno.ECONNREFUSED, errno.EADDRNOTAVAIL, errno.EACCES],
    "epoll_ctl": [errno.ENOMEM, errno.ENOSPC],
    "epoll_wait": [errno.EINTR],
    "execve": [errno.ENOMEM, errno.ENOENT],
    "fcntl": [errno.EMFILE],
    "fork": [errno.EAGAIN, errno.ENOMEM],
    "getrandom": [errno.ENOSYS],
    "getpeername": [errno.ENOTCONN],
    "getsockopt": [errno.ENOBUFS],
    "mmap": [errno.ENOMEM],
    "open": [errno.EMFILE, errno.EACCES, errno.ENOENT],
    "poll": [errno.EINTR, errno.ENOMEM],
    "prctl": [errno.EPERM, errno.EINVAL],
    "read": [errno.EINTR],
    "recv": [errno.ENOMEM, errno.ECONNRESET, errno.EINTR],
    "recv_unix": [errno.ENOMEM, errno.EINTR],
    "send": [errno.ENOBUFS, errno.ENOMEM, errno.EINTR],
    "sendmsg": [errno.ENOBUFS, errno.EINTR],
    "sendto": [errno.ENOBUFS, errno.EPERM],
    "setrlimit": [errno.EPERM],
    "shutdown": [errno.ENOBUFS],
    "socket": [errno.EMFILE, errno.ENOBUFS, errno.EACCES],
    "splice": [errno.ENOMEM, errno.EINVAL],
    "syscall": [errno.ENOSYS, errno.EPERM],
    "waitid": [errno.EINTR],
    "waitpid": [errno.EINTR],
    "write": [errno.ENOSPC, errno.EINTR],
}


def errors_of(call: str) -> list[int]:
    return _ERRORS.get(call, [errno.ENOMEM, errno.EMFILE])[: None if FULL else 1]


def numbers(count: int, of_sample: int) -> list[int]:
    """Which of 1 to count: all of them, or so many, spread over it and moved by the seed."""
    if FULL or count <= of_sample:
        return list(range(1, count + 1))
    step = count / of_sample
    chance = random.Random(f"{_SEED} {count}")
    return [1 + int(step * (i + chance.random())) for i in range(of_sample)]


class Campaign:
    def __init__(self, scene: Scene, home: Path) -> None:
        self._scene, self._home = scene, home
        self._broken: list[str] = []
        self._usual = ""  # what the program says when nothing fails
        self.trials = 0
        home.mkdir()

    def sample(self, faults: Sequence[_T], size: int) -> list[_T]:
        if FULL or len(faults) <= size:
            return list(faults)
        return random.Random(f"{_SEED} {self._scene.name}").sample(faults, size)

    def run(self, fault: Fault) -> Counts:
        self.trials += 1
        trial = Trial(self._scene, fault, self._home, self._usual)
        try:
            counts = trial.run()
            self._usual = self._usual or trial.said()
            return counts
        except Wrong as wrong:
            said = trial.said()[-1500:].replace("\n", "\n      ")
            self._broken.append(f"FAULT='{fault}': {wrong}\n      {said}")
            return Counts()

    def judge(self) -> None:
        broken = self._broken
        assert not broken, (f"{self._scene.name}: {len(broken)} of {self.trials} trials\n" + "\n".join(broken))
