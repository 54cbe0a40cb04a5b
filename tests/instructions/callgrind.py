# SPDX-License-Identifier: Apache-2.0
"""Programs under callgrind, and the instructions of their own object: libraries are not counted."""

from __future__ import annotations

import re
import signal
import subprocess
import time
from pathlib import Path

START_SECONDS = 60.0
STOP_SECONDS = 60.0

_POSITION = re.compile(r"(ob|cob)=\((\d+)\)(?: (.*))?$")


def own_instructions(profile: Path, program: Path) -> int:
    """The sum of the costs that a profile has for the object of the program itself."""
    names: dict[str, str] = {}
    total, inside, called = 0, False, False
    for line in profile.read_text().splitlines():
        position = _POSITION.match(line)
        if position:
            kind, number, name = position.groups()
            names.setdefault(number, name or "")
            if kind == "ob":
                inside = Path(names[number]).resolve() == program.resolve()
        elif line.startswith("calls="):
            called = True  # the next line has the cost of the callee, which is counted there
        elif line[:1].isdigit() or line[:1] in "+-*":
            if not called and inside:
                total += sum(map(int, line.split()[1:]))  # none: a cost of 0 is left out
            called = False
    return total


class Counted:
    """A program that runs until it is stopped."""

    def __init__(self, folder: Path, program: Path, *words: object) -> None:
        self._program = program
        self._profile = folder / f"{program.name}.callgrind"
        self._log = (folder / f"{program.name}.log").open("w+b")
        command = ["valgrind", "--quiet", "--tool=callgrind", f"--callgrind-out-file={self._profile}", str(program)]
        self._process = subprocess.Popen([*command, *map(str, words)], stdin=subprocess.DEVNULL,
                                         stdout=self._log, stderr=self._log)

    @property
    def name(self) -> str:
        return self._program.name

    def wait_listening(self, port: int) -> None:
        """Without a connection, which would be counted."""
        deadline = time.monotonic() + START_SECONDS
        while f":{port:04X} 00000000:0000 0A" not in Path("/proc/net/tcp").read_text():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} does not listen: {self.output()}")
            time.sleep(0.02)

    def output(self) -> str:
        self._log.seek(0)
        return self._log.read().decode(errors="replace").strip()

    def stop(self) -> int:
        """The instructions that it took from its first to its last."""
        self._process.send_signal(signal.SIGTERM)
        status = self._process.wait(STOP_SECONDS)
        if status != 0:
            raise RuntimeError(f"{self.name} ended with {status}: {self.output()}")
        return own_instructions(self._profile, self._program)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()
