# SPDX-License-Identifier: Apache-2.0
"""The n-th allocation fails, and the n-th call of each name: nothing crashes, hangs, leaks or lies.

A fault that comes before a program serves may end it, with a line and a documented status; one that
comes later may cost the connection that it meets.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import pytest
from campaign import Campaign, errors_of, numbers
from harness.stage import Stage
from scenes import SCENES
from trial import Fault, nth


@pytest.fixture(params=SCENES, ids=lambda name: name.replace(" ", "-"))
def campaign(request: pytest.FixtureRequest, stage: Stage, tmp_path: Path) -> Iterator[Campaign]:
    made = Campaign(SCENES[request.param](stage), tmp_path / "trial")
    yield made
    made.judge()


def test_allocations(campaign: Campaign) -> None:
    counts = campaign.run(Fault(""))
    for n in numbers(counts.first["alloc"], of_sample=9):
        campaign.run(nth("alloc", n))
    for n in numbers(counts.forked["alloc"], of_sample=2):
        campaign.run(nth("alloc", n, where="child"))


def test_calls(campaign: Campaign) -> None:
    counts = campaign.run(Fault(""))
    faults = [nth(call, n, error, where)
              for where, calls in (("", counts.first), ("child", counts.forked))
              for call in calls if call != "alloc"
              for n in numbers(min(calls[call], 50), of_sample=3)
              for error in errors_of(call)]
    for fault in campaign.sample(faults, 16):
        campaign.run(fault)


def test_pieces(campaign: Campaign) -> None:
    """Every read and write moves one byte, and every second or third wait is interrupted."""
    for every in (2, 3):
        campaign.run(Fault(f"short;eintr:{every}", repeated=True, times=0, sizes=(700, 9000)))


def test_no_descriptors(campaign: Campaign) -> None:
    """From some call on for a while there are no descriptors."""
    campaign.run(Fault(""))
    for call in ("socket", "accept4"):
        for n in numbers(6, of_sample=1):
            campaign.run(Fault(f"{call}:{n}:{errno.EMFILE}:2", repeated=True, times=2))
