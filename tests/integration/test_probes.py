# SPDX-License-Identifier: Apache-2.0
"""A peer without the key learns nothing from ss-server, always at the same time."""

from __future__ import annotations

import math
import random
import socket
import time
from base64 import b64encode
from bisect import bisect_right
from dataclasses import dataclass, field

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly, read_to_end
from harness.extent import FULL, extent
from harness.programs import SANITIZED, SLOWER
from harness.prober import Probe, Reaction, collect, probe_all
from harness.queues import wait_until_read
from harness.socks import Address
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo

DEADLINE = 2.0
SLACK = 0.35 * SLOWER
PAYLOAD = b"what a client says first"
FIRST_CHUNK = 66  # salt, sealed length and 16 bytes of the sealed header: nothing is proven yet
REQUEST = (b"GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.9.1\r\nUpgrade: websocket\r\n"
           b"Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nContent-Length: 3000\r\n\r\n")
METHODS = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305", "xchacha20-ietf-poly1305"]
PASSWORDS = {"2022-blake3-aes-256-gcm": b64encode(bytes(range(32))).decode(),
             "2022-blake3-chacha20-poly1305": b64encode(bytes(range(32))).decode()}
GROWTH_KIB = 16 * 1024 if SANITIZED else 2 * 1024


def record_flight(stage: Stage, method: str, target: Address) -> bytes:
    """The first bytes of a good client. They went to a server of their own, so they are unknown to
    every other server with the same key."""
    parts, decoy, near = our_parts("none", method), stage.port(), ("127.0.0.1", stage.port())
    stage.ss_server(parts, decoy)
    relay = stage.relay(("127.0.0.1", decoy))
    stage.ss_local(parts, relay.address, near[1])
    client = stage.keep(socks.dial(near, target))
    client.sendall(PAYLOAD)
    assert read_exactly(client, len(PAYLOAD)) == PAYLOAD
    return bytes(relay.wires[0].up)


def probed_server(stage: Stage, method: str = "aes-256-gcm", timeout: float = DEADLINE, **conf: object,
                  ) -> tuple[Address, int]:
    port = stage.port()
    server = stage.ss_server(our_parts("none", method), port, "--handshake-timeout", int(timeout),
                             password=PASSWORDS.get(method, PASSWORD), **conf)
    return ("127.0.0.1", port), server.pid


def assert_silent(reactions: list[Reaction], deadline: float = DEADLINE) -> None:
    assert {r.answer for r in reactions} == {b""}, "a probe got bytes back"
    assert {r.end for r in reactions} == {End.FIN}, [(r.end.name, r.seconds) for r in reactions]
    times = [r.seconds for r in reactions]
    assert all(abs(t - deadline) < SLACK for t in times), f"ends between {min(times)} and {max(times)}"


@dataclass
class Drip:
    sock: socket.socket
    count: int  # of bytes, each in a packet of its own
    started: float = field(default_factory=time.monotonic)


def flipped(data: bytes, index: int) -> bytes:
    return data[:index] + bytes([data[index] ^ 1]) + data[index + 1 :]


@pytest.mark.parametrize("method", METHODS[::2])
def test_every_kind_of_probe_ends_alike(stage: Stage, method: str) -> None:
    canary = stage.target(echo)
    flight = record_flight(stage, method, canary.address)
    assert canary.accepted == 1
    address, _ = probed_server(stage, method)
    good = stage.connect(address)
    good.sendall(flight)
    assert read_exactly(good, 1), "the control failed: an untouched flight is not served"
    procfs.eventually(lambda: canary.accepted == 2, "the control reached its target")
    rng = random.Random(2)
    probes = [b"", b"\0", rng.randbytes(50), rng.randbytes(500), flight]
    probes += [rng.randbytes(n) for n in (2, 15, 16, 17, 31, 32, 33, 34, 49, 51, 52, 66, 67, 100)]
    assert_silent(probe_all(address, [Probe(data) for data in probes], DEADLINE + 10))
    assert canary.accepted == 2, "a replayed flight was delivered"


