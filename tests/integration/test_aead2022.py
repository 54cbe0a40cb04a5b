# SPDX-License-Identifier: Apache-2.0
"""ss-server and ss-local against a client and a server of our own that say anything (SIP022, SIP023)."""

from __future__ import annotations

import os
import random
import socket
import struct
from collections.abc import Mapping
from pathlib import Path

import pytest
from harness import procfs, socks, ss2022, udp
from harness.blake3 import derive_key, hash32
from harness.content import End, read_exactly, read_to_end
from harness.plugin import toy
from harness.processes import Process
from harness.prober import Probe, Reaction, probe_all
from harness.programs import SANITIZED, SLOWER, ours
from harness.queues import wait_until_read
from harness.socks import Address
from harness.ss2022 import METHODS, Keys, Packet, Request, now
from harness.stage import SANDBOX, Stage
from harness.targets import echo

METHOD = "2022-blake3-aes-128-gcm"
DEADLINE = 2.0
SLACK = 0.35 * SLOWER
PAYLOAD = b"what a client says first"
PROBES, AT_ONCE = (1000 if SANITIZED else 10000), 1000
YEAR_2106 = 2**32


def keys_of(method: str, users: bool = False) -> Keys:
    size = METHODS[method]
    front = [bytes(range(100, 100 + size))] if users else []
    return Keys(method, bytes(range(size)), front)


def target_of(address: Address) -> bytes:
    return udp.header(address)


def serve(stage: Stage, keys: Keys, timeout: float = DEADLINE, port: int = 0,
          env: Mapping[str, str] | None = None) -> tuple[Process, Address]:
    """ss-server: the last key is a user's when there is one in front of it."""
    at = ("127.0.0.1", port or stage.port())
    main, user = (keys.front[-1], keys.own) if keys.front else (keys.own, None)
    users = [{"name": "alice", "password": Keys(keys.method, user).text}] if user else None
    path = stage.config(server=at[0], server_port=at[1], method=keys.method, users=users,
                        password=Keys(keys.method, main).text, mode="tcp_and_udp",
                        handshake_timeout=int(timeout))
    process = stage.run(ours("ss-server"), "-c", path, env=env)
    stage.wait_listening(process, at[1])
    udp.wait_bound(at[1], 10 * SLOWER)
    return process, at


def reader(sock: socket.socket):
    return lambda n: read_exactly(sock, n)


def assert_silent(reactions: list[Reaction]) -> None:
    assert {r.answer for r in reactions} == {b""}, "a probe got bytes back"
    assert {r.end for r in reactions} == {End.FIN}
    times = [r.seconds for r in reactions]
    assert all(abs(t - DEADLINE) < SLACK for t in times), f"ends between {min(times)} and {max(times)}"


def is_served(stage: Stage, at: Address, request: Request) -> None:
    sock = stage.connect(at)
    sock.sendall(request.head())
    _, payload = request.response_head(reader(sock))
    assert payload == request.payload


# The reference itself.


def test_the_reference_knows_blake3() -> None:
    """The official vectors: 1023 bytes hashed, and a key derived from one byte."""
    assert hash32(bytes(i % 251 for i in range(1023))).hex() == (
        "10108970eeda3eb932baac1428c7a2163b0e924c9a9e25b35bba72b28f70bd11")
    assert derive_key("BLAKE3 2019-12-27 16:29:52 test vectors context", b"\0").hex() == (
        "b3e2e340a117a499c6cf2398a19ee0d29cca2bb7404c73063382693bf66cb06c")


# Streams to our server.


