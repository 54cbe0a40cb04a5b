# SPDX-License-Identifier: Apache-2.0
"""The JSON file of simple-obfs: -c, and c= among the options."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.processes import Process
from harness.programs import Program, ours, peer
from harness.stage import Stage
from harness.targets import echo

CONFIG = 78
ROUTES = [("ours", "ours"), ("ours", "peer"), ("peer", "ours")]


def program(whose: str, name: str) -> Program:
    return ours(name) if whose == "ours" else peer(name)


def echoes(stage: Stage, port: int, host: str = "127.0.0.1") -> None:
    client = stage.connect((host, port))
    client.sendall(b"by file")
    assert read_exactly(client, 7) == b"by file"


def valid(stage: Stage, name: str, *words: object, env: dict[str, str] | None = None) -> str:
    process = stage.run(ours(name), *words, "--check", env=env)
    assert process.wait() == 0, process.output()
    return process.output()


def refused(process: Process, reason: str) -> None:
    assert process.wait() == CONFIG, process.output()
    assert reason in process.output() and len(process.output().splitlines()) == 1


def server_file(stage: Stage, port: int, **more: Any) -> Path:
    target = stage.target(echo).address
    return stage.config(server="127.0.0.1", server_port=port, dst_addr=f"{target[0]}:{target[1]}",
                        obfs="http", timeout=60, **more)


@pytest.mark.parametrize(("client", "server"), ROUTES)
def test_the_same_files_serve_both_families(stage: Stage, client: str, server: str) -> None:
    public, near = stage.port(), stage.port()
    far = stage.run(program(server, "obfs-server"), "-c",
                    server_file(stage, public, fast_open=False, nameserver="192.0.2.1"))
    stage.wait_listening(far, public)
    local = stage.run(program(client, "obfs-local"), "-c", stage.config(
        server=["127.0.0.1"], server_port=str(public), local_address="127.0.0.1", local_port=near,
        obfs="http", obfs_host="www.example.com", obfs_uri="/page", timeout="60"))
    stage.wait_listening(local, near)
    echoes(stage, near)


def test_every_key_is_read(stage: Stage) -> None:
    """All of simple-obfs' keys; what is for the other end is not an error."""
    path = stage.config(server=["127.0.0.1", "::1"], server_port=8443, local_address="127.0.0.1", local_port=1,
                        timeout=30, user="root", obfs="http", obfs_host="host.example", obfs_uri="/",
                        http_method="GET", failover="127.0.0.1:80", fast_open=True, nofile=512,
                        nameserver="192.0.2.1", dst_addr="127.0.0.1:2", mptcp=True, ipv6_first=True,
                        reverse_proxy=True)
    for name in ("obfs-local", "obfs-server"):
        assert "unknown" not in valid(stage, name, "-c", path)


@pytest.mark.parametrize(("key", "value", "reason"), [
    ("obfs", "ftp", "is not one of http|tls"), ("timeout", "soon", "option t"), ("failover", "nowhere", "failover"),
    ("fast_open", "yes", "fast_open: expected true or false"), ("obfs_host", {}, "obfs_host: expected a text"),
    ("server", [["a"]], "server: expected a host or a list")])
def test_values_reach_their_option(stage: Stage, key: str, value: Any, reason: str) -> None:
    values = {"server": "127.0.0.1", "server_port": 8443, "obfs": "http", "dst_addr": "127.0.0.1:2", key: value}
    refused(stage.run(ours("obfs-server"), "--check", "-c", stage.config(**values)), reason)


def test_nofile_and_user_and_limits_are_obeyed(stage: Stage) -> None:
    port = stage.port()
    server = stage.run(ours("obfs-server"), "-c", server_file(stage, port, nofile=300))
    stage.wait_listening(server, port)
    limits = Path(f"/proc/{server.pid}/limits").read_text().splitlines()
    assert any(line.split()[3:5] == ["300", "300"] for line in limits if line.startswith("Max open files"))


def test_the_command_line_beats_the_file(stage: Stage) -> None:
    port, other = stage.port(), stage.port()
    path = server_file(stage, other, obfs_host=5)
    server = stage.run(ours("obfs-server"), "-s", "::1", "-c", path, "-p", port)
    stage.wait_listening(server, port)
    assert not procfs.listening(other)
    assert f"listening at [::1]:{port}" in server.output()
    refused(stage.run(ours("obfs-server"), "-c", path, "--obfs", "ftp"), '"ftp" is not one of http|tls')
    pair = stage.port()
    whole = stage.run(ours("obfs-server"), "-c", path, "-l", f"127.0.0.1:{pair}")
    stage.wait_listening(whole, pair)


def test_under_a_host_the_file_gives_what_the_options_do_not(stage: Stage) -> None:
    """Precedence: environment and options, then the file; addresses are the host's."""
    port, other = stage.port(), stage.port()
    target = stage.target(echo).address
    path = stage.config(server="127.0.0.1", server_port=other, dst_addr="127.0.0.1:1", obfs="tls",
                        obfs_host="from.file")
    server = stage.plugin(ours("obfs-server"), target, ("127.0.0.1", port), f"c={path};obfs=http")
    stage.wait_listening(server, port)
    assert not procfs.listening(other)
    near = stage.port()
    local = stage.run(peer("obfs-local"), "-s", "127.0.0.1", "-p", port, "-l", near, "--obfs", "http",
                      "--obfs-host", "from.file")
    stage.wait_listening(local, near)
    echoes(stage, near)


@pytest.mark.parametrize("name", ["obfs-local", "obfs-server"])
def test_a_file_that_cannot_be_read_is_named(stage: Stage, name: str) -> None:
    refused(stage.run(ours(name), "-c", "nowhere.json"), "nowhere.json: No such file")
    for text, place, reason in (('{"obfs": ', "1:10", "unexpected end"), ("", "1:1", "unexpected end"),
                                ('{\n  "obfs_host": "\u00e4" x\n}', "2:20", "object value separator"),
                                ('{"obfs": "http"} }', "1:18", "unexpected text"), ("{\0}", "1:2", "")):
        (stage.home / "broken.json").write_text(text)
        refused(stage.run(ours(name), "-c", "broken.json"), f"broken.json:{place}: not valid JSON: {reason}")
    (stage.home / "list.json").write_text("[]")
    refused(stage.run(ours(name), "-c", "list.json"), "list.json: expected an object")
    refused(stage.run(ours(name), "-c", "."), "Is a directory")


def test_an_unknown_key_is_a_warning(stage: Stage) -> None:
    path = stage.config(server="127.0.0.1", server_port=1, local_port=1, obfs="http", method="aes-256-gcm")
    assert "unknown key method, ignored" in valid(stage, "obfs-local", "-c", path)


@pytest.mark.parametrize(("key", "meant"), [("obfs-host", "obfs_host"), ("obfs_hots", "obfs_host"), ("sever_port", "server_port"),
                                            ("failovr", "failover"), ("nameservr", "nameserver")])
def test_a_mistyped_key_is_guessed(stage: Stage, key: str, meant: str) -> None:
    path = stage.config(**{"server": "127.0.0.1", "server_port": 1, "local_port": 1, "obfs": "http", key: "1"})
    assert f"unknown key {key}, ignored (did you mean {meant}?)" in valid(stage, "obfs-local", "-c", path)
