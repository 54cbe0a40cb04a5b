# SPDX-License-Identifier: Apache-2.0
"""ss-redir on a router with real rules: both families, both protocols, REDIRECT and TPROXY."""

from __future__ import annotations

import socket
import struct
from pathlib import Path

import pytest
from harness import procfs, udp
from harness.content import End, content, hash_exactly, read_exactly, read_to_end, sha256
from harness.extent import extent
from harness.names import Etc, Name, NameServer
from harness.network import ip
from harness.processes import Process
from harness.programs import SLOWER, found
from harness.routed import CLIENT, FAMILIES, LAN, OTHER, PORT, SERVER, SERVER_PORT, TARGET, WAN, Routed
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo, hash_to_end, ledger

MIB = 1024 * 1024
BODY = extent(64, 1024) * MIB
SIZES = [0, 1, 16, 1200, 1400]
HOWS = ["redirect", "tproxy"]


@pytest.fixture
def net(stage: Stage, root: None) -> Routed:
    found("nft")
    return Routed(stage)


def up(net: Routed, how: str, *argv: object) -> None:
    net.nftables("up", "-l", PORT, *(["-T"] if how == "tproxy" else []), *argv)


def redir(net: Routed, family: int, how: str, **extra: object) -> Process:
    return net.redir(family, tcp_tproxy=how == "tproxy", **extra)


def tells_peer(sock: socket.socket) -> None:
    """A target that says whom it sees."""
    sock.sendall(sock.getpeername()[0].encode())


# Streams.


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_streams_of_clients(net: Routed, family: int, how: str) -> None:
    net.server(family)
    redir(net, family, how)
    up(net, how)
    target, up_bytes, down = net.target(ledger, family), content(MIB, 1), content(MIB, 2)
    near = net.connect(target.address)
    near.sendall(b"PUT %d\n" % MIB + up_bytes)
    assert read_exactly(near, 64).decode() == sha256(up_bytes)
    near.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(near, MIB) == sha256(down)
    seen, _ = read_to_end(net.connect(net.target(tells_peer, family).address))
    assert seen.decode() not in (CLIENT[family], WAN[family])


@pytest.mark.parametrize("how", HOWS)
def test_one_listener_for_both_families(net: Routed, how: str) -> None:
    net.server(4)
    redir(net, 4, how, host="::")
    up(net, how)
    for family in FAMILIES:
        near = net.connect(net.target(echo, family).address)
        near.sendall(b"hello")
        assert read_exactly(near, 5) == b"hello"


@pytest.mark.parametrize("how", HOWS)
def test_a_large_body_and_a_half_close(net: Routed, how: str) -> None:
    size = BODY
    net.server(4)
    redir(net, 4, how)
    up(net, how)
    near, data = net.connect(net.target(hash_to_end, 4).address), content(size)
    near.sendall(data)
    near.shutdown(socket.SHUT_WR)
    assert read_to_end(near) == (sha256(data).encode(), End.FIN)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_streams_of_the_router_itself(net: Routed, family: int, how: str) -> None:
    """Connections of ss-redir to its server have the mark, and go around the rules."""
    net.server(family)
    redir(net, family, how)
    up(net, how, "-o")
    seen, _ = read_to_end(net.connect(net.target(tells_peer, family).address, net.router))
    assert seen.decode() not in (WAN[family], LAN[family])


def test_streams_through_a_plugin(net: Routed) -> None:
    parts = our_parts("http")
    net.server(4, parts, mode="tcp_and_udp")
    redir(net, 4, "redirect", parts=parts, mode="tcp_and_udp")
    up(net, "redirect", "-u")
    near = net.connect(net.target(ledger, 4).address)
    near.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(near, MIB) == sha256(content(MIB, 2))
    sock, target = net.packets(4), net.echo(4)
    sock.sendto(b"beside it", target.address)
    assert sock.recvfrom(udp.MAX) == (b"beside it", target.address)


def test_a_direct_way_beside_a_plugin_has_the_mark(net: Routed) -> None:
    """A target that the access list takes around the server: else it would come back for ever."""
    parts = our_parts("http")
    rules = net.stage.home / "rules.acl"
    rules.write_text(f"[proxy_all]\n[bypass_list]\n{TARGET[4]}\n")
    net.server(4, parts)
    redir(net, 4, "redirect", parts=parts, acl=str(rules))
    up(net, "redirect", "-o", "-s", SERVER[4])
    seen = {host[4]: read_to_end(net.connect(net.target(tells_peer, 4, host).address, net.router))[0]
            for host in (TARGET, OTHER)}
    assert seen[TARGET[4]].decode() == WAN[4] and seen[OTHER[4]].decode() != WAN[4]


