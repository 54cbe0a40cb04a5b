# SPDX-License-Identifier: Apache-2.0
"""ss-plugin describe: a plugin's own table; of strangers what can be seen, within a moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from calling import ask
from harness.procfs import eventually
from harness.programs import SLOWER, ours, peer
from harness.stage import Stage


@pytest.mark.parametrize("name", ["obfs-local", "obfs-server"])
def test_ours_describe_themselves(stage: Stage, name: str) -> None:
    program = ours(name)
    own = subprocess.run([str(program), "--dump-options=json"], check=True, text=True,
                         capture_output=True, timeout=30 * SLOWER).stdout
    told = ask(stage, "describe", "--json", program)
    assert (told.status, told.out) == (0, own)
    table = ask(stage, "describe", program)
    assert table.status == 0
    options = json.loads(own)["options"]
    assert {"obfs", "fast-open"} <= {option["name"] for option in options}
    lines = table.out.splitlines()
    for option in options:
        (line,) = [line for line in lines if line.split("=")[0].strip().split(" ")[0] == option["name"]]
        assert option["help"] in line
        assert ("required" in line) == option["required"] or "required" in option["help"]
        assert all(choice in line for choice in option["choices"] or [])


@pytest.mark.parametrize(("name", "version", "help_says"), [
    ("obfs-local", "simple-obfs 0.0.5", "--obfs"),
    ("obfs-server", "simple-obfs 0.0.5", "--obfs"),
    ("ss-v2ray-plugin", "v2ray-plugin", "-fast-open")])
def test_of_strangers_what_can_be_seen_is_shown(stage: Stage, name: str, version: str,
                                                help_says: str) -> None:
    program = peer(name)
    lines = ask(stage, "describe", program)
    assert lines.status == 1
    assert "was not made with libssplugin" in lines.err
    assert version in lines.out and help_says in lines.out
    found = ask(stage, "describe", "--json", program)
    assert found.status == 1
    answer = found.json()
    assert (answer["options"], answer["path"], answer["takes_listen_fds"]) == (None, str(program), False)
    assert version in answer["version"]
    assert any(help_says in line for line in answer["help"])


def test_one_that_hangs_is_ended(stage: Stage) -> None:
    script = stage.script("hangs", "#!/bin/sh\ntrap '' TERM\nsleep 1000 &\nsleep 1000\n")
    start = time.monotonic()
    answer = ask(stage, "describe", "--json", script)
    assert time.monotonic() - start < 40 * SLOWER
    assert answer.status == 1
    assert "does not answer" in answer.json()["why"]


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"options":[}', '{"options": [1,2}', "\\0\\377"])
def test_rubbish_is_no_table(stage: Stage, text: str) -> None:
    script = stage.script("rubbish", f"#!/bin/sh\nprintf '{text}'\n")
    answer = ask(stage, "describe", script)
    assert answer.status == 1
    assert "was not made with libssplugin" in answer.err


def test_a_hostile_table_neither_crashes_nor_paints(stage: Stage) -> None:
    row = {"name": "n" * 5000, "type": "choice", "choices": ["c" * 999] * 99, "default": "\x1b[2J",
           "help": "h\n\x07" * 999, "required": 1, "roles": {}, "builtin": "no"}
    document = {"name": 7, "version": None, "roles": [], "options": [row, 3, None, {}, []]}
    (stage.home / "table.json").write_text(json.dumps(document, ensure_ascii=False))
    script = stage.script("hostile", f"#!/bin/sh\ncat {stage.home}/table.json\n")
    answer = ask(stage, "describe", script)
    assert answer.status == 0
    assert "\x1b" not in answer.out and "\x07" not in answer.out


def test_damaged_tables_never_crash_it(stage: Stage) -> None:
    """Cut and changed anywhere; ask() fails for any end by a signal."""
    draw = random.Random(5)
    sound = subprocess.run([str(ours("obfs-local")), "--dump-options=json"], check=True,
                           capture_output=True, timeout=30 * SLOWER).stdout
    table = stage.home / "table.json"
    script = stage.script("damaged", f"#!/bin/sh\ncat {table}\n")
    for _ in range(60):
        text = bytearray(sound)
        for _ in range(draw.randint(1, 4)):
            text[draw.randrange(len(text))] = draw.choice(b'{}[]",:\\u0\xff\n')
        table.write_bytes(text[:draw.randint(1, len(text))] if draw.random() < .5 else text)
        assert ask(stage, "describe", script).status in (0, 1)


@pytest.mark.parametrize("text", [b'{"options":[{"name":"\xff"}]}', b'{"options":["\xed\xa0\x80"]}',
                                  b'{"options":[007]}', b'{"options":[-01]}'])
def test_what_is_no_json_is_not_passed_on_as_json(stage: Stage, text: bytes) -> None:
    (stage.home / "table.json").write_bytes(text)
    script = stage.script("almost", f"#!/bin/sh\ncat {stage.home}/table.json\n")
    assert ask(stage, "describe", "--json", script).json()["options"] is None


def test_roles_do_not_paint(stage: Stage) -> None:
    row = {"name": "a", "type": "flag", "roles": ["\x1b[31mclient"]}
    (stage.home / "table.json").write_text(json.dumps({"name": "x", "roles": ["\x1b[2J"], "options": [row]}))
    answer = ask(stage, "describe", stage.script("paints", f"#!/bin/sh\ncat {stage.home}/table.json\n"))
    assert answer.status == 0
    assert "\x1b" not in answer.out and "client only" in answer.out


def running(stage: Stage, file: str) -> bool:
    """The process whose pid the program has written there still runs."""
    pid = (stage.home / file).read_text().strip()
    return bool(pid) and Path(f"/proc/{pid}").exists()


def test_what_leaves_its_group_is_ended_too(stage: Stage) -> None:
    script = stage.script("daemon", f"#!/bin/sh\nsetsid sh -c 'echo $$ >{stage.home}/pid; exec sleep 1000' &\n"
                                    f"while ! [ -s {stage.home}/pid ]; do sleep .01; done\n")
    assert ask(stage, "describe", script).status == 1
    assert not running(stage, "pid")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_an_interrupt_leaves_nothing_behind(stage: Stage, number: signal.Signals) -> None:
    script = stage.script("hangs", f"#!/bin/sh\ntrap '' TERM INT HUP\necho $$ >{stage.home}/pid\nsleep 1000\n")
    with subprocess.Popen([str(ours("ss-plugin")), "describe", str(script)], stdout=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL) as tool:
        pid = stage.home / "pid"
        eventually(lambda: pid.exists() and pid.read_text().endswith("\n"), "it runs", 20 * SLOWER)
        tool.send_signal(number)
        assert tool.wait(20 * SLOWER) == -number
    eventually(lambda: not running(stage, "pid"), "it is gone", 20 * SLOWER)


def test_the_contract_does_not_leak_into_it(stage: Stage) -> None:
    script = stage.script("shows", "#!/bin/sh\nenv\n")
    answer = ask(stage, "describe", "--json", script, SS_REMOTE_HOST="203.0.113.7", SS_SECRET="x")
    assert not any("SS_" in line for line in answer.json()["help"])


@pytest.mark.parametrize(("words", "status"), [((), 64), (("a", "b"), 64), (("no-such-plugin",), 1),
                                               (("/etc/passwd",), 1)])
def test_what_cannot_be_described(stage: Stage, words: tuple[str, ...], status: int) -> None:
    answer = ask(stage, "describe", *words)
    assert (answer.status, answer.out) == (status, "")
    assert answer.err.count("\n") == 1
