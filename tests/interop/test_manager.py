# SPDX-License-Identifier: Apache-2.0
"""ss-manager and ss-server, ours and those of shadowsocks-libev, in both mixes; and a panel that people have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_scene import CLIENTS, HERE
from harness import procfs
from harness.content import content, read_exactly
from harness.manager import Manager
from harness.programs import SLOWER, ours, peer
from harness.socks import dial
from harness.stage import Stage
from harness.targets import echo
from mix import program

WHOLE = 50_000


def carry(stage: Stage, port: int, password: str) -> None:
    near = stage.port()
    local = stage.run(ours("ss-local"), "-c", stage.config(
        server="127.0.0.1", server_port=port, local_port=near, password=password, method="aes-256-gcm"))
    stage.wait_listening(local, near)
    sock = stage.keep(dial(("127.0.0.1", near), stage.target(echo).address))
    sock.sendall(content(WHOLE))
    assert read_exactly(sock, WHOLE) == content(WHOLE)


@pytest.mark.parametrize(("manager", "server"), [("ours", "theirs"), ("theirs", "ours")])
def test_a_manager_runs_the_server_of_either(stage: Stage, manager: str, server: str) -> None:
    made, port = str(program("ss-server", server)), stage.port()
    if manager == "theirs":  # it passes no --outbound on
        made = str(stage.script("server", f'#!/bin/sh\nexec {made} --outbound all "$@"\n'))
    boss = Manager(stage, "--executable", made, "-u", program=program("ss-manager", manager))
    assert boss.client.add(port, "secret") == b"ok"
    procfs.eventually(lambda: procfs.listening(port), "the server listens", 10 * SLOWER)
    carry(stage, port, "secret")
    procfs.eventually(lambda: boss.client.traffic()[str(port)] >= 2 * WHOLE, "the report of the server", 20 * SLOWER)
    assert boss.client.ports() == [{"server_port": str(port), "password": "secret", "method": "aes-256-gcm"}]
    assert boss.client.remove(port) == b"ok"
    procfs.eventually(lambda: not procfs.listening(port), "the server is gone", 10 * SLOWER)
    assert boss.client.traffic() == {}


def panel(stage: Stage, at: int, *requests: str) -> list[Any]:
    """The answers of the manager at that port, as shadowsocks-manager reads them."""
    process = stage.run(peer("clients of Python"), "-B", CLIENTS / "panel.py", HERE, at, *requests)
    assert process.wait(60 * SLOWER) == 0, process.output()
    return [json.loads(line) for line in process.stdout.read_text().splitlines()]


def test_a_panel_adds_counts_and_removes(stage: Stage) -> None:
    """It reads no answer to `add` and `remove`: it has closed its socket then, and looks into the list."""
    at, port, other = stage.port(), stage.port(), stage.port()
    boss = Manager(stage, "-u", udp=at)
    kept = {"server_port": str(other), "password": "b", "method": "aes-256-gcm"}
    added = panel(stage, at, "ping", "list", f"add {port} a", f"add {other} b", "list")
    listed = sorted(added.pop(), key=lambda entry: entry["password"])
    assert added == [{}, [], True, True]
    assert listed == [{"server_port": str(port), "password": "a", "method": "aes-256-gcm"}, kept]
    carry(stage, port, "a")
    procfs.eventually(lambda: boss.client.traffic()[str(port)] >= 2 * WHOLE, "the traffic of a port", 20 * SLOWER)
    counted = boss.client.traffic()
    stat, *removed = panel(stage, at, "ping", f"remove {port}", "list", f"remove {port}")
    assert stat == counted and counted[str(other)] == 0
    assert removed == [True, [kept], True]
