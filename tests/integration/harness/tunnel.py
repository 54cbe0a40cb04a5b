# SPDX-License-Identifier: Apache-2.0
"""ss-tunnel in front of ss-server: users are plain connections and packets to a port."""

from __future__ import annotations

import socket
from dataclasses import replace
from typing import Any

from . import udp
from .programs import SLOWER, Program, ours
from .socks import Address
from .stage import Chain, Parts, Stage, our_parts

PROGRAM = "ss-tunnel"


def written(target: Address) -> str:
    """host:port, or [ipv6]:port."""
    host, port = target
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def tunnel(stage: Stage, target: Address, parts: Parts | None = None, program: Program | None = None,
           **extra: Any) -> Chain:
    """A chain whose near end is a tunnel to target; parts names what stands behind it."""
    parts = replace(parts or our_parts(), ss_local=program or ours(PROGRAM))
    chain = stage.chain(parts, tunnel_address=written(target), **extra)
    if extra.get("mode", "tcp_only") != "tcp_only":
        udp.wait_bound(chain.public[1], 10 * SLOWER)
        udp.wait_bound(chain.socks[1], 10 * SLOWER)
    return chain


def user(stage: Stage, chain: Chain) -> socket.socket:
    return stage.connect(chain.socks)


def packet_user(stage: Stage, chain: Chain) -> socket.socket:
    sock = stage.keep(udp.open_socket(chain.socks[0]))
    sock.connect(chain.socks)
    return sock
