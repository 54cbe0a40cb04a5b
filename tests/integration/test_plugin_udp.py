# SPDX-License-Identifier: Apache-2.0
"""Datagrams of programs made with ssp_main() (SIP003u): when they are carried, and how."""

from __future__ import annotations

import socket

import pytest
from harness import procfs, udp
from harness.content import content, read_exactly
from harness.plugin import End, pair, toy, udp_sockets
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.stage import Stage
from harness.targets import echo

CONFIG = 78
LARGEST = 65507 - len(b"toyd")


class Box:
    """Someone with a UDP socket who talks to one address."""

    def __init__(self, stage: Stage, to: Address) -> None:
        self.sock = stage.keep(udp.open_socket())
        self.to = to

    def trade(self, payload: bytes) -> bytes:
        self.sock.sendto(payload, self.to)
        return self.sock.recv(65535)


def datagram_pair(stage: Stage, mode: str = "udp_only", **how) -> tuple[End, End, udp.Echo]:
    target = stage.keep(udp.Echo())
    client, server = pair(stage, target.address, SS_PLUGIN_MODE=mode, **how)
    return client, server, target


def test_every_size_comes_back(stage: Stage) -> None:
    client, _, _ = datagram_pair(stage)
    box = Box(stage, client.listened)
    for size in [*range(0, 64), 100, 512, 1000, 1399, 1400, 9000, LARGEST]:
        payload = content(size, size)
        assert box.trade(payload) == payload, size


def test_what_does_not_fit_any_more_is_lost_and_the_next_one_is_not(stage: Stage) -> None:
    client, _, _ = datagram_pair(stage)
    box = Box(stage, client.listened)
    box.sock.sendto(content(LARGEST + 1), box.to)
    assert box.trade(b"next") == b"next"


def test_each_client_has_an_association_of_its_own(stage: Stage) -> None:
    client, server, target = datagram_pair(stage)
    one, two = Box(stage, client.listened), Box(stage, client.listened)
    for text in (b"a", b"b", b"c"):
        assert one.trade(b"1" + text) == b"1" + text and two.trade(b"2" + text) == b"2" + text
    sources = {payload[:1]: source for payload, source in target.seen}
    assert len({source for _, source in target.seen}) == 2 and sources[b"1"] != sources[b"2"]
    for end in (client, server):  # the listening one, and one for each
        assert udp_sockets(end.pid) == 3


def test_the_bytes_on_the_wire_are_the_codecs(stage: Stage) -> None:
    wires: list[udp.Wire] = []
    target = stage.keep(udp.Echo())
    public = ("127.0.0.1", stage.port())
    End(stage, toy(), "server", target.address, public, "mask=7", SS_PLUGIN_MODE="udp_only")
    wires.append(stage.keep(udp.Wire(public)))
    client = End(stage, toy(), "client", ("127.0.0.1", stage.port()), wires[0].address, "mask=7",
                 SS_PLUGIN_MODE="udp_only")
    assert Box(stage, client.listened).trade(b"hello") == b"hello"
    sealed = b"toyd" + bytes(byte ^ 7 for byte in b"hello")
    assert wires[0].up == [sealed] and wires[0].down == [sealed]


def test_foreign_datagrams_are_dropped_silently_and_counted(stage: Stage) -> None:
    client, server, target = datagram_pair(stage)
    stranger, box = Box(stage, server.listened), Box(stage, client.listened)
    for payload in (b"", b"toy", b"not ours", content(60_000)):
        stranger.sock.sendto(payload, stranger.to)
    assert box.trade(b"hello") == b"hello"
    assert udp.silent(stranger.sock) and [payload for payload, _ in target.seen] == [b"hello"]
    assert server.process.stop() == 0
    assert server.stats() == {"conns": 0, "live": 0, "up": 5, "down": 5, "foreign": 4, "fail": 0,
                              "wire-up": 0, "wire-down": 0}
    assert "dropped" not in server.process.output()


def test_nobody_else_can_answer_for_the_backend(stage: Stage) -> None:
    client, server, target = datagram_pair(stage)
    box = Box(stage, client.listened)
    assert box.trade(b"hello") == b"hello"
    stranger = stage.keep(udp.open_socket())
    stranger.sendto(b"from the backend, honestly", target.seen[0][1])
    assert udp.silent(box.sock)


@pytest.mark.parametrize("mode", ["tcp_and_udp", "option"])
def test_both_at_once(stage: Stage, mode: str) -> None:
    backend = stage.target(echo)
    twin = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stage.keep(twin).bind(backend.address)
    twin.settimeout(udp.TIMEOUT)
    how = {"options": "udp"} if mode == "option" else {"SS_PLUGIN_MODE": mode}
    client, server = pair(stage, backend.address, **how)
    sock = stage.connect(client.listened)
    sock.sendall(b"stream")
    assert read_exactly(sock, 6) == b"stream"
    box = Box(stage, client.listened)
    box.sock.sendto(b"datagram", box.to)
    payload, source = twin.recvfrom(100)
    twin.sendto(payload, source)
    assert box.sock.recv(100) == b"datagram"
    assert "(tcp and udp)" in client.notices()[0]


def test_udp_only_has_no_tcp_listener(stage: Stage) -> None:
    client, server, _ = datagram_pair(stage)
    assert udp.bound(client.listened[1]) and udp.bound(server.listened[1])
    assert not procfs.listening(client.listened[1]) and not procfs.listening(server.listened[1])


@pytest.mark.parametrize("env", [{}, {"SS_PLUGIN_MODE": "tcp_only"}, {"SS_PLUGIN_MODE": ""}], ids=str)
def test_there_is_no_udp_socket_unless_asked(stage: Stage, env: dict[str, str]) -> None:
    client, server = pair(stage, stage.target(echo).address, **env)
    assert [udp_sockets(end.pid) for end in (client, server)] == [0, 0]
    assert not udp.bound(client.listened[1]) and not udp.bound(server.listened[1])


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_a_codec_without_datagrams(stage: Stage, program: str) -> None:
    role = "client" if program == "obfs-local" else "server"

    def start(mode: str, wait: bool) -> End:
        return End(stage, ours(program), role, ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port()),
                   "obfs=http", wait=wait, SS_PLUGIN_MODE=mode)

    for mode in ("udp_only", "tcp_and_udp"):
        refused = start(mode, wait=False)
        assert refused.process.wait(15 * SLOWER) == CONFIG
        assert "carries no datagrams" in refused.process.output() and refused.notices() == []
    plain = start("tcp_only", wait=True)
    assert procfs.listening(plain.listened[1]) and udp_sockets(plain.pid) == 0


def test_a_stack_carries_datagrams_through_all_layers(stage: Stage) -> None:
    client, server, _ = datagram_pair(stage, program=toy("toy-stack"), options="mask=1;coat.mask=2")
    box = Box(stage, client.listened)
    for size in (0, 1, 1400, 65507 - 5):
        assert box.trade(content(size)) == content(size)
    raw = Box(stage, server.listened)
    sealed = b"!" + bytes(byte ^ 2 for byte in b"toyd") + bytes(byte ^ 3 for byte in b"hello")
    assert raw.trade(sealed) == sealed


def test_a_port_that_is_taken_is_an_error(stage: Stage) -> None:
    taken = stage.keep(udp.open_socket())
    end = End(stage, toy(), "client", taken.getsockname(), ("127.0.0.1", stage.port()), wait=False,
              SS_PLUGIN_MODE="udp_only")
    assert end.process.wait(15 * SLOWER) == 69
    assert str(taken.getsockname()[1]) in end.process.output()
