# SPDX-License-Identifier: Apache-2.0
"""Names: servers that answer half, or late, or not yet; localhost; the hosts file."""

from __future__ import annotations

import socket

import pytest
from harness import udp
from harness.content import read_exactly
from harness.names import NEVER, Etc, Name, NameServer
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.stage import PASSWORD, Chain, Stage, our_parts
from harness.targets import echo

METHOD = "aes-256-gcm"
# A family that is not answered, or seconds later than programs wait for all.
HALVES = {
    "no AAAA": Name(v4="127.0.0.1", v6=NEVER),
    "no A": Name(v4=NEVER, v6="::1"),
    "late AAAA": Name(v4="127.0.0.1", v6="::1", v6_late=60),
    "late A": Name(v4="127.0.0.1", v6="::1", v4_late=60),
    "AAAA leads nowhere": Name(v4="127.0.0.1", v6="2001:db8::1"),
}


def greets(sock: socket.socket) -> bool:
    """True when an echo server is at the other end."""
    try:
        sock.sendall(b"hello")
        return read_exactly(sock, 5) == b"hello"
    except (EOFError, OSError):
        return False


def tries(stage: Stage, chain: Chain, target: Address) -> bool:
    return greets(chain.dial(target, 20 * SLOWER))


def target_of(stage: Stage, name: Name) -> Address:
    """An echo server at the address of name that leads somewhere."""
    host = "::1" if name.v4 == NEVER or name.v4_late else "127.0.0.1"
    stage.port(host)  # skips where there is no such address
    return stage.target(echo, host).address


@pytest.mark.parametrize("half", HALVES)
@pytest.mark.parametrize("first", ["ipv4", "ipv6"])
def test_half_an_answer_is_enough_for_a_target(stage: Stage, half: str, first: str) -> None:
    server = stage.keep(NameServer(names={"half.example": HALVES[half]}))
    target = target_of(stage, HALVES[half])
    chain = stage.chain(our_parts(), nameserver=str(server), ipv6_first=first == "ipv6")
    assert tries(stage, chain, ("half.example", target[1]))


@pytest.mark.parametrize("half", ["no AAAA", "no A", "late AAAA"])
def test_half_an_answer_is_enough_for_packets(stage: Stage, half: str) -> None:
    name = HALVES[half]
    host = "::1" if name.v4 == NEVER else "127.0.0.1"
    stage.port(host)
    server = stage.keep(NameServer(names={"half.example": name}))
    chain = stage.chain(our_parts(), nameserver=str(server), mode="tcp_and_udp")
    for port in (chain.public[1], chain.socks[1]):
        udp.wait_bound(port, 10 * SLOWER)
    client, target = stage.keep(udp.Client(chain.socks)), stage.keep(udp.Echo(host))
    client.sock.settimeout(10)  # a lookup that waits for both takes 14 s
    client.send(("half.example", target.address[1]), b"hello")
    assert client.receive()[1] == b"hello"


@pytest.mark.parametrize("name", ["localhost", "localhost.", "x.localhost", "a.b.localhost.", "LOCALHOST"])
def test_every_localhost_is_loopback(stage: Stage, name: str) -> None:
    server = stage.keep(NameServer(names={}))
    chain = stage.chain(our_parts(), nameserver=str(server))
    assert tries(stage, chain, (name, stage.target(echo).address[1]))


@pytest.mark.parametrize("name", ["localhost.", "x.localhost"])
def test_a_server_listens_on_every_localhost(stage: Stage, name: str) -> None:
    port = stage.port()
    stage.ss_server(our_parts(), port, host=name)
    stage.connect(("127.0.0.1", port))


# With an /etc of its own.


def serve(stage: Stage, etc: Etc, program: str, *argv: object) -> Process:
    return stage.run(*etc.run(ours(program), *argv))


