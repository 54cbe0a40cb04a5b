# SPDX-License-Identifier: Apache-2.0
"""ss-server behind a balancer, which names the client of each connection: HAProxy of Debian, and headers of our own."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import struct
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly, read_to_end
from harness.haproxy import Haproxy, listen
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.queues import wait_until_read
from harness.socks import Address
from harness.stage import Parts, Stage, our_parts
from harness.targets import echo

HERE, CLIENT, OTHER = "127.0.0.1", "127.0.0.9", "127.0.0.8"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
GARBAGE = b"x" * 400


def header(client: str = CLIENT, port: int = 4711) -> bytes:
    addresses = socket.inet_aton(client) + socket.inet_aton(HERE) + struct.pack("!HH", port, 443)
    return SIGNATURE + b"\x21\x11" + struct.pack("!H", len(addresses)) + addresses


def serve(stage: Stage, obfs: str = "none", **extra: Any) -> tuple[Process, Address]:
    at = (HERE, stage.port())
    return stage.ss_server(our_parts(obfs), at[1], **{"proxy_protocol": True, **extra}), at


class Balancer:
    """HAProxy in front of a server, which it asks for its health, too."""

    def __init__(self, stage: Stage, backend: Address, sends: str) -> None:
        self.public = (HERE, stage.port())
        self._from = {source: (HERE, stage.port()) for source in (CLIENT, OTHER)}
        text = listen(self.public, [backend], f"{sends} check check-send-proxy inter 50ms")
        for source, at in self._from.items():
            text += listen(at, [self.public], f"source {source}")
        Haproxy(stage, text, [at[1] for at in (self.public, *self._from.values())])

    def client(self, stage: Stage, source: str, parts: Parts | None = None) -> Address:
        """ss-local, whose connections come from that address."""
        near = (HERE, stage.port())
        stage.ss_local(parts or our_parts(), self._from[source], near[1])
        return near


def probe(stage: Stage, at: Address, source: str = HERE, said: bytes = GARBAGE) -> socket.socket:
    sock = stage.keep(socket.create_connection(at, 10, (source, 0)))
    sock.sendall(said)
    return sock


def talks(near: Address, target: Address) -> bool:
    try:
        with socks.dial(near, target) as sock:
            sock.sendall(b"ping")
            return read_exactly(sock, 4) == b"ping"
    except (OSError, EOFError):
        return False


def eventually_says(process: Process, text: str) -> None:
    procfs.eventually(lambda: text in process.output(), f"{text!r} is logged", 10 * SLOWER)


@pytest.mark.parametrize("sends", ["send-proxy", "send-proxy-v2", "send-proxy-v2 proxy-v2-options crc32c,unique-id"])
def test_haproxy_names_the_client(stage: Stage, sends: str) -> None:
    acl = stage.home / "clients.acl"
    acl.write_text(f"[bypass_list]\n{CLIENT}\n")
    server, at = serve(stage, acl=str(acl))
    balancer, target = Balancer(stage, at, sends), stage.target(echo).address
    assert talks(balancer.client(stage, OTHER), target)
    assert not talks(balancer.client(stage, CLIENT), target)
    eventually_says(server, f"Access denied from {CLIENT}")
    probe(stage, balancer.public, OTHER)
    eventually_says(server, f"failed to handshake with {OTHER}")
    assert "PROXY header of" not in server.output(), "a health check is no mistake"


def test_the_client_is_known_through_balancer_and_plugin(stage: Stage) -> None:
    obfs = "inline:http"
    acl = stage.home / "clients.acl"
    acl.write_text(f"[bypass_list]\n{CLIENT}\n")
    server, at = serve(stage, obfs, acl=str(acl))
    balancer, target = Balancer(stage, at, "send-proxy-v2"), stage.target(echo).address
    assert talks(balancer.client(stage, OTHER, our_parts(obfs)), target)
    assert not talks(balancer.client(stage, CLIENT, our_parts(obfs)), target)
    eventually_says(server, f"Access denied from {CLIENT}")


def plugin_parts(plugin: str, extra: str) -> Parts:
    if plugin == "obfs":
        return our_parts("http", server_extra=extra)
    program, own = str(ours("ws-wrap")), "path=/tunnel"
    return Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", program, own, program, own + extra)


@pytest.mark.parametrize("plugin", ["obfs", "ws-wrap"])
@pytest.mark.parametrize("sends", ["send-proxy", "send-proxy-v2"])
def test_a_plugin_takes_the_header_of_a_balancer(stage: Stage, plugin: str, sends: str) -> None:
    """The name goes through it to ss-server; a sender that the option does not name is refused."""
    acl = stage.home / "clients.acl"
    acl.write_text(f"[bypass_list]\n{CLIENT}\n")
    parts, at = plugin_parts(plugin, f";proxy-protocol-from={HERE},::1;proxy-protocol"), (HERE, stage.port())
    server = stage.ss_server(parts, at[1], proxy_protocol=True, acl=str(acl))
    balancer, target = Balancer(stage, at, sends), stage.target(echo).address
    assert talks(balancer.client(stage, OTHER, parts), target)
    assert not talks(balancer.client(stage, CLIENT, parts), target)
    eventually_says(server, f"Access denied from {CLIENT}")
    with contextlib.suppress(ConnectionError):
        assert read_to_end(probe(stage, at, OTHER, header()))[0] == b""
    eventually_says(server, f"PROXY header of {OTHER}: option proxy-protocol-from does not name that address")
    assert read_to_end(probe(stage, at)) == (b"", End.RST)
    eventually_says(server, f"PROXY header of {HERE}: the connection does not begin with one; connection refused")


def test_a_list_that_is_none_ends_a_plugin(stage: Stage) -> None:
    env = {f"SS_{end}_{part}": value for end in ("LOCAL", "REMOTE") for part, value in (("HOST", HERE), ("PORT", "1"))}
    for wrong in ("", "127.0.0.1,", "example.com", "10.0.0.0/33"):
        done = subprocess.run([str(ours("ws-wrap"))], env={**env, "SS_PLUGIN_OPTIONS": f"server;proxy-protocol-from={wrong}"},
                              capture_output=True, text=True, timeout=20 * SLOWER, check=False)
        assert done.returncode == 78 and f"option proxy-protocol-from: \"{wrong}\" is no list" in done.stderr


def ended(socks_: list[socket.socket], within: float) -> list[socket.socket]:
    return select.select(socks_, [], [], within)[0]


def test_the_limit_of_a_source_is_that_of_the_client(stage: Stage) -> None:
    """One connection too many ends one of that client, and none of another."""
    _, at = serve(stage, handshakes_per_ip=3)
    public = Balancer(stage, at, "send-proxy-v2").public
    other = probe(stage, public, OTHER, b"x")
    mine = [probe(stage, public, CLIENT, b"x") for _ in range(4)]
    (oldest,) = ended([other, *mine], 20 * SLOWER)
    assert oldest in mine and read_to_end(oldest)[0] == b""
    assert not ended([sock for sock in (other, *mine) if sock is not oldest], 0)


def test_a_header_in_pieces_is_whole(stage: Stage) -> None:
    server, at = serve(stage)
    for cut in (1, 5, 12, 15, 16, 20, 27, 28):
        client = f"192.0.2.{cut}"
        sock = probe(stage, at, HERE, header(client)[:cut])
        wait_until_read(sock)
        sock.sendall(header(client)[cut:] + GARBAGE)
        eventually_says(server, f"failed to handshake with {client}")


REFUSED = [
    (GARBAGE, "the connection does not begin with one"),
    (SIGNATURE + b"\x21\x11\x00\x04abcd", "it is too short for its addresses"),
    (SIGNATURE + b"\x21\x00\xff\xff", "it is longer than 4096 bytes"),
    (b"PROXY TCP4 " + b"1" * 200, "its line is longer than 107 bytes"),
    (b"PROXY TCP4 192.0.2.7 198.51.100.1 1 x\r\n", "its line is not one of version 1"),
]


def test_a_connection_without_a_header_is_refused(stage: Stage) -> None:
    server, at = serve(stage)
    for number, (said, why) in enumerate(REFUSED, 20):
        sender = f"127.0.0.{number}"
        assert read_to_end(probe(stage, at, sender, said)) == (b"", End.RST)
        eventually_says(server, f"PROXY header of {sender}: {why}; connection refused")


def test_a_silent_balancer_has_the_time_of_a_handshake(stage: Stage) -> None:
    server, at = serve(stage, handshake_timeout=1)
    assert read_to_end(probe(stage, at, HERE, header()[:14]))[0] == b""
    eventually_says(server, f"PROXY header of {HERE}: none came in time")


def test_a_silent_balancer_makes_room(stage: Stage) -> None:
    """For the limit of open files, long before its time is over; the log does not say that it was late."""
    server, at = serve(stage, nofile=256)
    held = [probe(stage, at, HERE, b"") for _ in range(300)]
    eventually_says(server, f"PROXY header of {HERE}: none came before the connection had to make room")
    assert "none came in time" not in server.output()
    assert len(ended(held, 0)) < len(held)


def test_only_balancers_that_are_named_may_speak_for_others(stage: Stage) -> None:
    server, at = serve(stage, proxy_protocol_from=f" {OTHER}, 127.0.1.0/24 ,::1")
    with contextlib.suppress(ConnectionError):
        assert read_to_end(probe(stage, at, HERE, header()))[0] == b""
    eventually_says(server, f"PROXY header of {HERE}: proxy_protocol_from does not name that address")
    for trusted, client in ((OTHER, "192.0.2.1"), ("127.0.1.200", "192.0.2.2")):
        probe(stage, at, trusted, header(client) + GARBAGE)
        eventually_says(server, f"failed to handshake with {client}")


def test_local_means_the_balancer_itself(stage: Stage) -> None:
    server, at = serve(stage)
    probe(stage, at, OTHER, SIGNATURE + b"\x20\x00\x00\x00" + GARBAGE)
    eventually_says(server, f"failed to handshake with {OTHER}")


def test_without_the_option_a_header_is_garbage(stage: Stage) -> None:
    server, at = serve(stage, proxy_protocol=None)
    probe(stage, at, HERE, header() + GARBAGE)
    eventually_says(server, f"failed to handshake with {HERE}")


def test_a_plugin_that_sends_none_is_told(stage: Stage) -> None:
    """The sender is the plugin then, on loopback, whatever the list says."""
    server, at = serve(stage, "http", proxy_protocol_from="192.0.2.1")
    near = (HERE, stage.port())
    stage.ss_local(our_parts("http"), at, near[1])
    assert not talks(near, stage.target(echo).address)
    eventually_says(server, f"PROXY header of {HERE}: the connection does not begin with one")
    hop = (HERE, int(procfs.environment(server.plugins()[0])["SS_LOCAL_PORT"]))
    probe(stage, hop, HERE, header() + GARBAGE)
    eventually_says(server, f"failed to handshake with {CLIENT}")


def test_a_reload_begins_and_ends_it(stage: Stage) -> None:
    server, at = serve(stage, proxy_protocol=None)
    path = Path(server.argv[server.argv.index("-c") + 1])
    text = path.read_text()
    path.write_text(re.sub(r"^{", '{"proxy_protocol": true, ', text))
    os.kill(server.pid, signal.SIGHUP)
    eventually_says(server, "connections begin with a PROXY header")
    assert read_to_end(probe(stage, at, HERE)) == (b"", End.RST)
    probe(stage, at, HERE, header() + GARBAGE)
    eventually_says(server, f"failed to handshake with {CLIENT}")
