# SPDX-License-Identifier: Apache-2.0
"""The streams of a plugin that dies end by resets: a part of a download is not taken for all of it.

The plugins are those of others, whose kernel ends their streams with a FIN. Each death ends many
streams at once, each of them behind another number of bytes. LIFECYCLE_REPEAT says how many deaths.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from harness.content import End, content, read_exactly, read_to_end
from harness.programs import SLOWER, peer
from harness.stage import Stage
from harness.targets import Listener
from life.chance import share
from life.hosted import HERE, ROLES, UNEXPECTED, Hosted, echo_target
from life.kinds import V2RAY, Kind, obfs
from life.workshop import Workshop

COUNTS = [0, 1, 2, 16, 49, 50, 51, 1459, 1460, 16383, 16384, 1 << 20]
MUCH = 16 << 20
KCP = "--key secret --crypt aes-128 --mode fast3 --quiet"


def at_once() -> str:
    """Newer kcptun-servers hold the end of a stream for 30 s, as long as the reader here waits."""
    words = subprocess.run([str(peer("kcptun-server")), "-h"], stdout=subprocess.PIPE, timeout=30, check=False).stdout
    return " --closewait 0" if b"--closewait" in words else ""


def kinds() -> dict[str, Kind]:
    return {
        "obfs http": obfs("http"),
        "obfs tls": obfs("tls"),
        "v2ray": V2RAY,
        "kcptun": Kind("exec-wrap", "exec-wrap", f"cmd={peer('kcptun-client')} -l %L -r %R {KCP}",
                       f"cmd={peer('kcptun-server')} -t %L -l %R {KCP}{at_once()};ready=udp", True),
    }


KINDS = ["obfs http", "obfs tls", "v2ray", "kcptun"]
POLICIES = {"its end is ours": None, "restart": "on-failure"}
CELLS = len(KINDS) * len(ROLES) * len(POLICIES)


@dataclass
class Stream:
    """A connection through everything: both of its ends, and how much has gone which way."""

    client: socket.socket
    target: socket.socket
    source: socket.socket
    count: int

    @property
    def sink(self) -> socket.socket:
        return self.target if self.source is self.client else self.client


class Pair:
    """Both hosts, each with its plugin. The death is that of the one in the role."""

    def __init__(self, stage: Stage, kind: Kind, role: str, policy: str | None) -> None:
        self.stage, self.kind, self.role = stage, kind, role
        self.server = self._host("server", policy)
        self.local = self._host("local", policy, public=self.server.public)
        for hosted in (self.server, self.local):
            hosted.says("plugin", "is ready")
        self.judged = self.local if role == "local" else self.server
        self.listener: Listener = stage.listener()

    def _host(self, role: str, policy: str | None, **more: object) -> Hosted:
        if policy and role == self.role:
            more["plugin_restart"] = policy
        return Hosted(self.stage, role, self.kind.opts(role), "-v", plugin=self.kind.plugin(role),
                      **more)

    def stream(self, upload: bool, count: int) -> Stream:
        client = self.local.dial(self.listener.address, 30 * SLOWER)
        target = self.listener.accept()
        return Stream(client, target, client if upload else target, count)

    def streams(self) -> Iterator[Stream]:
        for upload in (False, True):
            for count in COUNTS:
                yield self.stream(upload, count)

    def near_end(self, stream: Stream) -> socket.socket:
        """The end that this host alone answers for."""
        return stream.client if self.role == "local" else stream.target

    def kill(self) -> None:
        """The tunnel itself, where it is wrapped."""
        self.judged.kill_plugin(self.judged.plugins()[-1])


def pour(sock: socket.socket, data: bytes) -> threading.Thread:
    def send() -> None:
        with contextlib.suppress(OSError):
            sock.sendall(data)

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    return thread


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return kinds()[request.param]


@pytest.fixture(params=ROLES)
def role(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(params=POLICIES)
def policy(request: pytest.FixtureRequest) -> str | None:
    return POLICIES[request.param]


def every_end_is_a_reset(pair: Pair, streams: list[Stream]) -> None:
    ends = [(stream.count, *read_to_end(pair.near_end(stream))) for stream in streams]
    short = [(count, len(got), end) for count, got, end in ends if end is not End.RST]
    assert not short, f"{len(short)} of {len(ends)}: {short}\n{pair.judged.process.output()}"


def follows_policy(pair: Pair, policy: str | None) -> None:
    pair.judged.says(UNEXPECTED)
    if policy is None:
        pair.judged.fails()


def test_no_end_at_rest_is_clean(stage: Stage, kind: Kind, role: str, policy: str | None) -> None:
    """All bytes have come, and no more are on their way: nothing but the end itself can tell."""
    for _ in range(share(CELLS * 2)):
        pair = Pair(stage, kind, role, policy)
        streams = list(pair.streams())
        for stream in streams:
            sender = pour(stream.source, content(stream.count))
            assert read_exactly(stream.sink, stream.count) == content(stream.count)
            sender.join()
        pair.kill()
        every_end_is_a_reset(pair, streams)
        follows_policy(pair, policy)


def test_no_end_in_flow_is_clean(stage: Stage, kind: Kind, role: str, policy: str | None) -> None:
    for _ in range(share(CELLS * 2)):
        pair = Pair(stage, kind, role, policy)
        streams = [pair.stream(role == "server", count) for count in COUNTS]
        senders = [pour(stream.source, content(MUCH)) for stream in streams]
        for stream in streams:
            read_exactly(stream.sink, stream.count)
        pair.kill()
        every_end_is_a_reset(pair, streams)
        for stream, sender in zip(streams, senders):
            with contextlib.suppress(OSError):
                stream.source.shutdown(socket.SHUT_RDWR)
            sender.join()
        follows_policy(pair, policy)


def test_a_meant_end_is_clean(stage: Stage, kind: Kind) -> None:
    pair = Pair(stage, kind, "", None)
    streams = [pair.stream(False, MUCH), *(pair.stream(False, count) for count in COUNTS)]
    for stream in streams:
        sender = pour(stream.source, content(stream.count))
        got = read_exactly(stream.sink, stream.count)
        sender.join()
        stream.source.close()
        assert got == content(stream.count) and read_to_end(stream.sink) == (b"", End.FIN)


def test_a_half_closed_stream_goes_on(stage: Stage, role: str) -> None:
    """Through a plugin that can do so."""
    hosted = Hosted(stage, role, peer=True)
    hosted.come_up()
    listener = stage.listener()
    client = hosted.dial(listener.address)
    target = listener.accept()
    client.shutdown(socket.SHUT_WR)
    assert read_to_end(target) == (b"", End.FIN)
    sender = pour(target, content(MUCH))
    assert read_exactly(client, MUCH) == content(MUCH)
    sender.join()
    target.close()
    assert read_to_end(client) == (b"", End.FIN)


def test_a_death_does_not_wait_for_slow_readers(stage: Stage, kind: Kind, role: str,
                                                policy: str | None) -> None:
    """The end of a stream is behind bytes that its reader does not take: it is told at once."""
    pair = Pair(stage, kind, role, policy)
    streams = [pair.stream(role == "server", count) for count in COUNTS]
    senders = [pour(stream.source, content(MUCH)) for stream in streams]
    read_exactly(streams[-1].sink, streams[-1].count)
    pair.kill()
    for stream in streams:
        waiter = select.poll()
        waiter.register(stream.sink, 0)
        assert waiter.poll(5000 * SLOWER), "no reset"
    for stream, sender in zip(streams, senders):
        with contextlib.suppress(OSError):
            stream.source.shutdown(socket.SHUT_RDWR)
        sender.join()
    follows_policy(pair, policy)


def test_a_wrapper_that_is_slow_to_follow_its_tunnel(stage: Stage, workshop: Workshop,
                                                     role: str) -> None:
    """The streams end with the tunnel, which had the port."""
    hosted = Hosted(stage, role, None, "-v", peer=True, plugin_sandbox=False,
                    plugin=workshop.script("wrapper", f"{workshop.copy()} & wait", "exec sleep 60"))
    hosted.ready()
    hosted.says("is ready")
    hosted.come_up()
    listener = stage.listener()
    client = hosted.dial(listener.address)
    target = listener.accept()
    client.sendall(b"a part")
    assert read_exactly(target, 6) == b"a part"
    os.kill(hosted.plugins()[-1], signal.SIGKILL)
    assert read_to_end(client if role == "local" else target) == (b"", End.RST)


# One that runs and does not serve.


def test_a_stopped_plugin_is_named(stage: Stage, role: str) -> None:
    """And named again when it goes on."""
    hosted = Hosted(stage, role, None, "-v")
    pid = hosted.ready()
    hosted.says("is ready")
    os.kill(pid, signal.SIGSTOP)
    hosted.says("ERROR", f"plugin fakeplugin[{pid}] is stopped", f"kill -CONT {pid}", within=10)
    os.kill(pid, signal.SIGCONT)
    hosted.says(f"plugin fakeplugin[{pid}] goes on", within=10)


def test_a_stopped_tunnel_of_a_wrapper_is_named(stage: Stage, workshop: Workshop, role: str) -> None:
    hosted = Hosted(stage, role, None, "-v", plugin_sandbox=False,
                    plugin=workshop.script("wrapper", f"{workshop.copy()} & wait"))
    wrapper = hosted.ready()
    hosted.says("is ready")
    tunnel = hosted.plugins()[-1]
    os.kill(tunnel, signal.SIGSTOP)
    hosted.says("ERROR", f"plugin wrapper[{wrapper}]", f"kill -CONT {tunnel}", within=10)
    os.kill(tunnel, signal.SIGCONT)


def test_a_plugin_that_stays_stopped_is_started_again(stage: Stage, role: str) -> None:
    """By policy; without it the plugin is left to whom it was stopped by."""
    hosted = Hosted(stage, role, peer=True, plugin_restart="on-failure")
    target, pid = echo_target(stage), hosted.ready()
    sock = hosted.works(target)
    os.kill(pid, signal.SIGSTOP)
    hosted.says("ERROR", f"plugin fakeplugin[{pid}] is stopped", within=10)
    hosted.says("ERROR", f"plugin fakeplugin[{pid}] stays stopped", within=10)
    if role == "local":  # the other end of the wire cannot tell
        assert read_to_end(sock) == (b"", End.RST)
    hosted.ready(other_than=pid)
    hosted.works(target)


def test_a_plugin_that_accepts_nobody_is_named(stage: Stage, role: str) -> None:
    """It runs, and its port is open; connections wait there."""
    hosted = Hosted(stage, role, "accept-none", "-v")
    pid = hosted.ready()
    hosted.says("is ready")
    kept = socket.create_connection((HERE, hosted.port_of(pid)), 5)
    hosted.says("ERROR", f"plugin fakeplugin[{pid}] does not accept connections: 1 wait", within=15)
    kept.close()


def test_a_plugin_that_closes_its_port_is_dead(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "deaf-after-bytes=1", peer=True)
    target = echo_target(stage)
    sock = hosted.works(target)
    hosted.process.expected_end = True
    assert "has closed its port" in hosted.fails(20)
    if role == "local":  # the other end of the wire cannot tell
        assert read_to_end(sock) == (b"", End.RST)


def test_a_plugin_that_closes_its_port_is_started_again(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "deaf-after-bytes=1", peer=True, plugin_restart="on-failure")
    target = echo_target(stage)
    pid = hosted.ready()
    sock = hosted.works(target)
    hosted.says("ERROR", f"[{pid}] has closed its port", within=20)
    if role == "local":  # the other end of the wire cannot tell
        assert read_to_end(sock) == (b"", End.RST)
    hosted.ready(other_than=pid)
    hosted.works(target)
