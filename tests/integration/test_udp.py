# SPDX-License-Identifier: Apache-2.0
"""UDP through ss-local and ss-server: what passes, what does not, and what stands beside a plugin."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time

import pytest
from harness import procfs, socks, udp
from harness.content import End, content, read_exactly, read_to_end
from harness.extent import extent
from harness.programs import SANITIZED, SLOWER
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

GROWTH_KIB = 24 * 1024 if SANITIZED else 4 * 1024
SIZES = [0, 1, 2, 512, 1397, 1473, 9000, 32768, 65440]
ROLES = ["server", "local"]
SERVER_MAX, LOCAL_MAX = 512, 256
OTHER_FILES = 40


def udp_chain(stage: Stage, obfs: str = "none", host: str = "127.0.0.1", **extra: object) -> Chain:
    chain = stage.chain(our_parts(obfs), host=host, **{"mode": "tcp_and_udp", **extra})
    udp.wait_bound(chain.public[1], 10 * SLOWER)
    udp.wait_bound(chain.socks[1], 10 * SLOWER)
    return chain


@pytest.fixture
def chain(stage: Stage) -> Chain:
    return udp_chain(stage)


def a_client(stage: Stage, chain: Chain) -> udp.Client:
    return stage.keep(udp.Client(chain.socks))


def an_echo(stage: Stage, host: str = "127.0.0.1") -> udp.Echo:
    return stage.keep(udp.Echo(host))


def assert_serves(stage: Stage, chain: Chain) -> None:
    a_client(stage, chain).trade(an_echo(stage).address, b"still here")


# Packets that pass.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_packets_of_every_size_come_back(stage: Stage, host: str) -> None:
    chain = udp_chain(stage, host=host)
    client, target = a_client(stage, chain), an_echo(stage, host)
    for size in SIZES:
        assert client.trade(target.address, content(size)) == target.address


@pytest.mark.parametrize("method", ["aes-128-gcm", "aes-192-gcm", "chacha20-ietf-poly1305",
                                    "xchacha20-ietf-poly1305"])
def test_every_method_carries_packets(stage: Stage, method: str) -> None:
    chain = stage.chain(our_parts(method=method), mode="tcp_and_udp")
    a_client(stage, chain).trade(an_echo(stage).address, content(1000))


def test_the_target_may_be_a_name(stage: Stage, chain: Chain) -> None:
    client, target = a_client(stage, chain), an_echo(stage)
    for size in SIZES:
        assert client.trade(("localhost", target.address[1]), content(size)) == target.address


def test_an_ipv4_client_reaches_an_ipv6_target(stage: Stage, chain: Chain) -> None:
    client, sixth, fourth = a_client(stage, chain), an_echo(stage, "::1"), an_echo(stage)
    assert client.trade(sixth.address, b"six") == sixth.address
    assert client.trade(fourth.address, b"four") == fourth.address


def test_a_packet_that_is_too_large_is_lost_alone(stage: Stage, chain: Chain) -> None:
    client, target = a_client(stage, chain), an_echo(stage)
    client.send(target.address, content(65497))
    client.trade(target.address, b"smaller")
    assert [len(packet) for packet, _ in target.seen] == [7]


def test_a_name_that_cannot_resolve_stops_nobody(stage: Stage, chain: Chain) -> None:
    client, target = a_client(stage, chain), an_echo(stage)
    for number in range(10):
        client.send((f"nobody-{number}.invalid", 53), b"lost")
    client.trade(target.address, b"by address")
    assert_serves(stage, chain)


def test_clients_hear_only_their_own_answers(stage: Stage, chain: Chain) -> None:
    target = an_echo(stage)
    clients = [a_client(stage, chain) for _ in range(10)]
    for turn in range(20):
        for number, client in enumerate(clients):
            client.send(target.address, b"%d of %d" % (turn, number))
        for number, client in enumerate(clients):
            assert client.receive() == (target.address, b"%d of %d" % (turn, number))
    assert all(client.hears_nothing(0.01) for client in clients)
    assert len({source for _, source in target.seen}) == len(clients)


def test_a_client_has_one_address_toward_all_targets(stage: Stage, chain: Chain) -> None:
    client, targets = a_client(stage, chain), [an_echo(stage) for _ in range(3)]
    for target in targets:
        assert client.trade(target.address, b"hello") == target.address
    assert len({target.seen[0][1] for target in targets}) == 1


def test_the_type_of_service_passes_both_ways(stage: Stage, chain: Chain) -> None:
    """Expedited forwarding, and a congestion mark, through both programs."""
    up, down = 46 << 2 | 2, 10 << 2 | 3
    client, target = a_client(stage, chain), stage.keep(udp.open_socket())
    for sock, tos in ((client.sock, up), (target, down)):
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, tos)
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
    client.send(target.getsockname(), b"up")
    text, controls, _, source = target.recvmsg(64, 64)
    assert text == b"up" and controls[0][2] == bytes([up])
    target.sendto(b"down", source)
    text, controls, _, _ = client.sock.recvmsg(64, 64)
    assert udp.parse(text)[1] == b"down" and controls[0][2] == bytes([down])


def test_an_mtu_drops_what_exceeds_it(stage: Stage) -> None:
    """The limit of a server, toward the target and toward the client: salt, header and tag are 55 bytes."""
    parts, public, near = our_parts(), stage.port(), ("127.0.0.1", stage.port())
    stage.ss_server(parts, public, mode="tcp_and_udp", mtu=1000)
    stage.ss_local(parts, ("127.0.0.1", public), near[1], mode="tcp_and_udp")
    client, target = stage.keep(udp.Client(near)), an_echo(stage)
    largest, fits = 1000 - 28, 1000 - 28 - 55
    for size in (largest + 1, largest, fits + 1):
        client.send(target.address, bytes(size))
    client.trade(target.address, bytes(fits))
    assert [len(packet) for packet, _ in target.seen] == [largest, fits + 1, fits]


# UDP ASSOCIATE.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_association_lasts_as_long_as_its_connection(stage: Stage, host: str) -> None:
    chain, target = udp_chain(stage, host=host), an_echo(stage, host)
    idle = procfs.socket_count(chain.local.pid)
    sock = socks.greet(chain.socks)
    sock.sendall(b"\5\3\0\1\0\0\0\0\0\0")
    expected = b"\5\0\0" + udp.header(chain.socks)
    assert read_exactly(sock, len(expected)) == expected
    sock.sendall(b"whatever is said now is not heard")
    sock.settimeout(0.3)
    assert read_to_end(sock) == (b"", End.OPEN)
    with udp.open_socket(host) as packets:
        packets.sendto(b"\0\0\0" + udp.header(target.address) + b"served", chain.socks)
        assert udp.parse(packets.recv(udp.MAX)) == (target.address, b"served")
        assert procfs.socket_count(chain.local.pid) > idle + 1
        sock.settimeout(10)
        sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock) == (b"", End.FIN)
        sock.close()
        procfs.eventually(lambda: procfs.socket_count(chain.local.pid) == idle,
                          "connection and association are gone")
        packets.sendto(b"\0\0\0" + udp.header(target.address) + b"too late", chain.socks)
        a_client(stage, chain).trade(target.address, b"another")
    assert [packet for packet, _ in target.seen] == [b"served", b"another"]


def test_an_association_that_is_used_outlives_the_timeout(stage: Stage) -> None:
    chain, target = udp_chain(stage, timeout=1), an_echo(stage)
    client = a_client(stage, chain)
    client.trade(target.address, b"first")
    client.connection.settimeout(2.5)
    assert read_to_end(client.connection) == (b"", End.OPEN)
    client.trade(target.address, b"later")


def test_only_the_client_of_a_connection_is_served(stage: Stage, chain: Chain) -> None:
    """Neither another host, nor another port, nor a client that has not asked by TCP."""
    target = an_echo(stage)
    packet = b"\0\0\0" + udp.header(target.address) + b"not served"
    strange = stage.keep(udp.open_socket("127.0.0.2"))
    other = stage.keep(udp.open_socket())
    other.sendto(packet, chain.socks)
    client = a_client(stage, chain)
    strange.sendto(packet, chain.socks)
    client.trade(target.address, b"served")
    other.sendto(packet, chain.socks)
    client.trade(target.address, b"again")
    assert [packet for packet, _ in target.seen] == [b"served", b"again"]


def test_a_client_that_names_its_port_is_served_there_only(stage: Stage, chain: Chain) -> None:
    target, mine, other = an_echo(stage), udp.open_socket(), udp.open_socket()
    connection, door = udp.associate(chain.socks, mine.getsockname())
    with mine, other, connection:
        for sock, text in ((other, b"not mine"), (mine, b"mine"), (other, b"not mine")):
            sock.sendto(b"\0\0\0" + udp.header(target.address) + text, door)
        assert udp.parse(mine.recv(udp.MAX)) == (target.address, b"mine")
        a_client(stage, chain).trade(target.address, b"another")
    assert [packet for packet, _ in target.seen] == [b"mine", b"another"]


def test_a_server_without_udp_is_named(stage: Stage) -> None:
    server, near = stage.port(), ("127.0.0.1", stage.port())
    local = stage.ss_local(our_parts(), ("127.0.0.1", server), near[1], mode="tcp_and_udp")
    client = stage.keep(udp.Client(near))
    client.send(("127.0.0.1", 9), b"refused")
    said = f"UDP to 127.0.0.1:{server}: Connection refused (does UDP run there?)"
    procfs.eventually(lambda: local.output().count(said) == 1, "one line")


@pytest.mark.parametrize("name", [b"name", b"0"])  # PySocks asks for the name "0"
def test_everything_of_an_association_may_come_in_one_packet(stage: Stage, chain: Chain,
                                                             name: bytes) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(b"\5\1\0" + b"\5\3\0\3" + bytes([len(name)]) + name + b"\x12\x34")
    assert read_exactly(sock, 2) == b"\5\0"
    assert read_exactly(sock, 10) == b"\5\0\0" + udp.header(chain.socks)


@pytest.mark.parametrize("extra", [{}, {"mode": "tcp_only"}])
def test_without_udp_an_association_is_refused(stage: Stage, extra: dict[str, str]) -> None:
    chain = stage.chain(our_parts(), **extra)
    sock = socks.greet(chain.socks)
    sock.sendall(b"\5\3\0\1\0\0\0\0\0\0")
    answer, end = read_to_end(sock)
    assert answer[:2] == b"\5\7" and end is not End.OPEN
    assert not udp.bound(chain.socks[1]) and not udp.bound(chain.public[1])


# Packets that do not pass.


def test_fragments_are_dropped(stage: Stage, chain: Chain) -> None:
    client, target = a_client(stage, chain), an_echo(stage)
    for fragment in (1, 2, 0x80, 0xFF):
        client.send(target.address, b"part", fragment)
    client.trade(target.address, b"whole")
    assert [packet for packet, _ in target.seen] == [b"whole"]


def a_recorded_packet(stage: Stage, chain: Chain) -> bytes:
    """The bytes that a genuine client has sent to the server of the chain."""
    wire, near = stage.keep(udp.Wire(chain.public)), ("127.0.0.1", stage.port())
    stage.ss_local(our_parts(), wire.address, near[1], mode="tcp_and_udp")
    udp.wait_bound(near[1], 10 * SLOWER)
    stage.keep(udp.Client(near)).trade(an_echo(stage).address, b"recorded")
    return wire.up[0]


def gets_through(client: udp.Client, target: socks.Address) -> bool:
    """A genuine packet; the kernel drops it while its queue is full of others."""
    client.sock.settimeout(2.0 * SLOWER)
    with contextlib.suppress(TimeoutError):
        return client.trade(target, b"between") == target
    return False


def test_garbage_is_not_answered_and_takes_no_place(stage: Stage, chain: Chain) -> None:
    """Random bytes of every length, a recorded packet, parts of it, and changed ones."""
    rng, target, record = random.Random(1), an_echo(stage), a_recorded_packet(stage, chain)
    sizes = [*range(70), 100, 1000, 1472, 9000, 65000]
    bad = [rng.randbytes(size) for size in sizes] + [record[:n] for n in range(1, len(record))] + [record] * 20
    bad += [record[:n] + bytes([record[n] ^ 1]) + record[n + 1 :] for n in range(len(record))]

    def throw(count: int) -> None:
        with udp.open_socket() as sock:
            for _ in range(count):
                for end in (chain.public, chain.socks):
                    sock.sendto(rng.choice(bad), end)
            client = a_client(stage, chain)
            procfs.eventually(lambda: gets_through(client, target.address), "the flood is over", 60 * SLOWER)
            assert udp.silent(sock)

    throw(400)
    before = [(procfs.fd_count(host.pid), procfs.rss_kib(host.pid)) for host in chain.hosts]
    began = time.monotonic()
    for _ in range(4):
        throw(extent(1000, 125_000))
    lines = 100 + 10 * (time.monotonic() - began)
    for host, (files, kib) in zip(chain.hosts, before):
        assert procfs.fd_count(host.pid) <= files + 8  # the genuine clients' own
        assert procfs.rss_kib(host.pid) - kib < GROWTH_KIB
        assert len(host.output().splitlines()) < lines
    assert {packet for packet, _ in target.seen} == {b"between"}


def test_what_has_another_key_never_reaches_the_target(stage: Stage, chain: Chain) -> None:
    near = ("127.0.0.1", stage.port())
    stage.wait_listening(stage.run(our_parts().ss_local, "-s", "127.0.0.1", "-p", chain.public[1],
                                   "-l", near[1], "-k", "another", "-m", "aes-256-gcm", "-u"),
                         near[1])
    stranger, target = stage.keep(udp.Client(near)), an_echo(stage)
    for _ in range(20):
        stranger.send(target.address, b"let me in")
    a_client(stage, chain).trade(target.address, b"genuine")
    assert [packet for packet, _ in target.seen] == [b"genuine"]
    assert stranger.hears_nothing()


def test_a_replayed_packet_is_dropped_on_both_sides(stage: Stage) -> None:
    parts, public, near = our_parts(), stage.port(), ("127.0.0.1", stage.port())
    stage.ss_server(parts, public, mode="tcp_and_udp")
    wire = stage.keep(udp.Wire(("127.0.0.1", public)))
    stage.ss_local(parts, wire.address, near[1], mode="tcp_and_udp")
    client, target = stage.keep(udp.Client(near)), an_echo(stage)
    client.trade(target.address, b"once")
    thief = stage.keep(udp.open_socket())
    (up,), (down,), ours = wire.up[:], wire.down[:], wire.client
    for packet in (up, down):
        thief.sendto(packet, ("127.0.0.1", public))
        wire.sock.sendto(packet, ours)
    client.trade(target.address, b"again")
    assert [packet for packet, _ in target.seen] == [b"once", b"again"]
    assert client.hears_nothing() and udp.silent(thief)


# Many.


@pytest.mark.parametrize("sources", [1, 1000])
def test_active_clients_stay_when_there_are_too_many(stage: Stage, chain: Chain, sources: int) -> None:
    target, active = an_echo(stage), [a_client(stage, chain) for _ in range(10)]
    count, lost = extent(SERVER_MAX + 100, 100_000), 0
    for client in active:
        client.trade(target.address, b"first")
        client.sock.settimeout(2.0 * SLOWER)
    for number in range(count):
        source = number % sources
        near = f"127.0.{source // 250}.{1 + source % 250}"
        with contextlib.closing(udp.Client(chain.socks, near)) as passer_by, contextlib.suppress(TimeoutError):
            passer_by.sock.settimeout(2.0 * SLOWER)
            passer_by.trade(target.address, b"passing by")
        try:
            active[number % 10].trade(target.address, b"active %d" % number)
        except TimeoutError:
            lost += 1
    assert lost <= count // 1000
    assert len({source for packet, source in target.seen if packet != b"passing by"}) == len(active)
    assert procfs.fd_count(chain.local.pid) <= LOCAL_MAX + OTHER_FILES
    assert procfs.fd_count(chain.server.pid) <= SERVER_MAX + OTHER_FILES


def test_a_flood_of_new_associations_leaves_room_for_others(stage: Stage) -> None:
    """5,000 a second of one source, each of them answered, while others begin, and one stays that is quiet. The
    server has room: all of them are one source there."""
    parts, public, near, count = our_parts(), stage.port(), ("127.0.0.1", stage.port()), 4 * LOCAL_MAX
    stage.ss_server(parts, public, wait=False, mode="udp_only", udp_max_associations=4096, nofile=16384)
    stage.ss_local(parts, ("127.0.0.1", public), near[1], wait=False, mode="udp_only")
    udp.wait_bound(public)
    udp.wait_bound(near[1])
    target, ended, begun = an_echo(stage), threading.Event(), [0]

    def flood() -> None:
        while begun[0] < count and not ended.wait(1 / 5000):
            with contextlib.closing(udp.open_socket("127.0.0.2")) as sock:
                sock.sendto(b"\0\0\0" + udp.header(target.address) + b"flood", near)
            begun[0] += 1

    def trades(client: udp.Client, payload: bytes) -> bool:
        """A packet may be lost where so many are."""
        client.sock.settimeout(2.0 * SLOWER)
        for _ in range(3):
            with contextlib.suppress(TimeoutError):
                return client.trade(target.address, payload) == target.address
        return False

    quiet = stage.keep(udp.Client(near, "127.0.0.3"))
    assert trades(quiet, b"quiet")
    attacker = threading.Thread(target=flood)
    attacker.start()
    try:
        while begun[0] < count:
            with contextlib.closing(udp.Client(near, "127.0.0.4")) as fresh:
                assert trades(fresh, b"fresh")
    finally:
        ended.set()
        attacker.join()
    assert trades(quiet, b"quiet")
    assert len({source for packet, source in target.seen if packet == b"quiet"}) == 1


# Beside a plugin.


def test_udp_goes_around_a_plugin(stage: Stage) -> None:
    chain = udp_chain(stage, "tls")
    a_client(stage, chain).trade(an_echo(stage).address, content(1000))
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"through it")
    assert read_exactly(client, 10) == b"through it"
    for host in chain.hosts:
        said = [line for line in host.output().splitlines() if "UDP bypasses" in line]
        assert len(said) == 1
        assert 'the plugin "' in said[0] and "it carries TCP only (plugin_udp: off" in said[0]


def test_plugin_udp_off_means_none(stage: Stage) -> None:
    chain = stage.chain(our_parts("tls"), mode="tcp_and_udp", plugin_udp="off")
    client = chain.dial(stage.target(echo).address)
    client.sendall(b"through it")
    assert read_exactly(client, 10) == b"through it"
    assert not udp.bound(chain.socks[1]) and not udp.bound(chain.public[1])
    sock = socks.greet(chain.socks)
    sock.sendall(b"\5\3\0\1\0\0\0\0\0\0")
    assert read_to_end(sock)[0][:2] == b"\5\7"
    for host in chain.hosts:
        assert host.output().count("UDP is off: the plugin") == 1


@pytest.mark.parametrize("obfs", ["none", "tls"])
def test_udp_only_starts_no_plugin_and_no_tcp(stage: Stage, obfs: str) -> None:
    parts, public, near = our_parts(obfs), stage.port(), ("127.0.0.1", stage.port())
    hosts = [stage.ss_server(parts, public, wait=False, mode="udp_only"),
             stage.ss_local(parts, ("127.0.0.1", public), near[1], wait=False, mode="udp_only")]
    udp.wait_bound(public, 10 * SLOWER)
    udp.wait_bound(near[1], 10 * SLOWER)
    stage.keep(udp.Client(near)).trade(an_echo(stage).address, b"nothing else")
    assert not procfs.listening(public) and not procfs.listening(near[1])
    for host in hosts:
        assert not host.plugins()
        assert host.output().count("TCP relay disabled") == 1
        assert host.output().count("is not started") == (obfs != "none")


def test_udp_only_without_udp_is_refused(stage: Stage) -> None:
    process = stage.ss_server(our_parts("tls"), stage.port(), wait=False, mode="udp_only",
                              plugin_udp="off")
    assert process.wait() == 255
    assert "leave no traffic to relay" in process.output()


@pytest.mark.parametrize("role", ROLES)
def test_a_taken_port_is_an_error(stage: Stage, role: str) -> None:
    taken = stage.keep(udp.open_socket())
    port = taken.getsockname()[1]
    if role == "server":
        process = stage.ss_server(our_parts(), port, wait=False, mode="udp_only")
    else:
        process = stage.ss_local(our_parts(), ("127.0.0.1", 9), port, wait=False, mode="udp_only")
    assert process.wait() == 255
    assert "failed to listen on any address" in process.output()
