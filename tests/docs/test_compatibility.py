# SPDX-License-Identifier: Apache-2.0
"""The public table of hosts and plugins, and the script that makes it."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from harness.command import run
from harness.programs import SANITIZED

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/compatibility.md").read_text()
sys.path[:0] = [str(ROOT / "scripts/lib" / part) for part in ("compat", "demo")]
from hosts import HOSTS  # noqa: E402
from plugins import PLUGINS  # noqa: E402


def rows(text: str) -> dict[str, list[str]]:
    """Cells by the first cell of their row."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {cells[0]: cells[1:] for cells in lines}


def test_the_table_has_every_host_and_plugin_and_says_pass_or_fail() -> None:
    table = rows(PAGE)
    assert [name.rpartition(" ")[0] for name in table["plugin"]] == [host.name for host in HOSTS]
    assert all(re.fullmatch(r"[\d.]+\d", name.rpartition(" ")[2]) for name in table["plugin"]), "each has its version"
    for plugin in PLUGINS:
        assert all(re.fullmatch(r"pass|-|fail: [\w, -]+", cell) for cell in table[plugin.name])
    assert table["#"] == [plugin.name for plugin in PLUGINS if plugin.checked]
    assert re.search(r"^20\d\d-\d\d-\d\d, .*, Linux ", PAGE, re.M)


@pytest.mark.skipif(bool(SANITIZED), reason="a sanitizer's programs are slow, and nothing here is about them")
def test_the_script_finds_what_the_page_says(root: None) -> None:
    said = run(ROOT / "scripts/compat", "--no-checks", "--hosts", "Shadowplug", "--plugins", "ws-wrap")
    assert rows(said)["ws-wrap"] == rows(PAGE)["ws-wrap"][:1] == ["pass"]
