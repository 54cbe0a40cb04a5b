# SPDX-License-Identifier: Apache-2.0
"""A real HAProxy in front of servers."""

from __future__ import annotations

from .programs import peer
from .socks import Address
from .stage import Stage

_DEFAULTS = """defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  option redispatch 1
  retries 3
"""


def listen(at: Address, servers: list[Address], how: str) -> str:
    """A section that spreads the connections to one address over some servers."""
    rows = [f"  server s{number} {host}:{port} {how}" for number, (host, port) in enumerate(servers)]
    return "\n".join([f"listen l{at[1]}", f"  bind {at[0]}:{at[1]}", *rows, ""])


class Haproxy:
    """It is killed at the end, since its exit status after SIGTERM is that of the signal."""

    def __init__(self, stage: Stage, sections: str, ports: list[int]) -> None:
        self._process = stage.run(peer("haproxy"), "-db", "-f", stage.script("haproxy.cfg", _DEFAULTS + sections))
        for port in ports:
            stage.wait_listening(self._process, port)
        stage.keep(self)

    def close(self) -> None:
        self._process.kill()
