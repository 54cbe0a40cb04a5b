# SPDX-License-Identifier: Apache-2.0
"""Every mix of our four programs with shadowsocks-libev's and simple-obfs', also with the plugin inside
of one of ours."""

from __future__ import annotations

from dataclasses import replace

import pytest
from harness.programs import ours
from harness.stage import Stage
from mix import ALL_MIXES, MAKERS, METHODS, Mix, carries_everything


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("obfs", ["http", "tls"])
@pytest.mark.parametrize("mix", ALL_MIXES, ids=str)
def test_every_mix(stage: Stage, mix: Mix, obfs: str, method: str) -> None:
    carries_everything(stage, stage.chain(mix.parts(method, obfs)))


@pytest.mark.parametrize("obfs", ["http", "tls"])
@pytest.mark.parametrize("maker", MAKERS)
@pytest.mark.parametrize("side", ["client", "server"])
def test_a_plugin_inside_of_the_program_beside_a_process(stage: Stage, side: str, maker: str, obfs: str) -> None:
    parts = Mix(*[maker] * 4).parts("aes-256-gcm", obfs)
    parts = (replace(parts, ss_local=ours("ss-local"), client_plugin="inline:obfs-local") if side == "client" else
             replace(parts, ss_server=ours("ss-server"), server_plugin="inline:obfs-server"))
    carries_everything(stage, stage.chain(parts))
