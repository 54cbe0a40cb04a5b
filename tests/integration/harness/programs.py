# SPDX-License-Identifier: Apache-2.0
"""Which programs are tested: ours from SHADOWPLUG_BIN, the peers from Debian's packages."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("SHADOWPLUG_BIN", _ROOT / "build" / "release" / "bin"))
SANITIZED = bool(os.environ.get("SHADOWPLUG_SANITIZED"))
SLOWER = 4 if SANITIZED else 1
_PEER_BIN = Path("/usr/bin")
_ELSEWHERE = {
    "nginx": Path("/usr/sbin/nginx"),
    "nginx-stream": Path("/usr/lib/nginx/modules/ngx_stream_module.so"),
}
PACKAGES = {
    "ss-local": "shadowsocks-libev",
    "ss-server": "shadowsocks-libev",
    "obfs-local": "simple-obfs",
    "obfs-server": "simple-obfs",
    "ss-v2ray-plugin": "shadowsocks-v2ray-plugin",
    "kcptun-client": "kcptun",
    "kcptun-server": "kcptun",
    "stunnel4": "stunnel4",
    "socat": "socat",
    "openssl": "openssl",
    "curl": "curl",
    "nginx": "nginx-light",
    "nginx-stream": "libnginx-mod-stream",
    "chromium": "chromium",
    "obfs4proxy": "obfs4proxy",
    "snowflake-client": "snowflake-client",
    "tor": "tor",
}


@dataclass(frozen=True)
class Program:
    path: Path
    ours: bool

    @property
    def name(self) -> str:
        return self.path.name

    def __str__(self) -> str:
        return str(self.path)


def ours(name: str) -> Program:
    """One of the programs of the build under test. A missing one is a failure, never a skip."""
    path = BIN / name
    assert path.is_file(), f"{path} is not built (SHADOWPLUG_BIN names the directory)"
    return Program(path, ours=True)


def peer(name: str) -> Program:
    """A program of the real package. Under CI it must be there if the system offers the package."""
    path = _ELSEWHERE.get(name, _PEER_BIN / name)
    if not path.is_file():
        package = PACKAGES[name]
        offered = package not in os.environ.get("SHADOWPLUG_ABSENT_PEERS", "").split()
        if offered and os.environ.get("CI", "") not in ("", "0", "false"):
            pytest.fail(f"{path} is missing: install {package}", pytrace=False)
        pytest.skip(f"{package} is not installed")
    return Program(path, ours=False)
