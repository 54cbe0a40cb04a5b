# SPDX-License-Identifier: Apache-2.0
"""ss-manager and ss-server, ours and those of shadowsocks-libev and -rust, in both mixes; and a panel that people have."""

from __future__ import annotations

import json
from typing import Any

import pytest
from client_scene import CLIENTS, HERE
from harness import procfs, udp
from harness.content import content, read_exactly
from harness.manager import Client, Manager
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


# shadowsocks-rust.  Its programs take options of other names: a script is between.


def test_a_server_of_shadowsocks_rust_reports_to_our_manager(stage: Stage) -> None:
    port, made = stage.port(), peer("ssserver")
    server = stage.script("server", f"""#!/bin/sh
while [ $# -gt 1 ]; do [ "$1" = --manager-address ] && manager=$2; shift; done
exec {made} -s 127.0.0.1:{port} -k secret -m aes-256-gcm --manager-addr "$manager"
""")
    boss = Manager(stage, "--executable", server, udp=stage.port())
    assert boss.client.add(port, "secret") == b"ok"
    procfs.eventually(lambda: procfs.listening(port), "the server listens", 10 * SLOWER)
    carry(stage, port, "secret")
    procfs.eventually(lambda: boss.client.traffic()[str(port)] >= 2 * WHOLE, "the report of the server", 30 * SLOWER)
    assert boss.client.remove(port) == b"ok"
    procfs.eventually(lambda: not procfs.listening(port), "the server is gone", 10 * SLOWER)


def test_a_manager_of_shadowsocks_rust_runs_our_server(stage: Stage) -> None:
    """By the file that it writes, a pid file, and reports."""
    at, port, work = stage.port(), stage.port(), stage.home / "rust"
    stage.script("ssserver", f"""#!/bin/sh
exec {ours("ss-server")} "$1" "$2" --outbound all -f "$5" --manager-address "$7"
""")
    boss = stage.run(peer("ssmanager"), "--manager-addr", f"127.0.0.1:{at}", "-m", "aes-256-gcm", "-s", "127.0.0.1",
                     "--manager-server-mode", "standalone", "--manager-server-working-directory", work,
                     env={"PATH": f"{stage.home}:/usr/bin:/bin"})
    udp.wait_bound(at, 10 * SLOWER)
    client = Client(stage, ("127.0.0.1", at))
    assert client.add(port, "secret") == b"ok\n"
    procfs.eventually(lambda: procfs.listening(port), f"the server listens:\n{boss.output()}", 10 * SLOWER)
    carry(stage, port, "secret")
    procfs.eventually(lambda: client.traffic()[str(port)] >= 2 * WHOLE, "the report of the server", 30 * SLOWER)
    assert client.remove(port) == b"ok\n"
    procfs.eventually(lambda: not procfs.listening(port), "the server is gone", 10 * SLOWER)


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
