# SPDX-License-Identifier: Apache-2.0
"""A network and a process namespace of our own, so that the figures are steady.

The process namespace is also the broom: when its first process dies, by whatever
signal, the kernel ends every other process in it.
"""

import ctypes
import fcntl
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

INSIDE = "SHADOWPLUG_BENCH_INSIDE"
STEADY = ("cubic", "reno")
SYSCTL = Path("/proc/sys/net/ipv4")
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1

_prctl = ctypes.CDLL(None, use_errno=True).prctl


def die_with_parent() -> None:
    """For preexec_fn: the kernel kills this process when its parent dies."""
    _prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def inside() -> bool:
    return INSIDE in os.environ


def _unshare() -> list[str]:
    command = ["unshare", "--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
    return command if os.geteuid() == 0 else [*command, "--map-root-user"]


def available() -> bool:
    if shutil.which("unshare") is None:
        return False
    probe = subprocess.run([*_unshare(), "true"], capture_output=True, timeout=20, check=False)
    return probe.returncode == 0


def run_inside(script: str, arguments: list[str]) -> int:
    """Runs the same program in namespaces of its own; returns its exit status."""
    child = subprocess.Popen(
        [*_unshare(), sys.executable, script, *arguments],
        env={**os.environ, INSIDE: "1"},
        preexec_fn=die_with_parent,
    )
    try:
        return child.wait()
    finally:
        child.kill()
        child.wait()


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sh14x", b"lo", 0)
        flags = struct.unpack("16xh14x", fcntl.ioctl(control, SIOCGIFFLAGS, request))[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | IFF_UP))


def congestion_control() -> str:
    return (SYSCTL / "tcp_congestion_control").read_text().strip()


def prepare_network() -> None:
    """Only loopback, many ports, and a congestion control that does not pace."""
    _raise_loopback()
    (SYSCTL / "ip_local_port_range").write_text("10000 65000")
    for name in STEADY:
        if congestion_control() in STEADY:
            return
        with suppress(OSError):  # a namespace may be refused all but reno
            (SYSCTL / "tcp_congestion_control").write_text(name)
