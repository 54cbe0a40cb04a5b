# SPDX-License-Identifier: Apache-2.0
"""The results as tables for a terminal, as Markdown and as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from .campaign import Results
from .gates import Verdict
from .measures import Scale
from .recipes import Recipe

NONE = "-"


@dataclass(frozen=True)
class Table:
    title: str
    head: list[str]
    rows: list[list[str]]
    text_columns: int  # the first ones, aligned to the left


@dataclass(frozen=True)
class Column:
    head: str
    measure: str
    figure: str
    places: int


COST = (
    Column("down 1", "down1", "cost", 2),
    Column("up 1", "up1", "cost", 2),
    Column("down 4", "down4", "cost", 2),
    Column("up 4", "up4", "cost", 2),
    Column("down 128", "down128", "cost", 2),
    Column("up 128", "up128", "cost", 2),
)
THROUGHPUT = (
    Column("down 1", "down1", "gib_per_s", 2),
    Column("up 1", "up1", "gib_per_s", 2),
    Column("down 128", "down128", "gib_per_s", 2),
    Column("up 128", "up128", "gib_per_s", 2),
    Column("Jain down", "down128", "jain", 3),
    Column("Jain up", "up128", "jain", 3),
)
FLOWS = (
    Column("us, 20,000/s", "flow20000", "cpu_us", 2),
    Column("us, 60,000/s", "flow60000", "cpu_us", 2),
    Column("arrived", "flow60000", "arrived", 3),
    Column("us, flood", "flood", "cpu_us", 2),
    Column("packets of a CPU", "flood", "per_cpu_s", 0),
    Column("arrived", "flood", "arrived", 3),
)
CONNECTIONS = (
    Column("ping p50 us", "ping", "added_p50_us", 1),
    Column("p99 us", "ping", "added_p99_us", 1),
    Column("conn/s", "rate", "per_s", 0),
    Column("CPU us/conn", "rate", "cpu_us", 1),
    Column("idle KiB", "idle", "dirty_kib", 2),
    Column("RSS MiB/1000", "idle", "rss_mib_per_1000", 2),
    Column("CPU us/packet", "packets", "cpu_us", 2),
    Column("requests/s", "requests", "per_s", 0),
    Column("CPU us/request", "requests", "cpu_us", 1),
)


@dataclass(frozen=True)
class Run:
    """Everything that a report is made of."""

    machine: dict[str, str]
    scale: Scale
    recipes: list[Recipe]
    results: Results
    verdicts: list[Verdict]


def number(value: float | None, places: int) -> str:
    return NONE if value is None else f"{value:.{places}f}"


def verdict_word(verdict: Verdict) -> str:
    if verdict.holds is None:
        return "not measured"
    if verdict.binding:
        return "holds" if verdict.holds else "MISSED"
    return "reached" if verdict.holds else "not yet"


def _figures(run: Run, title: str, columns: tuple[Column, ...]) -> Table:
    measured = {key[2] for key in run.results.rounds}
    shown = [column for column in columns if column.measure in measured]
    rows = []
    for recipe in run.recipes:
        for side in recipe.sides:
            medians = [
                number(run.results.median(recipe.name, side.name, c.measure, c.figure), c.places)
                for c in shown
            ]
            if any(text != NONE for text in medians):
                rows.append([recipe.name, side.name, *medians])
    return Table(title, ["chain", "by", *(c.head for c in shown)], rows, 2)


def _verdicts(run: Run, title: str, binding: bool) -> Table:
    rows = [
        [
            v.recipe,
            v.what,
            f"{number(v.value, 2)}{v.unit if v.value is not None else ''}",
            f"{v.relation} {v.limit:.2f}",
            verdict_word(v),
        ]
        for v in run.verdicts
        if v.binding == binding
    ]
    return Table(title, ["chain", "what", "measured", "limit", "verdict"], rows, 2)


def tables(run: Run) -> list[Table]:
    found = [
        _figures(run, "CPU seconds per GiB, all proxy processes", COST),
        _figures(run, "Throughput, GiB/s, and fairness among 128 streams", THROUGHPUT),
        _figures(run, "Latency added, new connections, memory (largest process)", CONNECTIONS),
        _figures(run, "UDP one way, CPU per packet that arrives", FLOWS),
        _verdicts(run, "Gates", binding=True),
        _verdicts(run, "Aims, not part of the exit status", binding=False),
    ]
    return [table for table in found if table.rows and len(table.head) > 2]


def machine_line(machine: dict[str, str]) -> str:
    return (
        f"{machine['cpu']}, {machine['cores']} cores; Linux {machine['kernel']}, "
        f"{machine['distribution']}; {machine['openssl']}, ciphers by {machine['ciphers']}; "
        f"{machine['congestion control']}, {machine['network']}; {machine['own share']}; {machine['date']}"
    )


def method_line(run: Run) -> str:
    rounds = f"{run.scale.rounds} round" + ("s" if run.scale.rounds > 1 else "")
    return (
        f"Medians of {rounds}, both sides taking turns; peers: {run.machine['peers']}. "
        "Ratios are the result: absolute figures depend on the machine and its load."
    )


def _widths(table: Table) -> list[int]:
    return [max(map(len, column)) for column in zip(table.head, *table.rows)]


def table_text(table: Table, paint: Callable[[str, str], str]) -> str:
    widths = _widths(table)
    head = [paint(table.title, "head"), paint(_text_row(table.head, widths, table), "dim")]
    return "\n".join([*head, *(_coloured(_text_row(row, widths, table), row[-1], paint) for row in table.rows)])


def as_text(run: Run, paint: Callable[[str, str], str]) -> str:
    lines = []
    for table in tables(run):
        lines += [table_text(table, paint), ""]
    return "\n".join([*lines, machine_line(run.machine), method_line(run), ""])


def _text_row(row: list[str], widths: list[int], table: Table) -> str:
    left = table.text_columns
    cells = [
        cell.ljust(width) if i < left else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths))
    ]
    return "  " + "  ".join(cells)


def _coloured(line: str, word: str, paint: Callable[[str, str], str]) -> str:
    colours = {
        "holds": "good",
        "reached": "good",
        "MISSED": "bad",
        "not measured": "bad",
        "not yet": "weak",
    }
    if word not in colours:
        return line
    return line[: -len(word)] + paint(word, colours[word])


def as_markdown(run: Run) -> str:
    lines = [machine_line(run.machine), "", method_line(run), ""]
    for table in tables(run):
        rule = ["---"] * table.text_columns
        rule += ["---:"] * (len(table.head) - table.text_columns)
        lines += [f"**{table.title}**", ""]
        lines += [f"| {' | '.join(row)} |" for row in (table.head, rule, *table.rows)]
        lines.append("")
    return "\n".join(lines)


def as_json(run: Run) -> dict[str, Any]:
    measured: dict[str, Any] = {}
    for (recipe, side, measure), rounds in run.results.rounds.items():
        measured.setdefault(recipe, {}).setdefault(side, {})[measure] = rounds
    return {
        "schema": 1,
        "machine": run.machine,
        "scale": asdict(run.scale),
        "direct": run.results.direct,
        "alone": run.results.alone,
        "rounds": measured,
        "verdicts": [{**asdict(v), "holds": v.holds} for v in run.verdicts],
        "problems": run.results.problems,
    }
