# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the lifecycle tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from life.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    made = Workshop()
    try:
        yield made
    finally:
        made.close()
