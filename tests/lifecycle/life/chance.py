# SPDX-License-Identifier: Apache-2.0
"""Random moments, and how many of them: LIFECYCLE_REPEAT for each kind of kill (60, or 1,000 in full).

LIFECYCLE_SEED makes them the same at each run.
"""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

from harness.extent import extent

REPEAT = int(os.environ.get("LIFECYCLE_REPEAT", extent(60, 1000)))
EARLY, LATE = 0.05, 0.4


def share(parts: int) -> int:
    """The repetitions of one of so many variants; together they are at least REPEAT."""
    return max(1, -(-REPEAT // parts))


def moments(count: int, name: str) -> Iterator[float]:
    """Seconds after a start, half of them within 50 ms. Others at each run, but for the seed."""
    seed = os.environ.get("LIFECYCLE_SEED")
    chance = random.Random(f"{seed} {name}" if seed else None)
    for number in range(count):
        yield chance.uniform(0, EARLY) if number % 2 else chance.uniform(EARLY, LATE)
