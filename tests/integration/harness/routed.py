# SPDX-License-Identifier: Apache-2.0
"""Three networks: clients, a router that all their packets pass, and the machines beyond it.

The router has ss-redir and rules of nftables. Beyond it are ss-server and the targets, which have
no way back to the clients: a connection that arrives there with the address of the server was
carried by it.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import udp
from .names import Etc
from .network import ip, own_network
from .processes import Process
from .programs import SLOWER, Program, ours
from .socks import TIMEOUT, Address
from .stage import PASSWORD, SANDBOX, Parts, Stage, our_parts
from .targets import Serve, Target

_libc = ctypes.CDLL(None, use_errno=True)
Made = TypeVar("Made", bound=Any)

PORT, SERVER_PORT = 1081, 8388
MARK = 255  # the default of ss-nftables
CLIENT = {4: "192.168.7.2", 6: "fd07::2"}
LAN = {4: "192.168.7.1", 6: "fd07::1"}
WAN = {4: "203.0.113.1", 6: "2001:db8:1::1"}
SERVER = {4: "203.0.113.2", 6: "2001:db8:1::2"}
TARGET = {4: "198.51.100.10", 6: "2001:db8:2::10"}
OTHER = {4: "198.51.100.11", 6: "2001:db8:2::11"}
FAMILIES = (4, 6)
_LENGTH = {4: 24, 6: 64}


class Network:
    """A network namespace that code enters and leaves."""

    def __init__(self) -> None:
        made: list[int] = []

        def make() -> None:
            with own_network():
                made.append(os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC))

        thread = threading.Thread(target=make)
        thread.start()
        thread.join()
        if not made:
            pytest.skip("no network namespaces here")
        self.fd = made[0]

    def __str__(self) -> str:
        return f"/proc/{os.getpid()}/fd/{self.fd}"

    @contextlib.contextmanager
    def entered(self) -> Iterator[None]:
        """This thread, and all that it starts meanwhile, are in this network."""
        before = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            assert _libc.setns(self.fd, 0) == 0, os.strerror(ctypes.get_errno())
            yield
        finally:
            assert _libc.setns(before, 0) == 0
            os.close(before)

    def close(self) -> None:
        os.close(self.fd)


class _Inside:
    """Closes a thing in its network."""

    def __init__(self, network: Network, thing: Any) -> None:
        self._network, self._thing = network, thing

    def close(self) -> None:
        with self._network.entered():
            self._thing.close()


def _address(device: str, addresses: dict[int, str]) -> None:
    for family in FAMILIES:
        more = ["nodad"] if family == 6 else []
        ip("address", "add", f"{addresses[family]}/{_LENGTH[family]}", "dev", device, *more)
    ip("link", "set", device, "up")


def _default(gateway: dict[int, str]) -> None:
    for family in FAMILIES:
        ip(f"-{family}", "route", "add", "default", "via", gateway[family])


class Routed:
    """The three networks of one test."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.clients, self.router, self.beyond = (stage.keep(Network()) for _ in range(3))
        with self.router.entered():
            ip("link", "add", "lan", "type", "veth", "peer", "name", "eth0", "netns", str(self.clients))
            ip("link", "add", "wan", "type", "veth", "peer", "name", "eth0", "netns", str(self.beyond))
            _address("lan", LAN)
            _address("wan", WAN)
            _default(SERVER)
            Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
            Path("/proc/sys/net/ipv6/conf/all/forwarding").write_text("1")
        with self.clients.entered():
            _address("eth0", CLIENT)
            _default(LAN)
        with self.beyond.entered():
            _address("eth0", SERVER)
            for family in FAMILIES:
                for host in (TARGET, OTHER):
                    ip("address", "add", host[family], "dev", "lo", *(["nodad"] if family == 6 else []))

    # Beyond the router.

    def make(self, network: Network, thing: Callable[[], Made]) -> Made:
        """Something of the test's own that lives in that network."""
        with network.entered():
            made = thing()
        self.stage.keep(_Inside(network, made))
        return made

    def target(self, serve: Serve, family: int, host: dict[int, str] | None = None) -> Target:
        return self.make(self.beyond, lambda: Target(serve, (host or TARGET)[family]))

    def echo(self, family: int, host: dict[int, str] | None = None) -> udp.Echo:
        return self.make(self.beyond, lambda: udp.Echo((host or TARGET)[family]))

    def way_back(self) -> None:
        """Targets reach clients: then a connection may go around the server."""
        with self.beyond.entered():
            for family in FAMILIES:
                network = {4: "192.168.7.0/24", 6: "fd07::/64"}[family]
                ip(f"-{family}", "route", "add", network, "via", WAN[family])

    def server(self, family: int, parts: Parts | None = None, **extra: Any) -> Process:
        with self.beyond.entered():
            return self.stage.ss_server(parts or our_parts(), SERVER_PORT, host=SERVER[family], **extra)

    # On the router.

    def redir(self, family: int, *argv: object, parts: Parts | None = None,
              program: Program | None = None, host: str | None = None, etc: Etc | None = None,
              **extra: Any) -> Process:
        parts = parts or our_parts()
        values = {"server": SERVER[family], "server_port": SERVER_PORT, "local_port": PORT,
                  "local_address": host or {4: "0.0.0.0", 6: "::"}[family], "password": PASSWORD,
                  "method": parts.method, "plugin": parts.client_plugin,
                  "plugin_opts": parts.client_opts, "outbound_fwmark": MARK, **SANDBOX, **extra}
        path = self.stage.config(**values)
        path.chmod(0o600)
        with self.router.entered():
            command = (program or ours("ss-redir"), "-c", path, *argv)
            process = self.stage.run(*(etc.run(*command) if etc else command))
            if extra.get("mode") != "udp_only":
                self.stage.wait_listening(process, PORT)
            if extra.get("mode", "tcp_only") != "tcp_only":
                udp.wait_bound(PORT, 10 * SLOWER)
            if parts.client_plugin and extra.get("mode") != "udp_only":
                self.stage.wait_plugin(process, "SS_LOCAL_PORT")
        return process

    def nftables(self, *argv: object) -> None:
        with self.router.entered():
            subprocess.run([str(word) for word in (ours("ss-nftables"), *argv)], check=True, timeout=30)

    # The users.

    def connect(self, address: Address, network: Network | None = None) -> socket.socket:
        """From a client, or from another network."""
        with (network or self.clients).entered():
            return self.stage.connect(address, TIMEOUT)

    def packets(self, family: int, network: Network | None = None) -> socket.socket:
        with (network or self.clients).entered():
            sock = socket.socket({4: socket.AF_INET, 6: socket.AF_INET6}[family], socket.SOCK_DGRAM)
        sock.settimeout(TIMEOUT)
        return self.stage.keep(sock)
