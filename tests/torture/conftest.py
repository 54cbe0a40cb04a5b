# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the torture."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.network import own_network

sys.path.insert(0, str(Path(__file__).resolve().parent))


@pytest.fixture(autouse=True)
def _own_network() -> Iterator[None]:
    """The tables of the kernel have no rows of others then, and are read a thousand times."""
    with own_network() if os.geteuid() == 0 else contextlib.nullcontext():
        yield
