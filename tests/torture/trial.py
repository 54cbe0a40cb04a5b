# SPDX-License-Identifier: Apache-2.0
"""One run of a program with a fault in it: start, transfers, stop, and the judgement of all that."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness import procfs
from harness.content import CHUNK, content
from harness.processes import base_environment
from harness.programs import BIN, SANITIZED, SLOWER

LIBRARY = BIN.parent / "tests" / "fault.so"
HANG = 5.0 * SLOWER  # seconds that nothing may take
START = 12.0 * SLOWER  # a host gives its plugin 10 s
LIBRARY_CRASHED = 98  # of crash.c: json-c, while it reads a configuration
_RECORD = struct.Struct("24sQQQ")  # of fault.h


@dataclass(frozen=True)
class Fault:
    """The words of FAULT in the environment; and whether more than one call fails or is short."""

    text: str
    repeated: bool = False
    times: int = 1  # connections that may fail; 0: work that ends by itself may not either
    sizes: tuple[int, ...] = (700, 90000, 180000)  # of the transfers

    def __str__(self) -> str:
        return self.text or "nothing"


def nth(call: str, n: int, error: int = errno.ENOMEM, where: str = "") -> Fault:
    return Fault(f"{call}:{n}:{error}" + (f";{where}" if where else ""))


@dataclass
class Counts:
    """Calls of the first process and the most of any forked one, by name; and how many failed."""

    first: dict[str, int] = field(default_factory=dict)
    forked: dict[str, int] = field(default_factory=dict)
    failed: int = 0

    @classmethod
    def read(cls, path: Path) -> Counts:
        counts = cls()
        raw = path.read_bytes() if path.exists() else b""
        for name, first, forked, failed in _RECORD.iter_unpack(raw):
            key = name.rstrip(b"\0").decode()
            counts.first[key], counts.forked[key] = first, forked
            counts.failed += failed
        return counts


def _shapes(said: str) -> list[str]:
    """Lines without their times, ports and process ids."""
    return [re.sub(r"\d+", "N", line) for line in said.splitlines() if line.strip()]


class Wrong(Exception):
    """The program did what no fault excuses."""


@dataclass(frozen=True)
class Scene:
    """A program and how to use it. Its peers run all the time, and nothing fails in them."""

    name: str
    argv: Sequence[object]
    env: dict[str, str]
    port: int = 0  # where it listens; 0: it ends by itself
    dial: Callable[[], socket.socket] | None = None  # to an echo, through the program
    packet: Callable[[], bool] | None = None  # one datagram to an echo and back
    half_closes: bool = True  # each direction ends alone
    refusals: frozenset[int] = frozenset()  # how it may end when it cannot start
    ends: frozenset[int] = frozenset({0})


def fault_environment(home: Path, fault: str, counts: Path) -> dict[str, str]:
    """The environment of a program whose calls fail: the library stands in front of a sanitizer's."""
    env = {**base_environment(home), "LD_PRELOAD": str(LIBRARY), "FAULT": fault, "FAULT_COUNTS": str(counts)}
    if SANITIZED:
        env["ASAN_OPTIONS"] += ":verify_asan_link_order=0:allocator_may_return_null=1"
    return env


