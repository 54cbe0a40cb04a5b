# SPDX-License-Identifier: Apache-2.0
"""Our ss-local and ss-server with shadowsocks-libev's, without plugins."""

from __future__ import annotations

import pytest
from harness import socks
from harness.content import read_exactly
from harness.stage import Parts, Stage
from harness.targets import echo
from mix import MAKERS, METHODS, carries_everything, program

MORE_METHODS = ["aes-192-gcm", "xchacha20-ietf-poly1305"]


@pytest.mark.parametrize("server", MAKERS)
@pytest.mark.parametrize("client", MAKERS)
@pytest.mark.parametrize("method", METHODS + MORE_METHODS)
def test_every_pair(stage: Stage, method: str, client: str, server: str) -> None:
    parts = Parts(program("ss-local", client), program("ss-server", server), method)
    carries_everything(stage, stage.chain(parts))


@pytest.mark.parametrize("server", MAKERS)
@pytest.mark.parametrize("client", MAKERS)
def test_every_pair_over_ipv6(stage: Stage, client: str, server: str) -> None:
    parts = Parts(program("ss-local", client), program("ss-server", server))
    carries_everything(stage, stage.chain(parts, host="::1"))


@pytest.mark.parametrize(("client", "server"), [("ours", "peer"), ("peer", "ours")])
def test_an_empty_password_is_the_same_to_both(stage: Stage, client: str, server: str) -> None:
    public, near = stage.port(), stage.port()
    common = {"server": "127.0.0.1", "server_port": public, "password": "", "method": "aes-256-gcm"}
    far = stage.run(program("ss-server", server), "-c", stage.config(**common))
    stage.wait_listening(far, public)
    local = stage.run(program("ss-local", client), "-c",
                      stage.config(**common, local_address="127.0.0.1", local_port=near))
    stage.wait_listening(local, near)
    sock = stage.keep(socks.dial(("127.0.0.1", near), stage.target(echo).address))
    sock.sendall(b"open to everyone")
    assert read_exactly(sock, 16) == b"open to everyone"
