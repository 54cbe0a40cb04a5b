# SPDX-License-Identifier: Apache-2.0
"""The listings of a page, and what the comment in front of each says of it.

    <!-- file NAME -->             the text of a file; commands that follow find it under that name
    <!-- same as PATH -->          that file of this tree, without its licence line
    <!-- part of PATH -->          lines of that file
    <!-- run -->                   commands that are run, in a directory of the page
    <!-- serve -->                 commands that run side by side until they are stopped, one a line
    <!-- last -->                  as run, and takes half a minute
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FENCED = re.compile(r"(?:<!-- (?P<says>[^>]*) -->\n)?^```(?P<kind>\w*)\n(?P<text>.*?)^```$", re.M | re.S)
LITERAL = re.compile(r"^\.Bd -literal\n(?P<text>.*?)^\.Ed$", re.M | re.S)


@dataclass(frozen=True)
class Listing:
    page: str
    line: int
    kind: str
    text: str
    says: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{Path(self.page).name}:{self.line}"


def remarks(comment: str | None) -> dict[str, str]:
    """"file a.c, same as b.c" in parts."""
    parts = (re.fullmatch(r"(file|same as|part of|run|serve|last) ?(.*)", part.strip())
             for part in (comment or "").split(", "))
    return {part[1]: part[2] for part in parts if part}


def listings_of(page: str) -> Iterator[Listing]:
    text = (ROOT / page).read_text()
    pattern = FENCED if page.endswith(".md") else LITERAL
    for match in pattern.finditer(text):
        line = text.count("\n", 0, match.start("text"))
        if page.endswith(".md"):
            yield Listing(page, line, match["kind"], match["text"], remarks(match["says"]))
        else:
            yield Listing(page, line, "c", match["text"].replace("\\e", "\\"))