def test_every_truncation_and_every_changed_byte_ends_alike(stage: Stage) -> None:
    canary = stage.target(echo)
    flight = record_flight(stage, "aes-256-gcm", canary.address)
    address, _ = probed_server(stage)
    truncated = [flight[:n] for n in range(FIRST_CHUNK)]
    changed = [flipped(flight, n) for n in range(FIRST_CHUNK)]
    assert_silent(probe_all(address, [Probe(d) for d in truncated + changed], DEADLINE + 10))
    assert canary.accepted == 1, "a changed flight was delivered"
    good = stage.connect(address)
    good.sendall(flight)
    assert read_exactly(good, 1), "incomplete and changed copies must not spoil the genuine flight"


def test_single_bytes_make_no_threshold(stage: Stage) -> None:
    """One byte after the other, up to beyond every header, with every cipher; each connection stops
    behind another number of them, and none ends before the deadline or behind it."""
    deadline, longest, step = extent(4.0, 20.0), 300, extent(15, 1)
    addresses = [probed_server(stage, method, deadline, handshakes_per_ip=1000)[0] for method in [*METHODS, *PASSWORDS]]
    rng = random.Random(3)
    drips = [Drip(stage.connect(address), count) for address in addresses for count in range(longest, 0, -step)]
    for sent in range(longest):
        for drip in drips:
            if sent < drip.count:
                drip.sock.send(rng.randbytes(1))
        wait_until_read(drips[0].sock)
    assert_silent(collect([(drip.sock, drip.started) for drip in drips], deadline + 10), deadline)


@pytest.mark.parametrize("mode", ["http", "tls", "inline:http", "inline:tls"])
def test_a_plugin_and_the_server_behind_it_have_one_deadline(stage: Stage, mode: str) -> None:
    """Bytes that are no obfs end at the plugin, no Shadowsocks behind obfs at the server. Inside of
    the server the plugin has the deadline, and the silence, that it has as a process."""
    port, rng = stage.port(), random.Random(6)
    server = stage.ss_server(our_parts(mode), port, "--handshake-timeout", int(DEADLINE))
    behind = REQUEST if mode.endswith("http") else b""
    probes = [Probe(data) for data in (b"", b"G", rng.randbytes(40), rng.randbytes(3000), behind + rng.randbytes(3000))]
    reactions = probe_all(("127.0.0.1", port), probes, DEADLINE + 10)
    assert {(r.end, r.answer) for r in reactions} == {(End.FIN, b"")}
    times = [r.seconds for r in reactions]
    assert all(abs(t - DEADLINE) < SLACK for t in times), times
    if mode.startswith("inline:"):
        return
    reached = "failed to handshake with 127.0.0.1" in server.output()
    assert reached == (mode == "http"), "what is behind a request has reached the server"


def test_a_probes_own_end_is_answered_by_an_end(stage: Stage) -> None:
    address, _ = probed_server(stage)
    rng = random.Random(4)
    probes = [Probe(rng.randbytes(n), fin=True) for n in (0, 1, 50, 51, 500, 5000)]
    reactions = probe_all(address, probes, DEADLINE + 10)
    assert {(r.end, r.answer) for r in reactions} == {(End.FIN, b"")}
    assert max(r.seconds for r in reactions) < DEADLINE + SLACK


def test_a_flight_is_delivered_once_however_often_it_comes(stage: Stage) -> None:
    canary = stage.target(echo)
    flight = record_flight(stage, "chacha20-ietf-poly1305", canary.address)
    address, _ = probed_server(stage, "chacha20-ietf-poly1305")
    good = stage.connect(address)
    good.sendall(flight)
    assert read_exactly(good, 1)
    assert_silent(probe_all(address, [Probe(flight)] * extent(100, 1000), DEADLINE + 10))
    assert canary.accepted == 2


