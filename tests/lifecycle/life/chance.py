# SPDX-License-Identifier: Apache-2.0
"""Random moments, and how many of them: LIFECYCLE_REPEAT for each kind of kill (60)."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

REPEAT = int(os.environ.get("LIFECYCLE_REPEAT", "60"))
EARLY, LATE = 0.05, 0.4


def share(parts: int) -> int:
    """The repetitions of one of so many variants; together they are at least REPEAT."""
    return max(1, -(-REPEAT // parts))


def moments(count: int, name: str) -> Iterator[float]:
    """Seconds after a start, half of them within 50 ms; others at each run, unless seeded."""
    chance = random.Random(os.environ.get("LIFECYCLE_SEED", "") + name
                           if "LIFECYCLE_SEED" in os.environ else None)
    for number in range(count):
        yield chance.uniform(0, EARLY) if number % 2 else chance.uniform(EARLY, LATE)
