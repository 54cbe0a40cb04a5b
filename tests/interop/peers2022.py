# SPDX-License-Identifier: Apache-2.0
"""Servers and clients of AEAD-2022: ours, shadowsocks-rust's and sing-box's, from one description."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

from harness import udp
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.socks import Address
from harness.stage import SANDBOX, Chain, Stage

MAKERS = ["ours", "rust", "sing-box"]
METHODS = {"2022-blake3-aes-128-gcm": 16, "2022-blake3-aes-256-gcm": 32,
           "2022-blake3-chacha20-poly1305": 32}
WITH_USERS = [method for method in METHODS if "aes" in method]
HOST = "127.0.0.1"
# How sing-box looks names up: by the hosts of this machine.
_DIRECT = {"outbounds": [{"type": "direct"}], "dns": {"servers": [{"type": "hosts", "tag": "hosts"}]},
           "route": {"default_domain_resolver": "hosts"}}


def key(method: str, number: int) -> str:
    """One of many keys of the length of the method."""
    return base64.b64encode(bytes((number + i) % 256 for i in range(METHODS[method]))).decode()


@dataclass
class Server:
    """How a server is reached, and what it needs to run."""

    method: str
    password: str
    users: dict[str, str] = field(default_factory=dict)
    plugin: str | None = None
    plugin_opts: str | None = None

    def common(self, address: Address) -> dict[str, Any]:
        return {"server": address[0], "server_port": address[1], "method": self.method,
                "password": self.password, "mode": "tcp_and_udp"}

    def named(self) -> dict[str, Any]:
        users = [{"name": name, "password": text} for name, text in self.users.items()]
        return {"users": users} if users else {}

    def plugged(self) -> dict[str, Any]:
        return {"plugin": self.plugin, "plugin_opts": self.plugin_opts} if self.plugin else {}


def serve(stage: Stage, maker: str, server: Server) -> tuple[Process, Address]:
    at = (HOST, stage.port())
    if maker == "sing-box":
        inbound = {"type": "shadowsocks", "listen": HOST, "listen_port": at[1],
                   "method": server.method, "password": server.password, **server.named()}
        path = stage.config(inbounds=[inbound], **_DIRECT)
        process = stage.run(peer("sing-box"), "run", "-c", path)
    elif maker == "rust":
        row = {**server.common(at), **server.named(), **server.plugged()}
        process = stage.run(peer("ssserver"), "-c", stage.config(servers=[row]))
    else:
        path = stage.config(**server.common(at), **server.named(), **server.plugged(), **SANDBOX)
        process = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(process, at[1])
    udp.wait_bound(at[1], 10 * SLOWER)
    if server.plugin and maker == "ours":
        stage.wait_plugin(process, "SS_REMOTE_PORT")
    return process, at


def dial(stage: Stage, maker: str, server: Server, at: Address) -> tuple[Process, Address]:
    near = (HOST, stage.port())
    if maker == "sing-box":
        outbound = {"type": "shadowsocks", "server": at[0], "server_port": at[1],
                    "method": server.method, "password": server.password, **server.plugged()}
        inbound = {"type": "socks", "listen": near[0], "listen_port": near[1]}
        path = stage.config(inbounds=[inbound], outbounds=[outbound])
        process = stage.run(peer("sing-box"), "run", "-c", path)
    else:
        own = {"local_address": near[0], "local_port": near[1]}
        row = {**server.common(at), **own, **server.plugged()}
        if maker == "ours":
            process = stage.run(ours("ss-local"), "-c", stage.config(**row, **SANDBOX))
        else:
            process = stage.run(peer("sslocal"), "-c", stage.config(**row))
    stage.wait_listening(process, near[1])
    if server.plugin and maker == "ours":
        stage.wait_plugin(process, "SS_LOCAL_PORT")
    return process, near


def relay(stage: Stage, method: str, password: str, to: Address, to_key: str) -> Address:
    """sing-box, which takes the first identity header off and passes the rest on."""
    at = (HOST, stage.port())
    destination = {"name": "behind", "server": to[0], "server_port": to[1], "password": to_key}
    inbound = {"type": "shadowsocks", "listen": HOST, "listen_port": at[1], "method": method,
               "password": password, "destinations": [destination]}
    process = stage.run(peer("sing-box"), "run", "-c",
                        stage.config(inbounds=[inbound], **_DIRECT))
    stage.wait_listening(process, at[1])
    return at


def chain(stage: Stage, client: str, server: str, behind: Server, front: Server | None = None) -> Chain:
    """front is what the client is told, where that differs."""
    far, public = serve(stage, server, behind)
    local, near = dial(stage, client, front or behind, public)
    return Chain(stage, local, far, near, public)
