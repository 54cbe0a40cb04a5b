# SPDX-License-Identifier: Apache-2.0
"""The plugins of both sides, with their options: those of others, and ours beside them."""

from __future__ import annotations

from dataclasses import dataclass

from harness.programs import ours, peer

_OBFS = "obfs={};obfs-host=www.example.com"


@dataclass(frozen=True)
class Kind:
    local: str
    server: str
    local_opts: str | None
    server_opts: str
    are_ours: bool = False

    def plugin(self, role: str) -> str:
        name = self.local if role == "local" else self.server
        return str(ours(name) if self.are_ours else peer(name))

    def opts(self, role: str) -> str | None:
        return self.local_opts if role == "local" else self.server_opts


def obfs(mode: str, are_ours: bool = False) -> Kind:
    return Kind("obfs-local", "obfs-server", _OBFS.format(mode), f"obfs={mode}", are_ours)


V2RAY = Kind("ss-v2ray-plugin", "ss-v2ray-plugin", None, "server")
