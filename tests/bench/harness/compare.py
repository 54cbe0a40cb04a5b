# SPDX-License-Identifier: Apache-2.0
"""A run beside one that was saved: the ratios to the peers, which the machine and its load change least."""

import json
from pathlib import Path
from typing import Any

from .campaign import median, median_ratio
from .report import Run, Table, number

FIGURES = {"cost": "CPU per GiB", "cpu_us": "CPU each", "added_p50_us": "latency added", "dirty_kib": "idle KiB"}
SAME = ("cpu", "cores", "kernel", "distribution", "openssl", "ciphers")

Rounds = dict[str, dict[str, dict[str, list[dict[str, Any] | None]]]]  # by recipe, side and measure


def _values(sides: dict[str, dict[str, list[dict[str, Any] | None]]], side: str, measure: str,
            figure: str) -> list[float | None]:
    return [None if figures is None else figures.get(figure) for figures in sides.get(side, {}).get(measure, [])]


def _ratio(rounds: Rounds, names: tuple[str, str, str], measure: str, figure: str) -> float | None:
    recipe, peer, ours = names
    sides = rounds.get(recipe, {})
    return median_ratio(_values(sides, ours, measure, figure), _values(sides, peer, measure, figure))


def table(run: Run, now: Rounds, before: dict[str, Any]) -> Table:
    """Each ratio of both runs: ours over the peer's."""
    rows = []
    for recipe in run.recipes:
        names = recipe.name, recipe.peer.name, recipe.ours.name
        for measure in now.get(recipe.name, {}).get(recipe.ours.name, {}):
            for figure, what in FIGURES.items():
                was, is_now = (_ratio(rounds, names, measure, figure) for rounds in (before["rounds"], now))
                if was and is_now:
                    change = f"{is_now / was - 1:+.1%}"
                    rows.append([recipe.name, f"{what}, {measure}, / {recipe.peer.name}",
                                 number(was, 3), number(is_now, 3), change])
    return Table("Beside the saved run", ["chain", "what", "saved", "now", "change"], rows, 2)


def differences(run: Run, before: dict[str, Any]) -> str:
    """The facts of the machine that are others now; empty where ratios may be compared."""
    return ", ".join(f"{key}: {before['machine'].get(key, 'unknown')}, now {run.machine[key]}"
                     for key in SAME if before["machine"].get(key) != run.machine[key])


def load(file: Path) -> dict[str, Any]:
    """Raises ValueError for a file that is none of ours."""
    try:
        saved: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError) as problem:
        raise ValueError(f"--compare: {file}: {problem}") from None
    if not isinstance(saved, dict) or not {"rounds", "machine"} <= set(saved):
        raise ValueError(f"--compare: {file}: no run of scripts/bench (expected what --save keeps)")
    return saved
