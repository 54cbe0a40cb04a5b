# SPDX-License-Identifier: Apache-2.0
"""The plugins that the demo can show: what each end is told, and what it looks like outside."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from page import tls_site

_NAME = "www.example.com"


@dataclass(frozen=True)
class Disguise:
    server: str  # program and options of each end
    server_options: str
    client: str
    client_options: str
    looks: str  # in a few words
    fields: str | None = None  # what wire.describe() knows about it
    server_rights: tuple[str, ...] = ()  # options of ss-server for what the plugin needs beside the sandbox

    @property
    def programs(self) -> tuple[str, str]:
        return self.server, self.client


def _obfs(mode: str) -> Disguise:
    looks = "HTTP" if mode == "http" else "TLS"
    return Disguise("obfs-server", f"obfs={mode}", "obfs-local", f"obfs={mode};obfs-host={_NAME}",
                    f"looks like {looks}", mode)


def _certificate(programs: Path, home: Path) -> dict[str, str]:
    """The options of both ends of tls-wrap, with a certificate of our own."""
    command = [programs / "tls-wrap", "--self-signed", _NAME, home]
    said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return dict(line.split(": ", 1) for line in said.splitlines())


def _tls_wrap(programs: Path, home: Path) -> Disguise:
    made = _certificate(programs, home)
    return Disguise("tls-wrap", made["server options"], "tls-wrap", made["client options"], "is TLS 1.3")


def _ws_wrap(_programs: Path, _home: Path) -> Disguise:
    return Disguise("ws-wrap", "path=/tunnel", "ws-wrap", f"host={_NAME};path=/tunnel", "is a websocket")


def _stls_wrap(programs: Path, home: Path) -> Disguise:
    _certificate(programs, home)
    site = tls_site(home / "cert.pem", home / "key.pem")
    return Disguise("stls-wrap", f"tls=127.0.0.1:{site};passwd=demo", "stls-wrap",
                    f"host={_NAME};passwd=demo;ca={home}/cert.pem", "begins with TLS 1.3 of a web site")


def _chain(programs: Path, home: Path) -> Disguise:
    made = _certificate(programs, home)

    def stages(obfs: str, options: str, tls: str) -> str:
        second = ";".join(f"2.{option}" for option in tls.split(";"))
        return f"1={obfs};1.obfs=http{options};2=tls-wrap;{second}"

    return Disguise("chain", stages("obfs-server", "", made["server options"]),
                    "chain", stages("obfs-local", f";1.obfs-host={_NAME}", made["client options"]),
                    "is TLS 1.3, with HTTP inside")


def _pt_wrap(_programs: Path, home: Path) -> Disguise:
    state, user = home / "server", pwd.getpwuid(os.getuid()).pw_name
    state.mkdir()
    common = "exec=/usr/bin/obfs4proxy;transport=obfs3"
    return Disguise("pt-wrap", f"{common};state={state}", "pt-wrap", common, "looks like nothing",
                    server_rights=("--plugin-writable", str(state), "--plugin-user", user))


def _exec_wrap(_programs: Path, _home: Path) -> Disguise:
    forward = "cmd=socat TCP-LISTEN:{from_}\\,bind={at}\\,fork\\,reuseaddr TCP:{to};ready=tcp"
    return Disguise("exec-wrap", forward.format(from_="%rp", at="%rh", to="%L"),
                    "exec-wrap", forward.format(from_="%lp", at="%lh", to="%R"), "looks random")


_MADE: dict[str, Callable[[Path, Path], Disguise]] = {
    "tls-wrap": _tls_wrap,
    "ws-wrap": _ws_wrap,
    "stls-wrap": _stls_wrap,
    "pt-wrap": _pt_wrap,
    "chain": _chain,
    "exec-wrap": _exec_wrap,
}

PLUGINS = ("obfs", *_MADE)


def choose(plugin: str, mode: str, programs: Path, home: Path) -> Disguise:
    return _obfs(mode) if plugin == "obfs" else _MADE[plugin](programs, home)
