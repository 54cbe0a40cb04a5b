# SPDX-License-Identifier: Apache-2.0
"""Which programs are tested: ours from SHADOWPLUG_BIN, the peers from Debian's packages."""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import shutil
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[3]
BIN = Path(os.environ.get("SHADOWPLUG_BIN", _ROOT / "build" / "release" / "bin"))
SANITIZED = bool(os.environ.get("SHADOWPLUG_SANITIZED"))
SLOWER = 4 if SANITIZED else 1
_PEER_BIN = Path("/usr/bin")
# Where scripts/peers puts what it builds.
_BUILT = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "shadowplug" / "peers"
_RUST = _BUILT / "shadowsocks-rust-1.25.0-http" / "bin"
# Clients in other languages, by the file or folder that says which: made anew when that changes.
_CLIENTS = _ROOT / "tests" / "interop" / "clients"


def _clients(language: str, *sources: str) -> Path:
    text = b"".join((_CLIENTS / source).read_bytes() for source in sources)
    return _BUILT / f"clients-{language}-{hashlib.sha256(text).hexdigest()[:12]}"


PYTHON_CLIENTS = _clients("python", "requirements.txt") / "bin" / "python"
NODE_CLIENTS = _clients("node", "package.json") / "node_modules"
GO_CLIENT = _clients("go", "go/go.mod", "go/go.sum", "go/fetch.go") / "bin" / "fetch"
_ELSEWHERE = {
    "sslocal": _RUST / "sslocal",
    "ssmanager": _RUST / "ssmanager",
    "ssserver": _RUST / "ssserver",
    "ssurl": _RUST / "ssurl",
    "sing-box": _BUILT / "sing-box-1.14.1" / "bin" / "sing-box",
    "xray": _BUILT / "xray-1.260327.0" / "bin" / "xray",
    "nginx": Path("/usr/sbin/nginx"),
    "nginx-stream": Path("/usr/lib/nginx/modules/ngx_stream_module.so"),
    "sshd": Path("/usr/sbin/sshd"),
    "haproxy": Path("/usr/sbin/haproxy"),
    "clients of Python": PYTHON_CLIENTS,
    "clients of Node": NODE_CLIENTS / "undici" / "package.json",
    "client of Go": GO_CLIENT,
    "websockets": Path("/usr/lib/python3/dist-packages/websockets/__init__.py"),
}
PACKAGES = {
    "ss-local": "shadowsocks-libev",
    "ss-server": "shadowsocks-libev",
    "ss-tunnel": "shadowsocks-libev",
    "ss-manager": "shadowsocks-libev",
    "ss-redir": "shadowsocks-libev",
    "obfs-local": "simple-obfs",
    "obfs-server": "simple-obfs",
    "ss-v2ray-plugin": "shadowsocks-v2ray-plugin",
    "sslocal": "shadowsocks-rust",
    "ssmanager": "shadowsocks-rust",
    "ssserver": "shadowsocks-rust",
    "ssurl": "shadowsocks-rust",
    "sing-box": "sing-box",
    "xray": "xray",
    "zbarimg": "zbar-tools",
    "kcptun-client": "kcptun",
    "kcptun-server": "kcptun",
    "stunnel4": "stunnel4",
    "haproxy": "haproxy",
    "redis-server": "redis-server",
    "socat": "socat",
    "openssl": "openssl",
    "curl": "curl",
    "wget": "wget",
    "torsocks": "torsocks",
    "proxychains4": "proxychains4",
    "nc": "netcat-openbsd",
    "git": "git",
    "apt-get": "apt",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
    "sshd": "openssh-server",
    "socksify": "dante-client",
    "java": "default-jdk-headless",
    "node": "nodejs",
    "clients of Python": "clients-python",
    "clients of Node": "clients-node",
    "client of Go": "clients-go",
    "nginx": "nginx-light",
    "nginx-stream": "libnginx-mod-stream",
    "chromium": "chromium",
    "python3": "python3",
    "websockets": "python3-websockets",
    "obfs4proxy": "obfs4proxy",
    "snowflake-client": "snowflake-client",
    "tor": "tor",
    "bash": "bash",
    "cc": "build-essential",
    "clang": "clang",
    "groff": "groff-base",
    "valgrind": "valgrind",
    "nft": "nftables",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "systemd-analyze": "systemd",
    "strace": "strace",
    "zsh": "zsh",
    "fish": "fish",
    "make": "build-essential",
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


@functools.cache
def _public_folder() -> Path:
    """For every user, until the end of the tests."""
    path = Path(tempfile.mkdtemp(prefix="shadowplug-"))
    path.chmod(0o755)
    atexit.register(shutil.rmtree, path)
    return path


def reachable(path: Path) -> Path:
    """The file or directory, or a copy that every user can reach.

    A checkout may lie in a home directory that only its owner can enter, and root runs plugins as
    other users.
    """
    if os.geteuid() != 0 or all(above.stat().st_mode & stat.S_IXOTH for above in path.parents):
        return path
    copy = _public_folder() / path.name
    if path.is_dir():
        copy.mkdir(exist_ok=True)
    elif not copy.exists():
        shutil.copy2(path, copy)
    return copy


def ours(name: str) -> Program:
    """One of the programs of the build under test. A missing one is a failure, never a skip."""
    path = BIN / name
    assert path.is_file(), f"{path} is not built (SHADOWPLUG_BIN names the directory)"
    return Program(reachable(path), ours=True)


def _must_be_installed(path: Path, package: str) -> None:
    """Left out where the package is missing, but not under CI if the system offers it."""
    if path.is_file():
        return
    offered = package not in os.environ.get("SHADOWPLUG_ABSENT_PEERS", "").split()
    if offered and os.environ.get("CI", "") not in ("", "0", "false"):
        pytest.fail(f"{path} is missing: install {package}", pytrace=False)
    pytest.skip(f"{package} is not installed")


def peer(name: str) -> Program:
    """A program of the real package."""
    path = _ELSEWHERE.get(name, _PEER_BIN / name)
    _must_be_installed(path, PACKAGES[name])
    return Program(path, ours=False)


def found(name: str) -> str:
    """A program of the path that a test needs, such as a compiler."""
    path = shutil.which(name) or name
    _must_be_installed(Path(path), PACKAGES[name])
    return path
