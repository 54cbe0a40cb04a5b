# SPDX-License-Identifier: Apache-2.0
"""Our ss-local and ss-server with shadowsocks-libev's, without plugins."""

from __future__ import annotations

import pytest
from harness.stage import Parts, Stage
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
