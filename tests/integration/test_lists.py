# SPDX-License-Identifier: Apache-2.0
"""A list of servers that changes while the program runs."""

from __future__ import annotations

import json
import os
import signal
import socket
import urllib.request
from collections.abc import Iterator

import pytest
from harness import procfs, socks
from harness.content import read_exactly
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.provider import Provider
from harness.stage import PASSWORD, SANDBOX, Stage, our_parts
from harness.targets import echo

LOCAL = "127.0.0.1"
METHOD = "aes-256-gcm"


def text(*servers: dict[str, object]) -> str:
    return json.dumps({"version": 1, "servers": servers})


class Client:
    """ss-local with a list that it looks at every second."""

    def __init__(self, stage: Stage, versions: bool = True, **online: object) -> None:
        self.stage, self.provider = stage, stage.keep(Provider(stage.home))
        self.provider.versions = versions
        self.online = online
        self.socks = (LOCAL, stage.port())
        self.target = stage.target(echo)

    def start(self, *servers: dict[str, object], **values: object) -> Process:
        self.put(*servers)
        online = {"config_url": self.provider.url, "update_interval": 1, **self.online}
        self.path = self.stage.config(local_port=self.socks[1], online_config=online, **{**SANDBOX, **values})
        self.path.chmod(0o600)
        self.process = self.stage.run(ours("ss-local"), "-c", self.path, env=self.provider.env)
        self.stage.wait_listening(self.process, self.socks[1])
        return self.process

    def put(self, *servers: dict[str, object]) -> None:
        self.provider.document = text(*servers)

    def wait_said(self, text: str, times: int = 1) -> None:
        procfs.eventually(lambda: self.process.output().count(text) >= times, f"{text!r} is said:\n"
                          f"{self.process.output()}", 20 * SLOWER)

    def wait_looked(self, times: int = 1) -> None:
        """So many looks begin after this, and end."""
        seen = len(self.provider.answers)
        procfs.eventually(lambda: len(self.provider.answers) >= seen + times + 1, "the list is looked at", 20 * SLOWER)

    def dial(self) -> socket.socket:
        sock = self.stage.keep(socks.dial(self.socks, self.target.address))
        self.talk(sock)
        return sock

    def talk(self, sock: socket.socket) -> None:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"

    def page(self) -> str:
        with urllib.request.urlopen(f"http://{LOCAL}:{self.socks[1]}/", timeout=30) as answer:
            return str(answer.read().decode())


def entry(port: int, **more: object) -> dict[str, object]:
    return {"server": LOCAL, "server_port": port, "password": PASSWORD, "method": METHOD, **more}


@pytest.fixture
def servers(stage: Stage) -> Iterator[list[int]]:
    ports = [stage.port() for _ in range(3)]
    for port in ports:
        stage.ss_server(our_parts(), port)
    yield ports


def uses(client: Client, sock: socket.socket, server: int) -> bool:
    """Whether the program has a connection to that server."""
    client.talk(sock)
    return procfs.connected(client.process.pid, server)


def test_servers_are_replaced_and_sessions_go_on(stage: Stage, servers: list[int]) -> None:
    first, second, _ = servers
    client = Client(stage)
    client.start(entry(first))
    kept = client.dial()
    assert uses(client, kept, first)
    client.put(entry(second))
    client.wait_said("ports added: 0, changed: 0, removed: 0")
    fresh = client.dial()
    assert uses(client, fresh, second) and uses(client, kept, first)
    page = client.page()
    assert f"{LOCAL}:{second}</code>" in page and f"{LOCAL}:{first}</code>" not in page
    kept.close()
    procfs.eventually(lambda: not procfs.connected(client.process.pid, first), "the old server is left", 10 * SLOWER)
    client.talk(fresh)


def test_a_list_that_is_the_same_is_not_sent_again(stage: Stage, servers: list[int]) -> None:
    client = Client(stage)
    client.start(entry(servers[0]))
    client.wait_looked()
    assert client.provider.answers[0] == 200 and set(client.provider.answers[1:]) == {304}
    client.provider.versions = False  # the same text again
    client.wait_looked()
    assert "has changed" not in client.process.output()


def test_a_list_in_a_file_is_looked_at_again(stage: Stage, servers: list[int]) -> None:
    first, second, _ = servers
    client, file = Client(stage, config_url=str(stage.home / "list")), stage.home / "list"

    def put(document: str) -> None:
        stage.home.joinpath("fresh").write_text(document)
        stage.home.joinpath("fresh").replace(file)

    put(text(entry(first)))
    client.start()
    put("{")
    client.wait_said("no list: ")
    put(text(entry(first)))
    client.wait_said("the list is there again")
    assert uses(client, client.dial(), first)
    assert "has changed" not in client.process.output() and "reload" not in client.process.output()
    put(text(entry(second)))
    client.wait_said("ports added: 0, changed: 0, removed: 0")
    assert client.process.output().count("has changed") == 1
    assert uses(client, client.dial(), second)


def test_a_reload_for_a_list_that_has_failed_is_tried_again(stage: Stage, servers: list[int]) -> None:
    client = Client(stage)
    client.start(entry(servers[0]))
    good = client.path.read_text()
    client.path.write_text("{")
    client.put(entry(servers[1]))
    client.wait_said("the previous configuration stays in use")
    assert uses(client, client.dial(), servers[0])
    client.path.write_text(good)
    client.wait_said("ports added: 0, changed: 0, removed: 0")
    assert uses(client, client.dial(), servers[1])


