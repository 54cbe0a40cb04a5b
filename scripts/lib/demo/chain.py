# SPDX-License-Identifier: Apache-2.0
"""The processes of the demo: two hosts, each with its plugin, and the recorder between them."""

from __future__ import annotations

import contextlib
import json
import os
import select
import subprocess
from pathlib import Path

from harness import procfs
from harness.ports import Reservation
from disguises import Disguise
from recorder import Recorder
from screen import Hop

_METHOD = "aes-256-gcm"
_PASSWORD = "only for the demo"
_LOCALHOST = "127.0.0.1"


class Trouble(Exception):
    """A program did not do what it should; the text says which, and its last words."""


def _plugin_port(pid: int) -> int:
    return int(procfs.environment(pid).get("SS_LOCAL_PORT", 0))


class Chain:
    def __init__(self, home: Path, programs: Path, disguise: Disguise,
                 target: tuple[str, int]) -> None:
        self._home, self._bin, self._disguise, self._target = home, programs, disguise, target
        self._running: list[tuple[str, subprocess.Popen[bytes]]] = []
        self._reserved = [Reservation(), Reservation()]
        self._public, self._near = (port.number for port in self._reserved)
        self.recorder = Recorder((_LOCALHOST, self._public))
        self.socks = (_LOCALHOST, self._near)
        self.proxy = f"{_LOCALHOST}:{self._near}"

    def commands(self) -> list[list[str]]:
        """The two commands, as a person would type them; the web server is on loopback, which --outbound allows."""
        return [["ss-server", "-s", _LOCALHOST, "-p", str(self._public), "-k", _PASSWORD,
                 "-m", _METHOD, "--outbound", "all", "--plugin", self._disguise.server,
                 "--plugin-opts", self._disguise.server_options, *self._disguise.server_rights],
                ["ss-local", "-c", "config.json", "--plugin", self._disguise.client,
                 "--plugin-opts", self._disguise.client_options]]

    def __enter__(self) -> Chain:
        config = {"server": _LOCALHOST, "server_port": self.recorder.port,
                  "local_address": _LOCALHOST, "local_port": self._near,
                  "password": _PASSWORD, "method": _METHOD}
        path = self._home / "config.json"
        path.touch(0o600)
        path.write_text(json.dumps(config, indent=2))
        try:
            for command, port, variable in zip(self.commands(), (self._public, self._near),
                                               ("SS_REMOTE_PORT", "SS_LOCAL_PORT")):
                self._start(command)
                self._wait(port, variable)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self, command: list[str]) -> None:
        """A child that gets SIGTERM when this process dies, whatever kills it."""
        env = {**os.environ, "PATH": f"{self._bin}:{os.environ['PATH']}"}
        program = [str(self._bin / command[0]), *command[1:]]
        with self._log(command[0]).open("wb") as log:
            child = subprocess.Popen(["setpriv", "--pdeathsig", "TERM", *program], cwd=self._home,
                                     env=env, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                     start_new_session=True)
        self._running.append((command[0], child))

    def _log(self, name: str) -> Path:
        return self._home / f"{name}.log"

    def _last_words(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").splitlines()[-8:]
        return "\n".join(f"    {line}" for line in lines)

    def last_words(self) -> str:
        """The last lines of both logs."""
        return "\n".join(f"  {name}:\n{self._last_words(name)}" for name, _ in self._running)

    def _wait(self, port: int, variable: str) -> None:
        name, child = self._running[-1]

        def is_up() -> bool:
            if child.poll() is not None:
                raise Trouble(f"{name} ended with {child.returncode}:\n{self._last_words(name)}")
            plugins = [procfs.environment(p).get(variable) for p in procfs.programs_below(child.pid)]
            return procfs.listening(port) and any(p and procfs.listening(int(p)) for p in plugins)

        try:
            procfs.eventually(is_up, "")
        except AssertionError:
            raise Trouble(f"{name} does not listen:\n{self._last_words(name)}") from None

    def _pids(self) -> list[tuple[str, int]]:
        """Name and pid of ss-local, its plugin, ss-server's plugin, ss-server."""
        (_, server), (_, local) = self._running
        plugins = [next(iter(procfs.programs_below(p.pid)), 0) for p in (local, server)]
        return [("ss-local", local.pid), (self._disguise.client, plugins[0]),
                (self._disguise.server, plugins[1]), ("ss-server", server.pid)]

    @property
    def end(self) -> int:
        """The pid of ss-server, which asks the web server."""
        return self._running[0][1].pid

    def hops(self) -> list[Hop]:
        local, client, server, far = self._pids()
        return [
            Hop("curl", 0, "SOCKS5", self._near),
            Hop(*local, "encrypted", _plugin_port(client[1])),
            Hop(*client, f"encrypted, {self._disguise.looks}: the wire", self.recorder.port,
                public=True),
            Hop("recorder", os.getpid(), "the same, only written down", self._public, public=True),
            Hop(*server, "encrypted", _plugin_port(server[1])),
            Hop(*far, "plain, as curl sent it", self._target[1]),
            Hop("web server", os.getpid()),
        ]

    def cpu_seconds(self) -> list[tuple[str, float]]:
        """The time of a plugin with all that it has started; that of a host without its plugin."""
        (local, client, server, far) = self._pids()
        below = {pid: [pid, *procfs.descendants(pid)] for _, pid in (client, server)}
        return [(name, sum(procfs.cpu_seconds(p, pid in below) for p in below.get(pid, [pid])))
                for name, pid in (local, client, server, far)]

    def watch(self) -> None:
        """Returns when one of the two hosts has ended; Ctrl-C comes through."""
        with contextlib.ExitStack() as stack:
            fds = [os.pidfd_open(child.pid) for _, child in self._running]
            for fd in fds:
                stack.callback(os.close, fd)
            select.select(fds, [], [])
        ended = next(name for name, child in self._running if child.poll() is not None)
        raise Trouble(f"{ended} ended:\n{self._last_words(ended)}")

    def stop(self) -> list[int]:
        """Ends the hosts, which end their plugins. Returns who is left; may be called twice."""
        pids = [p for _, child in self._running for p in (child.pid, *procfs.descendants(child.pid))]
        for _, child in reversed(self._running):
            with contextlib.suppress(ProcessLookupError):
                child.terminate()
        for _, child in reversed(self._running):
            try:
                child.wait(5)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()
        self.recorder.close()
        for port in self._reserved:
            port.close()
        return [pid for pid in pids if procfs.alive(pid)]
