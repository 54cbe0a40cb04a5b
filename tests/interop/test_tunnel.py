# SPDX-License-Identifier: Apache-2.0
"""Our ss-tunnel and ss-server with shadowsocks-libev's: TCP and UDP, plain and through obfs."""

from __future__ import annotations

import pytest
from harness import udp
from harness.content import content, hash_exactly, read_exactly, sha256
from harness.stage import Parts, Stage
from harness.targets import ledger
from harness.tunnel import packet_user, tunnel, user
from mix import ALL_MIXES, MAKERS, METHODS, MIB, Mix, program

SIZES = [0, 1, 16, 512, 1200, 1350]  # theirs cuts what exceeds its MTU
OURS_ONCE = [("ours", "theirs"), ("theirs", "ours")]
OBFS_MIXES = [mix for mix in ALL_MIXES if mix.ss_local != mix.ss_server]


def carries_streams(stage: Stage, parts: Parts, client: str, host: str = "127.0.0.1") -> None:
    stage.patience = 6.0  # the peers' plugins look for their host every five seconds
    target, up, down = stage.target(ledger, host), content(MIB, 1), content(MIB, 2)
    near = user(stage, tunnel(stage, target.address, parts, program("ss-tunnel", client), host=host))
    near.sendall(b"PUT %d\n" % MIB + up)
    assert read_exactly(near, 64).decode() == sha256(up)
    near.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(near, MIB) == sha256(down)


def carries_packets(stage: Stage, parts: Parts, client: str) -> None:
    stage.patience = 6.0
    chain = tunnel(stage, stage.keep(udp.Echo()).address, parts, program("ss-tunnel", client),
                   mode="tcp_and_udp")
    users = [packet_user(stage, chain) for _ in range(3)]
    for size in SIZES:
        for number, sock in enumerate(users):
            sock.send(content(size, number))
        for number, sock in enumerate(users):
            assert sock.recv(udp.MAX) == content(size, number)


def plain(server: str, method: str = "aes-256-gcm") -> Parts:
    return Parts(program("ss-tunnel", "ours"), program("ss-server", server), method)


@pytest.mark.parametrize("server", MAKERS)
@pytest.mark.parametrize("client", MAKERS)
@pytest.mark.parametrize("method", METHODS)
def test_every_pair_carries_streams(stage: Stage, method: str, client: str, server: str) -> None:
    carries_streams(stage, plain(server, method), client)


@pytest.mark.parametrize(("client", "server"), OURS_ONCE)
def test_every_pair_over_ipv6(stage: Stage, client: str, server: str) -> None:
    carries_streams(stage, plain(server), client, "::1")


@pytest.mark.parametrize(("client", "server"), OURS_ONCE)
@pytest.mark.parametrize("method", METHODS)
def test_every_pair_carries_packets(stage: Stage, method: str, client: str, server: str) -> None:
    carries_packets(stage, plain(server, method), client)


@pytest.mark.parametrize("obfs", ["http", "tls"])
@pytest.mark.parametrize("mix", OBFS_MIXES, ids=str)
def test_every_mix_with_a_plugin(stage: Stage, mix: Mix, obfs: str) -> None:
    carries_streams(stage, mix.parts("aes-256-gcm", obfs), mix.ss_local)


@pytest.mark.parametrize(("client", "server"), OURS_ONCE)
def test_packets_beside_a_plugin(stage: Stage, client: str, server: str) -> None:
    carries_packets(stage, Mix(client, client, server, server).parts("aes-256-gcm", "http"), client)
