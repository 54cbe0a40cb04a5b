# SPDX-License-Identifier: Apache-2.0
"""Fixtures of the lifecycle tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from life.network import own_network
from life.workshop import Workshop


@pytest.fixture
def workshop() -> Iterator[Workshop]:
    made = Workshop()
    try:
        yield made
    finally:
        made.close()


@pytest.fixture
def root() -> None:
    """For tests about users: only root can become another one."""
    if os.geteuid() != 0:
        pytest.skip("only root can change users")


@pytest.fixture
def network(root: None) -> Iterator[None]:
    """A network namespace for this test alone: its ports are nobody else's."""
    with own_network():
        yield