def test_the_name_of_the_server_is_looked_up_around_the_rules(net: Routed) -> None:
    """By a name server that the rules would reach through the server only."""
    net.make(net.beyond, lambda: NameServer(OTHER[4], 53, {"server.example": Name(v4=SERVER[4])}))
    net.server(4, mode="tcp_and_udp")
    etc = Etc(net.stage, f"nameserver {OTHER[4]}\n")
    redir(net, 4, "redirect", etc=etc, server="server.example", mode="tcp_and_udp")
    up(net, "redirect", "-u", "-o")
    near = net.connect(net.target(echo, 4).address)
    near.sendall(b"hello")
    assert read_exactly(near, 5) == b"hello"


def test_another_user_keeps_one_capability(net: Routed) -> None:
    net.server(4, mode="tcp_and_udp")
    process = redir(net, 4, "tproxy", user="nobody", mode="tcp_and_udp")
    up(net, "tproxy", "-u", "-o")
    near = net.connect(net.target(echo, 4).address, net.router)
    near.sendall(b"hello")
    assert read_exactly(near, 5) == b"hello"
    trade(net.packets(4), b"hello", net.echo(4).address)
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert f"CapEff:\t{1 << 12:016x}" in status and f"CapPrm:\t{1 << 12:016x}" in status


# Packets.


def trade(sock: socket.socket, payload: bytes, target: tuple[str, int]) -> None:
    sock.sendto(payload, target)
    answer, source = sock.recvfrom(udp.MAX)
    assert (answer, source[:2]) == (payload, target)


@pytest.mark.parametrize("family", FAMILIES)
def test_packets_of_clients(net: Routed, family: int) -> None:
    """Each answer comes from its target, and a client's next packets are not lost."""
    net.server(family, mode="tcp_and_udp")
    redir(net, family, "redirect", mode="tcp_and_udp")
    up(net, "redirect", "-u")
    targets = [net.echo(family), net.echo(family), net.echo(family, OTHER)]
    users = [net.packets(family) for _ in range(3)]
    for size in SIZES * 2:
        for number, sock in enumerate(users):
            for target in targets:
                trade(sock, content(size, number), target.address)
    assert all(source[0] not in (CLIENT[family], WAN[family]) for _, source in targets[0].seen)


@pytest.mark.parametrize("family", FAMILIES)
def test_packets_of_the_router_itself(net: Routed, family: int) -> None:
    net.server(family, mode="tcp_and_udp")
    redir(net, family, "redirect", mode="udp_only")
    up(net, "redirect", "-U", "-o")
    target = net.echo(family)
    trade(net.packets(family, net.router), b"hello", target.address)
    assert target.seen[0][1][0] not in (LAN[family], WAN[family])


def test_one_listener_of_packets_for_both_families(net: Routed) -> None:
    net.server(4, mode="tcp_and_udp")
    redir(net, 4, "redirect", mode="udp_only", host="::")
    up(net, "redirect", "-U")
    for family in FAMILIES:
        trade(net.packets(family), b"hello", net.echo(family).address)


def test_more_targets_than_sockets_are_kept(net: Routed) -> None:
    """Each target has a socket that answers for it; the oldest makes room."""
    net.server(4, mode="tcp_and_udp")
    process = redir(net, 4, "redirect", mode="udp_only")
    up(net, "redirect", "-U")
    sock, targets = net.packets(4), [net.echo(4) for _ in range(300)]
    trade(sock, b"first", targets[0].address)
    before = procfs.fd_count(process.pid)
    for number, target in enumerate(targets):
        trade(sock, b"%d" % number, target.address)
    assert procfs.fd_count(process.pid) <= before + 256
    trade(sock, b"again", targets[0].address)


def test_names_are_asked_through_it(net: Routed) -> None:
    """DNS over UDP: the resolver of a client asks a name server beyond."""
    net.server(4, mode="tcp_and_udp")
    redir(net, 4, "redirect", mode="udp_only")
    up(net, "redirect", "-U")
    names = {"only.example": Name(v4="192.0.2.7")}
    net.make(net.beyond, lambda: NameServer(TARGET[4], 53, names))
    sock, question = net.packets(4), b"\4only\7example\0\0\1\0\1"
    sock.sendto(struct.pack("!HHHHHH", 7, 0x100, 1, 0, 0, 0) + question, (TARGET[4], 53))
    answer, source = sock.recvfrom(udp.MAX)
    assert source == (TARGET[4], 53)
    assert answer[:2] == b"\0\7" and answer.endswith(socket.inet_aton("192.0.2.7"))