@pytest.mark.parametrize("users", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_stream_goes_both_ways(stage: Stage, method: str, users: bool) -> None:
    if users and "chacha" in method:
        pytest.skip("no users with ChaCha")
    keys, target = keys_of(method, users), stage.target(echo)
    _, at = serve(stage, keys)
    sock = stage.connect(at)
    request = Request(keys, target_of(target.address), PAYLOAD)
    head = request.head()
    for byte in (head[i : i + 1] for i in range(len(head))):  # plugins cut streams anywhere
        sock.sendall(byte)
        wait_until_read(sock)
    opener, payload = request.response_head(reader(sock))
    assert payload == PAYLOAD
    for size in (1, 65535):
        text = os.urandom(size)
        sock.sendall(request.chunk(text))
        got = b""
        while len(got) < size:
            got += ss2022.read_chunk(opener, reader(sock))
        assert got == text
    sock.sendall(request.chunk(b"") + request.chunk(b"behind an empty one"))
    assert ss2022.read_chunk(opener, reader(sock)) == b"behind an empty one"


def good_ones(keys: Keys, target: bytes) -> dict[str, Request]:
    return {
        "padding alone": Request(keys, target, padding=b"x"),
        "much padding": Request(keys, target, padding=bytes(900)),
        "more padding than a client sends": Request(keys, target, padding=bytes(901)),
        "both": Request(keys, target, PAYLOAD, padding=b"xyz"),
        # not behind: a server that has just started takes nothing from before its start
        "20 s ahead": Request(keys, target, PAYLOAD, stamp=now() + 20),
        "much payload": Request(keys, target, bytes(60000)),
    }


def test_what_the_specification_allows_is_served(stage: Stage) -> None:
    keys, target = keys_of(METHOD), stage.target(echo)
    _, at = serve(stage, keys)
    requests = good_ones(keys, target_of(target.address))
    for number, request in enumerate(requests.values(), 1):
        stage.connect(at).sendall(request.head())
        procfs.eventually(lambda n=number: target.accepted == n, "the target is reached")


def bad_ones(keys: Keys, target: bytes) -> dict[str, bytes]:
    """Each field at wrong values, by a client that has the key."""
    wrong_key = Keys(keys.method, bytes(reversed(keys.own)), keys.front)
    made = {f"type {n}": Request(keys, target, PAYLOAD, kind=n) for n in (*range(1, 9), 127, 128, 255)}
    for off in (40, 60, 90, 3600, 86400, 2**31, 2**32, 2**62):
        made[f"{off} s behind"] = Request(keys, target, PAYLOAD, stamp=now() - off)
        made[f"{off} s ahead"] = Request(keys, target, PAYLOAD, stamp=now() + off)
    for stamp in (0, 1, -1, 2**31, YEAR_2106, 2**63 - 1, 2**63, 2**64 - 1):
        made[f"time {stamp}"] = Request(keys, target, PAYLOAD, stamp=stamp)
    whole = len(target) + 2 + len(PAYLOAD)
    for length in {0, 1, 2, len(target), len(target) + 1, whole - 1, whole + 1, 2 * whole, 65535}:
        made[f"length {length}"] = Request(keys, target, PAYLOAD, length_says=length)
    for size in (len(PAYLOAD) + 1, 255, 900, 901, 32768, 65535):
        made[f"padding {size}"] = Request(keys, target, PAYLOAD, padding_says=size)
    made["neither payload nor padding"] = Request(keys, target)
    made["no payload, padding says 1"] = Request(keys, target, padding_says=1)
    for kind in (0, 2, 5, 6, 127, 128, 255):
        made[f"address type {kind}"] = Request(keys, bytes([kind]) + target[1:], PAYLOAD)
    made["port 0"] = Request(keys, target[:-2] + b"\0\0", PAYLOAD)
    made["an empty name"] = Request(keys, b"\3\0" + target[-2:], PAYLOAD)
    made["a name with NUL"] = Request(keys, b"\3\3a\0b" + target[-2:], PAYLOAD)
    made["a name that is cut"] = Request(keys, b"\3\xffabc", PAYLOAD)
    made["an address that is cut"] = Request(keys, target[:3], padding=b"")
    made["nothing but a type"] = Request(keys, b"\1")
    made["another key"] = Request(wrong_key, target, PAYLOAD)
    return {name: request.head() for name, request in made.items()}


def wrong_names(keys: Keys, target: bytes) -> dict[str, bytes]:
    """Clients that do not name a user of the server."""
    server, user = keys.front[0], keys.own
    other = bytes(range(50, 50 + keys.size))
    return {name: Request(k, target, PAYLOAD).head() for name, k in {
        "no identity": Keys(keys.method, user),
        "the server's key alone": Keys(keys.method, server),
        "an unknown user": Keys(keys.method, other, [server]),
        "another server": Keys(keys.method, user, [other]),
        "one identity too many": Keys(keys.method, user, [server, server]),
    }.items()}


@pytest.mark.parametrize("users", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_every_wrong_value_ends_alike(stage: Stage, method: str, users: bool) -> None:
    if users and "chacha" in method:
        pytest.skip("no users with ChaCha")
    keys, canary = keys_of(method, users), stage.target(echo)
    target = target_of(canary.address)
    _, at = serve(stage, keys)
    is_served(stage, at, Request(keys, target, PAYLOAD))
    probes = {**bad_ones(keys, target), **(wrong_names(keys, target) if users else {})}
    assert_silent(probe_all(at, [Probe(data) for data in probes.values()], DEADLINE + 10))
    assert canary.accepted == 1, "something wrong was served"
    is_served(stage, at, Request(keys, target, PAYLOAD))


@pytest.mark.parametrize("method", METHODS)
def test_every_truncation_and_every_changed_byte_ends_alike(stage: Stage, method: str) -> None:
    keys, canary = keys_of(method), stage.target(echo)
    request = Request(keys, target_of(canary.address), PAYLOAD, stamp=now() + 20)
    flight = request.head()  # genuine for 50 s, which a slow machine needs
    _, at = serve(stage, keys)
    truncated = [flight[:n] for n in range(len(flight))]
    changed = [flight[:n] + bytes([flight[n] ^ 1]) + flight[n + 1 :] for n in range(len(flight))]
    assert_silent(probe_all(at, [Probe(data) for data in truncated + changed], DEADLINE + 10))
    assert canary.accepted == 0
    sock = stage.connect(at)  # incomplete copies do not spoil the genuine one
    sock.sendall(flight)
    assert request.response_head(reader(sock))[1] == PAYLOAD
    assert_silent(probe_all(at, [Probe(flight)] * 100, DEADLINE + 10))
    assert canary.accepted == 1, "a replay was served"


def test_random_probes_end_alike(stage: Stage) -> None:
    """Probes of every length, all at once: no bytes, one kind of end, and no time that differs."""
    canary, rng = stage.target(echo), random.Random(1)
    _, at = serve(stage, keys_of(METHOD, users=True))
    for _ in range(PROBES // AT_ONCE):
        probes = [Probe(rng.randbytes(rng.randrange(2000))) for _ in range(AT_ONCE)]
        reactions = probe_all(at, probes, DEADLINE + 30)
        assert {(r.answer, r.end) for r in reactions} == {(b"", End.FIN)}
        assert min(r.seconds for r in reactions) > DEADLINE - SLACK
    assert canary.accepted == 0


def test_what_the_server_said_is_no_request(stage: Stage) -> None:
    keys, canary = keys_of(METHOD), stage.target(echo)
    _, at = serve(stage, keys)
    relay = stage.relay(at)
    is_served(stage, relay.address, Request(keys, target_of(canary.address), PAYLOAD))
    assert_silent(probe_all(at, [Probe(bytes(relay.wires[0].down))], DEADLINE + 10))


def wait_for_a_new_second() -> None:
    second = now()
    procfs.eventually(lambda: now() > second, "the clock goes on")


def test_a_restart_makes_no_recording_valid(stage: Stage) -> None:
    keys, canary = keys_of(METHOD), stage.target(echo)
    server, at = serve(stage, keys)
    early = Request(keys, target_of(canary.address), PAYLOAD).head()
    flights = [Request(keys, target_of(canary.address), PAYLOAD) for _ in range(20)]
    for request in flights:
        is_served(stage, at, request)
    recorded = [Request(keys, r.target, PAYLOAD, salt=r.salt).head() for r in flights]
    assert server.stop() == 0
    wait_for_a_new_second()
    server, at = serve(stage, keys, port=at[1])
    assert_silent(probe_all(at, [Probe(flight) for flight in [*recorded, early]], DEADLINE + 10))
    assert "from before the time that this server remembers (restart it if" in server.output()
    assert canary.accepted == len(flights)
    is_served(stage, at, Request(keys, target_of(canary.address), PAYLOAD))


# Streams from our client.


class FakeServer:
    """Takes one connection of ss-local and records its first segment."""

    def __init__(self, stage: Stage, keys: Keys, **extra: object) -> None:
        self.stage, self.keys = stage, keys
        self.listener = stage.keep(socket.create_server(("127.0.0.1", 0)))
        self.near = ("127.0.0.1", stage.port())
        path = stage.config(server="127.0.0.1", server_port=self.listener.getsockname()[1],
                            local_address=self.near[0], local_port=self.near[1], method=keys.method,
                            password=keys.text, **extra)
        self.local = stage.run(ours("ss-local"), "-c", path)
        stage.wait_listening(self.local, self.near[1])

    def accept(self, say: bytes) -> tuple[socket.socket, socket.socket, bytes]:
        """The client's socket, the server's, and what arrived first."""
        app = self.stage.keep(socks.dial(self.near, ("192.0.2.1", 80)))
        if say:
            app.sendall(say)
        sock = self.stage.keep(self.listener.accept()[0])
        sock.settimeout(20)
        return app, sock, sock.recv(65536)

    def head(self, first: bytes) -> tuple[bytes, ss2022.Direction, int, bytes, bytes]:
        """Salt, direction, time, padding and payload of a request."""
        size, names = self.keys.size, self.keys.names()
        salt, at = first[:size], size
        for key, name in names:
            identity = derive_key(ss2022.IDENTITY, key + salt)[:size]
            assert ss2022.block(identity, first[at : at + 16], False) == name
            at += 16
        opener = self.keys.direction(salt)
        kind, stamp, length = struct.unpack("!BQH", opener.open(first[at : at + 27]))
        assert kind == 0 and len(first) == at + 27 + length + 16, "all of it is one segment"
        variable = opener.open(first[at + 27 :])
        assert variable[:7] == b"\1\xc0\0\2\1\0\x50"
        (padding,) = struct.unpack_from("!H", variable, 7)
        return salt, opener, stamp, variable[9 : 9 + padding], variable[9 + padding :]


@pytest.mark.parametrize("front", [0, 1, 3])
@pytest.mark.parametrize("method", METHODS)
def test_the_head_of_our_client_is_one_segment(stage: Stage, method: str, front: int) -> None:
    if front and "chacha" in method:
        pytest.skip("no chains with ChaCha")
    size = METHODS[method]
    keys = Keys(method, bytes(range(size)), [bytes([n] * size) for n in range(1, front + 1)])
    server = FakeServer(stage, keys)
    lengths = set()
    for say in (PAYLOAD, b"", b"", b""):
        _, _, first = server.accept(say)
        _, _, stamp, padding, payload = server.head(first)
        assert abs(stamp - now()) <= 2 and payload == say
        assert (padding == b"") == (say != b"") and len(padding) <= 900
        lengths |= {len(padding)}
    assert len(lengths) > 2, "the length of the padding is random"


def answer(keys: Keys, salt: bytes, text: bytes, kind: int = 1, stamp: int | None = None,
           says: bytes | None = None) -> bytes:
    own = os.urandom(keys.size)
    sealer = keys.direction(own)
    stamp = now() if stamp is None else stamp
    fixed = (struct.pack("!BQ", kind, stamp) + (salt if says is None else says)
             + struct.pack("!H", len(text)))
    return own + sealer.seal(fixed) + sealer.seal(text)


@pytest.mark.parametrize("method", METHODS)
def test_our_client_takes_the_answer_to_its_request_alone(stage: Stage, method: str) -> None:
    keys = keys_of(method)
    server = FakeServer(stage, keys)
    app, sock, first = server.accept(PAYLOAD)
    salt = server.head(first)[0]
    sock.sendall(answer(keys, salt, b"good"))
    assert read_exactly(app, 4) == b"good"
    wrong = [{"kind": 0}, {"kind": 2}, {"says": bytes(keys.size)}, {"stamp": now() - 40},
             {"stamp": now() + 40}, {"stamp": 0}]
    for fields in wrong:
        app, sock, first = server.accept(PAYLOAD)
        sock.sendall(answer(keys, server.head(first)[0], b"bad", **fields))
        assert read_to_end(app) == (b"", End.RST), fields
    app, sock, first = server.accept(PAYLOAD)
    good = answer(keys, server.head(first)[0], b"good")
    sock.sendall(good[:-1] + bytes([good[-1] ^ 1]))
    assert read_to_end(app) == (b"", End.RST)


def test_a_clock_that_is_off_is_told_once(stage: Stage) -> None:
    keys = keys_of(METHOD)
    server = FakeServer(stage, keys)
    for off in (-90, -90, 95):
        app, sock, first = server.accept(PAYLOAD)
        sock.sendall(answer(keys, server.head(first)[0], b"late", stamp=now() + off))
        assert read_to_end(app)[1] is End.RST
    lines = [line for line in server.local.output().splitlines() if "the clock of" in line]
    assert len(lines) == 1 and ("90 s behind ours" in lines[0] or "91 s behind ours" in lines[0])


def answers(stage: Stage, at: Address, flight: bytes) -> bool:
    sock = stage.connect(at)
    sock.sendall(flight)
    return sock.recv(1) != b""


@pytest.mark.skipif(SANITIZED, reason="a sanitizer wants to be loaded first")
def test_a_clock_that_steps_under_a_server_makes_no_replay_valid(stage: Stage, tmp_path: Path) -> None:
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        pytest.skip("no libfaketime here")
    clock, keys, target = tmp_path / "clock", keys_of(METHOD), stage.target(echo)
    clock.write_text("+0s")
    _, at = serve(stage, keys, env={"LD_PRELOAD": str(library), "FAKETIME_NO_CACHE": "1",
                                    "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_DONT_FAKE_MONOTONIC": "1"})
    to, peer = target_of(target.address), stage.keep(udp.Echo())

    def request(step: int) -> bytes:
        return Request(keys, to, PAYLOAD, stamp=now() + step).head()

    flights = [request(0)]
    packet = Packet(keys, bytes(8), 1, target_of(peer.address), b"once", stamp=now()).sealed()
    sock = stage.keep(udp.open_socket())
    assert answers(stage, at, flights[0])
    sock.sendto(packet, at)
    sock.recv(udp.MAX)
    for step in (29, 90, 0, -3600, 0):
        clock.write_text(f"{step:+d}s")
        if step > 0:  # a stamp of this time proves that the server's clock has stepped
            flights.append(request(step))
            assert answers(stage, at, flights[-1])
        assert_silent(probe_all(at, [Probe(flight) for flight in flights], DEADLINE + 10))
        sock.sendto(packet, at)
    sock.sendto(Packet(keys, bytes(7) + b"1", 1, target_of(peer.address), b"last", stamp=now()).sealed(), at)
    sock.recv(udp.MAX)
    assert [text for text, _ in peer.seen] == [b"once", b"last"]
    assert target.accepted == len(flights)


def test_the_prefix_of_a_url_begins_the_salt(stage: Stage) -> None:
    keys = Keys("2022-blake3-aes-256-gcm", bytes(range(32)))
    listener = stage.keep(socket.create_server(("127.0.0.1", 0)))
    near = ("127.0.0.1", stage.port())
    password = keys.text.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    url = (f"ss://{keys.method}:{password}@127.0.0.1:{listener.getsockname()[1]}/"
           "?outline=1&prefix=HTTP%2F1.1%20")
    local = stage.run(ours("ss-local"), url, "-l", near[1])
    stage.wait_listening(local, near[1])
    stage.keep(socks.dial(near, ("192.0.2.1", 80))).sendall(PAYLOAD)
    sock = stage.keep(listener.accept()[0])
    sock.settimeout(20)
    assert sock.recv(65536).startswith(b"HTTP/1.1 ")


# Packets to our server.


@pytest.fixture(params=[(m, u) for m in METHODS for u in (False, True) if not (u and "chacha" in m)],
                ids=lambda p: f"{p[0]}-{'users' if p[1] else 'one'}")
def packets(request: pytest.FixtureRequest, stage: Stage) -> tuple[Keys, Address, udp.Echo]:
    keys = keys_of(*request.param)
    _, at = serve(stage, keys)
    return keys, at, stage.keep(udp.Echo())


def exchange(keys: Keys, at: Address, packet: Packet, sock: socket.socket) -> tuple[bytes, int, bytes]:
    """The session and number of the answer, and its payload."""
    sock.sendto(packet.sealed(), at)
    session, number, body = ss2022.open_packet(keys, sock.recv(65535))
    kind, stamp = struct.unpack_from("!BQ", body)
    assert kind == 1 and abs(stamp - now()) <= 2 and body[9:17] == packet.session
    (padding,) = struct.unpack_from("!H", body, 17)
    assert session != packet.session
    return session, number, body[19 + padding + len(packet.target) :]


def test_packets_go_both_ways_and_addresses_may_change(packets, stage: Stage) -> None:
    keys, at, target = packets
    session, first, second = os.urandom(8), udp.open_socket(), udp.open_socket()
    stage.keep(first), stage.keep(second)
    header = target_of(target.address)
    # far out of order, though within the window; with padding of every kind
    numbers = [0, 900, 5, 899, 901, 1]
    answers = []
    for i, number in enumerate(numbers):
        packet = Packet(keys, session, number, header, b"packet %d" % number, padding=bytes(i * 200))
        answers.append(exchange(keys, at, packet, [first, second][i % 2]))
    assert [a[2] for a in answers] == [b"packet %d" % n for n in numbers]
    assert len({a[0] for a in answers}) == 1, "one session of the server for one of the client"
    assert sorted(a[1] for a in answers) == list(range(len(numbers)))
    assert len({source for _, source in target.seen}) == 1, "one association"
    other = exchange(keys, at, Packet(keys, os.urandom(8), 0, header, b"x"), first)
    assert other[0] != answers[0][0]


def wrong_packets(keys: Keys, session: bytes, target: bytes) -> dict[str, bytes]:
    def made(**fields: object) -> bytes:
        return Packet(keys, session, 100, target, PAYLOAD, **fields).sealed()

    found = {f"type {n}": made(kind=n) for n in (1, 2, 127, 255)}
    for stamp in (0, now() - 40, now() + 40, now() - 3600, 2**31, YEAR_2106, 2**63, 2**64 - 1):
        found[f"time {stamp}"] = made(stamp=stamp)
    found["padding beyond the end"] = made(padding_says=65535)
    found["bytes behind the tag"] = made(behind=b"x")
    good = made()
    for i in range(len(good)):
        found[f"byte {i} changed"] = good[:i] + bytes([good[i] ^ 1]) + good[i + 1 :]
        found[f"{i} bytes"] = good[:i]
    for target_says in (b"\0" + target[1:], b"\2" + target[1:], target[:-2] + b"\0\0", b"\3\0\0\1",
                        b"\1", b"\3\xffa"):
        found[f"target {target_says.hex()}"] = Packet(keys, session, 100, target_says,
                                                      b"").sealed()
    return found


def test_a_wrong_packet_is_not_answered(packets, stage: Stage) -> None:
    keys, at, target = packets
    session, sock = os.urandom(8), stage.keep(udp.open_socket())
    header = target_of(target.address)
    exchange(keys, at, Packet(keys, session, 0, header, b"good"), sock)
    for number, data in enumerate(wrong_packets(keys, session, header).values()):
        sock.sendto(data, at)
        if number % 50 == 49:  # as many as the server's socket holds
            exchange(keys, at, Packet(keys, session, 200 + number, header, b"between"), sock)
    # Refused packets have not moved the window, and nothing came back but this.
    assert exchange(keys, at, Packet(keys, session, 100, header, b"now"), sock)[2] == b"now"
    sock.setblocking(False)
    with pytest.raises(BlockingIOError):
        sock.recv(65535)
    assert {packet for packet, _ in target.seen} <= {b"good", b"between", b"now"}


def test_a_packet_comes_once(packets, stage: Stage) -> None:
    keys, at, target = packets
    session, sock = os.urandom(8), stage.keep(udp.open_socket())
    header = target_of(target.address)
    recorded = [Packet(keys, session, n, header, b"%d" % n).sealed() for n in range(20)]
    for _ in range(3):
        for data in recorded:
            sock.sendto(data, at)
    assert exchange_last(keys, at, Packet(keys, session, 5000, header, b"last"), sock) == b"last"
    late = Packet(keys, session, 5, header, b"5")  # behind the window, too
    sock.sendto(late.sealed(), at)
    exchange_last(keys, at, Packet(keys, session, 5001, header, b"end"), sock)
    seen = [packet for packet, _ in target.seen]
    assert sorted(seen) == sorted([b"%d" % n for n in range(20)] + [b"last", b"end"])


def exchange_last(keys: Keys, at: Address, packet: Packet, sock: socket.socket) -> bytes:
    """Answers to earlier packets come before."""
    sock.sendto(packet.sealed(), at)
    while True:
        body = ss2022.open_packet(keys, sock.recv(65535))[2]
        payload = body[19 + len(packet.target) :]
        if payload == packet.payload:
            return payload


def test_random_packets_are_not_answered(packets, stage: Stage) -> None:
    keys, at, target = packets
    rng, sock = random.Random(3), stage.keep(udp.open_socket())
    session, header = os.urandom(8), target_of(target.address)
    for number in range(40):
        for _ in range(50):
            sock.sendto(rng.randbytes(rng.randrange(1400)), at)
        assert exchange(keys, at, Packet(keys, session, number, header, b"x"), sock)[2] == b"x"


def test_a_session_goes_on_with_a_server_that_restarts(stage: Stage) -> None:
    keys, target = keys_of(METHOD), stage.keep(udp.Echo())
    server, at = serve(stage, keys)
    session, sock = os.urandom(8), stage.keep(udp.open_socket())
    header = target_of(target.address)
    recorded = Packet(keys, session, 0, header, b"before")
    before = exchange(keys, at, recorded, sock)
    replay = recorded.sealed()
    assert server.stop() == 0
    wait_for_a_new_second()
    serve(stage, keys, port=at[1])
    sock.sendto(replay, at)
    after = exchange(keys, at, Packet(keys, session, 1, header, b"after"), sock)
    assert after[2] == b"after" and after[0] != before[0]
    assert [packet for packet, _ in target.seen] == [b"before", b"after"]


# Packets through a plugin (SIP003u).


@pytest.mark.parametrize("method", [*METHODS, "aes-128-gcm", "aes-192-gcm", "aes-256-gcm",
                                    "chacha20-ietf-poly1305", "xchacha20-ietf-poly1305"])
def test_a_plugin_carries_the_packets_of_every_method(stage: Stage, method: str) -> None:
    password = keys_of(method).text if method in METHODS else "a password of the tests"
    public, near = stage.port(), ("127.0.0.1", stage.port())
    shared = {"server": "127.0.0.1", "server_port": public, "method": method, "password": password,
              "mode": "tcp_and_udp", "plugin": str(toy()), "plugin_opts": "mask=7",
              "plugin_mode": "tcp_and_udp", **SANDBOX}
    far = stage.run(ours("ss-server"), "-c", stage.config(**shared))
    udp.wait_bound(public, 10 * SLOWER)
    stage.wait_plugin(far, "SS_REMOTE_PORT")
    local = stage.run(ours("ss-local"), "-c",
                      stage.config(**shared, local_address=near[0], local_port=near[1]))
    stage.wait_listening(local, near[1])
    stage.wait_plugin(local, "SS_LOCAL_PORT")
    target, client = stage.keep(udp.Echo()), stage.keep(udp.Client(near))
    for size in (0, 1, 512, 1200):
        client.send(target.address, bytes(size))
        assert client.receive() == (target.address, bytes(size))
