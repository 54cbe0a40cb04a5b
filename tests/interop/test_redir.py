# SPDX-License-Identifier: Apache-2.0
"""Our ss-redir with Debian's ss-server, and Debian's ss-redir with ours, on a router with real rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness import udp
from harness.content import content, hash_exactly, read_exactly, sha256
from harness.programs import found
from harness.routed import PORT, Routed
from harness.stage import Stage
from harness.targets import ledger
from mix import METHODS, MIB, Mix, program

PAIRS = [("ours", "theirs"), ("theirs", "ours")]


@pytest.fixture
def net(stage: Stage, root: None) -> Routed:
    found("nft")
    return Routed(stage)


@pytest.mark.parametrize(("family", "how"), [(4, "redirect"), (4, "tproxy"), (6, "redirect")])
@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_streams_and_packets(net: Routed, client: str, server: str, family: int, how: str) -> None:
    carries(net, client, Mix(client, client, server, server), family, how, METHODS[family // 4], None)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_streams_through_a_plugin(net: Routed, client: str, server: str) -> None:
    net.stage.patience = 6.0  # the peers' plugins look for their host every five seconds
    carries(net, client, Mix(client, client, server, server), 4, "redirect", METHODS[0], "http")


def carries(net: Routed, client: str, mix: Mix, family: int, how: str, method: str, obfs: str | None) -> None:
    parts = mix.parts(method, obfs or "http")
    if obfs is None:
        parts = replace(parts, client_plugin=None, client_opts=None, server_plugin=None, server_opts=None)
    net.server(family, parts, mode="tcp_and_udp")
    net.redir(family, parts=parts, program=program("ss-redir", client), mode="tcp_and_udp",
              tcp_tproxy=how == "tproxy")
    net.nftables("up", "-l", PORT, "-u", *(["-T"] if how == "tproxy" else []))
    near, up, down = net.connect(net.target(ledger, family).address), content(MIB, 1), content(MIB, 2)
    near.sendall(b"PUT %d\n" % MIB + up)
    assert read_exactly(near, 64).decode() == sha256(up)
    near.sendall(b"GET %d 2\n" % MIB)
    assert hash_exactly(near, MIB) == sha256(down)
    sock, targets = net.packets(family), [net.echo(family), net.echo(family)]
    for size in (1, 1200):
        for target in targets:
            sock.sendto(content(size), target.address)
            answer, source = sock.recvfrom(udp.MAX)
            assert (answer, source[:2]) == (content(size), target.address)