class Trial:
    def __init__(self, scene: Scene, fault: Fault, home: Path, usual: str = "") -> None:
        self.scene, self.fault, self._usual = scene, fault, set(_shapes(usual))
        self._counts, self._log = home / "counts", home / "log"
        for old in [self._counts, self._log, *home.glob("sanitizer*")]:
            old.unlink(missing_ok=True)
        env = {**fault_environment(home, fault.text, self._counts), **scene.env}
        self._home = home
        self._known = set(procfs.children(os.getpid()))
        with self._log.open("wb") as log:
            self._popen = subprocess.Popen([str(part) for part in scene.argv], stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=log, cwd=home, env=env)

    def run(self) -> Counts:
        """Raises Wrong where the program breaks a promise."""
        try:
            if not self.scene.port:
                self._ends_by_itself()
            elif self._serves():
                self._carries()
                self._stops()
        finally:
            if self._popen.poll() is None:
                self._popen.kill()
            self._popen.wait()
        self._left_nothing()
        return Counts.read(self._counts)

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def _hit(self) -> bool:
        return self.fault.repeated or Counts.read(self._counts).failed > 0

    def _judge_end(self, allowed: frozenset[int], when: str) -> None:
        status = self._popen.returncode
        if status < 0:
            raise Wrong(f"{when}: crashed with {signal.Signals(-status).name}")
        if status not in allowed:
            raise Wrong(f"{when}: ended with {status}, not one of {sorted(allowed)}")

    def _ends_by_itself(self) -> None:
        self._wait("its work")
        may_fail = self._hit() and self.fault.times > 0
        self._judge_end(self.scene.ends | (self.scene.refusals if may_fail else frozenset()), "work")
        if self._popen.returncode not in self.scene.ends:
            self._judge_words("work")

    def _judge_words(self, when: str) -> None:
        """A failure has a line that success has not."""
        if not set(_shapes(self.said())) - self._usual:
            raise Wrong(f"{when}: ended with {self._popen.returncode} without a line that says why")

    def _wait(self, what: str) -> None:
        try:
            self._popen.wait(HANG)
        except subprocess.TimeoutExpired:
            raise Wrong(f"{what}: still not over after {HANG} s") from None

    def _serves(self) -> bool:
        """Whether it listens; False when it gave up in the documented way."""
        deadline = time.monotonic() + START
        while self._popen.poll() is None:
            if procfs.listening(self.scene.port):
                return True
            if time.monotonic() > deadline:
                raise Wrong(f"start: neither listens nor ends within {START} s")
            time.sleep(0.003)
        if not self._hit():
            raise Wrong(f"start: ended with {self._popen.returncode} although nothing failed")
        if self._popen.returncode == LIBRARY_CRASHED:
            return False
        self._judge_end(self.scene.refusals, "start")
        self._judge_words("start")
        return False

    def _carries(self) -> None:
        """Only the connection that met the fault may fail."""
        lost = 0
        for number, size in enumerate(self.fault.sizes):
            fine = self._transfer(size, number)
            lost += not fine
            if self._popen.poll() is not None:
                # A fault of its start that it met only after it had begun to listen.
                if lost == number + 1 and self._hit() and self._popen.returncode in self.scene.refusals:
                    return
                self._judge_end(frozenset(), "service")
        if lost == len(self.fault.sizes) and self._hit() and self._gives_up():
            return
        if lost > (self.fault.times if self._hit() else 0):
            raise Wrong(f"service: {lost} of {len(self.fault.sizes)} connections failed")
        try:
            procfs.eventually(lambda: procfs.connections(self._popen.pid) == 0, "", HANG)
        except AssertionError:
            kept = procfs.connections(self._popen.pid)
            raise Wrong(f"service: {kept} sockets of connections that are over are kept") from None
        if self.scene.packet and not any(self.scene.packet() for _ in range(3)):
            raise Wrong("service: three datagrams in a row were lost")

    def _gives_up(self) -> bool:
        """A start that failed behind the first listener takes a moment to end."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            return self._popen.wait(HANG) in self.scene.refusals
        return False

    def _transfer(self, size: int, seed: int) -> bool:
        sent, got = content(size, seed), bytearray()
        clean = False
        try:
            with self.scene.dial() as sock:
                sock.settimeout(HANG)
                with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                    sock.sendall(sent)
                    if self.scene.half_closes:
                        sock.shutdown(socket.SHUT_WR)
                while (self.scene.half_closes or len(got) < size) and (part := sock.recv(CHUNK)):
                    got += part
                clean = True
        except TimeoutError:
            raise Wrong(f"service: a connection hangs after {len(got)} of {size} bytes") from None
        except (OSError, EOFError):
            pass
        if not sent.startswith(got):
            raise Wrong("service: wrong bytes")
        if clean and 0 < len(got) < size:
            raise Wrong(f"service: a clean end after {len(got)} of {size} bytes")
        return clean and len(got) == size

    def _stops(self) -> None:
        if self._popen.poll() is not None:
            return
        self._popen.send_signal(signal.SIGTERM)
        self._wait("stop")
        self._judge_end(self.scene.ends | (self.scene.refusals if self._hit() else frozenset()), "stop")

    def _left_nothing(self) -> None:
        reports = [path.read_text(errors="replace") for path in self._home.glob("sanitizer*")]
        mine = [text for text in reports if text.strip()]
        if mine:
            raise Wrong("a sanitizer's report:\n" + "\n".join(mine))
        try:
            procfs.eventually(lambda: not self._strays(), "", HANG)
        except AssertionError:
            for pid in (left := self._strays()):
                os.kill(pid, signal.SIGKILL)
            raise Wrong(f"processes are left behind: {left}") from None

    def _strays(self) -> list[int]:
        """Orphans of the program, which become ours."""
        new = [pid for pid in procfs.children(os.getpid()) if pid not in self._known]
        for pid in new:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        return [pid for pid in new if procfs.alive(pid)]
