# SPDX-License-Identifier: Apache-2.0
"""The pages of the daemons and their file say what the programs do."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from harness.programs import BIN, found, ours
from harness.stage import Stage

PAGES = Path(__file__).resolve().parents[2] / "docs/man"
DAEMONS = ["ss-local", "ss-redir", "ss-server", "ss-tunnel"]
PAGED = [*DAEMONS, "ss-manager"]
SILENT = {"-A", "-l", "-k"}  # taken for the sake of old scripts, and not in the help


def page(name: str) -> str:
    return (PAGES / name).read_text()


def output(stage: Stage, *command: object) -> str:
    """Stdout and stderr of a command that succeeds."""
    env = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": str(stage.home), "LC_ALL": "C"}
    done = subprocess.run([str(word) for word in command], cwd=stage.home, env=env, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.mark.parametrize("daemon", PAGED)
def test_every_option_is_in_the_page_and_none_else(stage: Stage, daemon: str) -> None:
    said = output(stage, ours(daemon), "-h")
    told = set(re.findall(r"^ +(-\w)\b", said, re.M)) | set(re.findall(r"--[a-z][a-z0-9-]+", said))
    items = re.findall(r"^\.It Fl (.*)$", page(f"{daemon}.1"), re.M)
    written = {f"-{word}" for item in items for word in re.findall(r"(?:^|, )(-?[\w-]+)", item)}
    assert told <= written
    assert written - told <= SILENT


def keys() -> list[str]:
    items = re.findall(r"^\.It Ic (.*)$", page("shadowplug.5"), re.M)
    return [key for item in items for key in item.split(" , ")]


@pytest.mark.parametrize("daemon", DAEMONS)
def test_the_page_names_what_takes_a_restart(daemon: str) -> None:
    rows = re.findall(r'\{"(\w+)", \w+,\s*([\w |]+),', (PAGES.parents[1] / "core/conf/fields.c").read_text())
    whose = {"SS_FOR_ALL", "SS_FOR_" + daemon.removeprefix("ss-").upper()}
    needed = {name for name, flags in rows if whose & set(flags.split(" | "))
              and re.search(r"SS_AT_START|SS_OF_SOCKET", flags) and "SS_ARGV_ONLY" not in flags}
    listed = re.search(r"^A restart is needed (.*?)the line says so", page(f"{daemon}.1"), re.M | re.S)
    assert listed and len(needed) > 12
    named = set(re.findall(r"\w+", listed[1]))
    assert {re.sub(r"tcp_incoming_\w+", "tcp_incoming_", name) for name in needed} <= named


@pytest.mark.parametrize("daemon", DAEMONS)
def test_every_key_of_the_page_is_known(stage: Stage, daemon: str) -> None:
    needed = {"server": "127.0.0.1", "server_port": 1, "local_port": 1, "password": "x", "plugin": "x",
              "tunnel_address": "x:1"}
    path = stage.config(**needed)
    path.write_text(json.dumps({**dict.fromkeys(keys()), **needed}))
    assert "unknown key" not in output(stage, ours(daemon), "-c", path, "--print-plugin-env")


@pytest.mark.parametrize("name", ["ss-local.1", "ss-redir.1", "ss-server.1", "ss-tunnel.1"])
def test_the_examples_are_taken(stage: Stage, name: str) -> None:
    files = re.findall(r"^\.Bd -literal.*?\n(.*?)^\.Ed$", page("shadowplug.5"), re.M | re.S)
    ours_first = sorted(files, key=lambda text: ("local_port" in text) != (name != "ss-server.1"))
    (stage.home / "config.json").write_text(ours_first[0])
    lines = re.findall(r"^\.Dl (ss-\w+ .*)$", page(name), re.M)
    commands = [line.replace(r"\(dq", '"') for line in lines]
    assert len(commands) >= 2
    for command in commands:
        assert "SS_REMOTE_PORT=443\n" in output(stage, "sh", "-c", f"{command} --print-plugin-env")


@pytest.mark.parametrize("name", sorted(path.name for path in PAGES.glob("*.[1-8]")))
def test_a_page_has_no_faults(stage: Stage, name: str) -> None:
    assert output(stage, "sh", "-c", f"{found('groff')} -mdoc -ww -Tutf8 {PAGES / name} 2>&1 >page") == ""
