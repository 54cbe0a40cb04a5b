# SPDX-License-Identifier: Apache-2.0
"""The hosts of the table: how each is started with a plugin."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from harness import procfs, udp
from harness.processes import Process
from harness.programs import Program, ours, peer
from harness.socks import Address
from harness.stage import PASSWORD, Chain, Stage
from plugins import Pair

HERE, METHOD, PATIENCE = "127.0.0.1", "aes-256-gcm", 20


class Absent(Exception):
    """This host does not run this plugin at all."""


@dataclass(frozen=True)
class Host:
    name: str
    program: Callable[[], Program]  # its client
    version: str  # argument that asks for it
    server: Callable[[Stage, Pair, int], Process]
    client: Callable[[Stage, Pair, Address, int], Process]
    processes: bool = True  # its client runs plugins as processes


def _row(at: Address, pair: Pair, plugin: Program, options: str | None) -> dict[str, Any]:
    mode = "tcp_only" if pair.udp_wire else "tcp_and_udp"  # the port of such a wire is taken
    return {"server": at[0], "server_port": at[1], "method": METHOD, "password": PASSWORD, "mode": mode,
            "plugin": str(plugin), "plugin_opts": options}


def _near(port: int) -> dict[str, Any]:
    return {"local_address": HERE, "local_port": port}


def _server(program: Callable[[], Program]) -> Callable[[Stage, Pair, int], Process]:
    def start(stage: Stage, pair: Pair, port: int) -> Process:
        own = {"plugin_writable": str(pair.written.parent.parent), "plugin_user": "root"} \
            if pair.written and program().ours else {}
        return stage.run(program(), "-c", stage.config(**_row((HERE, port), pair, pair.server, pair.server_opts), **own))
    return start


def _client(program: Callable[[], Program]) -> Callable[[Stage, Pair, Address, int], Process]:
    def start(stage: Stage, pair: Pair, at: Address, near: int) -> Process:
        return stage.run(program(), "-c", stage.config(**_row(at, pair, pair.client, pair.client_opts), **_near(near)))
    return start


def _sing_box(stage: Stage, pair: Pair, at: Address, near: int) -> Process:
    if not pair.built_in:
        raise Absent
    outbound = {"type": "shadowsocks", "server": at[0], "server_port": at[1], "method": METHOD, "password": PASSWORD,
                "plugin": pair.built_in, "plugin_opts": pair.client_opts}
    inbound = {"type": "socks", "listen": HERE, "listen_port": near}
    return stage.run(peer("sing-box"), "run", "-c", stage.config(inbounds=[inbound], outbounds=[outbound]))


def _ours(name: str) -> Callable[[], Program]:
    return lambda: ours(name)


def _peer(name: str) -> Callable[[], Program]:
    return lambda: peer(name)


HOSTS = [
    Host("Shadowplug", _ours("ss-local"), "--version", _server(_ours("ss-server")), _client(_ours("ss-local"))),
    Host("shadowsocks-libev", _peer("ss-local"), "-h", _server(_peer("ss-server")), _client(_peer("ss-local"))),
    Host("shadowsocks-rust", _peer("sslocal"), "--version", _server(_peer("ssserver")), _client(_peer("sslocal"))),
    Host("sing-box", _peer("sing-box"), "version", _server(_ours("ss-server")), _sing_box, processes=False),
]


def version_of(host: Host) -> str:
    done = subprocess.run([str(host.program()), host.version], capture_output=True, text=True, check=False)
    words = (done.stdout + done.stderr).split()
    places = host.program().path.parts  # scripts/peers builds sing-box without a version
    known = [word for word in words if word[0].isdigit() and "." in word]
    return next(iter(known + [place.rpartition("-")[2] for place in places if place.startswith(host.name)]))


def start(stage: Stage, host: Host, pair: Pair) -> Chain:
    """Both ends, once both plugins serve."""
    public, near = (HERE, stage.port()), (HERE, stage.port())
    server = host.server(stage, pair, public[1])

    def serves() -> bool:
        assert server.running, server.output()
        up = udp.bound(public[1]) if pair.udp_wire else procfs.listening(public[1])
        return up and (pair.written is None or pair.written.exists())

    procfs.eventually(serves, "the plugin of the server", PATIENCE)
    if pair.written:
        pair = replace(pair, client_opts=pair.written.read_text())
    client = host.client(stage, pair, public, near[1])

    def takes_clients() -> bool:
        assert client.running, client.output()
        ports = [procfs.environment(pid).get("SS_LOCAL_PORT") for pid in procfs.descendants(client.pid)]
        below = not host.processes or any(port and procfs.listening(int(port)) for port in ports)
        return procfs.listening(near[1]) and below

    procfs.eventually(takes_clients, "the client and its plugin", PATIENCE)
    return Chain(stage, client, server, near, public)
