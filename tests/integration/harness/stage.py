# SPDX-License-Identifier: Apache-2.0
"""A stage: everything one test starts, and the clean-up that also judges."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeGuard, TypeVar

import pytest

from . import procfs, socks
from .ports import Reservation
from .processes import Process
from .programs import SANITIZED, SLOWER, Program, ours
from .relay import Relay
from .socks import Address
from .targets import Listener, Serve, Target

Closable = TypeVar("Closable", bound=Any)
# A leak checker traces its own process at its end, which the sandbox of a plugin forbids.
SANDBOX = {"plugin_sandbox": False} if SANITIZED else {}
PASSWORD = "a password of the tests"


@dataclass
class Chain:
    """ss-local and ss-server with what is between them; dial() goes through all of it."""

    stage: Stage
    local: Process
    server: Process
    socks: Address
    public: Address

    def dial(self, target: Address, timeout: float = socks.TIMEOUT) -> socket.socket:
        return self.stage.keep(socks.dial(self.socks, target, timeout))

    @property
    def hosts(self) -> list[Process]:
        return [self.local, self.server]

    def pids(self) -> list[int]:
        """The two hosts and everything below them."""
        return [pid for host in self.hosts for pid in (host.pid, *procfs.descendants(host.pid))]


@dataclass(frozen=True)
class Parts:
    """Which program plays which part, and how: plugin strings are None without plugins."""

    ss_local: Program
    ss_server: Program
    method: str = "aes-256-gcm"
    client_plugin: str | None = None
    client_opts: str | None = None
    server_plugin: str | None = None
    server_opts: str | None = None


INLINE = "inline:"


def our_parts(obfs: str = "none", method: str = "aes-256-gcm", client_extra: str = "",
              server_extra: str = "") -> Parts:
    """Our own programs, with our obfs pair when obfs is http or tls; "inline:http" is the pair whose
    codecs are inside of the two."""
    if obfs == "none":
        return Parts(ours("ss-local"), ours("ss-server"), method)
    mode = obfs.removeprefix(INLINE)
    inside = mode != obfs
    return Parts(ours("ss-local"), ours("ss-server"), method,
                 f"{INLINE}obfs-local" if inside else str(ours("obfs-local")),
                 f"obfs={mode};obfs-host=www.example.com{client_extra}",
                 f"{INLINE}obfs-server" if inside else str(ours("obfs-server")),
                 f"obfs={mode}{server_extra}")


def is_process(plugin: str | None) -> bool:
    return plugin is not None and not plugin.startswith(INLINE)


class Stage:
    def __init__(self, home: Path) -> None:
        self.home = home
        self.patience = 1.5 * SLOWER  # seconds that orphans have to leave by themselves
        self._processes: list[Process] = []
        self._open: list[Any] = []
        self._strays: set[int] = set(procfs.children(os.getpid()))

    # Things that are closed at the end.

    def keep(self, thing: Closable) -> Closable:
        self._open.append(thing)
        return thing

    def port(self, host: str = "127.0.0.1") -> int:
        try:
            return self.keep(Reservation(host)).number
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            pytest.skip(f"this machine has no {host}")

    def target(self, serve: Serve, host: str = "127.0.0.1") -> Target:
        return self.keep(Target(serve, host))

    def listener(self, host: str = "127.0.0.1", backlog: int = 512) -> Listener:
        return self.keep(Listener(host, backlog))

    def relay(self, destination: Address) -> Relay:
        return self.keep(Relay(destination))

    def connect(self, address: Address, timeout: float = socks.TIMEOUT) -> socket.socket:
        sock = self.keep(socket.create_connection(address, timeout))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    # Processes.

    def run(self, *argv: object, env: Mapping[str, str | None] | None = None,
            limits: tuple[str, ...] = ()) -> Process:
        process = Process(_with_loopback(argv), self.home, len(self._processes), env or {}, limits)
        self._processes.append(process)
        return process

    def config(self, **values: Any) -> Path:
        """A config file; keys with the value None are left out."""
        # By themselves: nothing that is made beside them is open to a plugin.
        folder = self.home.with_name(f"{self.home.name}.configs")
        folder.mkdir(exist_ok=True)
        path = folder / f"config-{len(self._processes):02d}-{len(list(folder.iterdir()))}.json"
        path.write_text(json.dumps({k: v for k, v in values.items() if v is not None}))
        return path

    def wait_listening(self, process: Process, port: int, within: float = 10) -> None:
        def is_up() -> bool:
            assert process.running, f"{process} exited with {process.status}:\n{process.output()}"
            return procfs.listening(port)

        procfs.eventually(is_up, f"{process} listens on {port}:\n{process.output()}", within * SLOWER)

    def wait_plugin(self, host: Process, variable: str) -> None:
        """Waits until the plugin of host listens on the port in that variable of its environment."""

        def ports() -> list[str]:
            assert host.running, f"{host} exited with {host.status}:\n{host.output()}"
            found = (procfs.environment(pid).get(variable) for pid in host.plugins())
            return [port for port in found if port]

        def is_up() -> bool:
            return any(procfs.listening(int(port)) for port in ports())

        procfs.eventually(is_up, f"the plugin of {host} listens:\n{host.output()}", 10 * SLOWER)

    def plugin(self, program: Program, local: Address, remote: Address,
               options: str | None) -> Process:
        """A plugin on its own, as a SIP003 host would start it; the caller waits for its port."""
        env = {"SS_LOCAL_HOST": local[0], "SS_LOCAL_PORT": str(local[1]),
               "SS_REMOTE_HOST": remote[0], "SS_REMOTE_PORT": str(remote[1]),
               "SS_PLUGIN_OPTIONS": options}
        return self.run(program, env=env)

    def script(self, name: str, text: str) -> Path:
        """An executable file in the home of the stage."""
        path = self.home / name
        path.write_text(text)
        path.chmod(0o755)
        return path

    def fake_plugin(self) -> Path:
        """The plugin of fake_plugin.py as a program."""
        source = Path(__file__).with_name("fake_plugin.py")
        return self.script("fake-plugin", f"#!/bin/sh\nexec {sys.executable} -B {source}\n")

    def obfs_pair(self, mode: str, backend: Address, wire: Callable[[Address], Address] | None = None,
                  ) -> Address:
        """Our obfs-local and obfs-server in front of backend; returns where plain bytes go in.

        wire may put a relay between the two: it gets the server's address and returns its own.
        """
        near, public = ("127.0.0.1", self.port()), ("127.0.0.1", self.port())
        server = self.plugin(ours("obfs-server"), backend, public, f"obfs={mode}")
        self.wait_listening(server, public[1])
        dialed = wire(public) if wire else public
        options = f"obfs={mode};obfs-host=www.example.com"
        local = self.plugin(ours("obfs-local"), near, dialed, options)
        self.wait_listening(local, near[1])
        return near

    def ss_server(self, parts: Parts, port: int, *argv: object, host: str = "127.0.0.1",
                  wait: bool = True, **extra: Any) -> Process:
        path = self.config(server=host, server_port=port, method=parts.method,
                           plugin=parts.server_plugin, plugin_opts=parts.server_opts,
                           **{"password": PASSWORD, **SANDBOX, **extra})
        process = self.run(parts.ss_server, "-c", path, *argv)
        if wait:
            self.wait_listening(process, port)
            if is_process(parts.server_plugin):
                self.wait_plugin(process, "SS_REMOTE_PORT")
        return process

    def ss_local(self, parts: Parts, server: Address, port: int, *argv: object,
                 host: str = "127.0.0.1", wait: bool = True, **extra: Any) -> Process:
        path = self.config(server=server[0], server_port=server[1], local_address=host,
                           local_port=port, method=parts.method,
                           plugin=parts.client_plugin, plugin_opts=parts.client_opts,
                           **{"password": PASSWORD, **SANDBOX, **extra})
        process = self.run(parts.ss_local, "-c", path, *argv)
        if wait:
            self.wait_listening(process, port)
            if is_process(parts.client_plugin):
                self.wait_plugin(process, "SS_LOCAL_PORT")
        return process

    def chain(self, parts: Parts, wire: Callable[[Address], Address] | None = None,
              host: str = "127.0.0.1", **extra: Any) -> Chain:
        """Everything from SOCKS to ss-server. wire may put a relay between client and server."""
        public, near = (host, self.port(host)), (host, self.port(host))
        server = self.ss_server(parts, public[1], host=host, **extra)
        dialed = wire(public) if wire else public
        local = self.ss_local(parts, dialed, near[1], host=host, **extra)
        return Chain(self, local, server, near, public)

    # The end.

    def close(self) -> None:
        """Ends everything and fails for whatever should not have happened."""
        for thing in reversed(self._open):
            with contextlib.suppress(OSError):
                thing.close()
        complaints = [text for p in reversed(self._processes) if (text := _end(p))]
        complaints += self._sanitizer_reports() + self._orphans()
        assert not complaints, "\n".join([*complaints, *self._outputs()])

    def _sanitizer_reports(self) -> list[str]:
        """A process that is killed while it looks for leaks leaves a notice, which is no report."""
        texts = {path.name: path.read_text(errors="replace") for path in sorted(self.home.glob("sanitizer.*"))}
        return [f"{name}:\n{text}" for name, text in texts.items()
                if not all("Unable to get registers from thread" in line for line in text.splitlines())]

    def _outputs(self) -> list[str]:
        return [f"--- {p}\n{p.output()[-4000:]}" for p in self._processes]

    def _orphans(self) -> list[str]:
        """Adopted children that did not leave with their host; they are killed here."""

        def strays() -> list[int]:
            for pid in (found := self._unknown_children()):
                with contextlib.suppress(ChildProcessError):
                    os.waitpid(pid, os.WNOHANG)
            return [pid for pid in found if procfs.alive(pid)]

        try:
            procfs.eventually(lambda: not strays(), "", self.patience)
            return []
        except AssertionError:
            return [_kill_stray(pid) for pid in strays()]

    def _unknown_children(self) -> list[int]:
        known = self._strays | {process.pid for process in self._processes}
        return [pid for pid in procfs.children(os.getpid()) if pid not in known]


def _with_loopback(argv: tuple[object, ...]) -> tuple[object, ...]:
    """The targets of tests are on loopback, which our servers do not dial unless they are told to."""
    runs = argv.index("--executable") + 1 if "--executable" in argv else len(argv)
    if "--outbound" in argv or (runs < len(argv) and not _is_ours(argv[runs])):
        return argv
    for at, word in enumerate(argv[:-1], 1):
        if at - 1 != runs and _is_ours(word) and word.name in ("ss-server", "ss-manager"):
            return (*argv[:at], "--outbound", "all", *argv[at:])
    return argv


def _is_ours(word: object) -> TypeGuard[Program]:
    return isinstance(word, Program) and word.ours


def _end(process: Process) -> str | None:
    """Stops a process that the test left running, and returns its complaint."""
    if not process.running:
        return process.complaint()
    try:
        status = process.stop()
    except AssertionError as error:
        process.kill()
        return str(error)
    if status not in (0, 255) and process.complaint() is None:
        return f"{process} ended with {status} after SIGTERM"
    return process.complaint()


def _kill_stray(pid: int) -> str:
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return f"left behind: {command}[{pid}]"
