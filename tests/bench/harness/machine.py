# SPDX-License-Identifier: Apache-2.0
"""Where a run took place: what has to be known to read its figures."""

import ctypes
import ctypes.util
import os
import platform
import subprocess
from contextlib import suppress
from datetime import date
from pathlib import Path

from .isolation import congestion_control

PEER_PACKAGES = (
    "shadowsocks-libev",
    "simple-obfs",
    "shadowsocks-v2ray-plugin",
    "stunnel4",
    "obfs4proxy",
)


def _output(command: list[str], cwd: Path | None = None) -> str:
    with suppress(OSError):
        done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, check=False)
        return done.stdout.strip() if done.returncode == 0 else ""
    return ""


def _cpu_model() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def _distribution() -> str:
    with suppress(OSError):
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    return "unknown"


def _openssl() -> str:
    """The version of the libcrypto that programs load here."""
    name = ctypes.util.find_library("crypto")
    if name is None:
        return "unknown"
    version = ctypes.CDLL(name).OpenSSL_version
    version.restype = ctypes.c_char_p
    text: bytes = version(0)
    return text.decode()


def _package(name: str) -> str:
    version = _output(["dpkg-query", "-W", "-f", "${Version}", name])
    return f"{name} {version or '(version unknown)'}"


def describe(root: Path, isolated: bool) -> dict[str, str]:
    own = "own network namespace" if isolated else "the machine's network, not isolated"
    return {
        "date": date.today().isoformat(),
        "revision": _output(["git", "rev-parse", "--short", "HEAD"], root) or "unknown",
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "distribution": _distribution(),
        "openssl": _openssl(),
        "peers": ", ".join(map(_package, PEER_PACKAGES)),
        "congestion control": congestion_control(),
        "network": own,
    }
