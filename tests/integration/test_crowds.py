# SPDX-License-Identifier: Apache-2.0
"""Connections that never authenticate, more than there are descriptors, and honest clients beside them."""

from __future__ import annotations

import contextlib
import re
import resource
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly, read_to_end
from harness.network import ip
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

FILES = 512
SILENT = 1600
REQUESTS = 40
PACE = 0.0005  # between two connections of the attacker
WITHIN = 1.0 * SLOWER
PLUGIN_FILES = 65536


class Crowd:
    """Holds many connections to an address, and opens another one for each that ends, until it is closed."""

    def __init__(self, address: Address, hello: bytes, sources: list[str]) -> None:
        self._address, self._hello, self._sources = address, hello, sources
        self._held: deque[socket.socket] = deque()
        self._ended = threading.Event()
        self.opened = 0
        self._thread = threading.Thread(target=self._refill)
        self._thread.start()

    def _refill(self) -> None:
        while not self._ended.is_set():
            with contextlib.suppress(OSError):
                sock = socket.create_connection(self._address, 5,
                                                (self._sources[self.opened % len(self._sources)], 0))
                self._held.append(sock)
                sock.sendall(self._hello)
            self.opened += 1
            if len(self._held) > SILENT:
                self._held.popleft().close()
            time.sleep(PACE)

    def close(self) -> None:
        self._ended.set()
        self._thread.join()
        for sock in self._held:
            sock.close()


@contextlib.contextmanager
def crowd(address: Address, hello: bytes, sources: list[str]) -> Iterator[Crowd]:
    made = Crowd(address, hello, sources)
    try:
        procfs.eventually(lambda: made.opened > SILENT, "the crowd is there", 60 * SLOWER)
        yield made
    finally:
        made.close()


def request(chain: Chain, target: Address) -> float:
    """One honest request; returns its seconds."""
    begun = time.monotonic()
    with socks.dial(chain.socks, target, 10 * SLOWER) as client:
        client.sendall(b"ping")
        assert read_exactly(client, 4) == b"ping"
    return time.monotonic() - begun


MANY = [f"127.0.{i}.{j}" for i in range(1, 9) for j in range(1, 101)]
ONE = ["127.0.0.2"]


@pytest.mark.parametrize("sources", [ONE, MANY], ids=["one source", "many sources"])
@pytest.mark.parametrize("part", ["local", "server"])
def test_silent_connections_lock_nobody_out(stage: Stage, part: str, sources: list[str]) -> None:
    chain, target = stage.chain(our_parts(), nofile=FILES), stage.target(echo).address
    address, hello = (chain.socks, b"\5\1") if part == "local" else (chain.public, b"x")
    with crowd(address, hello, sources):
        times = [request(chain, target) for _ in range(REQUESTS)]
    assert max(times) < WITHIN, sorted(times)[-5:]
    assert "accept:" not in chain.local.output() + chain.server.output()


@pytest.mark.parametrize("part", ["local", "server"])
def test_silent_connections_lock_nobody_out_of_a_plugin(stage: Stage, part: str) -> None:
    chain, target = stage.chain(our_parts("http"), nofile=FILES), stage.target(echo).address
    (pid,) = getattr(chain, part).plugins()
    env = procfs.environment(pid)
    variable, hello = ("SS_LOCAL_PORT", b"") if part == "local" else ("SS_REMOTE_PORT", b"G")
    with crowd(("127.0.0.1", int(env[variable])), hello, MANY):
        times = [request(chain, target) for _ in range(REQUESTS)]
    assert max(times) < WITHIN, sorted(times)[-5:]


def test_a_source_displaces_itself_only(stage: Stage, network: None) -> None:
    """With many descriptors left: a source has its part of them, IPv6 by the first half of the address."""
    for address in ("192.0.2.1/32", "198.51.100.1/32", "2001:db8::1/128", "2001:db8::2/128", "2001:db8:0:1::1/128"):
        ip("addr", "add", address, "dev", "lo", *(["nodad"] if ":" in address else []))
    port, cap = 8388, 64
    server = stage.ss_server(our_parts(), port, host="::", nofile=1024)

    def connect(source: str, to: str) -> socket.socket:
        return stage.keep(socket.create_connection((to, port), 10, (source, 0)))

    early = {(source, to): connect(source, to) for source, to in
             [("198.51.100.1", "192.0.2.1"), ("2001:db8:0:1::1", "2001:db8::1"), ("127.0.0.1", "127.0.0.1")]}
    for sources, to in [(["192.0.2.1"], "192.0.2.1"), (["2001:db8::1", "2001:db8::2"], "2001:db8::1")]:
        held = [connect(sources[i % len(sources)], to) for i in range(cap + 20)]
        for sock in held[:20]:
            assert read_to_end(sock) == (b"", End.FIN)
        assert [open_still(sock) for sock in held[20:]] == [True] * cap
    assert all(open_still(sock) for sock in early.values())
    assert "too many unauthenticated connections from" in server.output()


def open_still(sock: socket.socket) -> bool:
    sock.setblocking(False)
    try:
        return sock.recv(1) != b""
    except BlockingIOError:
        return True


