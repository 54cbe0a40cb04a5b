# SPDX-License-Identifier: Apache-2.0
"""The rules of the house that a compiler does not know: layers, functions, licences, repetition.

Prints one line per violation and returns 1 when there is one.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

SDK, ENGINE, CORE = "plugin-sdk/src", "plugin-sdk/src/engine", "core"
# A layer or a program as CMake knows it; these calls are the only place where layers are written.
TARGET = re.compile(r"ssp_(?:layer|program)\(\s*([\w-]+)([^)]*)\)", re.S)
ROOTS = [f"{ENGINE}/", f"{SDK}/", "plugin-sdk/tool/", f"{CORE}/", "plugins/"]
# Folders that others build the same way: nothing but public headers and headers of their own folder.
OUTSIDE = ["plugins/", "plugin-sdk/examples/", "plugin-sdk/tool/template/"]
# Shared by the plugins that run other programs, by those that use libcrypto, and by clients of TLS.
SHARED = ("wrap/", "libcrypto/", "tls-wrap/context.h", "tls-wrap/record.h")
# Layers without input and output, and the headers that would give it to them.
PURE = [f"{ENGINE}/base/", f"{ENGINE}/codec/", f"{SDK}/contract/", f"{SDK}/options/",
        f"{CORE}/crypto/", f"{CORE}/proto/", f"{CORE}/acl/", f"{CORE}/formats/", f"{CORE}/manager/", "plugins/"]
IO_HEADERS = re.compile(r"event2?/|event2?\.h|ares\.h|sys/(socket|epoll|event)\.h|unistd\.h|poll\.h|base/retry\.h")
# The log sink; the kernel's randomness; calls that go on after a signal.
MAY_WRITE = {f"{ENGINE}/base/{name}" for name in ("log.c", "world.c", "retry.h")}
EVENT_HEADERS = re.compile(r"event2?/|event2?\.h|ares\.h")
EVENT_USERS = (f"{ENGINE}/net/", "plugin-sdk/examples/host-libevent.c")
# Daemons meet the engine at its front door.
DAEMONS, FRONT_DOOR = f"{CORE}/app/", "engine/engine.h"
BANNED = re.compile(
    r"(?<![\w.>])(strcpy|strcat|strncat|sprintf|vsprintf|gets|system|popen|s?rand|random|ato[ifl]|"
    r"strtok|alloca|localtime|gmtime|asctime|ctime|inet_addr|inet_ntoa|tmpnam|mktemp)\s*\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
# Comments say subject, verb, object; see "Style" in docs/architecture.md.
LISTING = re.compile(r"^```.*?^```$", re.M | re.S)
# A part of a page, up to an empty line, a heading, an item, a cell or a request of a man page.
BLOCK = re.compile(r"(?:[^\n|]|\n(?!\s*(?:$|[*#.|]|\d+\. )))+", re.M)
OPENING = re.compile(r"(?:What|Whoever|Who|Of|Those|Or)\b")
WINDOW = 12  # lines in a row that two places may not share
LINES_MAX = 600  # of a file


def tracked(*patterns: str) -> list[Path]:
    """Files of the work tree, whether committed yet or not."""
    command = ["git", "ls-files", "-co", "--exclude-standard", "--", *patterns]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")
    return sorted({Path(name) for name in names if name and Path(name).is_file()})


def includes(path: Path) -> Iterator[tuple[int, str, str]]:
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if match := INCLUDE.match(line):
            yield number, match[1], match[2]


class Layers:
    """Which target a folder belongs to, and what that target links, from the CMake files."""

    def __init__(self) -> None:
        self.home: dict[str, str] = {}  # folder -> target
        self.uses: dict[str, set[str]] = {}
        for path in tracked("plugin-sdk/*CMakeLists.txt", "core/*CMakeLists.txt"):
            for name, body in TARGET.findall(path.read_text()):
                sources, _, uses = body.partition("USES")
                self.uses[name] = set(uses.split())
                for source in re.findall(r"[\w./-]+\.c\b", sources):
                    self.home.setdefault(str((path.parent / source).parent), name)

    def of(self, path: Path | str) -> str | None:
        """The target of the nearest folder that has one."""
        return next((self.home[str(up)] for up in Path(path).parents if str(up) in self.home), None)

    def linked(self, target: str) -> set[str]:
        found, todo = {target}, [target]
        while todo:
            new = self.uses.get(todo.pop(), set()) - found
            found |= new
            todo += new
        return found

    def allow(self, path: Path, header: str) -> bool:
        here = self.of(path)
        owner = next((self.of(root + header) for root in ROOTS if Path(root + header).is_file()), None)
        return owner is None or here is None or owner in self.linked(here)


def include_rules(path: Path, layers: Layers) -> Iterator[str]:
    name = str(path)
    outside = name.startswith(tuple(OUTSIDE))
    pure = name.startswith(tuple(PURE)) and name not in MAY_WRITE
    for number, kind, header in includes(path):
        where, first = f"{name}:{number}", header.partition("/")[0]
        if kind == '"' and not outside and not layers.allow(path, header):
            yield f"{where}: {layers.of(path)} does not link the layer of {header}"
        if kind == '"' and outside and first != path.parts[1] and not header.startswith(SHARED):
            yield f"{where}: public headers (<ssplugin/...>) and its own only"
        inside = Path(f"{ENGINE}/{header}").is_file() or header.startswith("engine/")
        if name.startswith(DAEMONS) and inside and header != FRONT_DOOR:
            yield f"{where}: daemons include {FRONT_DOOR} and no other header of the engine"
        if pure and IO_HEADERS.match(header):
            yield f"{where}: {header} in a layer without input and output"
        if EVENT_HEADERS.match(header) and not name.startswith(EVENT_USERS):
            yield f"{where}: only {EVENT_USERS[0]} may know {header}"


def blank(match: re.Match[str]) -> str:
    """A comment or a string without its words, on as many lines."""
    return "\n" * match[0].count("\n")


def banned_functions(path: Path) -> Iterator[str]:
    code = STRING.sub(blank, COMMENT.sub(blank, path.read_text()))
    for number, line in enumerate(code.splitlines(), 1):
        if match := BANNED.search(line):
            yield f"{path}:{number}: {match[1]}() is not used here"


def nameless(text: str) -> Iterator[str]:
    """Sentences that begin with a word of OPENING; questions may."""
    for sentence in re.split(r"(?<=[.:;!?])\s+", text.strip()):
        if OPENING.match(sentence) and not sentence.endswith("?"):
            yield f"name the subject: {sentence[:50]}"


def comment_words(path: Path) -> Iterator[str]:
    text = path.read_text()
    for match in COMMENT.finditer(text):
        body = " ".join(re.sub(r"^[\s/*<]+|[\s/*]+$", "", line) for line in match[0].splitlines())
        for complaint in nameless(body):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {complaint}"


def page_words(path: Path) -> Iterator[str]:
    """The same of a page: its paragraphs, headings, items and cells, without listings."""
    text = LISTING.sub(blank, path.read_text())
    for match in BLOCK.finditer(text):
        for complaint in nameless(" ".join(re.sub(r"[*#>]", "", match[0]).split())):
            yield f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {complaint}"


def licences(path: Path) -> Iterator[str]:
    head = path.read_text(errors="replace")[:400]
    if head.strip() and "SPDX-License-Identifier: Apache-2.0" not in head:
        yield f"{path}:1: no SPDX line"


def lengths(path: Path) -> Iterator[str]:
    lines = len(path.read_text().splitlines())
    if lines > LINES_MAX:
        yield f"{path}:{LINES_MAX}: {lines} lines are too many for one file: split it by subject"


def repetitions(paths: list[Path]) -> Iterator[str]:
    """Runs of equal lines of code in two places; each run is told once."""
    seen: dict[tuple[str, ...], str] = {}
    told: dict[str, int] = defaultdict(lambda: -WINDOW)
    for path in paths:
        lines = [(n, text.strip()) for n, text in enumerate(path.read_text().splitlines(), 1)]
        lines = [(n, text) for n, text in lines if len(text) > 3 and not INCLUDE.match(text)]
        for at in range(len(lines) - WINDOW + 1):
            window = tuple(text for _, text in lines[at : at + WINDOW])
            first = seen.setdefault(window, f"{path}:{lines[at][0]}")
            if first != f"{path}:{lines[at][0]}" and at - told[str(path)] >= WINDOW:
                told[str(path)] = at
                yield f"{path}:{lines[at][0]}: {WINDOW} lines as in {first}"


def violations() -> Iterator[str]:
    sources = tracked("plugin-sdk/*.[ch]", "core/*.[ch]", "plugins/*.[ch]")
    layers = Layers()
    for path in sources:
        yield from include_rules(path, layers)
        yield from banned_functions(path)
        yield from lengths(path)
    tests = tracked("tests/*.[ch]")
    for path in [*sources, *tests]:
        yield from comment_words(path)
    for path in tracked("*.md", "docs/man/*.[157]"):
        yield from page_words(path)
    others = tracked("tests/*.py", "*.cmake", "*CMakeLists.txt", "scripts/*", ".ci/*")
    for path in [*sources, *tests, *others]:
        if path.name != "packages" and path.suffix != ".svg" and "debian" not in path.parts:
            yield from licences(path)  # debian/copyright speaks for the files beside it
    # A project is begun with one template, whose ends are alike.
    yield from repetitions([path for path in sources if not str(path).startswith(OUTSIDE[-1])])


def main() -> int:
    found = list(violations())
    print("\n".join(found) or "the rules of the house are kept")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
