# SPDX-License-Identifier: Apache-2.0
"""Gates that must hold, and aims: judged on the medians of a run."""

from dataclasses import dataclass

from .campaign import Results, median, median_ratio
from .measures import Measure
from .recipes import Recipe

IDLE_LIMIT_KIB = 0.9
JAIN_AIM = 0.95
PING_AIM = 1.05
USER_NS, USER_BYTES, ASSOCIATION_BYTES = 1000, 200, 512
ACL = (("CPU to read them", "seconds", 0.5), ("memory of all", "MiB", 30.0),
       ("CPU to look a name up", "name_ns", 1000.0), ("CPU to look an address up", "address_ns", 1000.0))
PORTS = (("CPU to add them", "cpu_s", 1.0), ("memory of one", "KiB", 10.0))
PORTS_AIM = (("time to add them", "seconds", 1.0),)  # programs beside it count, too


@dataclass(frozen=True)
class Verdict:
    """One figure against its limit; a value of None could not be measured."""

    recipe: str
    what: str
    value: float | None
    limit: float
    unit: str = ""
    at_least: bool = False
    binding: bool = True  # an aim is only reported

    @property
    def holds(self) -> bool | None:
        if self.value is None:
            return None
        return self.value >= self.limit if self.at_least else self.value <= self.limit

    @property
    def relation(self) -> str:
        return ">=" if self.at_least else "<="


