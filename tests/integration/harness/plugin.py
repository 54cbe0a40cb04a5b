# SPDX-License-Identifier: Apache-2.0
"""Plugins made with the SDK, without Shadowsocks: started as a SIP003 host would, one end or both."""

from __future__ import annotations

import os
from pathlib import Path

from . import procfs
from .processes import Process
from .programs import BIN, SLOWER, Program, reachable
from .socks import Address
from .stage import Stage

NOTIFY_FD = 9
GREETING = b"TOY1"  # the first bytes on the wire of the toy


def toy(name: str = "toy-plugin") -> Program:
    """One of tests/plugins."""
    path = BIN.parent / "tests" / name
    assert path.is_file(), f"{path} is not built"
    return Program(reachable(path), ours=True)


class End:
    """One end of a plugin, hosted by the test. local and remote are as in SIP003."""

    def __init__(self, stage: Stage, program: Program, role: str, local: Address, remote: Address,
                 options: str | None = None, argv: tuple[str, ...] = (), wait: bool = True,
                 **env: str | None) -> None:
        self._stage, self.notices_path = stage, stage.home / f"notices-{len(list(stage.home.iterdir()))}"
        self.listened = local if role == "client" else remote
        full = {"SS_LOCAL_HOST": local[0], "SS_LOCAL_PORT": str(local[1]),
                "SS_REMOTE_HOST": remote[0], "SS_REMOTE_PORT": str(remote[1]),
                "SS_PLUGIN_OPTIONS": options, "SS_PLUGIN_ROLE": role,
                "SS_PLUGIN_NOTIFY_FD": str(NOTIFY_FD), **env}
        # A shell, because no descriptor is inherited otherwise; the plugin takes its place.
        self.process: Process = stage.run(
            "/bin/sh", "-c", f'exec "$0" "$@" {NOTIFY_FD}>>{self.notices_path}', program, *argv, env=full)
        if wait:
            self.wait_notice("READY=1")

    @property
    def pid(self) -> int:
        return self.process.pid

    def notices(self) -> list[str]:
        return self.notices_path.read_text().splitlines() if self.notices_path.exists() else []

    def wait_notice(self, start: str, within: float = 10) -> str:
        def has() -> bool:
            assert self.process.running, f"{self.process} exited:\n{self.process.output()}"
            return any(line.startswith(start) for line in self.notices())

        procfs.eventually(has, f"{start} from {self.process}:\n{self.process.output()}", within * SLOWER)
        return [line for line in self.notices() if line.startswith(start)][-1]

    def signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def wait_output(self, text: str, times: int = 1) -> None:
        procfs.eventually(lambda: self.process.output().count(text) >= times,
                          f"{text} ({times}) from {self.process}", 10 * SLOWER)

    def stats(self) -> dict[str, int]:
        """The last STATS line, in numbers."""
        lines = [line for line in self.notices() if line.startswith("STATS=")]
        assert lines, self.notices()
        pairs = (item.split("=") for item in lines[-1].removeprefix("STATS=").split())
        return {key: int(value) for key, value in pairs}


def pair(stage: Stage, backend: Address, options: str | None = None,
         program: Program | None = None, server_options: str | None = None,
         **env: str | None) -> tuple[End, End]:
    """Client and server in front of backend; plain bytes go in at the client's listened."""
    program = program or toy()
    near, public = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    server = End(stage, program, "server", backend, public,
                 options if server_options is None else server_options, **env)
    client = End(stage, program, "client", near, public, options, **env)
    return client, server


def home_file(stage: Stage, name: str, text: str) -> Path:
    path = stage.home / name
    path.write_text(text)
    return path


# News of the kernel about one.


def switches(pid: int) -> int:
    """How often its threads have gone to sleep so far."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    lines = [line for task in tasks for line in (task / "status").read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("voluntary_ctxt_switches"))


def udp_sockets(pid: int) -> int:
    """How many UDP sockets it holds."""
    inodes = {os.readlink(link) for link in Path(f"/proc/{pid}/fd").iterdir() if link.is_symlink()}
    rows = [row for name in ("udp", "udp6") for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]]
    return sum(f"socket:[{row.split()[9]}]" in inodes for row in rows)