def test_what_the_server_said_is_no_flight(stage: Stage) -> None:
    canary = stage.target(echo)
    parts, port = our_parts(), stage.port()
    stage.ss_server(parts, port, "--handshake-timeout", "2")
    relay = stage.relay(("127.0.0.1", port))
    near = ("127.0.0.1", stage.port())
    stage.ss_local(parts, relay.address, near[1])
    client = stage.keep(socks.dial(near, canary.address))
    client.sendall(PAYLOAD)
    assert read_exactly(client, len(PAYLOAD)) == PAYLOAD
    answer = bytes(relay.wires[0].down)
    assert_silent(probe_all(("127.0.0.1", port), [Probe(answer)], DEADLINE + 10))
    assert canary.accepted == 1


def test_garbage_behind_a_good_flight_cuts_the_target_and_nothing_else(stage: Stage) -> None:
    """The target gets an error, the prober no reaction, and nobody keeps the target's socket."""
    ends: list[End] = []

    def answer_once(sock: socket.socket) -> None:
        sock.sendall(read_exactly(sock, len(PAYLOAD)))
        ends.append(read_to_end(sock)[1])

    flight = record_flight(stage, "aes-256-gcm", stage.target(answer_once).address)
    address, pid = probed_server(stage)
    idle, sock = procfs.socket_count(pid), stage.connect(address)
    sock.sendall(flight)
    assert read_exactly(sock, 1)
    ends.clear()
    sock.sendall(random.Random(5).randbytes(300))
    procfs.eventually(lambda: ends == [End.RST], f"the target is cut off, not {ends}")
    sock.settimeout(0.5)
    assert read_to_end(sock)[1] is End.OPEN
    sock.shutdown(socket.SHUT_WR)
    sock.settimeout(20)
    assert read_to_end(sock)[1] is End.FIN
    procfs.eventually(lambda: procfs.socket_count(pid) == idle, "the server closed both sockets")


def test_probes_leave_nothing_behind(stage: Stage) -> None:
    address, pid = probed_server(stage)
    rng = random.Random(6)
    idle = procfs.socket_count(pid)

    def throw() -> list[Reaction]:
        probes = [Probe(rng.randbytes(rng.randrange(2000))) for _ in range(300)]
        return probe_all(address, probes, DEADLINE + 10)

    throw()
    kib = procfs.rss_kib(pid)
    assert_silent(throw())
    procfs.eventually(lambda: procfs.socket_count(pid) == idle, "all sockets closed again")
    assert procfs.rss_kib(pid) - kib < GROWTH_KIB


def differ(one: list[float], other: list[float]) -> bool:
    """The test of Kolmogorov and Smirnov: two such samples of one distribution are rarer than 1 of 100."""
    ones, others = sorted(one), sorted(other)
    gap = max(abs(bisect_right(ones, t) / len(ones) - bisect_right(others, t) / len(others)) for t in ones + others)
    return gap > 1.63 * math.sqrt((len(ones) + len(others)) / (len(ones) * len(others)))


def test_a_crowd_of_probes_ends_like_silence(stage: Stage) -> None:
    """At once, random bytes and none in turn: nothing comes back, the end does not tell them apart."""
    count, deadline, rng = extent(400, 10_000), extent(DEADLINE, 10.0), random.Random(7)
    address, pid = probed_server(stage, timeout=deadline, handshakes_per_ip=2 * count, nofile=2 * count)
    used = procfs.cpu_seconds(pid)
    probes = [Probe(rng.randbytes(1 + rng.randrange(2000) if n % 2 else 0)) for n in range(count)]
    reactions = probe_all(address, probes, deadline + 30)
    assert {(r.answer, r.end) for r in reactions} == {(b"", End.FIN)}
    times = [r.seconds for r in reactions]
    assert not differ(times[::2], times[1::2]), (sorted(times)[:5], sorted(times)[-5:])
    if FULL:
        assert procfs.cpu_seconds(pid) - used <= 0.2 * deadline, "more than a fifth of a processor"
