# SPDX-License-Identifier: Apache-2.0
"""AEAD-2022 with shadowsocks-rust and sing-box: streams, packets, users, chains of keys, plugins."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness import socks, udp
from harness.content import content
from harness.programs import ours, peer
from harness.socks import Address
from harness.stage import Chain, Stage
from mix import carries_everything
from peers2022 import METHODS, WITH_USERS, Server, chain, dial, key, relay, serve

PAIRS = [("ours", "ours"), ("ours", "rust"), ("rust", "ours"), ("ours", "sing-box"),
         ("sing-box", "ours")]
SIZES = [1, 16, 512, 1200, 1350]


def carries_packets(stage: Stage, made: Chain) -> None:
    target = stage.keep(udp.Echo())
    clients = [stage.keep(udp.Client(made.socks)) for _ in range(2)]
    for size in SIZES:
        for number, client in enumerate(clients):
            client.send(("127.0.0.1", target.address[1]), content(size, number))
        for number, client in enumerate(clients):
            assert client.receive() == (target.address, content(size, number))
    burst = [content(1200 if number < 10 else 700, number) for number in range(12)]
    for payload in burst:
        clients[0].send(target.address, payload)
    assert sorted(clients[0].receive()[1] for _ in burst) == sorted(burst)


def carries_all(stage: Stage, made: Chain) -> None:
    carries_everything(stage, made)
    carries_packets(stage, made)


@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("method", METHODS)
def test_every_pair(stage: Stage, method: str, client: str, server: str) -> None:
    carries_all(stage, chain(stage, client, server, Server(method, key(method, 1))))


@pytest.mark.parametrize(("client", "server"), PAIRS[1:])
@pytest.mark.parametrize("method", ["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"])
def test_every_pair_by_a_method_of_2017(stage: Stage, method: str, client: str, server: str) -> None:
    carries_all(stage, chain(stage, client, server, Server(method, "a password")))


@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("method", WITH_USERS)
def test_every_pair_with_users(stage: Stage, method: str, client: str, server: str) -> None:
    users = {"alice": key(method, 50), "bob": key(method, 99)}
    behind = Server(method, key(method, 1), users)
    far, public = serve(stage, server, behind)
    for user in users.values():
        local, near = dial(stage, client, Server(method, f"{key(method, 1)}:{user}"), public)
        carries_all(stage, Chain(stage, local, far, near, public))


@pytest.mark.parametrize(("client", "server"), PAIRS)
@pytest.mark.parametrize("method", WITH_USERS)
def test_a_chain_of_keys_through_a_relay(stage: Stage, method: str, client: str, server: str) -> None:
    outer, inner, user = key(method, 1), key(method, 60), key(method, 120)
    far, public = serve(stage, server, Server(method, inner, {"alice": user}))
    at = relay(stage, method, outer, public, inner)
    local, near = dial(stage, client, Server(method, f"{outer}:{inner}:{user}"), at)
    carries_all(stage, Chain(stage, local, far, near, public))


@pytest.mark.parametrize(("client", "server"), [("ours", "rust"), ("rust", "ours"), ("ours", "ours")])
@pytest.mark.parametrize("obfs", ["http", "tls"])
@pytest.mark.parametrize("maker", ["ours", "theirs"])
def test_obfs_in_front(stage: Stage, maker: str, obfs: str, client: str, server: str) -> None:
    """Our plugins under their host, and theirs under ours."""
    method = "2022-blake3-aes-256-gcm"
    pick = ours if maker == "ours" else peer
    behind = Server(method, key(method, 1), plugin=str(pick("obfs-server")),
                    plugin_opts=f"obfs={obfs}")
    front = replace(behind, plugin=str(pick("obfs-local")),
                    plugin_opts=f"obfs={obfs};obfs-host=www.example.com")
    carries_everything(stage, chain(stage, client, server, behind, front))


@pytest.mark.parametrize(("client", "server"), [("ours", "rust"), ("rust", "ours"), ("ours", "ours")])
def test_v2ray_plugin_in_front(stage: Stage, client: str, server: str) -> None:
    method, plugin = "2022-blake3-aes-128-gcm", str(peer("ss-v2ray-plugin"))
    behind = Server(method, key(method, 1), plugin=plugin, plugin_opts="server")
    front = replace(behind, plugin_opts=None)
    carries_everything(stage, chain(stage, client, server, behind, front))


@pytest.mark.parametrize(("near", "far", "near_opts", "far_opts"), [
    ("obfs-local", "obfs-server", "obfs=http;obfs-host=www.example.com", "obfs=http"),
    ("obfs-local", "obfs-server", "obfs=tls;obfs-host=www.example.com", "obfs=tls"),
    ("v2ray-plugin", "ss-v2ray-plugin", "mux=1", "server")])
def test_plugins_that_sing_box_has_inside(stage: Stage, near: str, far: str, near_opts: str, far_opts: str) -> None:
    """It hosts none: it brings simple-obfs and v2ray-plugin of its own."""
    method = "2022-blake3-chacha20-poly1305"
    plugin = ours(far) if far == "obfs-server" else peer(far)
    behind = Server(method, key(method, 1), plugin=str(plugin), plugin_opts=far_opts)
    front = replace(behind, plugin=near, plugin_opts=near_opts)
    carries_everything(stage, chain(stage, "sing-box", "ours", behind, front))
