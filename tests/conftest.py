# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all pytest groups."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE / "integration"))

from harness.network import own_network  # noqa: E402
from harness.procfs import adopt_orphans  # noqa: E402
from harness.stage import Stage  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _orphans_come_to_us() -> None:
    adopt_orphans()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Processes, targets and relays of one test; judged and ended after it."""
    made = Stage(tmp_path)
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def root() -> None:
    """For what only root may do: become another user, or have a network or files of one's own."""
    if os.geteuid() != 0:
        pytest.skip("only root can do that")


@pytest.fixture
def network(root: None) -> Iterator[None]:
    """A network namespace for this test alone: its ports are nobody else's."""
    with own_network():
        yield
