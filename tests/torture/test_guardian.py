# SPDX-License-Identifier: Apache-2.0
"""Orders and reports between a host and its guardian survive a call that fails for a moment."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest
from campaign import Campaign
from harness.stage import Stage
from scenes import SCENES
from trial import nth


@pytest.mark.parametrize("scene", ["ss-local with a plugin", "ss-server with a plugin", "chain of programs as server"])
def test_nothing_is_lost_between_a_host_and_its_guardian(stage: Stage, tmp_path: Path, scene: str) -> None:
    campaign = Campaign(SCENES[scene](stage), tmp_path / "trial")
    for error in (errno.ENOBUFS, errno.EINTR):
        campaign.run(nth("send", 1, error, "child"))
    for number in (1, 2):
        campaign.run(nth("recvmsg", number, errno.ENOMEM, "child"))
        campaign.run(nth("recv", number, errno.ENOMEM))
    campaign.judge()
