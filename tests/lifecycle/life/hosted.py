# SPDX-License-Identifier: Apache-2.0
"""One of our programs as the host of a plugin, and a plain peer at the other end of it."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import signal
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness import procfs, socks
from harness.content import read_exactly
from harness.processes import Process
from harness.programs import BIN, SLOWER, ours, reachable
from harness.stage import PASSWORD, Stage
from harness.targets import echo

from . import tree

FAKES = BIN.parent / "tests"
ROLES = ["local", "server"]
METHOD = "aes-256-gcm"
HERE = "127.0.0.1"
UNEXPECTED = "plugin service exit unexpectedly"
# Seconds in which a slow machine does what takes milliseconds.  The grace is longer, so that a stop that
# waits for its end is noticed.
PROMPT, PATIENCE, LONG_GRACE = 15.0, 30.0, 40.0


def fake(name: str = "fakeplugin") -> Path:
    path = FAKES / name
    assert path.is_file(), f"{path} is not built"
    return reachable(path)


@dataclass
class Report:
    """The words of the fake plugin about itself."""

    raw: dict[str, Any]

    @property
    def env(self) -> dict[str, str]:
        return dict(item.partition("=")[::2] for item in self.raw["env"])

    @property
    def status(self) -> dict[str, str]:
        lines = (line.partition(":") for line in self.raw["status"].splitlines())
        return {key: value.strip() for key, _, value in lines}

    @property
    def descriptors(self) -> dict[int, str]:
        return {int(number): link for number, link in self.raw["descriptors"].items()}

    @property
    def notify_fd(self) -> int:
        return int(self.env["SS_PLUGIN_NOTIFY_FD"])

    def capabilities(self, kind: str) -> int:
        return int(self.status[f"Cap{kind}"], 16)

    def ids(self, kind: str) -> set[int]:
        """Real, effective, saved and file-system id: of "Uid" or "Gid"."""
        return set(map(int, self.status[kind].split()))


class Hosted:
    """ss-local or ss-server with a plugin.

    The other end has no plugin: the fake one is transparent. Keys of the configuration are keyword
    arguments; peer=False leaves the other end away, for tests that send nothing.
    writes: the plugin stays who the host is, and may write to the directory of the test.
    """

    def __init__(self, stage: Stage, role: str, opts: str | None = None, *argv: object,
                 plugin: object | None = None, peer: bool = False,
                 public: int | None = None, near: int | None = None,
                 env: Mapping[str, str | None] | None = None, wrap: tuple[object, ...] = (),
                 writes: bool = False, **conf: Any) -> None:
        self.stage, self.role, self._is_up = stage, role, False
        self.public = public or stage.port()
        self.near = near or stage.port()
        self._server = {"server": HERE, "server_port": self.public}
        self._local = {**self._server, "local_address": HERE, "local_port": self.near}
        self._secret = {"password": PASSWORD, "method": METHOD}
        self.peer = self._start_peer() if peer else None
        if writes:
            conf = {"plugin_user": pwd.getpwuid(os.getuid()).pw_name, "plugin_writable": str(stage.home), **conf}
        values = {**(self._local if role == "local" else self._server), **self._secret,
                  "plugin_grace": LONG_GRACE * SLOWER,
                  "plugin": str(fake() if plugin is None else plugin), "plugin_opts": opts, **conf}
        self.config = stage.config(**values)
        self.started = time.monotonic()
        self.process: Process = stage.run(*wrap, ours(f"ss-{role}"), "-c", self.config, *argv, env=env)

    def _start_peer(self) -> Process:
        other = "server" if self.role == "local" else "local"
        values = self._server if other == "server" else self._local
        process = self.stage.run(ours(f"ss-{other}"), "-c", self.stage.config(**values, **self._secret))
        port = self.public if other == "server" else self.near
        procfs.eventually(lambda: procfs.listening(port), f"{process} listens", PATIENCE * SLOWER)
        return process

    # Its processes.

    def family(self) -> list[int]:
        """Every process below the host."""
        return tree.descendants(self.process.pid)

    def plugins(self) -> list[int]:
        """The processes below the host that run with the contract's environment, eldest first."""
        return [pid for pid in self.family() if "SS_REMOTE_PORT" in procfs.environment(pid)]

    def plugin(self, other_than: int | None = None) -> int:
        """Waits for a plugin process; the eldest one. other_than: one that is to be replaced."""
        found: list[int] = []

        def is_there() -> bool:
            self.must_run()
            found[:] = [pid for pid in self.plugins() if pid != other_than]
            return bool(found)

        procfs.eventually(is_there, f"the plugin of {self.process} runs", PATIENCE * SLOWER)
        return found[0]

    def must_run(self) -> None:
        assert self.process.running, \
            f"{self.process} exited with {self.process.status}:\n{self.process.output()}"

    def port_of(self, pid: int) -> int:
        """Where a plugin process has been told to listen; 0 when it is gone."""
        name = "SS_LOCAL_PORT" if self.role == "local" else "SS_REMOTE_PORT"
        return int(procfs.environment(pid).get(name, 0))

    def ready(self, other_than: int | None = None, within: float = PATIENCE) -> int:
        """Waits until the plugin listens; returns its pid."""
        found = [0]

        def is_up() -> bool:
            self.must_run()
            pids = [pid for pid in self.plugins() if pid != other_than]
            found[0] = pids[0] if pids else 0
            return bool(found[0]) and procfs.listening(self.port_of(found[0]))

        try:
            procfs.eventually(is_up, "the plugin is ready", within * SLOWER)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.process.output()}") from None
        return found[0]

    def kill_plugin(self, pid: int, number: int = signal.SIGKILL) -> float:
        """Ends the plugin; the host may exit because of it. Returns the moment."""
        self.process.expected_end = True
        moment = time.monotonic()
        os.kill(pid, number)
        return moment

    def stop(self, number: int = signal.SIGTERM, within: float = PROMPT) -> float:
        """Stops the host, which must exit with 0 and not wait for the grace; returns the seconds."""
        begun = time.monotonic()
        status = self.process.stop(number, within)
        assert status == 0, f"{self.process} exited with {status}:\n{self.process.output()}"
        return time.monotonic() - begun

    def fails(self, within: float = PROMPT) -> str:
        """Waits for exit status 255, and returns the log."""
        status = self.process.wait(within * SLOWER)
        assert status == 255, f"{self.process} exited with {status}:\n{self.process.output()}"
        return self.process.output()

    # Its log.

    def lines(self, *words: str) -> list[str]:
        """The lines of its log that contain all the words."""
        return [line for line in self.process.output().split("\n") if all(w in line for w in words)]

    def says(self, *words: str, within: float = PROMPT) -> str:
        """Waits for a line with all the words."""
        try:
            procfs.eventually(lambda: self.lines(*words), f"a line with {words}", within * SLOWER)
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.process.output()}") from None
        return self.lines(*words)[0]

    def said_by_plugin(self) -> list[tuple[int, str]]:
        """Pid and text of every line that the log has from the plugin."""
        return [(int(m[1]), m[2]) for line in self.lines()
                if (m := re.search(r" (?:INFO|ERROR): plugin \S+\[(\d+)\]: (.*)", line))]

    # Its traffic.

    def come_up(self) -> None:
        """Waits until a client can connect; behind a server's plugin it would be refused before."""
        self.stage.wait_listening(self.process if self.role == "local" else self.peer, self.near)
        if self.role == "server":
            self.ready()
        self._is_up = True

    def dial(self, target: socks.Address, timeout: float = socks.TIMEOUT) -> socket.socket:
        """A connection through everything; the first one waits for everything to be there."""
        if not self._is_up:
            self.come_up()
        return self.stage.keep(socks.dial((HERE, self.near), target, timeout))

    def works(self, target: socks.Address, timeout: float = PATIENCE) -> socket.socket:
        """A connection through everything that has just carried bytes both ways."""
        sock = self.dial(target, timeout * SLOWER)
        trade(sock, b"are you there?")
        return sock

    def works_by(self, target: socks.Address, deadline: float) -> float:
        """Dials again and again until bytes are carried; returns when that was."""
        def carries() -> bool:
            self.must_run()
            with contextlib.suppress(OSError, EOFError, socks.Refused):
                left = max(0.05, deadline - time.monotonic())
                with socks.dial((HERE, self.near), target, left) as sock:
                    trade(sock, b"are you there?")
                    return True
            return False

        if not self._is_up:
            self.come_up()
        try:
            procfs.eventually(carries, "a new connection works", deadline - time.monotonic())
        except AssertionError as error:
            raise AssertionError(f"{error}:\n{self.process.output()}") from None
        return time.monotonic()

    def ask(self) -> Report:
        """Asks the fake plugin for its report; it needs the option report."""
        with socket.create_connection((HERE, self.port_of(self.ready())), 10) as sock:
            sock.sendall(b"REPORT?\n")
            text = b""
            while part := sock.recv(65536):
                text += part
        return Report(json.loads(text))


def trade(sock: socket.socket, data: bytes) -> None:
    """Sends data to an echo, and reads it back."""
    sock.sendall(data)
    assert read_exactly(sock, len(data)) == data


def echo_target(stage: Stage) -> socks.Address:
    return stage.target(echo).address


def joined(*options: str | None) -> str | None:
    return ";".join(option for option in options if option) or None


def is_free(port: int) -> bool:
    """True when a server that sets SO_REUSEADDR could start on the port now."""
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            sock.bind((HERE, port))
            sock.listen()
        except OSError:
            return False
    return True


def at_moment(process: Process, seconds: float) -> None:
    """Lets a process run for so long; it must not end meanwhile."""
    assert not tree.exits_within(process.pid, seconds), \
        f"{process} ended within {seconds:.3f} s:\n{process.output()}"


def measured(act: Callable[[], object]) -> float:
    begun = time.monotonic()
    act()
    return time.monotonic() - begun
