# SPDX-License-Identifier: Apache-2.0
"""The programs of docs/embedding.md: hosts in the loops of others, in Python, and a relay whose users wait."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import procfs
from harness.command import run
from harness.content import content, read_exactly
from harness.processes import Process
from harness.programs import BIN, SANITIZED, SLOWER, Program
from harness.stage import Stage
from harness.targets import echo

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES, BUILT, INCLUDE = ROOT / "plugin-sdk/examples", BIN.parent / "plugin-sdk", ROOT / "plugin-sdk/include"
HOST, OPTIONS = "127.0.0.1", "key=42"
INSTRUMENT = ["-fsanitize=address,undefined"] if SANITIZED else []


def compiled(name: str, to: Path, *packages: str) -> Path:
    known = subprocess.run(["pkg-config", "--cflags", "--libs", *packages], capture_output=True, text=True, check=False)
    if packages and known.returncode != 0:
        pytest.skip(f"{' '.join(packages)} is not installed")
    run("cc", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *INSTRUMENT, "-o", to / name,
        EXAMPLES / f"{name}.c", f"-I{INCLUDE}", *known.stdout.split(), BUILT / "libssplugin.a", "-levent_core", "-lcares", "-pthread")
    return to / name


def by_libevent(to: Path) -> list[object]:
    return [compiled("host-libevent", to)]


def by_glib(to: Path) -> list[object]:
    return [compiled("host-glib", to, "glib-2.0")]


def by_python(_: Path) -> list[object]:
    if importlib.util.find_spec("cffi") is None:
        pytest.skip("cffi of Python is not installed")
    if SANITIZED:
        pytest.skip("Python has no sanitizer inside")
    return [sys.executable, "-B", EXAMPLES / "host.py", INCLUDE]


@pytest.fixture
def server(stage: Stage) -> tuple[Path, int]:
    """The plugin, and the port of its server in front of an echo."""
    xor, public = compiled("xor", stage.home), stage.port()
    process = stage.plugin(Program(xor, ours=True), stage.target(echo).address, (HOST, public), f"server;{OPTIONS}")
    stage.wait_listening(process, public)
    return xor, public


def said(process: Process, pattern: str, times: int = 1) -> str:
    procfs.eventually(lambda: len(re.findall(pattern, process.output())) >= times or not process.running,
                      f"{pattern} from {process}", 15 * SLOWER)
    found = re.findall(pattern, process.output())
    assert len(found) >= times, process.output()
    return found[-1]


def echoes(stage: Stage, port: int) -> None:
    sock = stage.connect((HOST, port))
    sock.sendall(content(100_000))
    assert read_exactly(sock, 100_000) == content(100_000)


@pytest.mark.parametrize("way", [by_libevent, by_glib, by_python])
def test_a_loop_of_others_hosts_a_plugin(way: Callable[[Path], list[object]], stage: Stage, server: tuple[Path, int]) -> None:
    xor, public = server
    host = stage.run(*way(stage.home), xor, HOST, public, OPTIONS, env={"LD_LIBRARY_PATH": str(BUILT)})
    echoes(stage, int(said(host, r"ready on port (\d+)")))
    assert host.stop() == 0


def test_users_of_a_relay_wait_until_the_plugin_is_ready(stage: Stage, server: tuple[Path, int]) -> None:
    """At the beginning, and when it is started again."""
    xor, public = server
    go = stage.home / "go"
    late = stage.script("late", f"#!/bin/sh\nwhile [ ! -e {go} ]; do sleep 0.02; done\nrm {go}\nexec {xor}\n")
    near = stage.port()
    relay = stage.run(compiled("relay", stage.home), near, late, HOST, public, OPTIONS)
    stage.wait_listening(relay, near)
    for number, word in enumerate((b"early", b"again"), 1):
        sock = stage.connect((HOST, near))
        sock.sendall(word)
        assert "ready" not in relay.output()[relay.output().rfind("down"):]
        go.touch()
        assert read_exactly(sock, len(word)) == word
        assert said(relay, r"ready, (\d+) waited", number) == "1"
        echoes(stage, near)
        relay.kill_plugin()
        said(relay, "down: ", number)
        relay.expected_end = False
    assert relay.stop() == 0
