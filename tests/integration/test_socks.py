# SPDX-License-Identifier: Apache-2.0
"""The SOCKS5 side of ss-local: what clients of every kind get."""

from __future__ import annotations

import random
import socket

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly, read_to_end
from harness.programs import SANITIZED, SLOWER, peer
from harness.queues import wait_until_read
from harness.stage import Chain, Stage, our_parts
from harness.targets import Listener, echo, web

GROWTH_KIB = 16 * 1024 if SANITIZED else 2 * 1024
METHODS = b"\5\1\0"


@pytest.fixture
def chain(stage: Stage) -> Chain:
    return stage.chain(our_parts())


def assert_serves(stage: Stage, chain: Chain) -> None:
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"still here")
    assert read_exactly(client, 10) == b"still here"


def _full_listener(stage: Stage) -> Listener:
    """A listener whose queue is full: the next connect() to it stays without an answer."""
    listener = stage.listener(backlog=0)
    stage.connect(listener.address)
    return listener


def test_success_is_answered_before_the_dial_completes(stage: Stage) -> None:
    server = _full_listener(stage).address
    near = ("127.0.0.1", stage.port())
    stage.ss_local(our_parts(), server, near[1])
    client = socks.dial(near, ("192.0.2.1", 80), timeout=5)
    client.settimeout(0.3)
    assert read_to_end(client) == (b"", End.OPEN)
    client.close()


@pytest.mark.parametrize("obfs", ["none", "http", "tls"])
def test_a_refused_target_is_an_error(stage: Stage, obfs: str) -> None:
    chain = stage.chain(our_parts(obfs))
    client = chain.dial(("127.0.0.1", stage.port()))
    client.sendall(b"anybody there?")
    assert read_to_end(client) == (b"", End.RST)
    assert_serves(stage, chain)


@pytest.mark.parametrize("name", ["a" * 64 + ".invalid", "two..dots.invalid"])
def test_a_name_that_cannot_resolve_is_an_error(stage: Stage, chain: Chain, name: str) -> None:
    client = chain.dial((name, 80))
    client.sendall(b"anybody there?")
    assert read_to_end(client) == (b"", End.RST)
    assert_serves(stage, chain)


def test_what_is_no_name_is_refused_at_once(stage: Stage, chain: Chain) -> None:
    with pytest.raises(socks.Refused):
        chain.dial(("not a name", 80))
    assert_serves(stage, chain)


def test_a_server_that_refuses_is_an_error(stage: Stage) -> None:
    near = ("127.0.0.1", stage.port())
    stage.ss_local(our_parts(), ("127.0.0.1", stage.port()), near[1])
    client = stage.keep(socks.dial(near, ("192.0.2.1", 80)))
    assert read_to_end(client) == (b"", End.RST)


def test_the_target_may_be_a_name(stage: Stage, chain: Chain) -> None:
    target = stage.target(echo)
    client = chain.dial(("localhost", target.address[1]))
    client.sendall(b"by name")
    assert read_exactly(client, 7) == b"by name"


@pytest.mark.parametrize("obfs", ["none", "http", "tls"])
def test_everything_over_ipv6(stage: Stage, obfs: str) -> None:
    chain = stage.chain(our_parts(obfs), host="::1")
    client = chain.dial(stage.target(echo, "::1").address)
    client.sendall(b"sixth")
    assert read_exactly(client, 5) == b"sixth"


def test_a_request_in_single_bytes_and_payload_behind_it(stage: Stage, chain: Chain) -> None:
    target = stage.target(echo).address
    sock = stage.connect(chain.socks)
    for byte in METHODS + socks.request(target):
        sock.send(bytes([byte]))
        wait_until_read(sock)
    assert read_exactly(sock, 2) == b"\5\0"
    assert read_exactly(sock, 10)[:2] == b"\5\0"
    sock.sendall(b"slow but sure")
    assert read_exactly(sock, 13) == b"slow but sure"


def test_everything_in_one_packet(stage: Stage, chain: Chain) -> None:
    target = stage.target(echo).address
    sock = stage.connect(chain.socks)
    sock.sendall(METHODS + socks.request(target) + b"impatient")
    assert read_exactly(sock, 2) == b"\5\0"
    assert read_exactly(sock, 10)[:2] == b"\5\0"
    assert read_exactly(sock, 9) == b"impatient"


