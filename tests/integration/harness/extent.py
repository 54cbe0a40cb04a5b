# SPDX-License-Identifier: Apache-2.0
"""How large a test is: so that a test run stays short, or with EXTENT=full as docs/reliability.md promises."""

from __future__ import annotations

import os
from typing import TypeVar

_T = TypeVar("_T")
FULL = os.environ.get("EXTENT") == "full"


def extent(short: _T, full: _T) -> _T:
    return full if FULL else short
