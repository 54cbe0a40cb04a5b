# SPDX-License-Identifier: Apache-2.0
"""UDP between our ss-local and ss-server and shadowsocks-libev's."""

from __future__ import annotations

import pytest
from harness import udp
from harness.content import content
from harness.programs import SLOWER
from harness.stage import Chain, Parts, Stage
from mix import METHODS, program

MIXES = [("ours", "theirs"), ("theirs", "ours"), ("ours", "ours")]
SIZES = [0, 1, 16, 512, 1200, 1350]  # theirs cuts what exceeds its MTU


def udp_chain(stage: Stage, mix: tuple[str, str], method: str, host: str = "127.0.0.1") -> Chain:
    parts = Parts(program("ss-local", mix[0]), program("ss-server", mix[1]), method)
    chain = stage.chain(parts, host=host, mode="tcp_and_udp")
    udp.wait_bound(chain.public[1], 10 * SLOWER)
    udp.wait_bound(chain.socks[1], 10 * SLOWER)
    return chain


def echoes(stage: Stage, chain: Chain, target: udp.Echo, name: str) -> None:
    clients = [stage.keep(udp.Client(chain.socks)) for _ in range(3)]
    for size in SIZES:
        for number, client in enumerate(clients):
            client.send((name, target.address[1]), content(size, number))
        for number, client in enumerate(clients):
            assert client.receive() == (target.address, content(size, number))


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("mix", MIXES, ids="-".join)
@pytest.mark.parametrize("method", METHODS)
def test_every_pair_carries_packets(stage: Stage, method: str, mix: tuple[str, str],
                                    name: str) -> None:
    echoes(stage, udp_chain(stage, mix, method), stage.keep(udp.Echo()), name)


@pytest.mark.parametrize("mix", MIXES, ids="-".join)
def test_every_pair_reaches_ipv6_targets(stage: Stage, mix: tuple[str, str]) -> None:
    echoes(stage, udp_chain(stage, mix, METHODS[0]), stage.keep(udp.Echo("::1")), "::1")


@pytest.mark.parametrize("mix", MIXES, ids="-".join)
def test_bursts_come_back_in_order(stage: Stage, mix: tuple[str, str]) -> None:
    """Packets of one size may travel as one message, up to one that is shorter."""
    chain, target = udp_chain(stage, mix, METHODS[0]), stage.keep(udp.Echo())
    client = stage.keep(udp.Client(chain.socks))
    client.trade(target.address, b"first")
    sizes = [1200] * 12 + [700, 0, 0] + [1200, 1201] + [1] * 5
    for number, size in enumerate(sizes):
        client.send(target.address, content(size, number))
    for number, size in enumerate(sizes):
        assert client.receive() == (target.address, content(size, number))