def test_an_evicted_connection_ends_as_every_probe(stage: Stage) -> None:
    port = stage.port()
    stage.ss_server(our_parts(), port, "--handshakes-per-ip", "3")
    probes = [b"", b"x", b"y" * 40, b"z" * 3000]
    held = []
    for data in probes:
        held.append(stage.connect(("127.0.0.1", port)))
        held[-1].sendall(data)
    for _ in range(3):
        held.append(stage.connect(("127.0.0.1", port)))
    assert [read_to_end(sock) for sock in held[:4]] == [(b"", End.FIN)] * 4


def test_behind_a_plugin_all_clients_have_one_address(stage: Stage) -> None:
    """There the limit of one source would be a limit of all."""
    port = stage.port()
    server = stage.ss_server(our_parts("http"), port, "--handshakes-per-ip", "2")
    hop = ("127.0.0.1", int(procfs.environment(server.plugins()[0])["SS_LOCAL_PORT"]))
    held = [stage.connect(hop) for _ in range(100)]
    assert all(open_still(sock) for sock in held)


def limit_of(pid: int) -> tuple[str, str]:
    limits = open(f"/proc/{pid}/limits", encoding="utf-8").read()
    match = re.search(r"Max open files +(\S+) +(\S+)", limits)
    assert match is not None
    return match[1], match[2]


def test_the_limit_of_descriptors_is_raised_to_the_hard_one(stage: Stage) -> None:
    port = stage.port()
    server = stage.run(ours("ss-server"), "-s", "127.0.0.1", "-p", port, "-k", "pw", "-m", "aes-128-gcm",
                       limits=("--nofile=256:3000",))
    stage.wait_listening(server, port)
    assert limit_of(server.pid) == ("3000", "3000")


def test_plugins_get_a_limit_that_suits_programs_of_any_kind(stage: Stage) -> None:
    """Some close every descriptor that they may have."""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if 0 <= hard <= PLUGIN_FILES:
        pytest.skip("the limit of this machine is too low")
    path = stage.config(server="127.0.0.1", server_port=stage.port(), password="pw", method="aes-128-gcm",
                        plugin=str(stage.fake_plugin()), plugin_opts="server", plugin_sandbox=False)
    server = stage.run(ours("ss-server"), "-c", path, limits=(f"--nofile=256:{PLUGIN_FILES + 1}",))
    procfs.eventually(server.plugins, "the plugin runs", 10 * SLOWER)
    procfs.eventually(lambda: limit_of(server.plugins()[0]) == (str(PLUGIN_FILES), str(PLUGIN_FILES + 1)), "its limit", 10 * SLOWER)


# Clients that vanish: no end ever comes from them.

HERE, CLIENT = "192.0.2.1", "192.0.2.9"


@pytest.mark.parametrize(("watched", "speaks"), [({"keep_alive": 1, "tcp_user_timeout": 0}, False),
                                                 ({"keep_alive": 0, "tcp_user_timeout": 2}, True)],
                         ids=["keep-alive", "user timeout"])
def test_a_vanished_client_is_noticed(network: None, stage: Stage, watched: dict[str, int], speaks: bool) -> None:
    for address in (HERE, CLIENT):
        ip("addr", "add", f"{address}/32", "dev", "lo")
    public, near, listener = stage.port(), 1080, stage.listener()
    stage.ss_server(our_parts(), public)
    local = stage.ss_local(our_parts(), ("127.0.0.1", public), near, host=HERE, **watched)
    idle = procfs.socket_count(local.pid)
    client = stage.keep(socket.create_connection((HERE, near), 10, (CLIENT, 0)))
    client.sendall(b"\5\1\0" + socks.request(listener.address) + b"x")
    target = listener.accept()
    assert read_exactly(target, 1) == b"x"
    procfs.eventually(lambda: procfs.all_is_taken(near), "the client has confirmed the answer")
    ip("addr", "del", f"{CLIENT}/32", "dev", "lo")
    ip("route", "add", "blackhole", f"{CLIENT}/32")
    if speaks:
        target.sendall(b"nobody will take this")
    assert read_to_end(target)[1] is not End.OPEN
    procfs.eventually(lambda: procfs.socket_count(local.pid) == idle, "its sockets are closed", 10 * SLOWER)


def test_peers_of_other_machines_are_watched_by_default(network: None, stage: Stage) -> None:
    """Those of hosts and those of plugins."""
    ip("addr", "add", f"{HERE}/32", "dev", "lo")
    public, near, target = stage.port(), stage.port(), stage.target(echo, HERE).address
    server = stage.ss_server(our_parts("http"), public, host=HERE)
    local = stage.ss_local(our_parts("http"), (HERE, public), near, host=HERE)
    with socks.dial((HERE, near), target) as client:
        client.sendall(b"x")
        assert read_exactly(client, 1) == b"x"
        for pid in (local.pid, *local.plugins(), server.pid, *server.plugins()):
            found = [(sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE),
                      sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE),
                      sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT))
                     for sock in procfs.tcp_sockets(pid) if sock.getpeername()[0] == HERE]
            assert found == [(1, 300, 900_000)], found
