# SPDX-License-Identifier: Apache-2.0
"""Segment borders mean nothing: every cut of the first bytes, in both directions, and a drip."""

from __future__ import annotations

import pytest
from harness import socks
from harness.content import content, read_exactly
from harness.relay import Relay
from harness.socks import Address
from harness.stage import Stage, our_parts
from harness.targets import echo

FIRST = 300
PAYLOAD = content(600, 11)


class Cutter:
    """Puts one relay between two programs and remembers it."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.relay: Relay

    def __call__(self, server: Address) -> Address:
        self.relay = self._stage.relay(server)
        return self.relay.address

    def at(self, cut: int = 0, drip: int = 0) -> None:
        for segments in (self.relay.up, self.relay.down):
            segments.cut, segments.drip = cut, drip


def echoes(stage: Stage, address: Address) -> bool:
    with stage.connect(address) as client:
        client.sendall(PAYLOAD)
        return read_exactly(client, len(PAYLOAD)) == PAYLOAD


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_every_cut_between_our_plugins(stage: Stage, mode: str) -> None:
    cutter = Cutter(stage)
    near = stage.obfs_pair(mode, stage.target(echo).address, cutter)
    for cut in range(1, FIRST + 1):
        cutter.at(cut)
        assert echoes(stage, near), f"cut at {cut}"


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_a_drip_between_our_plugins(stage: Stage, mode: str) -> None:
    cutter = Cutter(stage)
    near = stage.obfs_pair(mode, stage.target(echo).address, cutter)
    cutter.at(drip=2 * FIRST)
    assert echoes(stage, near)


def through(stage: Stage, proxy: Address, target: Address) -> bool:
    with socks.dial(proxy, target) as client:
        client.sendall(PAYLOAD)
        return read_exactly(client, len(PAYLOAD)) == PAYLOAD


@pytest.mark.parametrize("method", ["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"])
def test_every_cut_between_client_and_server(stage: Stage, method: str) -> None:
    cutter = Cutter(stage)
    chain = stage.chain(our_parts("none", method), cutter)
    target = stage.target(echo).address
    for cut in range(1, FIRST + 1):
        cutter.at(cut)
        assert through(stage, chain.socks, target), f"cut at {cut}"


def test_a_drip_between_client_and_server(stage: Stage) -> None:
    cutter = Cutter(stage)
    chain = stage.chain(our_parts(), cutter)
    cutter.at(drip=2 * FIRST)
    assert through(stage, chain.socks, stage.target(echo).address)


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_a_drip_through_everything(stage: Stage, mode: str) -> None:
    """Between the plugins of a whole chain: what is cut there is a Shadowsocks stream too."""
    cutter = Cutter(stage)
    chain = stage.chain(our_parts(mode), cutter)
    cutter.at(drip=2 * FIRST)
    assert through(stage, chain.socks, stage.target(echo).address)