def test_an_answer_takes_no_port_of_the_router(net: Routed) -> None:
    """A forged source: a name server there, which shares its port, would hear no client any more."""
    net.server(4, mode="tcp_and_udp")
    redir(net, 4, "redirect", mode="udp_only")
    up(net, "redirect", "-U")
    with net.beyond.entered():
        ip("address", "add", LAN[4], "dev", "lo")
    resolver, forger = net.packets(4, net.router), net.packets(4, net.beyond)
    resolver.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    resolver.bind(("0.0.0.0", 0))
    at = (LAN[4], resolver.getsockname()[1])
    forger.bind(at)
    sock, target = net.packets(4), net.echo(4)
    trade(sock, b"hello", target.address)
    forger.sendto(b"forged", target.seen[0][1])
    trade(sock, b"again", target.address)  # the forged one has come before
    sock.sendto(b"query", at)
    assert resolver.recv(udp.MAX) == b"query"


# Loops.


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("family", FAMILIES)
def test_a_connection_to_the_port_itself_is_refused(net: Routed, family: int, how: str) -> None:
    """NAT is loaded: the kernel reports the own address of such a connection."""
    process = redir(net, family, how, mode="tcp_and_udp")
    up(net, how, "-u")
    before = procfs.socket_count(process.pid)
    near = net.connect((LAN[family], PORT))
    assert read_to_end(near) == (b"", End.FIN)
    near.close()
    procfs.eventually(lambda: "loop refused: sent to this port itself" in process.output(),
                      "a line names it", 10 * SLOWER)
    sock = net.packets(family)
    sock.sendto(b"hello", (LAN[family], PORT))
    assert udp.silent(sock)
    procfs.eventually(lambda: procfs.socket_count(process.pid) == before, "nothing is left", 10 * SLOWER)


@pytest.mark.parametrize("named", [False, True], ids=["address", "name"])
@pytest.mark.parametrize("how", HOWS)
def test_a_way_to_the_server_that_leads_back_is_refused(net: Routed, how: str, named: bool) -> None:
    """Without the mark, ss-redir's own connection to its server comes back to it."""
    net.make(net.beyond, lambda: NameServer(OTHER[4], 53, {"server.example": Name(v4=SERVER[4])}))
    net.server(4)
    process = redir(net, 4, how, outbound_fwmark=0, server="server.example" if named else SERVER[4],
                    etc=Etc(net.stage, f"nameserver {OTHER[4]}\n"))
    up(net, how, "-o")
    near = net.connect(net.target(echo, 4).address)
    assert read_to_end(near)[0] == b""
    procfs.eventually(lambda: "loop refused: the target is the server itself" in process.output(),
                      "a line names it", 10 * SLOWER)


def test_every_server_is_one_that_may_lead_back(net: Routed) -> None:
    """Not the first of them only; nothing has been dialed before."""
    rows = [{"server": host, "server_port": SERVER_PORT, "method": "aes-256-gcm", "password": PASSWORD}
            for host in (SERVER[4], OTHER[4])]
    process = redir(net, 4, "redirect", server=None, server_port=None, servers=rows)
    up(net, "redirect")
    assert read_to_end(net.connect((OTHER[4], SERVER_PORT)))[0] == b""
    procfs.eventually(lambda: "loop refused: the target is the server itself" in process.output(),
                      "a line names it", 10 * SLOWER)


# The list of what goes around.


def test_a_list_names_what_goes_around(net: Routed) -> None:
    net.way_back()
    net.server(4)
    redir(net, 4, "redirect")
    (net.stage.home / "list").write_text(f"# ours\n{OTHER[4]}  # one\n2001:db8:ffff::/48\n\n")
    up(net, "redirect", "-i", net.stage.home / "list")
    seen = {host[4]: read_to_end(net.connect(net.target(tells_peer, 4, host).address))[0].decode()
            for host in (TARGET, OTHER)}
    assert seen[OTHER[4]] == CLIENT[4] and seen[TARGET[4]] != CLIENT[4]
