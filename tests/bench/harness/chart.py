# SPDX-License-Identifier: Apache-2.0
"""A bar chart of what a GiB costs, drawn as SVG: the peer's cost is the full bar."""

from collections.abc import Iterator
from xml.sax.saxutils import escape

from .campaign import median_ratio
from .recipes import BY_HAND, CHAINS, FLOOR, Recipe
from .report import Run, machine_line

WIDTH = 860
MARGIN = 24
LABEL = 262  # where the bars begin
FULL = 380  # the length of the peer's bar
LONGEST = 1.15  # ratios above are cut: their number is beside the bar
BAR = 11
ROW = 32
GROUP_GAP = 16
TOP = 104

SUBTITLE = "CPU seconds of all processes between the ends, one stream; shorter is better"

STYLE = """
  .back { fill: #ffffff } .ink { fill: #1f2328 } .soft { fill: #656d76 }
  .peer { fill: #d0d7de } .ours { fill: #2da44e } .missed { fill: #cf222e }
  .gate { stroke: #1f2328; stroke-width: 2 }
  .floor { stroke: #bf8700; stroke-width: 2; stroke-dasharray: 3 2 }
  text { font: 13px system-ui, -apple-system, "Segoe UI", sans-serif }
  .title { font-size: 18px; font-weight: 600 } .small { font-size: 11.5px }
  @media (prefers-color-scheme: dark) {
    .back { fill: #0d1117 } .ink { fill: #e6edf3 } .soft { fill: #8d96a0 }
    .peer { fill: #3d444d } .ours { fill: #3fb950 } .missed { fill: #f85149 }
    .gate { stroke: #e6edf3 }
  }
"""


def _text(x: float, y: float, text: str, classes: str, anchor: str = "start") -> str:
    place = f'x="{x:g}" y="{y:g}" text-anchor="{anchor}"'
    return f'<text {place} class="{classes}">{escape(text)}</text>'


def _bar(x: float, y: float, width: float, kind: str) -> str:
    return f'<rect x="{x:g}" y="{y:g}" width="{width:.1f}" height="{BAR}" rx="2" class="{kind}"/>'


def _line(x: float, top: float, bottom: float, kind: str) -> str:
    return f'<line x1="{x:g}" y1="{top:g}" x2="{x:g}" y2="{bottom:g}" class="{kind}"/>'


def _legend() -> Iterator[str]:
    y = TOP - 26
    yield _bar(LABEL, y - 10, 22, "peer")
    yield _text(LABEL + 30, y, "the peer named beside it = 1", "small soft")
    yield _bar(LABEL + 270, y - 10, 22, "ours")
    yield _text(LABEL + 300, y, "shadowplug", "small soft")
    x = LABEL + 400
    yield _line(x, y - 12, y + 3, "gate")
    yield _text(x + 8, y, "to be reached", "small soft")
    x += 100
    yield _line(x, y - 12, y + 3, "floor")
    yield _text(x + 8, y, FLOOR, "small soft")


def _pair(run: Run, recipe: Recipe, direction: str, y: float) -> Iterator[str]:
    measure = f"{direction}1"
    results = run.results
    names = recipe.peer.name, recipe.ours.name
    peer, ours = (results.median(recipe.name, name, measure, "cost") for name in names)
    under, over = (results.values(recipe.name, name, measure, "cost") for name in names)
    ratio = median_ratio(over, under)
    yield _text(LABEL - 12, y + BAR + 4, direction, "small soft", "end")
    if peer is None or ours is None or ratio is None:
        yield _text(LABEL, y + BAR + 4, "not measured", "small soft")
        return
    gate = recipe.gate_down if direction == "down" else recipe.gate_up
    kind = "ours" if ratio <= gate else "missed"
    length, mark = min(ratio, LONGEST) * FULL, LABEL + gate * FULL
    yield _bar(LABEL, y, FULL, "peer")
    beside = f"{recipe.peer.name}, {peer:.2f} s/GiB"
    yield _text(LABEL + FULL + 8, y + BAR - 3, beside, "small soft")
    yield _bar(LABEL, y + BAR + 2, length, kind)
    where = max(LABEL + length, mark) + 8
    yield _text(where, y + 2 * BAR + 1, f"{ours:.2f} s/GiB, ratio {ratio:.2f}", "small ink")
    top, bottom = y + BAR, y + 2 * BAR + 4
    yield _line(mark, top, bottom, "gate")
    floor = results.median(FLOOR, BY_HAND, measure, "cost")
    if floor is not None and recipe in CHAINS and floor / peer <= LONGEST:
        yield _line(LABEL + floor / peer * FULL, y, bottom, "floor")


def _groups(run: Run) -> tuple[list[str], float]:
    parts: list[str] = []
    y = float(TOP)
    for recipe in run.recipes:
        parts.append(_text(MARGIN, y + BAR + 4, recipe.name, "ink"))
        for direction in ("down", "up"):
            parts += _pair(run, recipe, direction, y)
            y += ROW
        y += GROUP_GAP
    return parts, y


def as_svg(run: Run) -> str:
    groups, y = _groups(run)
    where = machine_line(run.machine)
    first, _, second = where.partition("; ")
    height = y + 44
    body = [
        f'<rect width="{WIDTH}" height="{height:g}" rx="8" class="back"/>',
        _text(MARGIN, 36, "What a GiB costs", "title ink"),
        _text(MARGIN, 56, SUBTITLE, "soft"),
        *_legend(),
        *groups,
        _text(MARGIN, height - 34, first, "small soft"),
        _text(MARGIN, height - 18, second, "small soft"),
    ]
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" '
        f'width="{WIDTH}" height="{height:g}" role="img" aria-label="CPU cost per GiB">'
    )
    return "\n".join([head, f"<style>{STYLE}</style>", *body, "</svg>", ""])
