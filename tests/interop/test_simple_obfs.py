# SPDX-License-Identifier: Apache-2.0
"""Every mix of our four programs with shadowsocks-libev's and simple-obfs'."""

from __future__ import annotations

import pytest
from harness.stage import Stage
from mix import ALL_MIXES, METHODS, Mix, carries_everything


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("obfs", ["http", "tls"])
@pytest.mark.parametrize("mix", ALL_MIXES, ids=str)
def test_every_mix(stage: Stage, mix: Mix, obfs: str, method: str) -> None:
    carries_everything(stage, stage.chain(mix.parts(method, obfs)))
