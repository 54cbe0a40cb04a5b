# SPDX-License-Identifier: Apache-2.0
"""Addresses to listen at that are absent, not ready yet, taken or privileged."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.network import ip, set_ipv6
from harness.plugin import End, toy
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Chain, Stage, our_parts
from harness.targets import echo

FATAL = 255
ABSENT, TENTATIVE = "192.0.2.99", "2001:db8::7"
METHOD = "aes-256-gcm"


def server(stage: Stage, servers: list[str], port: int, **extra: object) -> Process:
    path = stage.config(server=servers, server_port=port, password=PASSWORD, method=METHOD, **extra)
    return stage.run(ours("ss-server"), "-c", path)


def relays(stage: Stage, chain: Chain) -> bool:
    sock = chain.dial(stage.target(echo).address)
    sock.sendall(b"hello")
    return read_exactly(sock, 5) == b"hello"


# Absent.


@pytest.mark.parametrize("servers", [[ABSENT, "127.0.0.1"], ["127.0.0.1", ABSENT, "192.0.2.98"]])
@pytest.mark.parametrize("mode", ["tcp_only", "tcp_and_udp", "udp_only"])
def test_an_absent_address_is_left_out(stage: Stage, servers: list[str], mode: str) -> None:
    port = stage.port()
    process = server(stage, servers, port, mode=mode)
    line = "udp server listening at" if mode == "udp_only" else "tcp server listening at"
    procfs.eventually(lambda: f"{line} 127.0.0.1:{port}" in process.output(), process.output(), 10 * SLOWER)
    assert process.output().count(f"listen on {ABSENT}:{port}: not an address of this machine") == 1
    assert process.running


@pytest.mark.parametrize("servers", [[ABSENT], [ABSENT, "192.0.2.98"]])
def test_nothing_but_absent_addresses_is_an_error(stage: Stage, servers: list[str]) -> None:
    port = stage.port()
    process = server(stage, servers, port)
    assert process.wait(15 * SLOWER) == FATAL
    assert f"failed to listen on any address: listen on {ABSENT}:{port}: " in process.output()


def test_a_plugin_leaves_an_absent_address_out(stage: Stage) -> None:
    public, behind = stage.port(), stage.target(echo).address
    process = stage.run(ours("obfs-server"), env={
        "SS_LOCAL_HOST": behind[0], "SS_LOCAL_PORT": str(behind[1]), "SS_REMOTE_HOST": f"{ABSENT}|127.0.0.1",
        "SS_REMOTE_PORT": str(public), "SS_PLUGIN_OPTIONS": "obfs=http"})
    stage.wait_listening(process, public)
    assert f"listen on {ABSENT}:{public}: not an address of this machine" in process.output()


# No IPv6, or nothing but that.


@pytest.mark.parametrize("host", ["::", "localhost"])
def test_a_plugin_works_without_ipv6(network: None, stage: Stage, host: str) -> None:
    set_ipv6(False)
    near, public = stage.port(), stage.port()
    parts = our_parts("http")
    chain = Chain(stage, stage.ss_local(parts, ("127.0.0.1", public), near),
                  stage.ss_server(parts, public, host=host), ("127.0.0.1", near), ("127.0.0.1", public))
    assert relays(stage, chain)


def test_a_client_takes_the_loopback_address_that_there_is(network: None, stage: Stage) -> None:
    """Every server is IPv6, so would be the hop to the plugin."""
    set_ipv6(False)
    near = stage.port()
    local = stage.ss_local(our_parts("http"), ("2001:db8::1", 8388), near)
    procfs.eventually(lambda: "client listening at 127.0.0.1:" in local.output(),
                      f"the plugin has a hop:\n{local.output()}", 10 * SLOWER)


def test_a_plugin_works_without_ipv4(network: None, stage: Stage) -> None:
    near, public = stage.port("::1"), stage.port("::1")
    ip("addr", "del", "127.0.0.1/8", "dev", "lo")
    parts = our_parts("http")
    chain = Chain(stage, stage.ss_local(parts, ("::1", public), near, host="::1"),
                  stage.ss_server(parts, public, host=["::0", "0.0.0.0"]), ("::1", near), ("::1", public))
    sock = chain.dial(stage.target(echo, "::1").address)
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"


# Not ready yet.


@pytest.fixture
def tentative(network: None) -> None:
    """An address that the kernel checks for duplicates, for as long as the test may take."""
    ip("link", "add", "near0", "type", "veth", "peer", "name", "far0")
    Path("/proc/sys/net/ipv6/conf/near0/dad_transmits").write_text("100")
    ip("link", "set", "near0", "up")
    ip("link", "set", "far0", "up")
    ip("addr", "add", f"{TENTATIVE}/64", "dev", "near0")
    assert "tentative" in ip("addr", "show", "dev", "near0")


@pytest.mark.parametrize("servers", [[TENTATIVE], ["127.0.0.1", TENTATIVE]])
def test_an_address_that_is_being_checked_is_bound(tentative: None, stage: Stage, servers: list[str]) -> None:
    port = 8388
    process = server(stage, servers, port, mode="tcp_and_udp")
    line = f"server listening at [{TENTATIVE}]:{port}"
    procfs.eventually(lambda: process.output().count(line) == 2, process.output(), 10 * SLOWER)
    assert f"listen on [{TENTATIVE}]:{port}: the system still checks this address" in process.output()
    assert "skipped" not in process.output()
    ip("addr", "del", f"{TENTATIVE}/64", "dev", "near0")
    ip("addr", "add", f"{TENTATIVE}/64", "dev", "near0", "nodad")

    def answers() -> bool:
        with contextlib.suppress(OSError):
            stage.connect((TENTATIVE, port))
            return True
        return False

    procfs.eventually(answers, process.output(), 10 * SLOWER)


def test_a_plugin_binds_an_address_that_is_being_checked(tentative: None, stage: Stage) -> None:
    public, behind = 8388, stage.target(echo).address
    process = stage.run(ours("obfs-server"), env={
        "SS_LOCAL_HOST": behind[0], "SS_LOCAL_PORT": str(behind[1]), "SS_REMOTE_HOST": TENTATIVE,
        "SS_REMOTE_PORT": str(public), "SS_PLUGIN_OPTIONS": "obfs=http"})
    stage.wait_listening(process, public)


# Taken, and privileged.


@pytest.mark.parametrize("program", ["ss-server", "ss-local"])
@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_a_taken_port_has_an_owner(stage: Stage, program: str, kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        port, mode = taken.getsockname()[1], "tcp_only" if kind == socket.SOCK_STREAM else "udp_only"
        own = {"server": "127.0.0.1", "server_port": port} if program == "ss-server" else {
            "server": "127.0.0.1", "server_port": stage.port(), "local_port": port}
        path = stage.config(**own, password=PASSWORD, method=METHOD, mode=mode)
        process = stage.run(ours(program), "-c", path)
        assert process.wait(15 * SLOWER) == FATAL
    owner = f"(pid {os.getpid()})"
    assert f"hint: port {port} is taken by " in process.output() and owner in process.output()


PLUGINS = {"obfs-local": ("-s", "127.0.0.1", "-p", "1", "-l", "{}", "--obfs", "http"),
           "obfs-server": ("-s", "127.0.0.1", "-p", "{}", "-r", "127.0.0.1:1", "--obfs", "http"),
           "ws-wrap": ("-l", "127.0.0.1:{}", "-r", "127.0.0.1:1", "--opts", "client"),
           "stls-wrap": ("-l", "127.0.0.1:{}", "-r", "127.0.0.1:1", "--opts", "client;host=a.example;passwd=p"),
           "tls-wrap": ("-l", "127.0.0.1:{}", "-r", "127.0.0.1:1", "--opts", "client;host=a.example")}


@pytest.mark.parametrize("program", PLUGINS)
def test_a_port_taken_from_a_plugin_of_its_own_has_an_owner(stage: Stage, program: str) -> None:
    port = stage.listener().address[1]
    process = stage.run(ours(program), *(word.format(port) for word in PLUGINS[program]))
    assert process.wait(15 * SLOWER) == 69
    (line,) = process.output().splitlines()
    assert line.startswith(f"{program}: listen on 127.0.0.1:{port}: Address already in use; hint: port {port} is taken by ")
    assert f"(pid {os.getpid()})" in line


def test_a_udp_port_taken_from_a_plugin_has_an_owner(stage: Stage) -> None:
    port = stage.port()  # free for TCP, which comes first
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", port))
        process = stage.run(toy(), "-l", f"127.0.0.1:{port}", "-r", "127.0.0.1:1", "--opts", "client;udp")
        assert process.wait(15 * SLOWER) == 69
    assert f"hint: port {port} is taken by " in process.output() and f"(pid {os.getpid()})" in process.output()


def test_a_hosted_plugin_leaves_the_owner_to_its_host(stage: Stage) -> None:
    port = stage.listener().address[1]
    end = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.1", port), wait=False)
    assert end.process.wait(15 * SLOWER) == 69
    assert "Address already in use" in end.process.output() and "hint" not in end.process.output()


def test_a_taken_address_of_a_list_is_not_every_address(stage: Stage) -> None:
    taken = stage.listener()
    process = server(stage, ["127.0.0.2", "127.0.0.1"], taken.address[1])
    assert process.wait(15 * SLOWER) == FATAL
    assert "failed to listen on every address: listen on 127.0.0.1:" in process.output()


def test_a_privileged_port_names_the_capability(network: None, stage: Stage) -> None:
    path = stage.config(server="127.0.0.1", server_port=443, password=PASSWORD, method=METHOD)
    path.chmod(0o644)
    process = stage.run("setpriv", "--bounding-set=-net_bind_service", ours("ss-server"), "-c", path)
    assert process.wait(15 * SLOWER) == FATAL
    assert "hint: port 443 needs CAP_NET_BIND_SERVICE" in process.output()