@pytest.mark.parametrize("fault", ["gone", "broken", "empty", "forbidden", "unsupported"])
def test_a_bad_answer_changes_nothing_and_is_told_once(stage: Stage, servers: list[int], fault: str) -> None:
    client = Client(stage, versions=fault != "broken")
    client.start(entry(servers[0]), servers=[entry(servers[1])])
    good = client.provider.document
    if fault == "gone":
        client.provider.status = 503
    elif fault == "broken":
        client.provider.document = "<html>"
    else:
        client.put(*{"empty": [], "forbidden": [entry(servers[2], plugin="evil")],
                     "unsupported": [entry(servers[2], method="rc4-md5")]}[fault])
    client.wait_said("no list: ")
    page = client.page()
    assert all(f"{LOCAL}:{port}</code>" in page for port in servers[:2]) and str(servers[2]) not in page
    (copy,) = (stage.home / "cache/shadowplug").iterdir()
    assert copy.read_text() == good
    if fault != "gone":
        return
    client.wait_looked()
    assert client.process.output().count("no list: ") == 1
    client.provider.status, client.provider.document = 200, good
    client.wait_said("the list is there again")
    client.dial()


def test_a_list_that_shrinks_leaves_the_rest_and_one_bad_server_is_skipped(stage: Stage, servers: list[int]) -> None:
    client = Client(stage)
    client.start(*(entry(port) for port in servers))
    client.put(entry(servers[2]), entry(9, method="rc4-md5"), entry(9, plugin="evil"))
    client.wait_said("ports added: 0, changed: 0, removed: 0")
    assert 'its plugin is not among "allowed_plugins"; skipped' in client.process.output()
    assert "its method is not supported; skipped" in client.process.output()
    assert uses(client, client.dial(), servers[2])
    assert not any(f"{LOCAL}:{port}</code>" in client.page() for port in (*servers[:2], 9))


def test_a_plugin_that_runs_stays_and_a_new_one_waits_for_a_restart(stage: Stage, servers: list[int]) -> None:
    public, plugin = stage.port(), str(ours("obfs-local"))
    stage.ss_server(our_parts("http"), public)
    client = Client(stage, allowed_plugins=[plugin])
    with_plugin = {"plugin": "obfs-local", "plugin_opts": "obfs=http"}
    client.start(entry(public, **with_plugin))
    stage.wait_plugin(client.process, "SS_LOCAL_PORT")
    kept = client.dial()
    client.put(entry(servers[1], **with_plugin), entry(public, **with_plugin), entry(servers[0]))
    client.wait_said("ports added: 0, changed: 0, removed: 0")
    assert client.process.output().count(f"server {LOCAL}:{servers[1]} of the list is left out") == 1
    page = client.page()
    assert f"{LOCAL}:{public}</code> <b class=\"good\">ready" in page and f"{LOCAL}:{servers[0]}</code>" in page
    assert str(servers[1]) not in page and len(client.process.plugins()) == 1
    client.talk(kept)

    client.put(entry(servers[0]))
    client.wait_said("ports added: 0, changed: 0, removed: 0", times=2)
    client.talk(kept)
    kept.close()
    procfs.eventually(lambda: not client.process.plugins(), "the plugin ends with its last session", 10 * SLOWER)
    client.dial()


def test_the_loop_does_not_wait_for_a_provider_and_neither_does_the_end(stage: Stage, servers: list[int]) -> None:
    client = Client(stage)
    client.start(entry(servers[0]))
    silent = stage.listener()
    client.provider.redirect = f"https://127.0.0.1:{silent.address[1]}/"
    silent.accept()  # a look is under way, and gets nothing
    client.dial()
    assert client.process.stop(within=10) == 0


def test_the_end_does_not_wait_for_a_reload(stage: Stage, servers: list[int]) -> None:
    client = Client(stage, update_interval=0)
    client.start(entry(servers[0]))
    silent = stage.listener()
    client.provider.redirect = f"https://127.0.0.1:{silent.address[1]}/"
    os.kill(client.process.pid, signal.SIGHUP)
    silent.accept()  # the list is asked for, and does not come
    client.dial()
    assert client.process.stop(within=6) == 0


def test_no_change_of_a_list_that_was_not_named_is_no_list(stage: Stage, servers: list[int]) -> None:
    """A 304 to a request without a version."""
    client = Client(stage, versions=False, update_interval=0)
    client.start(entry(servers[0]))
    client.provider.status = 304
    os.kill(client.process.pid, signal.SIGHUP)
    client.wait_said("no list: the answer is 304 (expected 200); the last good copy is used")
    client.dial()


def test_a_plugin_inside_of_the_program_is_named_or_left_out(stage: Stage, servers: list[int]) -> None:
    """A path does not allow it. Where it is allowed, a list that names the plugin means it, and it
    comes and changes while the program runs."""
    public, inside = stage.port(), "inline:obfs-local"
    stage.ss_server(our_parts("inline:tls"), public)
    client = Client(stage, allowed_plugins=[f"/opt/{inside}/obfs", str(ours("obfs-server"))])
    client.start(entry(servers[0]), entry(public, plugin=inside, plugin_opts="obfs=tls"),
                 entry(public, plugin="obfs-local", plugin_opts="obfs=tls"))
    client.wait_said('its plugin is not among "allowed_plugins"; skipped')
    assert f"{LOCAL}:{public}</code>" not in client.page()
    other = Client(stage, allowed_plugins=[inside])
    other.start(entry(public, plugin="obfs-local", plugin_opts="obfs=http"))
    other.put(entry(public, plugin=inside, plugin_opts="obfs=tls"))
    other.wait_said("ports added: 0, changed: 0, removed: 0")
    other.talk(other.dial())
    assert not other.process.plugins()
