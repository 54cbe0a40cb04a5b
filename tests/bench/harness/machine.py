# SPDX-License-Identifier: Apache-2.0
"""Where a run took place: what has to be known to read its figures."""

import ctypes
import ctypes.util
import os
import platform
import re
import resource
import subprocess
from contextlib import suppress
from datetime import date
from pathlib import Path

from .isolation import congestion_control
from .programs import built

PEER_PACKAGES = (
    "shadowsocks-libev",
    "simple-obfs",
    "shadowsocks-v2ray-plugin",
    "stunnel4",
    "haproxy",
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


def _built_peers() -> list[str]:
    return [path.parent.name.removesuffix("-http") for path in map(Path, built())]


def _ciphers(ours: Path) -> str:
    """What our programs say of the library that computes their ciphers."""
    command = [str(ours / "ss-server"), "-v", "-s", "127.0.0.1", "-p", "9", "-k", "word"]
    said = b""
    with suppress(OSError):
        try:
            said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1, check=False).stdout
        except subprocess.TimeoutExpired as serves:
            said = serves.stdout or b""
    found = re.search(rb"ciphers: ([^,(\n]*[^,( \n])", said)
    return found.group(1).decode() if found else "libcrypto"


class Share:
    """How much of the work of the machine was this run: the rest is that of others, and disturbs."""

    def __init__(self) -> None:
        self._before = self._now()

    @staticmethod
    def _now() -> tuple[float, float]:
        """Seconds of CPU that this process and its children took, and that all took."""
        own = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        user, nice, system, _idle, _iowait, irq, softirq, steal = map(int, Path("/proc/stat").read_text().split()[1:9])
        return own, (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")

    def line(self) -> str:
        """Once all children have been waited for."""
        own, busy = (now - before for now, before in zip(self._now(), self._before))
        return f"{min(own / busy, 1):.0%} of the busy CPU was this run's" if busy > 0 else "share unknown"


def describe(root: Path, ours: Path, isolated: bool) -> dict[str, str]:
    own = "own network namespace" if isolated else "the machine's network, not isolated"
    return {
        "date": date.today().isoformat(),
        "revision": _output(["git", "rev-parse", "--short", "HEAD"], root) or "unknown",
        "cpu": _cpu_model(),
        "cores": str(len(os.sched_getaffinity(0))),
        "kernel": platform.release(),
        "distribution": _distribution(),
        "openssl": _openssl(),
        "ciphers": _ciphers(ours),
        "peers": ", ".join((*map(_package, PEER_PACKAGES), *_built_peers())),
        "congestion control": congestion_control(),
        "network": own,
    }
