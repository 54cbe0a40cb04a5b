# SPDX-License-Identifier: Apache-2.0
"""The memory of many connections goes back to the system once they are gone, and few bytes cost little."""

from __future__ import annotations

import base64
import contextlib
import re
import resource
import socket
import threading
import time
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly
from harness.extent import extent
from harness.manager import Manager
from harness.ports import Reservation
from harness.programs import SANITIZED, SLOWER
from harness.prober import collect
from harness.stage import PASSWORD, Chain, Stage, our_parts
from harness.targets import echo

FILES = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
MANY = extent(1500, min(10_000, (FILES - 1000) // 2))  # ss-local has two descriptors for each
LEFT = extent(0.15, 0.05)  # of the growth; the filter of replays keeps 4 %
IDLE_KIB = extent(1.0, 0.9)  # of a connection that has been used
PLUGIN_KIB = extent(0.8, 0.7)  # likewise, in a plugin
INSIDE_KIB = extent(1.8, 1.7)  # likewise, with a plugin inside of the program
SLOW = extent(1000, 5000)
EVERY = extent(0.3, 5.0)  # seconds
ROUNDS = 3
DOOR = extent(1000, 10000)
DOOR_KIB = 2.0  # of a connection of a user who has authenticated
DEADLINE = extent(5, 40)  # it is reached while bytes still come
SLOW_KIB = extent(2.3, 2.0)  # of a connection that has sent a few bytes
PORTS = extent(300, 10_000)
PORT_KIB = 10.5  # of an idle port of ss-manager: 9.6, and 10.1 with glibc 2.41


def anonymous_kib(pid: int) -> int:
    match = re.search(r"^Anonymous: +(\d+) kB", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    assert match is not None
    return int(match[1])


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what is freed")
@pytest.mark.parametrize("plugin", ["none", "http", "inline:tls"])
def test_memory_comes_back(stage: Stage, plugin: str) -> None:
    chain, target = stage.chain(our_parts(plugin), nofile=2 * MANY + 1000), stage.listener()
    plugins = [*chain.local.plugins(), *chain.server.plugins()]
    pids = [chain.local.pid, chain.server.pid, *plugins]

    def use() -> tuple[socket.socket, socket.socket]:
        near = socks.dial(chain.socks, target.address)
        near.sendall(b"x")
        far = target.accept()
        far.sendall(read_exactly(far, 1))
        assert read_exactly(near, 1) == b"x"
        return near, far

    def end(pair: tuple[socket.socket, socket.socket]) -> None:
        for sock in pair:
            sock.close()

    end(use())
    before = [anonymous_kib(pid) for pid in pids]
    held = [use() for _ in range(MANY)]
    grown = [anonymous_kib(pid) - then for pid, then in zip(pids, before, strict=True)]
    limit = INSIDE_KIB if plugin.startswith("inline:") else IDLE_KIB
    assert MANY // 2 < min(grown) <= max(grown) < limit * MANY, grown
    assert max(grown[len(pids) - len(plugins):], default=0) < PLUGIN_KIB * MANY, grown
    for pair in held:
        end(pair)

    def is_back() -> bool:
        return all(anonymous_kib(pid) - then < LEFT * more
                   for pid, then, more in zip(pids, before, grown, strict=True))

    procfs.eventually(is_back, "the memory is back", 60 * SLOWER)


def by_socks(door: tuple[str, int]) -> tuple[socket.socket, bytes]:
    """A user who has authenticated, and the request."""
    sock = socket.create_connection(door, socks.TIMEOUT)
    sock.sendall(b"\5\1\2\1\4user\4word")
    assert read_exactly(sock, 4) == b"\5\2\1\0"
    return sock, socks.request(("1.2.3.4", 80))


def by_http(door: tuple[str, int]) -> tuple[socket.socket, bytes]:
    """A user who authenticates with the request."""
    word = base64.b64encode(b"user:word")
    return socket.create_connection(door, socks.TIMEOUT), b"".join([
        b"CONNECT 1.2.3.4:80 HTTP/1.1\r\nHost: 1.2.3.4:80\r\nProxy-Authorization: Basic ", word, b"\r\n\r\n"])


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has memory of its own for each block")
def test_many_users_of_one_door_cost_little(stage: Stage) -> None:
    """By both protocols in turn.  Where there are not two descriptors for each, some of them wait behind their password."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    relayed = min(DOOR, files - DOOR - 2000)
    server, door = stage.listener(), ("127.0.0.1", stage.port())
    local = stage.ss_local(our_parts(), server.address, door[1], local_users=[{"name": "user", "password": "word"}],
                           timeout=3600, handshake_timeout=3600, nofile=min(files, 2 * DOOR + 1000))
    stage.wait_listening(local, door[1])

    def use(number: int) -> list[socket.socket]:
        near, request = (by_socks, by_http)[number % 2 if number < relayed else 0](door)
        if number >= relayed:
            return [near]
        near.sendall(request)
        assert read_exactly(near, 10)[:8] in (b"\5\0\0\1\0\0\0\0", b"HTTP/1.1")
        near.sendall(b"x")
        far = server.accept()
        assert far.recv(1000)
        return [near, far]

    held = use(0) + use(1)
    before, idle = anonymous_kib(local.pid), procfs.socket_count(local.pid)
    for number in range(DOOR):
        held += use(number)
    grown = anonymous_kib(local.pid) - before
    assert procfs.socket_count(local.pid) - idle == DOOR + relayed
    for sock in held:
        sock.close()
    assert DOOR // 4 < grown < DOOR_KIB * DOOR, grown


class Dribble:
    """Sends a byte on each of many connections, again and again, until it is closed."""

    def __init__(self, socks_: list[socket.socket]) -> None:
        self._socks, self._ended, self.rounds = socks_, threading.Event(), 0
        self._thread = threading.Thread(target=self._go_on)
        self._thread.start()

    def _go_on(self) -> None:
        while not self._ended.wait(EVERY):
            for sock in self._socks:
                with contextlib.suppress(OSError):
                    sock.sendall(b"x")
            self.rounds += 1

    def close(self) -> None:
        self._ended.set()
        self._thread.join()


def test_slow_connections_cost_little_and_end_at_the_deadline(stage: Stage) -> None:
    """Their bytes have to wait for more; honest clients get in meanwhile."""
    port, near, target = stage.port(), ("127.0.0.1", stage.port()), stage.target(echo).address
    server = stage.ss_server(our_parts(), port, "--handshake-timeout", DEADLINE,
                             nofile=4 * SLOW, handshakes_per_ip=2 * SLOW)
    local = stage.ss_local(our_parts(), ("127.0.0.1", port), near[1])
    chain = Chain(stage, local, server, near, ("127.0.0.1", port))
    with socks.dial(chain.socks, target) as first:
        first.sendall(b"x")
        assert read_exactly(first, 1) == b"x"
    idle, before = procfs.socket_count(server.pid), anonymous_kib(server.pid)
    opened = [(socket.create_connection(("127.0.0.1", port), 10), time.monotonic()) for _ in range(SLOW)]
    dribble = stage.keep(Dribble([sock for sock, _ in opened]))
    procfs.eventually(lambda: dribble.rounds >= ROUNDS, "bytes have come", (ROUNDS + 5) * EVERY * SLOWER)
    grown = anonymous_kib(server.pid) - before
    for _ in range(20):
        with socks.dial(chain.socks, target) as honest:
            honest.sendall(b"ping")
            assert read_exactly(honest, 4) == b"ping"
    reactions = collect(opened, 2 * DEADLINE + 30 * SLOWER)
    assert {r.answer for r in reactions} == {b""}
    assert {r.end for r in reactions} <= {End.FIN, End.RST}, "a connection did not end"
    assert min(r.seconds for r in reactions) >= DEADLINE - 1
    procfs.eventually(lambda: procfs.socket_count(server.pid) <= idle, "all are gone", 10 * SLOWER)
    if not SANITIZED:  # it has memory of its own for each block
        assert grown < SLOW_KIB * SLOW, grown


def test_many_ports_of_a_manager_cost_little(stage: Stage) -> None:
    """The first, the middle and the last of them carry a stream."""
    assert FILES >= PORTS + 500, f"ss-manager has a socket for each of {PORTS} ports: raise ulimit -n from {FILES}"
    manager, target, ports = Manager(stage), stage.target(echo).address, []
    assert manager.client.add(stage.port(), PASSWORD) == b"ok"
    before, idle = anonymous_kib(manager.process.pid), procfs.socket_count(manager.process.pid)
    for _ in range(PORTS):
        reserved = Reservation()
        assert manager.client.add(reserved.number, PASSWORD) == b"ok", reserved.number
        reserved.close()  # ss-manager has it
        ports.append(reserved.number)
    grown = anonymous_kib(manager.process.pid) - before
    assert procfs.socket_count(manager.process.pid) - idle == PORTS
    for port in (ports[0], ports[PORTS // 2], ports[-1]):
        near = stage.port()
        stage.ss_local(our_parts(), ("127.0.0.1", port), near)
        with socks.dial(("127.0.0.1", near), target) as sock:
            sock.sendall(b"ping")
            assert read_exactly(sock, 4) == b"ping"
    if not SANITIZED:  # it has memory of its own for each block
        assert PORTS < grown < PORT_KIB * PORTS, grown
