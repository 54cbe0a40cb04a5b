# SPDX-License-Identifier: Apache-2.0
"""Rounds of measurements, the two sides taking turns within each."""

import statistics
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .chains import Chain
from .measures import MEASURES, Figures, Measure, Meter
from .programs import Programs, Unmeasurable
from .recipes import OURS, Recipe, Side

PAUSE_SECONDS = 0.1

Key = tuple[str, str, str]  # recipe, side, measure
Plan = list[tuple[Recipe, list[Side]]]


@dataclass
class Results:
    """Figures by round; None where a measurement failed."""

    rounds: dict[Key, list[Figures | None]] = field(default_factory=dict)
    direct: list[Figures | None] = field(default_factory=list)
    alone: dict[str, list[Figures | None]] = field(default_factory=dict)  # by measure
    problems: list[str] = field(default_factory=list)

    def measured(self, recipe: str, side: str, measure: str) -> bool:
        return any(self.rounds.get((recipe, side, measure), []))

    def values(self, recipe: str, side: str, measure: str, figure: str) -> list[float | None]:
        rounds = self.rounds.get((recipe, side, measure), [])
        return [None if figures is None else figures.get(figure) for figures in rounds]

    def median(self, recipe: str, side: str, measure: str, figure: str) -> float | None:
        return median(self.values(recipe, side, measure, figure))


def median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return statistics.median(known) if known else None


def median_ratio(over: list[float | None], under: list[float | None]) -> float | None:
    """The median of the rounds' ratios: what disturbs a round disturbs both its sides."""
    return median(a / b if a is not None and b else None for a, b in zip(over, under))


def _of(recipe: Recipe, measures: list[Measure]) -> list[Measure]:
    if recipe.gate_request is not None:
        return [m for m in measures if m.requests]
    if recipe.gate_flow:
        return [m for m in measures if m.name in recipe.gate_flow]
    if recipe.gate_few is not None:
        return [m for m in measures if m.few]
    measures = [m for m in measures if not m.requests and not m.flow and not m.few]
    return [m for m in measures if not m.alone and (recipe.gate_packet or not m.packets)]


def _times(recipe: Recipe, measure: Measure) -> int:
    return 1 if measure.fresh else recipe.times


class Campaign:
    def __init__(
        self,
        plan: Plan,
        programs: Programs,
        measures: list[Measure],
        meter: Meter,
        on_step: Callable[[int, int, str], None],
    ) -> None:
        self.results = Results()
        self._plan, self._programs, self._measures = plan, programs, measures
        self._meter, self._on_step = meter, on_step
        self._running: dict[str, Chain] = {}
        self._done = 0
        self._total = meter.scale.rounds * sum(
            len(sides) * _times(recipe, measure)
            for recipe, sides in plan
            for measure in _of(recipe, measures)
        )

    def run(self) -> Results:
        try:
            for number in range(self._meter.scale.rounds):
                self._round(number)
        finally:
            self._stop_all()
        return self.results

    def _round(self, number: int) -> None:
        self.results.direct.append(self._direct_ping())
        for measure in self._measures:
            if measure.alone:
                self.results.alone.setdefault(measure.name, []).append(self._alone(measure))
        for recipe, sides in self._plan:
            for measure in _of(recipe, self._measures):
                for turn in range(number, number + _times(recipe, measure)):
                    title = f"round {number + 1}  {recipe.name}  {measure.title}"
                    for side in sides if turn % 2 == 0 else sides[::-1]:
                        self._on_step(self._done, self._total, f"{title}  {side.name}")
                        self._record(side, recipe, measure)
                        self._done += 1
                if measure.fresh:
                    self._stop_all()
            self._stop_all()

    def _alone(self, measure: Measure) -> Figures | None:
        try:
            first = [self._programs.find(OURS, measure.ours)] if measure.ours else []
            return self._meter.alone(measure, *first)
        except (OSError, Unmeasurable) as problem:
            self.results.problems.append(f"{measure.title}: {problem}")
            return None

    def _direct_ping(self) -> Figures | None:
        ping = next(measure for measure in MEASURES if measure.name == "ping")
        if ping not in self._measures:
            return None
        try:
            return self._meter.direct(ping)
        except Unmeasurable as problem:
            self.results.problems.append(f"direct: {problem}")
            return None

    def _record(self, side: Side, recipe: Recipe, measure: Measure) -> None:
        figures: Figures | None = None
        try:
            figures = self._meter.through(self._chain(side, recipe), measure)
            self._subtract_direct(figures)
        except Unmeasurable as problem:
            self.results.problems.append(f"{side.name}, {recipe.name}: {problem}")
        key = (recipe.name, side.name, measure.name)
        self.results.rounds.setdefault(key, []).append(figures)
        if figures is None and side.name in self._running:
            self._running.pop(side.name).stop()
        time.sleep(PAUSE_SECONDS)

    def _subtract_direct(self, figures: Figures) -> None:
        direct = self.results.direct[-1]
        for name in ("p50_us", "p99_us"):
            if direct is not None and name in figures:
                figures[f"added_{name}"] = figures[name] - direct[name]

    def _chain(self, side: Side, recipe: Recipe) -> Chain:
        chain = self._running.get(side.name)
        if chain is None:
            chain = Chain(side, recipe, self._programs, self._meter.loadgen)
            self._running[side.name] = chain
        elif not chain.alive():
            raise Unmeasurable(f"a process ended{chain.last_words()}")
        return chain

    def _stop_all(self) -> None:
        while self._running:
            self._running.popitem()[1].stop()
