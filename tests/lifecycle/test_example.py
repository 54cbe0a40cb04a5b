# SPDX-License-Identifier: Apache-2.0
"""plugin-sdk/examples/host.c, sixty lines on the public headers, hosts anybody's plugins."""

from __future__ import annotations

import os
import re
import signal
import socket
from pathlib import Path

import pytest
from harness import procfs
from harness.content import content, read_exactly
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Stage
from harness.targets import echo
from life import tree
from life.hosted import HERE, fake

CLIENT_OPTS, SERVER_OPTS = "obfs=http;obfs-host=www.example.com", "obfs=http"


class Example:
    """The example, hosting one plugin."""

    def __init__(self, stage: Stage, plugin: object, role: str, remote: tuple[str, int],
                 local: tuple[str, int], opts: str | None = None) -> None:
        argv = [plugin, role, *remote, *local, *([opts] if opts else [])]
        env = {"TMPDIR": str(stage.home)}
        self.process: Process = stage.run(fake("example_host"), *argv, env=env)

    def says(self, pattern: str) -> re.Match[str]:
        def is_said() -> bool:
            assert re.search(pattern, self.process.output()) or self.process.running, \
                f"{self.process} ended:\n{self.process.output()}"
            return bool(re.search(pattern, self.process.output()))

        procfs.eventually(is_said, f"{pattern}:\n{self.process.output()}", 10 * SLOWER)
        return re.search(pattern, self.process.output())  # type: ignore[return-value]

    def port(self) -> int:
        return int(self.says(r"ready on port (\d+)")[1])

    def plugin(self) -> int:
        found = [pid for pid in tree.descendants(self.process.pid)
                 if "SS_REMOTE_PORT" in procfs.environment(pid)]
        assert found, self.process.output()
        return found[0]


def pair(stage: Stage, who: str) -> tuple[Example, Example, int]:
    """A server and a client in front of an echo, and the client's port."""
    program = peer if who == "Debian's" else ours
    wire = (HERE, stage.port())
    server = Example(stage, program("obfs-server"), "server", wire, stage.target(echo).address,
                     SERVER_OPTS)
    assert server.port() == wire[1]
    client = Example(stage, program("obfs-local"), "client", wire, (HERE, 0), CLIENT_OPTS)
    return server, client, client.port()


def carry(stage: Stage, port: int) -> socket.socket:
    sock = stage.connect((HERE, port))
    sock.sendall(content(100000))
    assert read_exactly(sock, 100000) == content(100000)
    return sock


def test_it_is_short_and_uses_public_headers_only() -> None:
    source = Path(__file__).parents[2] / "plugin-sdk" / "examples" / "host.c"
    text = source.read_text()
    assert len(text.splitlines()) <= 110
    assert re.findall(r'#include [<"](?:ssplugin/)?(\w+\.h)[>"]', text) == [
        "host.h", "poll.h", "signal.h", "stdio.h", "stdlib.h", "string.h"]


@pytest.mark.parametrize("way", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("who", ["Debian's", "ours"])
def test_it_carries_bytes_and_leaves_nothing(stage: Stage, who: str, way: signal.Signals) -> None:
    strays = tree.Strays()
    server, client, port = pair(stage, who)
    carry(stage, port)
    for example in (client, server):
        example.process.expected_end = True
        os.kill(example.process.pid, way)
        status = example.process.wait(15 * SLOWER)
        assert status == (-way if way == signal.SIGKILL else 0), example.process.output()
    strays.must_be_gone(2 * SLOWER, f"{way.name} of both hosts")


@pytest.mark.parametrize("who", ["Debian's", "ours"])
def test_a_plugin_that_dies_is_mourned(stage: Stage, who: str) -> None:
    server, client, _ = pair(stage, who)
    client.process.expected_end = True
    os.kill(client.plugin(), signal.SIGKILL)
    assert client.process.wait(15 * SLOWER) == 1
    assert re.search(r"dead: plugin obfs-local\[\d+\] was ended by signal 9", client.process.output())
    assert server.process.running


def test_the_death_of_the_guardian_is_seen(stage: Stage) -> None:
    strays = tree.Strays()
    example = Example(stage, fake(), "server", (HERE, stage.port()), (HERE, 9))
    example.port()
    example.process.expected_end = True
    os.kill(tree.descendants(example.process.pid)[0], signal.SIGKILL)
    assert example.process.wait(15 * SLOWER) == 1
    assert "dead: the guardian process" in example.process.output()
    strays.must_be_gone(2 * SLOWER, "the end of the guardian")


def test_it_hears_notices_whole(stage: Stage) -> None:
    """Also secret ones: showing them is the program's affair."""
    lines = "STATS\\=conns\\=3 live\\=1\nCLIENT-OPTIONS\\=cert\\=abc\nSTATUS\\=fine"
    example = Example(stage, fake(), "client", (HERE, 9), (HERE, 0), f"notify={lines};notify-ready")
    assert procfs.listening(example.port())
    for line in ("STATS: conns=3 live=1", "CLIENT-OPTIONS: cert=abc", "STATUS: fine", "READY: 1"):
        example.says(f"notice {re.escape(line)}\n")


def test_what_cannot_be_started_is_one_line(stage: Stage) -> None:
    example = Example(stage, "no-such-plugin", "client", (HERE, 9), (HERE, 0))
    assert example.process.wait(15 * SLOWER) == 1
    assert example.process.output().count("\n") == 1
    assert "no-such-plugin: No such file" in example.process.output()


@pytest.mark.parametrize(("argv", "what"), [((HERE, 0, HERE, 0), "remote_port"),
                                            ((HERE, 9, "192.0.2.1", 0), "loopback")])
def test_a_mistake_of_the_program_is_named(stage: Stage, argv: tuple, what: str) -> None:
    example = Example(stage, fake(), "client", argv[:2], argv[2:])
    assert example.process.wait(15 * SLOWER) == 1
    assert what in example.process.output()
