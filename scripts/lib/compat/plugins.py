# SPDX-License-Identifier: Apache-2.0
"""The plugins of the table: a program and options for each end."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.programs import Program, ours, peer
from page import tls_site


@dataclass(frozen=True)
class Pair:
    """The plugins of a client and of a server. client_opts None: the server's writes them into a file."""

    client: Program
    server: Program
    client_opts: str | None = ""
    server_opts: str = ""
    written: Path | None = None
    udp_wire: bool = False
    built_in: str = ""  # as sing-box calls its own


@dataclass(frozen=True)
class Plugin:
    name: str
    package: str  # of Debian; ours without one
    pair: Callable[[Path], Pair]
    checked: bool = True  # ss-plugin check stands between both ends, which takes TCP and fixed options
    known: tuple[str, ...] = ()  # options of ss-plugin check that say which options a plugin has


def certificate(home: Path) -> tuple[Path, Path]:
    cert, key = home / "cert.pem", home / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                    "-keyout", key, "-out", cert, "-days", "30", "-subj", "/CN=ex.test", "-addext",
                    "subjectAltName=DNS:ex.test"], check=True, capture_output=True)
    return cert, key


def obfs(mode: str, which: Callable[[str], Program]) -> Callable[[Path], Pair]:
    options = f"obfs={mode}"
    return lambda _: Pair(which("obfs-local"), which("obfs-server"), f"{options};obfs-host=www.example.com", options,
                          built_in="obfs-local")


def tls_wrap(home: Path) -> Pair:
    cert, key = certificate(home)
    return Pair(ours("tls-wrap"), ours("tls-wrap"), f"host=ex.test;ca={cert}", f"server;cert={cert};key={key}")


def stls_wrap(home: Path) -> Pair:
    cert, key = certificate(home)
    return Pair(ours("stls-wrap"), ours("stls-wrap"), f"host=ex.test;passwd=table;ca={cert}",
                f"server;tls=127.0.0.1:{tls_site(cert, key)};passwd=table")


def ws_wrap(_: Path) -> Pair:
    options = "host=ex.test;path=/tunnel;mux=0"
    return Pair(ours("ws-wrap"), ours("ws-wrap"), options, f"server;{options}")


def v2ray(_: Path) -> Pair:
    return Pair(peer("ss-v2ray-plugin"), peer("ss-v2ray-plugin"), "host=ex.test", "server;host=ex.test",
                built_in="v2ray-plugin")


def chain(home: Path) -> Pair:
    cert, key = certificate(home)
    return Pair(ours("chain"), ours("chain"), f"1=obfs-local;1.obfs=http;2=tls-wrap;2.host=ex.test;2.ca={cert}",
                f"server;1=obfs-server;1.obfs=http;2=tls-wrap;2.cert={cert};2.key={key}")


def kcptun(_: Path) -> Pair:
    shared = "--key 'a secret' --crypt aes-128 --mode fast3 --quiet"
    return Pair(ours("exec-wrap"), ours("exec-wrap"), f"cmd={peer('kcptun-client')} -l %L -r %R {shared}",
                f"server;cmd={peer('kcptun-server')} -t %L -l %R {shared};ready=udp", udp_wire=True)


def obfs4(home: Path) -> Pair:
    peer("obfs4proxy")
    return Pair(ours("pt-wrap"), ours("pt-wrap"), None, f"server;transport=obfs4;state={home / 'state'}",
                written=home / "state" / "client-options")


PLUGINS = [
    Plugin("obfs, http", "", obfs("http", ours)),
    Plugin("obfs, tls", "", obfs("tls", ours)),
    Plugin("tls-wrap", "", tls_wrap),
    Plugin("ws-wrap", "", ws_wrap),
    Plugin("stls-wrap", "", stls_wrap),
    Plugin("chain (obfs, tls-wrap)", "", chain),
    Plugin("simple-obfs, http", "simple-obfs", obfs("http", peer)),
    Plugin("simple-obfs, tls", "simple-obfs", obfs("tls", peer)),
    Plugin("v2ray-plugin", "shadowsocks-v2ray-plugin", v2ray, known=("--echo-opt", "path", "--enum-opt", "mode")),
    Plugin("kcptun by exec-wrap", "kcptun", kcptun, checked=False),
    Plugin("obfs4 by pt-wrap", "obfs4proxy", obfs4, checked=False),
]
