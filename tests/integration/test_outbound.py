# SPDX-License-Identifier: Apache-2.0
"""The targets that ss-server dials: none of its own machine, whatever the name server answers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from harness import procfs, udp
from harness.content import read_exactly
from harness.extent import extent
from harness.names import Etc, Name, NameServer
from harness.network import ip
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.socks import Address, dial
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import Target, echo

LOCAL, METHOD = "127.0.0.1", "aes-256-gcm"


@dataclass
class Server:
    """ss-server with a policy, and a client of it."""

    stage: Stage
    process: Process
    socks: Address

    def reaches(self, target: Address) -> bool:
        sock = self.stage.keep(dial(self.socks, target))
        try:
            sock.sendall(b"hello")
            return read_exactly(sock, 5) == b"hello"
        except (EOFError, ConnectionError):
            return False


def serve(stage: Stage, policy: str, *argv: object, **extra: object) -> Server:
    public, near = stage.port(), stage.port()
    process = stage.ss_server(our_parts(), public, "--outbound", policy, *argv, mode="tcp_and_udp", **extra)
    stage.ss_local(our_parts(), (LOCAL, public), near, mode="tcp_and_udp")
    for port in (public, near):
        udp.wait_bound(port, 10 * SLOWER)
    return Server(stage, process, (LOCAL, near))


def own_interface() -> None:
    """Addresses of this machine that look like any other."""
    ip("addr", "add", "10.7.0.1/32", "dev", "lo")
    ip("addr", "add", "fd07::1/128", "dev", "lo", "nodad")
    ip("route", "add", "local", "203.0.113.0/25", "dev", "lo")
    ip("-6", "route", "add", "local", "2001:db8:5::/64", "dev", "lo")


REFUSED = ["127.0.0.1", "127.8.8.8", "0.0.0.0", "::1", "::", "::ffff:127.0.0.1", "::ffff:0.0.0.0",
           "64:ff9b::127.0.0.1", "2002:7f00:1::", "169.254.169.254", "fe80::1", "224.0.0.1", "ff02::1",
           "255.255.255.255", "10.7.0.1", "fd07::1", "::ffff:10.7.0.1", "203.0.113.77", "2001:db8:5::77",
           "localhost", "x.localhost"]


def test_nothing_of_the_own_machine_is_dialed(network: None, stage: Stage) -> None:
    own_interface()
    canary = stage.keep(Target(echo, "::")).address[1]  # on every address of this machine
    packets = stage.keep(udp.Echo("0.0.0.0"))
    server = serve(stage, "lan")
    client = stage.keep(udp.Client(server.socks))
    for host in REFUSED:
        assert not server.reaches((host, canary)), host
        client.send((host, packets.address[1]), b"for the canary")
    assert "dial 127.0.0.1:" in server.process.output()
    assert "outbound lan refuses loopback addresses" in server.process.output()
    procfs.eventually(lambda: "UDP to x.localhost" in server.process.output() or
                      "more connections that failed" in server.process.output(), "all packets came",
                      10 * SLOWER)
    assert packets.seen == []


def test_a_name_that_leads_back_is_refused_whatever_it_leads_to_beside(network: None, stage: Stage) -> None:
    """A name server that rebinds: its answers are judged as they are dialed."""
    own_interface()
    names = {"back.test": Name(v4=LOCAL, v6="::1"), "own.test": Name(v4="10.7.0.1"),
             "mapped.test": Name(v6="::ffff:127.0.0.1")}
    etc = Etc(stage, "nameserver 127.0.0.9\n")
    rebinding = stage.keep(NameServer("127.0.0.9", 53, names))
    canary = stage.keep(Target(echo, "::"))
    public, near = stage.port(), stage.port()
    path = stage.config(server=LOCAL, server_port=public, password=PASSWORD, method=METHOD)
    process = stage.run(*etc.run(ours("ss-server"), "-c", path, "--outbound", "lan"))
    stage.wait_listening(process, public)
    stage.ss_local(our_parts(), (LOCAL, public), near)
    server = Server(stage, process, (LOCAL, near))
    for name in names:
        assert not server.reaches((name, canary.address[1])), name
    for turn in range(extent(100, 1000)):
        rebinding.names["turn.test"] = Name(v4=["198.51.100.1", LOCAL, "0.0.0.0", "10.7.0.1"][turn % 4])
        if turn % 4:
            assert not server.reaches(("turn.test", canary.address[1]))
    assert canary.accepted == 0


def test_private_networks_are_of_lan_and_not_of_public(network: None, stage: Stage) -> None:
    own_interface()
    server = serve(stage, "public")
    assert not server.reaches(("10.8.0.1", 9))
    assert "outbound public refuses private addresses" in server.process.output()
    ip("route", "add", "local", "default", "dev", "lo", "table", "100")  # as TPROXY has it, for marked packets
    server = serve(stage, "lan")
    for host in ("10.8.0.1", "203.0.113.128"):  # there is no such host, and one beyond a network of ours
        assert not server.reaches((host, 9))
        assert f"{host}:9: outbound lan refuses" not in server.process.output()
    assert not server.reaches(("10.7.0.1", 9))
    assert "outbound lan refuses this machine's addresses" in server.process.output()


def test_all_is_as_shadowsocks_libev_does_it(stage: Stage) -> None:
    server = serve(stage, "all")
    assert server.reaches(stage.target(echo).address)
    stage.keep(udp.Client(server.socks)).trade(stage.keep(udp.Echo()).address, b"hello")


def test_the_access_list_opens_addresses_and_no_names(stage: Stage) -> None:
    rules = stage.home / "list.acl"
    rules.write_text("[outbound_allow_list]\n||localhost\n127.0.0.1\n[outbound_block_list]\n127.0.0.4\n")
    server = serve(stage, "lan", acl=str(rules))
    port = stage.target(echo).address[1]
    assert server.reaches((LOCAL, port))
    assert not server.reaches(("127.0.0.2", port))
    rules.write_text("[outbound_allow_list]\n||localhost\n")
    server = serve(stage, "lan", acl=str(rules))
    assert not server.reaches(("a.localhost", port))  # its name server could say anything


@pytest.mark.parametrize("by", ["option", "key", "neither"])
def test_the_policy_is_lan_unless_told(stage: Stage, by: str) -> None:
    words = {"option": ["--outbound", "public"], "key": [], "neither": []}[by]
    path = stage.config(server=LOCAL, server_port=9, password="secret",
                        outbound="public" if by == "key" else None)
    process = stage.run("env", str(ours("ss-server")), "-c", path, *words, "--dump-config")
    assert process.wait() == 0
    assert f'"outbound": "{"lan" if by == "neither" else "public"}"' in process.output()


def test_another_word_is_refused(stage: Stage) -> None:
    process = stage.run(ours("ss-server"), "--outbound", "none", "-p", 9, "-k", "secret")
    assert process.wait() == 1
    assert '--outbound: "none" is not a choice of targets (expected lan, all or public)' in process.output()
