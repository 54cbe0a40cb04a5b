# SPDX-License-Identifier: Apache-2.0
"""The text of docs/sip003.md is enough: plugins in other languages, made from it alone, keep the contract."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from harness.command import run
from harness.content import content, read_exactly
from harness.programs import BIN, ours, reachable
from harness.stage import Parts, Stage
from harness.targets import echo

HERE = Path(__file__).resolve().parent
PLACES = f"{os.environ['PATH']}:{Path.home()}/.cargo/bin:/usr/local/go/bin"
# Those that a requirement of the text stands behind and that take no minute.
CHECKS = "1,3,9,10,15,16,30,34,38"


def compiler(name: str) -> str:
    found = shutil.which(name, path=PLACES)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def build(language: str, to: Path) -> Path:
    plugin, source = to / f"plugin-{language}", HERE / f"plugin.{language}"
    if language == "rs":
        run(compiler("rustc"), "-D", "warnings", "-o", plugin, source, PATH=PLACES)
    else:
        run(compiler("go"), "build", "-o", plugin, source, PATH=PLACES, GO111MODULE="off", GOTOOLCHAIN="local")
    return reachable(plugin)


@pytest.mark.parametrize("language", ["rs", "go"])
def test_a_plugin_by_the_text_alone_keeps_the_contract(language: str, tmp_path: Path, stage: Stage) -> None:
    plugin = build(language, tmp_path)
    said = run(BIN / "ss-plugin", "check", "--client", plugin, "--copts", "key=42", "--server", plugin, "--sopts",
               "server;key=42", "--failed", "--only", CHECKS)
    assert "fail" not in said, said
    sock = stage.chain(Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", str(plugin), "key=7", str(plugin),
                             "key=7")).dial(stage.target(echo).address)
    sock.sendall(content(100_000))
    assert read_exactly(sock, 100_000) == content(100_000)
