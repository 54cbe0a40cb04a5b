# SPDX-License-Identifier: Apache-2.0
"""The processes of one side of a recipe, on loopback."""

import itertools
import os
import random
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import IO

from .isolation import die_with_parent
from .programs import Programs, Unmeasurable
from .recipes import Recipe, Side

READY_SECONDS = 8.0
STOP_SECONDS = 2.0
# Below what systems choose outgoing ports from: an origin may come later than its chain.
PORTS = range(2000, 10000)

_ports = itertools.cycle(random.sample(PORTS, len(PORTS)))


def free_port() -> int:
    for port in itertools.islice(_ports, len(PORTS)):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise Unmeasurable("no port is free")


class Ports(dict[str, int]):
    """Named ports, free ones at their first mention."""

    def __missing__(self, name: str) -> int:
        return self.setdefault(name, free_port())


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _birth(pid: int) -> int:
    """Tells a process from a later one with the same id; 0 when there is none."""
    with suppress(OSError):
        fields = _stat(pid)
        return 0 if fields[0] == "Z" else int(fields[19])
    return 0


def descendants(root: int) -> list[int]:
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, IndexError):
                parents[int(entry.name)] = int(_stat(int(entry.name))[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


class Said:
    """The word behind a text in a log, once it is there."""

    def __init__(self, log: IO[bytes]) -> None:
        self._log = log

    def __getitem__(self, text: str) -> str:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            size = os.fstat(self._log.fileno()).st_size
            said = os.pread(self._log.fileno(), size, 0).decode(errors="replace")
            after = said.partition(text)[2]
            if "\n" in after:
                return after.split()[0]
            time.sleep(0.02)
        raise Unmeasurable(f"nobody said {text.strip()}")


class Chain:
    """Running processes; stop() leaves none of them."""

    def __init__(self, side: Side, recipe: Recipe, programs: Programs, loadgen: Path) -> None:
        self.pids: dict[int, str] = {}
        self.compact = recipe.compact
        http = recipe.gate_request is not None
        self._asks = ["requests", "--count", "1", "--parallel", "1"] if http else ["ping", "--count", "1"]
        self._loadgen = loadgen
        self._births: dict[int, int] = {}
        self._roots: list[subprocess.Popen[bytes]] = []
        self._log = tempfile.TemporaryFile()
        self._home = tempfile.TemporaryDirectory()
        self.route: list[str] = []
        ports, said = Ports(), Said(self._log)
        try:
            for process in side.processes:
                self._spawn(*programs.command(side, process, ports, self._home.name))
            words = {"port": ports, "said": said}
            self.route = [word.format_map(words) for word in side.route or recipe.route]
            self._await_ready()
            self._find_processes()
        except BaseException:
            self.stop()
            raise

    def _spawn(self, command: list[str], environment: dict[str, str]) -> None:
        self._roots.append(
            subprocess.Popen(
                command,
                env={**os.environ, **environment},
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        )

    def _await_ready(self) -> None:
        probe = [str(self._loadgen), *self._asks, *self.route]
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if any(root.poll() is not None for root in self._roots):
                break
            with suppress(subprocess.TimeoutExpired):
                if (
                    subprocess.run(probe, capture_output=True, timeout=6, check=False).returncode
                    == 0
                ):
                    return
            time.sleep(0.02)
        raise Unmeasurable(f"did not start{self.last_words()}")

    def _find_processes(self) -> None:
        for root in self._roots:
            for pid in descendants(root.pid):
                self._births[pid] = _birth(pid)
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                self.pids[pid] = name if name not in self.pids.values() else f"{name} {pid}"

    def last_words(self) -> str:
        self._log.seek(0)
        lines = self._log.read().decode(errors="replace").splitlines()
        return f": {lines[-1].strip()}" if lines else ""

    def alive(self) -> bool:
        return bool(self.pids) and all(_birth(p) == b != 0 for p, b in self._births.items())

    def stop(self) -> None:
        for root in self._roots:
            if root.poll() is None:
                self._births.update({pid: _birth(pid) for pid in descendants(root.pid)})
                root.terminate()
        self._wait_until_gone()
        for root in self._roots:
            if root.poll() is None:
                root.kill()
            root.wait()
        for pid, birth in self._births.items():
            if birth and _birth(pid) == birth:
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        self._roots, self._births, self.pids = [], {}, {}
        self._log.close()
        self._home.cleanup()

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(root.poll() is None for root in self._roots):
            time.sleep(0.01)
