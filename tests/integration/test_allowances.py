# SPDX-License-Identifier: Apache-2.0
"""limit_rate and limit_bytes: of a port and of a user, over TCP and UDP, in both directions.

A machine that is busy is slower than any rate: a test says how long bytes take at least.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import socket
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from harness import procfs, udp
from harness.content import End, content, hash_exactly, read_exactly, read_to_end
from harness.manager import Manager
from harness.programs import SLOWER, ours
from harness.socks import Address, dial
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo, hash_to_end, ledger

METHOD_2022 = "2022-blake3-aes-128-gcm"
RATE, SIZE = 2_000_000, 3_000_000
EXACT, BURST = 0.95, 0.05  # of the time, and seconds of the rate


def key(letter: str) -> str:
    return base64.b64encode(letter.encode() * 16).decode()


def user(name: str, **limits: Any) -> dict[str, Any]:
    return {"name": name, "password": key(name), **limits}


@dataclass
class Port:
    """A server and its address; proxy() is a client of it."""

    stage: Stage
    pid: int
    at: Address
    method: str
    password: str

    def proxy(self, name: str = "", **extra: Any) -> Address:
        near = self.stage.port()
        password = f"{self.password}:{key(name)}" if name else self.password
        path = self.stage.config(server=self.at[0], server_port=self.at[1], method=self.method, password=password,
                                 local_port=near, mode="tcp_and_udp", **extra)
        process = self.stage.run(ours("ss-local"), "-c", path)
        self.stage.wait_listening(process, near)
        udp.wait_bound(near, 10 * SLOWER)
        return ("127.0.0.1", near)


def serve(stage: Stage, users: list[dict[str, Any]] | None = None, **limits: Any) -> Port:
    at = ("127.0.0.1", stage.port())
    method, password = (METHOD_2022, key("k")) if users else ("aes-256-gcm", PASSWORD)
    path = stage.config(server=at[0], server_port=at[1], method=method, password=password, users=users, outbound="all",
                        mode="tcp_and_udp", handshake_timeout=1, **limits)
    process = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(process, at[1])
    udp.wait_bound(at[1], 10 * SLOWER)
    return Port(stage, process.pid, at, method, password)


@contextlib.contextmanager
def takes(size: int, rate: int) -> Iterator[None]:
    """Bytes may come in bursts, and never before their time."""
    began = time.monotonic()
    yield
    due = (size / rate - BURST) * EXACT
    assert time.monotonic() - began >= due, f"{size} bytes came within {time.monotonic() - began:.2f} s, not {due:.2f} s"


def get(sock: socket.socket, size: int) -> None:
    sock.sendall(b"GET %d 1\n" % size)
    assert hash_exactly(sock, size) == hashlib.sha256(content(size, 1)).hexdigest()


def put(sock: socket.socket, size: int) -> None:
    sock.sendall(b"PUT %d\n" % size + content(size, 2))
    assert read_exactly(sock, 64) == hashlib.sha256(content(size, 2)).hexdigest().encode()


@pytest.mark.parametrize("of_user", [False, True], ids=["port", "user"])
def test_a_rate_holds_in_both_directions(stage: Stage, of_user: bool) -> None:
    port = serve(stage, [user("a", limit_rate=RATE)]) if of_user else serve(stage, limit_rate=RATE)
    proxy, target = port.proxy("a" if of_user else ""), stage.target(ledger).address
    with takes(SIZE, RATE):
        get(stage.keep(dial(proxy, target)), SIZE // 2)
        put(stage.keep(dial(proxy, target)), SIZE // 2)


def test_users_of_a_port_do_not_disturb_each_other(stage: Stage) -> None:
    """The second one is through with ten times as much before the first."""
    port = serve(stage, [user("a", limit_rate="100K"), user("b")])
    target = stage.target(ledger).address
    slow = stage.keep(dial(port.proxy("a"), target))
    slow.sendall(b"GET 200000 1\n")
    with takes(200_000, 100 * 1024):
        get(stage.keep(dial(port.proxy("b"), target)), 2_000_000)
        slow.setblocking(False)
        came = sum(len(part) for part in iter(lambda: _now(slow), b""))
        assert came < 200_000
        slow.settimeout(20 * SLOWER)
        read_exactly(slow, 200_000 - came)


def _now(sock: socket.socket) -> bytes:
    with contextlib.suppress(BlockingIOError):
        return sock.recv(65536)
    return b""


def test_sessions_of_one_bucket_share_it(stage: Stage) -> None:
    """Each gets its part, and those who wait cost neither time nor memory."""
    port = serve(stage, limit_rate="200K")
    proxy, target = port.proxy(), stage.target(ledger).address
    socks = [stage.keep(dial(proxy, target)) for _ in range(8)]
    before, began = procfs.rss_kib(port.pid), procfs.cpu_seconds(port.pid)
    for sock in socks:
        sock.sendall(b"GET 10000000 1\n")
    for sock in socks:
        read_exactly(sock, 20_000)
    first = [sum(len(part) for part in iter(lambda: _now(sock), b"")) for sock in socks if sock.setblocking(False) is None]
    assert max(first) < 100_000, f"beyond their parts: {first}"
    assert procfs.rss_kib(port.pid) - before < 3000
    assert procfs.cpu_seconds(port.pid) - began < 0.5 * SLOWER


@pytest.mark.parametrize("obfs", ["none", "http"])
def test_a_half_close_is_passed_on_behind_the_bytes(stage: Stage, obfs: str) -> None:
    parts, at = our_parts(obfs), stage.port()
    stage.ss_server(parts, at, limit_rate=400_000, outbound="all")
    near = stage.port()
    stage.ss_local(parts, ("127.0.0.1", at), near)
    sock = stage.keep(dial(("127.0.0.1", near), stage.target(hash_to_end).address))
    with takes(300_000, 400_000):
        sock.sendall(content(300_000))
        sock.shutdown(socket.SHUT_WR)
        whole, end = read_to_end(sock)
    assert whole.decode() == hashlib.sha256(content(300_000)).hexdigest() and end is End.FIN


def test_packets_beyond_a_rate_are_dropped(stage: Stage) -> None:
    port, target = serve(stage, [user("a", limit_rate=50_000), user("b")]), stage.keep(udp.Echo())
    heard = {}
    for name in "ab":
        held, relay = udp.associate(port.proxy(name))
        stage.keep(held)
        sock, seen = stage.keep(udp.open_socket()), len(target.seen)
        for _ in range(60):
            sock.sendto(b"\0\0\0" + udp.header(target.address) + bytes(1000), relay)
            if name == "b":
                sock.recv(2000)
        procfs.eventually(lambda: len(target.seen) > seen, "a packet comes", 10 * SLOWER)
        sock.settimeout(0.5)
        if name == "a":
            with contextlib.suppress(TimeoutError):
                while True:
                    sock.recv(2000)
        heard[name] = len(target.seen) - seen
    assert heard["b"] == 60
    assert heard["a"] < 60


def test_a_user_without_bytes_is_like_one_without_a_key(stage: Stage) -> None:
    port, target = serve(stage, [user("a", limit_bytes=100_000), user("b")]), stage.target(ledger).address
    proxy = port.proxy("a")
    sock = stage.keep(dial(proxy, target))
    get(sock, 90_000)
    sock.sendall(b"GET 1000000 1\n")
    whole, end = read_to_end(sock)
    assert 10_000 - 100 <= len(whole) < 300_000 and end is End.RST
    refused = stage.keep(dial(proxy, target))
    refused.sendall(b"GET 1 1\n")
    assert read_to_end(refused)[0] == b""
    get(stage.keep(dial(port.proxy("b"), target)), 1000)


def test_a_port_without_bytes_serves_none(stage: Stage) -> None:
    port, target, packets = serve(stage, limit_bytes="100k"), stage.target(ledger).address, stage.keep(udp.Echo())
    proxy = port.proxy()
    idle, sock = stage.keep(dial(proxy, target)), stage.keep(dial(proxy, target))
    get(idle, 1000)
    sock.sendall(b"GET 1000000 1\n")
    whole, end = read_to_end(sock)
    assert 95_000 <= len(whole) < 300_000 and end is End.RST
    idle.sendall(b"GET 1000 1\n")
    assert read_to_end(idle)[0] == b""
    probe = stage.connect(port.at)
    probe.sendall(b"x" * 100)
    assert read_to_end(probe) == (b"", End.FIN), "as with a bad key: silence until the deadline"
    held, relay = udp.associate(proxy)
    stage.keep(held)
    client = stage.keep(udp.open_socket())
    client.sendto(b"\0\0\0" + udp.header(packets.address) + b"x", relay)
    client.settimeout(0.3)
    with pytest.raises(TimeoutError):
        client.recv(100)
    assert not packets.seen


def test_a_manager_limits_a_port(stage: Stage) -> None:
    manager, port, target = Manager(stage), stage.port(), stage.target(ledger).address
    assert manager.client.add(port, PASSWORD, limit_rate=RATE, limit_bytes=SIZE) == b"ok"
    assert manager.client.add(stage.port(), PASSWORD, limit_rate=[]) == b"err"
    assert b"limit_rate" in manager.client.add(stage.port(), PASSWORD, limit_rate="fast")
    proxy = Port(stage, manager.process.pid, ("127.0.0.1", port), "aes-256-gcm", PASSWORD)
    sock = stage.keep(dial(proxy.proxy(), target))
    with takes(SIZE // 2, RATE):
        get(sock, SIZE // 2)
    sock.sendall(b"GET %d 1\n" % SIZE)
    whole, end = read_to_end(sock)
    assert len(whole) < SIZE and end is End.RST
    assert manager.client.traffic()[str(port)] >= SIZE
