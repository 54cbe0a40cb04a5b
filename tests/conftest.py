# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all pytest groups."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

_HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(_HERE / "integration"))

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