def chain_with(stage: Stage, etc: Etc, which: str, name: str) -> tuple[Address, Address]:
    """SOCKS, and a target for it, where program `which` has to look up name."""
    host = name if which != "ss-server" else "127.0.0.1"
    target = stage.target(echo).address
    public, near = stage.port(), stage.port()
    server = stage.config(server="127.0.0.1", server_port=public, password=PASSWORD, method=METHOD)
    local = stage.config(server=host, server_port=public, local_address="127.0.0.1", local_port=near,
                         password=PASSWORD, method=METHOD)
    started = [serve(stage, etc, "ss-server", "-c", server), serve(stage, etc, "ss-local", "-c", local)]
    for process, port in zip(started, (public, near), strict=True):
        stage.wait_listening(process, port)
    return ("127.0.0.1", near), (name if which == "ss-server" else "127.0.0.1", target[1])


def works(stage: Stage, proxy: Address, target: Address) -> bool:
    sock = Chain.dial(Chain(stage, None, None, proxy, proxy), target, 20 * SLOWER)
    return greets(sock)


BEFORE = {
    "missing": None,
    "empty": "",
    "refusing": "nameserver 127.0.0.9\n",
    "silent": "nameserver 127.0.0.10\n",
}


@pytest.mark.parametrize("before", BEFORE)
@pytest.mark.parametrize("which", ["ss-server", "ss-local"])
def test_name_servers_that_come_later_are_used(network: None, stage: Stage, which: str,
                                               before: str) -> None:
    """As when a machine starts before it has its configuration."""
    stage.keep(NameServer("127.0.0.10", 53, silent=True))
    stage.keep(NameServer("127.0.0.11", 53, {"later.example": Name(v4="127.0.0.1")}))
    etc = Etc(stage, BEFORE[before])
    proxy, target = chain_with(stage, etc, which, "later.example")
    if before != "silent":
        assert not works(stage, proxy, target)
    else:
        waiting = Chain.dial(Chain(stage, None, None, proxy, proxy), target, 20 * SLOWER)
        waiting.sendall(b"hello")
    etc.write("resolv.conf", "nameserver 127.0.0.11\n")
    assert works(stage, proxy, target)
    if before == "silent":  # whose lookup had begun before
        assert read_exactly(waiting, 5) == b"hello"


def test_a_server_that_is_reached_later_is_used(network: None, stage: Stage) -> None:
    """resolv.conf is right from the beginning, the network is not there yet."""
    from harness.network import ip
    etc = Etc(stage, "nameserver 192.0.2.53\n")
    proxy, target = chain_with(stage, etc, "ss-server", "later.example")
    assert not works(stage, proxy, target)
    ip("addr", "add", "192.0.2.53/32", "dev", "lo")
    stage.keep(NameServer("192.0.2.53", 53, {"later.example": Name(v4="127.0.0.1")}))
    assert works(stage, proxy, target)


@pytest.mark.parametrize("which", ["ss-server", "ss-local"])
def test_a_hosts_file_that_changes_is_used(network: None, stage: Stage, which: str) -> None:
    etc = Etc(stage, "nameserver 127.0.0.9\n")
    proxy, target = chain_with(stage, etc, which, "box.example.")
    assert not works(stage, proxy, target)
    etc.write("hosts", "127.0.0.1 localhost\n127.0.0.1 Box.Example\n")
    assert works(stage, proxy, target)


def test_a_plugin_uses_name_servers_that_come_later(network: None, stage: Stage) -> None:
    stage.keep(NameServer("127.0.0.11", 53, {"later.example": Name(v4="127.0.0.1", v6=NEVER)}))
    etc = Etc(stage, None)
    target = stage.target(echo).address
    near, public = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    plugin = stage.run(ours("obfs-server"), env={
        "SS_LOCAL_HOST": target[0], "SS_LOCAL_PORT": str(target[1]), "SS_REMOTE_HOST": public[0],
        "SS_REMOTE_PORT": str(public[1]), "SS_PLUGIN_OPTIONS": "obfs=http"})
    stage.wait_listening(plugin, public[1])
    plugin = stage.run(*etc.run(ours("obfs-local")), env={
        "SS_LOCAL_HOST": near[0], "SS_LOCAL_PORT": str(near[1]), "SS_REMOTE_HOST": "later.example",
        "SS_REMOTE_PORT": str(public[1]), "SS_PLUGIN_OPTIONS": "obfs=http"})
    stage.wait_listening(plugin, near[1])
    assert not greets(stage.connect(near))
    etc.write("resolv.conf", "nameserver 127.0.0.11\n")
    assert greets(stage.connect(near))
