# SPDX-License-Identifier: Apache-2.0
"""Facts of the kernel about processes and sockets, and waiting for them to become true."""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

_PR_SET_CHILD_SUBREAPER = 36
_PIDFD_GETFD = 438
_POLL = 0.004
_ESTABLISHED, _LISTEN = "01", "0A"


def eventually(condition: Callable[[], object], what: str, within: float = 10) -> None:
    """Returns once condition() is true; AssertionError with what after within seconds."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, f"not within {within} s: {what}"
        time.sleep(_POLL)


def adopt_orphans() -> None:
    """Orphans of our children become our children, so that none can get away."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _stat(pid: int) -> list[str]:
    text = Path(f"/proc/{pid}/stat").read_text()
    return text[text.rindex(")") + 2 :].split()


def children(parent: int) -> list[int]:
    """The living and the zombie children of a process."""
    return [pid for pid in _pids() if _parent(pid) == parent]


def descendants(ancestor: int) -> list[int]:
    """Every living process below one, nearest first."""
    found: list[int] = []
    level = [ancestor]
    while level:
        level = [pid for parent in level for pid in children(parent) if alive(pid)]
        found += level
    return found


def _kernel_side(pid: int, name: str) -> str:
    try:
        return Path(f"/proc/{pid}/{name}").read_text().strip()
    except OSError:
        return ""


def state(pid: int) -> str:
    """The state of a process and of those below it: for the message about one that does not end."""
    lines = []
    for one in [pid, *descendants(pid)]:
        try:
            head = f"{one} {_kernel_side(one, 'comm')}, state {_stat(one)[0]}"
        except OSError:
            continue
        stack = [line.split("] ", 1)[-1].split("+")[0] for line in _kernel_side(one, "stack").splitlines()]
        lines.append(f"{head}, in {' < '.join(stack) or 'its code'}, call {_kernel_side(one, 'syscall')}")
    return "\n".join(lines)


def programs_below(host: int) -> list[int]:
    """The nearest processes below a host that run another program than the host itself."""
    found: list[int] = []
    level = [pid for pid in children(host) if alive(pid)]
    while level:
        forks = [pid for pid in level if _executable(pid) == _executable(host)]
        found += [pid for pid in level if pid not in forks]
        level = [pid for parent in forks for pid in children(parent) if alive(pid)]
    return found


def _executable(pid: int) -> str:
    return _target(Path(f"/proc/{pid}/exe"))


def _pids() -> Iterator[int]:
    return (int(name) for name in os.listdir("/proc") if name.isdigit())


def _parent(pid: int) -> int:
    try:
        return int(_stat(pid)[1])
    except (OSError, ValueError):
        return -1


def alive(pid: int) -> bool:
    """True unless the process is gone or a zombie."""
    try:
        return _stat(pid)[0] not in "ZX"
    except OSError:
        return False


def environment(pid: int) -> dict[str, str]:
    """The environment a process was started with; empty when it is gone."""
    try:
        raw = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return {}
    pairs = (item.partition(b"=") for item in raw.split(b"\0") if item)
    return {key.decode(errors="replace"): value.decode(errors="replace") for key, _, value in pairs}


def rss_kib(pid: int) -> int:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    return 0


def fd_count(pid: int) -> int:
    return len(os.listdir(f"/proc/{pid}/fd"))


def socket_count(pid: int) -> int:
    """Open sockets; kept pipes and the like do not count."""
    links = (Path(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd"))
    return sum(_target(link).startswith("socket:") for link in links)


def tcp_sockets(pid: int) -> Iterator[socket.socket]:
    """Its connected ones, each as a descriptor of ours; root may ask for them."""
    libc, process = ctypes.CDLL(None, use_errno=True), os.pidfd_open(pid)
    with contextlib.closing(os.fdopen(process, "rb", buffering=0)):
        for number in map(int, os.listdir(f"/proc/{pid}/fd")):
            if not _target(Path(f"/proc/{pid}/fd/{number}")).startswith("socket:"):
                continue
            with socket.socket(fileno=libc.syscall(_PIDFD_GETFD, process, number, 0)) as sock:
                if sock.family in (socket.AF_INET, socket.AF_INET6) and sock.type == socket.SOCK_STREAM and _is_connected(sock):
                    yield sock


def _is_connected(sock: socket.socket) -> bool:
    with contextlib.suppress(OSError):
        return bool(sock.getpeername())
    return False


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


def cpu_seconds(pid: int, and_ended: bool = False) -> float:
    """The sum for the process and its children that have ended."""
    fields = _stat(pid)[11:15 if and_ended else 13]
    return sum(map(int, fields)) / os.sysconf("SC_CLK_TCK")


def _tcp_rows() -> Iterator[list[str]]:
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            lines = Path(name).read_text().splitlines()[1:]
        except FileNotFoundError:
            continue
        yield from (line.split() for line in lines)


def connects(pid: int, near: int, far: int) -> bool:
    """True when a TCP connection from port near to port far is the process's."""
    ends = (f":{near:04X}", f":{far:04X}")
    inodes = {row[9] for row in _tcp_rows() if row[1].endswith(ends[0]) and row[2].endswith(ends[1])}
    links = Path(f"/proc/{pid}/fd").iterdir()
    return bool(inodes & {_target(link).removeprefix("socket:[").removesuffix("]") for link in links})


def connected(pid: int, far: int) -> bool:
    """True when the process has a connection to port far that stands."""
    end = f":{far:04X}"
    inodes = {row[9] for row in _tcp_rows() if row[2].endswith(end) and row[3] == _ESTABLISHED}
    links = Path(f"/proc/{pid}/fd").iterdir()
    return bool(inodes & {_target(link).removeprefix("socket:[").removesuffix("]") for link in links})


def _inodes(*tables: str) -> set[str]:
    """A column of the sockets in tables of /proc/net; its place differs."""
    column = {"unix": 6, "netlink": 9}
    found: set[str] = set()
    for name in tables:
        path = Path(f"/proc/net/{name}")
        rows = path.read_text().splitlines()[1:] if path.exists() else []
        found |= {row.split()[column.get(name, 9)] for row in rows}
    return found


def connections(pid: int) -> int:
    """Sockets of TCP that a process holds, connected or not any more; listeners do not count."""
    links = (_target(link) for link in Path(f"/proc/{pid}/fd").iterdir())
    held = {link.removeprefix("socket:[").removesuffix("]") for link in links if link.startswith("socket:")}
    listeners = {row[9] for row in _tcp_rows() if row[3] == _LISTEN}
    return len(held - listeners - _inodes("udp", "udp6", "unix", "netlink"))


def all_is_taken(near: int) -> bool:
    """True when no established connection of the port has bytes that the other side has not confirmed."""
    suffix = f":{near:04X}"
    return all(row[4].startswith("00000000:") for row in _tcp_rows()
               if row[3] == _ESTABLISHED and row[1].endswith(suffix))


def listening(port: int) -> bool:
    """True when somebody listens on the TCP port; nobody is bothered with a connection."""
    suffix = f":{port:04X}"
    return any(row[3] == _LISTEN and row[1].endswith(suffix) for row in _tcp_rows())
