# SPDX-License-Identifier: Apache-2.0
"""The daemons under a service manager: what they tell it, and sockets that it hands over."""

from __future__ import annotations

import os
import platform
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
from harness.manager import Folder
from harness.processes import Process
from harness.programs import SANITIZED, SLOWER, ours, reachable
from harness.stage import Stage

HOST = "127.0.0.1"


@dataclass
class ServiceManager:
    """The socket that a service reports to, and the environment that names it."""

    sock: socket.socket
    told: list[str] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        return {"NOTIFY_SOCKET": "@" + self.sock.getsockname()[1:].decode(), **more}

    def hears(self, pattern: str) -> str:
        """The next message that has the pattern."""
        while not re.search(pattern, text := self.sock.recv(4096).decode(), re.M):
            self.told.append(text)
        return text


@pytest.fixture
def manager() -> Iterator[ServiceManager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0service-{os.getpid()}-{os.urandom(6).hex()}")
        sock.settimeout(20 * SLOWER)
        yield ServiceManager(sock)


def server(port: int) -> list[object]:
    return ["-s", HOST, "-p", port, "-k", "word", "-m", "aes-128-gcm"]


def test_a_service_tells_its_life(stage: Stage, manager: ServiceManager) -> None:
    process = stage.run(ours("ss-server"), *server(stage.port()), env=manager.environment())
    manager.hears("^READY=1$")
    assert not manager.told
    assert "1 port, 0 connections, 0 since the start, 0.0 MiB up" in manager.hears("^STATUS=")
    assert process.stop() == 0
    manager.hears("^STOPPING=1$")
    assert not [text for text in manager.told if "WATCHDOG" in text]


def test_a_process_that_takes_over_becomes_the_main_one(stage: Stage, manager: ServiceManager) -> None:
    """It was started by another environment, and goes by that of the service from then on."""
    control, port = stage.keep(Folder()).path / "control", stage.port()
    command = [ours("ss-server"), *server(port), "--control", control]
    first = stage.run(*command, env=manager.environment(WATCHDOG_USEC="100000"))
    manager.hears("^READY=1$")
    second = stage.run(*command, "--take-over")
    assert manager.hears("^MAINPID=") == f"MAINPID={second.pid}"
    manager.hears("^READY=1$")
    assert first.wait() == 0
    manager.hears("^WATCHDOG=1$")
    assert not [text for text in manager.told if "STOPPING" in text]
    assert second.stop() == 0
    manager.hears("^STOPPING=1$")


def test_a_watchdog_hears_of_the_loop_as_often_as_it_asks(stage: Stage, manager: ServiceManager) -> None:
    """A loop that stands still is silent, and goes on afterwards."""
    process = stage.run(ours("ss-server"), *server(stage.port()),
                        env=manager.environment(WATCHDOG_USEC="100000"))
    for _ in range(3):
        assert "STATUS=" in manager.hears("^WATCHDOG=1$")
    os.kill(process.pid, signal.SIGSTOP)
    manager.sock.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            manager.hears("^WATCHDOG=1$")
    os.kill(process.pid, signal.SIGCONT)
    manager.sock.settimeout(20 * SLOWER)
    manager.hears("^WATCHDOG=1$")


def test_the_watchdog_of_another_process_is_left_alone(stage: Stage, manager: ServiceManager) -> None:
    stage.run(ours("ss-server"), *server(stage.port()),
              env=manager.environment(WATCHDOG_USEC="100000", WATCHDOG_PID="1"))
    assert "WATCHDOG" not in manager.hears("^STATUS=")


def test_a_manager_counts_its_ports(stage: Stage, manager: ServiceManager) -> None:
    port = stage.port()
    path = stage.config(server=HOST, port_password={str(port): "word", str(stage.port()): "other"},
                        method="aes-128-gcm", manager_address=str(stage.keep(Folder()).path / "requests"))
    stage.run(ours("ss-manager"), "-c", path, "-D", stage.home / "ports",
              env=manager.environment(WATCHDOG_USEC="100000"))
    manager.hears("^READY=1$")
    assert "2 ports" in manager.hears("^STATUS=2")


def with_sockets(*sockets: socket.socket | int) -> list[object]:
    """Words that run a command as systemd does: with descriptors from 3 on, and its pid."""
    numbers = [sock if isinstance(sock, int) else sock.fileno() for sock in sockets]
    script = (f"import os, sys; high = [os.dup2(fd, 100 + i) for i, fd in enumerate({numbers})]; "
              "[os.dup2(fd, 3 + i) for i, fd in enumerate(high)]; os.closerange(100, 200); "
              f"os.environ.update(LISTEN_FDS='{len(numbers)}', LISTEN_PID=str(os.getpid())); "
              "os.execv(sys.argv[1], sys.argv[1:])")
    return [sys.executable, "-c", script]


@pytest.fixture
def run_with(stage: Stage, manager: ServiceManager, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Process]:
    """Runs a program with sockets and waits until it is ready."""
    real = subprocess.Popen

    def start(sockets: list[socket.socket], *argv: object) -> Process:
        keep = [sock.fileno() for sock in sockets]
        monkeypatch.setattr(subprocess, "Popen", lambda *args, **more: real(*args, **{**more, "pass_fds": keep}))
        process = stage.run(*with_sockets(*sockets), *argv, env=manager.environment())
        manager.hears("^READY=1$")
        return process
    return start


@pytest.mark.parametrize("place", ["127.0.0.1", "0.0.0.0", "::"])
def test_connections_wait_in_a_socket_of_the_service_manager(stage: Stage, run_with: Callable[..., Process],
                                                             place: str) -> None:
    """Connections that came before the program are served, too, and it binds nothing there itself."""
    family = socket.AF_INET6 if ":" in place else socket.AF_INET
    with socket.create_server((place, 0), family=family, dualstack_ipv6=":" in place) as listener:
        port = listener.getsockname()[1]
        early = stage.connect((HOST, port))
        process = run_with([listener], ours("ss-local").path, "-s", HOST, "-p", 9, "-k", "word", "-l", port,
                           "-b", "0.0.0.0" if ":" in place else place)
        early.sendall(b"\x05\x01\x00")
        assert early.recv(2) == b"\x05\x00"
        assert "LISTEN_FDS" not in process.output()


def test_a_socket_of_the_wrong_kind_is_told_and_nothing_is_lost(stage: Stage, run_with: Callable[..., Process]) -> None:
    port = stage.port()
    with socket.socket(socket.AF_UNIX) as local, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams, \
            socket.socket() as deaf, socket.create_server((HOST, 0)) as other, open("/dev/null", "rb") as null:
        local.bind(str(stage.keep(Folder()).path / "socket"))
        process = run_with([local, datagrams, deaf, other, null], ours("ss-server").path, *server(port))
        stage.connect((HOST, port))
        said = re.findall(r"LISTEN_FDS: (.*)", process.output())
        address = f"{HOST}:{other.getsockname()[1]}"
    assert [line.split(";")[0] for line in said] == [
        "descriptor 3 is no socket of IPv4 or IPv6", "descriptor 4 is one of UDP, which this program opens itself",
        "descriptor 5 does not listen", "descriptor 7 is no socket",
        f"nothing of the configuration listens at {address} itself"]


def test_sockets_of_another_process_are_left_alone(stage: Stage, manager: ServiceManager) -> None:
    process = stage.run(ours("ss-server"), *server(stage.port()),
                        env=manager.environment(LISTEN_FDS="3", LISTEN_PID="1"))
    manager.hears("^READY=1$")
    assert "LISTEN_FDS" not in process.output()


# Another user, and a filter that refuses one call, as that of a unit does.
REFUSE = """
import ctypes, os, struct, sys
if os.geteuid() == 0:
    os.setgroups([]), os.setgid(61500), os.setuid(61500)
rows = [(0x20, 0, 0, 0), (0x15, 0, 1, int(sys.argv[1])), (6, 0, 0, 0x50001), (6, 0, 0, 0x7fff0000)]
code = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *row) for row in rows))
libc, program = ctypes.CDLL(None), struct.pack("HxxxxxxP", len(rows), ctypes.addressof(code))
libc.prctl(38, 1, 0, 0, 0)
assert libc.prctl(22, 2, program, 0, 0) == 0
os.execv(sys.argv[2], sys.argv[2:])
"""


@pytest.mark.skipif(platform.machine() != "x86_64" or SANITIZED, reason="calls are numbered by machine")
def test_a_plugin_starts_where_a_filter_keeps_capabilities_as_they_are(stage: Stage, manager: ServiceManager) -> None:
    capset = 126
    stage.run(sys.executable, "-c", REFUSE, capset, reachable(ours("ss-server").path), *server(stage.port()), "--plugin",
              reachable(ours("obfs-server").path), "--plugin-opts", "obfs=http", env=manager.environment())
    manager.hears("^READY=1$")
