# SPDX-License-Identifier: Apache-2.0
"""Where the programs are: ours, the peers', and those of the bench itself."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from .recipes import BENCH, OURS, PEERS, SYSTEM, Process, Side


Command = tuple[list[str], dict[str, str]]  # and what is added to its environment


class Unmeasurable(Exception):
    """Why a figure could not be had, in one line."""


class _Of:
    """`{program[NAME]}` of one side."""

    def __init__(self, programs: "Programs", side: Side) -> None:
        self._programs, self._side = programs, side

    def __getitem__(self, name: str) -> str:
        return self._programs.find(self._side.home, name)


class _Any:
    """`{port[NAME]}` where only the programs matter."""

    def __getitem__(self, name: str) -> str:
        return name


def built() -> list[str]:
    """Where scripts/peers puts what no Debian has."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    peers = cache / "shadowplug/peers"
    return [str(path) for name in ("shadowsocks-rust-*-http", "sing-box-*") for path in sorted(peers.glob(f"{name}/bin"))]


class Programs:
    """Peers without a directory come from PATH and from scripts/peers; the SDK's examples may lie beside our bin/."""

    def __init__(self, ours: Path, peers: Path | None, bench: Path) -> None:
        self._path: Mapping[str, str] = {
            OURS: os.pathsep.join(map(str, (ours, ours.parent / "examples"))),
            PEERS: os.pathsep.join((os.environ["PATH"], "/usr/sbin", *built())) if peers is None else str(peers),
            BENCH: str(bench),
            SYSTEM: os.environ["PATH"],
        }

    def find(self, home: str, name: str) -> str:
        path = self._path[home]
        found = shutil.which(name, path=path)
        if found is None:
            where = path.replace(os.pathsep, " and ")
            raise Unmeasurable(f"no program {name} in {where} (scripts/peers builds shadowsocks-rust and sing-box)")
        return found

    def command(self, side: Side, process: Process, port: object, home: str = "") -> Command:
        words = {"port": port, "program": _Of(self, side), "home": home}
        arguments = [text.format_map(words) for text in process.arguments]
        environment = {name: text.format_map(words) for name, text in process.environment.items()}
        return [self.find(process.home or side.home, process.program), *arguments], environment

    def lack(self, side: Side) -> str | None:
        """Why a side cannot run, in one line; None when all its programs are there."""
        try:
            for process in side.processes:
                self.command(side, process, _Any())
        except Unmeasurable as why:
            return str(why)
        return None
