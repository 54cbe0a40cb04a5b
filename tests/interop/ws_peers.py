# SPDX-License-Identifier: Apache-2.0
"""Ends of websocket and of HTTP upgrades: ours, v2ray-plugin's, sing-box's, and python-websockets'."""

from __future__ import annotations

from typing import Any

from harness import procfs
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Stage

HERE = "127.0.0.1"
USER = "b831381d-6324-4d53-ad4f-8cda48b30811"


def plugin(stage: Stage, maker: str, role: str, near: int, wire: int, options: str = "",
           **more: str) -> Process:
    """One end on its own; near is the port of its plain side."""
    name = "ws-wrap" if maker == "ours" else "ss-v2ray-plugin"
    env = {"SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": str(near), "SS_REMOTE_HOST": HERE,
           "SS_REMOTE_PORT": str(wire),
           "SS_PLUGIN_OPTIONS": ";".join(filter(None, ["server" * (role == "server"), options])), **more}
    process = stage.run(ours(name) if maker == "ours" else peer(name), env=env)
    stage.wait_listening(process, wire if role == "server" else near)
    return process


def pair(stage: Stage, client: tuple[str, str], server: tuple[str, str], backend: int) -> tuple[int, int]:
    """(maker, options) of each end, in front of backend.  Returns the plain port and that of the wire."""
    near, wire = stage.port(), stage.port()
    plugin(stage, server[0], "server", backend, wire, server[1])
    plugin(stage, client[0], "client", near, wire, client[1])
    return near, wire


def _sing_box(stage: Stage, port: int, **config: Any) -> None:
    process = stage.run(peer("sing-box"), "run", "-c", stage.config(**config))
    # It listens before it has started, and fails if it is told to stop between the two.
    procfs.eventually(lambda: "sing-box started" in process.output(), str(process), 20 * SLOWER)
    stage.wait_listening(process, port)


def sing_box_server(stage: Stage, transport: dict[str, Any] | None) -> int:
    """Takes VLESS, within this transport, and dials what it asks for.  Returns its port."""
    port = stage.port()
    inbound = {"type": "vless", "listen": HERE, "listen_port": port, "users": [{"uuid": USER}],
               **({"transport": transport} if transport else {})}
    _sing_box(stage, port, inbounds=[inbound], outbounds=[{"type": "direct"}])
    return port


def sing_box_client(stage: Stage, server: int, target: int, transport: dict[str, Any] | None) -> int:
    """Carries to target by VLESS.  Returns its port."""
    port = stage.port()
    inbound = {"type": "direct", "listen": HERE, "listen_port": port, "override_address": HERE,
               "override_port": target}
    outbound = {"type": "vless", "server": HERE, "server_port": server, "uuid": USER,
                **({"transport": transport} if transport else {})}
    _sing_box(stage, port, inbounds=[inbound], outbounds=[outbound])
    return port


def _xray(stage: Stage, port: int, inbound: dict[str, Any], outbound: dict[str, Any]) -> int:
    conf = stage.config(log={"loglevel": "warning"}, inbounds=[{"listen": HERE, "port": port, **inbound}],
                        outbounds=[outbound])
    stage.wait_listening(stage.run(peer("xray"), "run", "-format", "json", "-config", conf), port)
    return port


def xray_server(stage: Stage, stream: dict[str, Any]) -> int:
    """Takes VLESS, within this transport, and dials what it asks for.  Returns its port."""
    settings = {"clients": [{"id": USER}], "decryption": "none"}
    return _xray(stage, stage.port(), {"protocol": "vless", "settings": settings, "streamSettings": stream},
                 {"protocol": "freedom"})


def xray_client(stage: Stage, server: int, target: int, stream: dict[str, Any]) -> int:
    """Carries to target by VLESS.  Returns its port."""
    there = {"address": HERE, "port": server, "users": [{"id": USER, "encryption": "none"}]}
    inbound = {"protocol": "dokodemo-door", "settings": {"address": HERE, "port": target, "network": "tcp"}}
    return _xray(stage, stage.port(), inbound,
                 {"protocol": "vless", "settings": {"vnext": [there]}, "streamSettings": stream})


_ECHO = """
import asyncio, signal, sys, websockets

async def echo(conn, *_):
    async for message in conn:
        await conn.send(message)

async def main():
    told = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, told.set)
    async with websockets.serve(echo, "127.0.0.1", int(sys.argv[1]), max_size=None):
        await told.wait()

asyncio.run(main())
"""


def websockets_server(stage: Stage) -> int:
    """Sends each message back.  Returns its port."""
    peer("websockets")
    port = stage.port()
    process = stage.run(peer("python3"), "-c", _ECHO, str(port))
    stage.wait_listening(process, port)
    return port
