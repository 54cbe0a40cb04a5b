# SPDX-License-Identifier: Apache-2.0
"""A chain: ss-local and ss-server of one project on loopback, with or without a plugin."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from .isolation import die_with_parent

PASSWORD = "bench"
OBFS_HOST = "www.example.com"
READY_SECONDS = 8.0
STOP_SECONDS = 2.0


class Unmeasurable(Exception):
    """Why a figure could not be had, in one line."""


@dataclass(frozen=True)
class Recipe:
    """What both projects are asked to run, and the ratios of cost that must be reached."""

    name: str
    method: str
    obfs: str | None
    gate_down: float
    gate_up: float


RECIPES = (
    Recipe("aes-256-gcm", "aes-256-gcm", None, 0.60, 0.60),
    Recipe("aes-128-gcm", "aes-128-gcm", None, 0.15, 0.15),
    Recipe("chacha20-ietf-poly1305", "chacha20-ietf-poly1305", None, 0.70, 0.70),
    Recipe("aes-256-gcm + obfs-http", "aes-256-gcm", "http", 0.48, 0.38),
    Recipe("aes-256-gcm + obfs-tls", "aes-256-gcm", "tls", 0.52, 0.42),
)


@dataclass(frozen=True)
class Side:
    """One project's programs."""

    name: str
    directory: Path

    def program(self, name: str) -> str:
        path = self.directory / name
        if not os.access(path, os.X_OK):
            raise Unmeasurable(f"{self.name}: {path} is missing")
        return str(path)

    def offers(self, recipe: Recipe) -> bool:
        names = ["ss-server", "ss-local"] + (["obfs-server", "obfs-local"] if recipe.obfs else [])
        return all(os.access(self.directory / name, os.X_OK) for name in names)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


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


class Chain:
    """Running processes; stop() leaves none of them."""

    def __init__(self, side: Side, recipe: Recipe, loadgen: Path) -> None:
        self.side = side
        self.recipe = recipe
        self.pids: dict[int, str] = {}
        self._loadgen = loadgen
        self._births: dict[int, int] = {}
        self._roots: list[subprocess.Popen[bytes]] = []
        self._log = tempfile.TemporaryFile()
        server, local = free_port(), free_port()
        self.via = f"127.0.0.1:{local}"
        try:
            self._spawn("ss-server", ["-p", str(server)], "obfs-server", "")
            host = f";obfs-host={OBFS_HOST}"
            self._spawn("ss-local", ["-p", str(server), "-l", str(local)], "obfs-local", host)
            self._await_ready()
            self._find_processes()
        except BaseException:
            self.stop()
            raise

    def _spawn(self, program: str, ports: list[str], plugin: str, more: str) -> None:
        command = [self.side.program(program), "-s", "127.0.0.1", *ports]
        command += ["-k", PASSWORD, "-m", self.recipe.method, "-t", "300"]
        if self.recipe.obfs:
            options = f"obfs={self.recipe.obfs}{more}"
            command += ["--plugin", self.side.program(plugin), "--plugin-opts", options]
        self._roots.append(
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
                preexec_fn=die_with_parent,
            )
        )

    def _await_ready(self) -> None:
        probe = [str(self._loadgen), "ping", "--count", "1", "--via", self.via]
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
        raise Unmeasurable(
            f"{self.side.name}, {self.recipe.name}: did not start{self.last_words()}"
        )

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

    def _wait_until_gone(self) -> None:
        deadline = time.monotonic() + STOP_SECONDS
        while time.monotonic() < deadline and any(root.poll() is None for root in self._roots):
            time.sleep(0.01)