class Judge:
    def __init__(self, results: Results, recipes: list[Recipe], measures: list[Measure]) -> None:
        self._results = results
        self._recipes = recipes
        self._measures = {measure.name for measure in measures}

    def verdicts(self) -> list[Verdict]:
        return [
            *(verdict for recipe in self._recipes for verdict in self._of(recipe)),
            *self._alone("users", [("users of a port", "CPU to choose one", "ns", USER_NS),
                                   ("users of a port", "memory of one", "bytes", USER_BYTES)]),
            *self._alone("associations", [("idle associations of UDP", "memory of one", "bytes", ASSOCIATION_BYTES)]),
            *self._alone("acl", [("100,000 rules", what, figure, limit) for what, figure, limit in ACL]),
            *self._alone("ports", [("1,000 ports of ss-manager", *row) for row in PORTS]),
            *self._alone("ports", [("1,000 ports of ss-manager", *row) for row in PORTS_AIM], binding=False),
        ]

    def _of(self, recipe: Recipe) -> list[Verdict]:
        if recipe.gate_request is not None:
            return self._requests(recipe, recipe.gate_request)
        if recipe.gate_flow:
            return self._flows(recipe)
        if recipe.gate_few is not None:
            return self._few(recipe, recipe.gate_few)
        kinds = self._costs, self._many, self._others
        return [verdict for kind in kinds for verdict in kind(recipe)]

    def _requests(self, recipe: Recipe, limit: float) -> list[Verdict]:
        if "requests" not in self._measures:
            return []
        what = f"CPU per request, ours / {recipe.peer.name}"
        return [Verdict(recipe.name, what, self._ratio(recipe, "requests", "cpu_us"), limit)]

    def _few(self, recipe: Recipe, limit: float) -> list[Verdict]:
        return [Verdict(recipe.name, f"CPU per GiB {direction}, 4 streams, {recipe.ours.name} / {recipe.peer.name}",
                        self._ratio(recipe, f"{direction}4", "cost"), limit)
                for direction in ("down", "up") if f"{direction}4" in self._measures]

    def _flows(self, recipe: Recipe) -> list[Verdict]:
        """A flow that is too fast is judged by the packets that a second of CPU delivers."""
        verdicts = []
        for name, limit in recipe.gate_flow.items():
            if name not in self._measures:
                continue
            flood = name == "flood"
            what = "packets that a CPU delivers" if flood else f"CPU per packet, {int(name[4:]):,}/s"
            value = self._ratio(recipe, name, "per_cpu_s" if flood else "cpu_us")
            verdicts.append(Verdict(recipe.name, f"{what}, ours / {recipe.peer.name}", value, limit, at_least=flood))
        return verdicts

    def _alone(self, measure: str, rows: list[tuple[str, str, str, float]], binding: bool = True) -> list[Verdict]:
        """Figures of a program of its own, with their limits."""
        rounds = self._results.alone.get(measure, [])

        def of(figure: str) -> float | None:
            return median(None if figures is None else figures[figure] for figures in rounds)

        return [Verdict(name, what, of(figure), limit, unit=f" {figure.rpartition('_')[2]}", binding=binding)
                for name, what, figure, limit in rows] if rounds else []

    def _ratio(self, recipe: Recipe, measure: str, figure: str) -> float | None:
        ours = self._ours(recipe, measure, figure)
        peer = self._results.values(recipe.name, recipe.peer.name, measure, figure)
        return median_ratio(ours, peer)

    def _ours(self, recipe: Recipe, measure: str, figure: str) -> list[float | None]:
        return self._results.values(recipe.name, recipe.ours.name, measure, figure)

    def _costs(self, recipe: Recipe) -> list[Verdict]:
        limits = {"down": recipe.gate_down, "up": recipe.gate_up}
        return [
            Verdict(
                recipe.name,
                f"CPU per GiB {direction}, 1 stream, ours / {recipe.peer.name}",
                self._ratio(recipe, f"{direction}1", "cost"),
                limit,
                binding=not recipe.aims,
            )
            for direction, limit in limits.items()
            if f"{direction}1" in self._measures
        ]

    def _many(self, recipe: Recipe) -> list[Verdict]:
        """Of the peer's 128 streams, since one stream of ours may be so cheap that growth from it says little."""
        limits = recipe.gate_many or (recipe.gate_down, recipe.gate_up)
        return [
            Verdict(
                recipe.name,
                f"CPU per GiB {direction}, 128 streams, ours / {recipe.peer.name}",
                self._ratio(recipe, f"{direction}128", "cost"),
                limit,
                binding=recipe.gate_many is not None,
            )
            for direction, limit in zip(("down", "up"), limits)
            if f"{direction}128" in self._measures
        ]

    def _others(self, recipe: Recipe) -> list[Verdict]:
        verdicts = []
        name = recipe.name
        if "idle" in self._measures and recipe.gate_idle:
            value = median(self._ours(recipe, "idle", "dirty_kib"))
            what = "memory per idle connection, largest process"
            verdicts.append(Verdict(name, what, value, IDLE_LIMIT_KIB, unit=" KiB"))
        if "rate" in self._measures:
            value = self._ratio(recipe, "rate", "cpu_us")
            what = f"CPU per new connection, ours / {recipe.peer.name}"
            verdicts.append(Verdict(name, what, value, recipe.aim_rate, binding=recipe.gate_rate))
        if "packets" in self._measures and recipe.gate_packet:
            value = self._ratio(recipe, "packets", "cpu_us")
            what = f"CPU per packet, ours / {recipe.peer.name}"
            verdicts.append(Verdict(name, what, value, recipe.gate_packet))
        if "ping" in self._measures:
            value = self._ratio(recipe, "ping", "added_p50_us")
            what = f"added latency p50, ours / {recipe.peer.name}"
            limit = recipe.gate_ping or PING_AIM
            verdicts.append(Verdict(name, what, value, limit, binding=recipe.gate_ping is not None))
        for direction in ("down", "up"):
            if f"{direction}128" in self._measures:
                value = median(self._ours(recipe, f"{direction}128", "jain"))
                what = f"fairness {direction}, 128 streams (Jain)"
                verdicts.append(Verdict(name, what, value, JAIN_AIM, at_least=True, binding=False))
        return verdicts


def exit_status(verdicts: list[Verdict], problems: list[str]) -> int:
    """1: a gate is missed; 2: something could not be measured; 0: all gates hold."""
    binding = [verdict for verdict in verdicts if verdict.binding]
    if any(verdict.holds is False for verdict in binding):
        return 1
    return 2 if problems or any(verdict.holds is None for verdict in binding) else 0