@pytest.mark.parametrize("command", [2, 4, 255])
def test_unknown_commands_are_answered(stage: Stage, chain: Chain, command: int) -> None:
    sock = socks.greet(chain.socks)
    sock.sendall(bytes([5, command]) + socks.request(("127.0.0.1", 9))[2:])
    answer, end = read_to_end(sock)
    assert answer[:2] == b"\5\7" and end is not End.OPEN
    assert_serves(stage, chain)


@pytest.mark.parametrize("kind", [0, 2, 5, 255])
def test_unknown_address_types_are_answered(stage: Stage, chain: Chain, kind: int) -> None:
    sock = socks.greet(chain.socks)
    sock.sendall(bytes([5, 1, 0, kind]) + b"\x7f\0\0\1\0\x50")
    answer, end = read_to_end(sock)
    assert answer[:2] == b"\5\x08" and end is not End.OPEN
    assert_serves(stage, chain)


def test_no_common_method_is_answered(stage: Stage, chain: Chain) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(b"\5\2\1\x80")
    answer, end = read_to_end(sock)
    assert answer == b"\5\xff" and end is not End.OPEN


def test_curl_with_credentials_only_is_served(stage: Stage, chain: Chain) -> None:
    """As httpx, Java and torsocks do it, too."""
    site, proxy = stage.target(web).address, chain.socks
    curl = stage.run(peer("curl"), "-sS", "--max-time", 30, "--socks5-basic", "--noproxy", "", "--socks5",
                     f"user:word@{proxy[0]}:{proxy[1]}", f"http://{site[0]}:{site[1]}/")
    assert curl.wait(30) == 0, curl.output()
    assert curl.output()


def test_a_client_that_offers_credentials_only_is_served(stage: Stage, chain: Chain) -> None:
    """No users are configured: any name and password will do."""
    sock = stage.connect(chain.socks)
    sock.sendall(b"\5\1\2")
    assert read_exactly(sock, 2) == b"\5\2"
    sock.sendall(b"\1\4user\0")
    assert read_exactly(sock, 2) == b"\1\0"
    sock.sendall(socks.request(stage.target(echo).address))
    assert read_exactly(sock, 10)[:2] == b"\5\0"
    sock.sendall(b"with a name")
    assert read_exactly(sock, 11) == b"with a name"


def _garbage(rng: random.Random) -> bytes:
    """Wrong from the first byte on, or right for a while."""
    start = rng.choice([b"", b"\5", b"\5\1\0", b"\5\1\0\5\1\0\3", b"\4\1", b"GET / "])
    return start + rng.randbytes(rng.choice([0, 1, 2, 3, 10, 100, 1000, 20000]))


def test_garbage_changes_nothing(stage: Stage, chain: Chain) -> None:
    rng, pid = random.Random(1), chain.local.pid
    idle = procfs.socket_count(pid)

    def throw(count: int) -> None:
        for _ in range(count):
            with socket.create_connection(chain.socks, 30) as sock:
                try:
                    sock.sendall(_garbage(rng))
                    sock.shutdown(socket.SHUT_WR)
                except OSError:
                    continue
                assert read_to_end(sock)[1] is not End.OPEN

    throw(150)
    kib = procfs.rss_kib(pid)
    throw(300)
    procfs.eventually(lambda: procfs.socket_count(pid) == idle, "all sockets closed", 10 * SLOWER)
    assert procfs.rss_kib(pid) - kib < GROWTH_KIB
    assert_serves(stage, chain)


def test_several_servers_take_turns_around_a_dead_one(stage: Stage) -> None:
    parts, near = our_parts(), ("127.0.0.1", stage.port())
    live = stage.port()
    stage.ss_server(parts, live)
    path = stage.config(server=[f"127.0.0.1:{live}", f"127.0.0.1:{live}"], server_port=live,
                        local_port=near[1], password="a password of the tests",
                        method=parts.method)
    stage.wait_listening(stage.run(parts.ss_local, "-c", path), near[1])
    target = stage.target(echo).address
    for _ in range(10):
        client = stage.keep(socks.dial(near, target))
        client.sendall(b"turn")
        assert read_exactly(client, 4) == b"turn"
