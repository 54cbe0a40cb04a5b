# SPDX-License-Identifier: Apache-2.0
"""Circles of calls between the files of one layer or program, found in the symbols of its objects.

usage: circles.py NM LIST

Each line of LIST is "target:object;object;...", as CMake writes it.  Prints one line per circle and
returns 1 when there is one.
"""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

UNDEFINED = set("Uwv")
Calls = dict[str, dict[str, str]]  # caller -> called object -> one symbol of it


def calls_of(nm: str, objects: list[str]) -> Calls:
    output = subprocess.run([nm, "-g", "-A", "-P", *objects], check=True, capture_output=True, text=True).stdout
    owner: dict[str, str] = {}
    used: list[tuple[str, str]] = []
    for line in output.splitlines():
        name, rest = line.rsplit(": ", 1)
        symbol, kind = rest.split()[:2]
        if kind in UNDEFINED:
            used.append((name, symbol))
        elif kind.isupper():
            owner[symbol] = name
    if not owner:
        raise SystemExit(f"{nm} finds no symbol in {objects[0]} and its neighbours")
    calls: Calls = defaultdict(dict)
    for name, symbol in used:
        if symbol in owner:
            calls[name].setdefault(owner[symbol], symbol)
    return calls


def below(calls: Calls, start: str) -> set[str]:
    """All objects that the object calls, at any depth."""
    found: set[str] = set()
    todo = [start]
    while todo:
        new = set(calls.get(todo.pop(), {})) - found
        found |= new
        todo += new
    return found


def circles(calls: Calls) -> list[list[str]]:
    """The edges of each circle, as text."""
    reach = {name: below(calls, name) for name in calls}
    found, told = [], set()
    for name in sorted(reach):
        ring = {other for other in reach[name] if name in reach.get(other, set())}
        if name in ring and name not in told:
            told |= ring
            found.append([f"{stem(a)} -> {stem(b)} ({symbol})" for a in sorted(ring)
                          for b, symbol in sorted(calls[a].items()) if b in ring])
    return found


def stem(name: str) -> str:
    return Path(name).name.removesuffix(".o")


def main(nm: str, path: str) -> int:
    layers = [line.partition(":") for line in Path(path).read_text().split("\n") if line]
    failed = 0
    for target, _, objects in layers:
        if not objects:
            raise SystemExit(f"{path} names no object of {target}")
        for edges in circles(calls_of(nm, objects.split(";"))):
            failed = 1
            print(f"{target}: files call each other in a circle: {', '.join(edges)}")
    if len(layers) < 2:
        raise SystemExit(f"{path} names {len(layers)} targets: more are expected")
    print(f"{len(layers)} layers and programs are searched")
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
