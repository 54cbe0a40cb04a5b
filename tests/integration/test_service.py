# SPDX-License-Identifier: Apache-2.0
"""The daemons under a service manager: what they tell it, and sockets that it hands over."""

from __future__ import annotations

import os
import re
import signal
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from harness.programs import SLOWER, ours
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
                        method="aes-128-gcm", manager_address=str(stage.home / "requests"))
    stage.run(ours("ss-manager"), "-c", path, "-D", stage.home / "ports",
              env=manager.environment(WATCHDOG_USEC="100000"))
    manager.hears("^READY=1$")
    assert "2 ports" in manager.hears("^STATUS=2")
