# SPDX-License-Identifier: Apache-2.0
"""Access lists: the way of a target in clients, and the clients and targets of a server."""

from __future__ import annotations

import base64
import contextlib
import os
import signal
import socket

import pytest
from harness import procfs, udp
from harness.content import read_exactly, read_to_end
from harness.names import Etc, Name, NameServer
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.socks import dial
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo
from harness.tunnel import written
from harness.ways import Fork, acl

METHOD = "aes-256-gcm"
LOCAL = "127.0.0.1"
USAGE, FATAL = 1, 255


def test_each_target_goes_its_way(stage: Stage) -> None:
    fork = Fork(stage, acl(stage, "|direct.localhost", "127.0.0.1", "[proxy_list]",
                           "||proxied.localhost", "::1"))
    assert fork.way("127.0.0.1") == "direct"
    assert fork.way("::ffff:127.0.0.1") == "direct"
    assert fork.way("127.0.0.2") == "server"
    assert fork.way("direct.localhost") == "direct"
    assert fork.way("Direct.LOCALHOST.") == "direct"
    assert fork.way("proxied.localhost") == "server"
    assert fork.way("x.proxied.localhost") == "server"
    assert fork.way("any.localhost") == "direct"  # by 127.0.0.1, the address that is dialed


def test_all_bypass_but_a_list(stage: Stage) -> None:
    fork = Fork(stage, acl(stage, "[bypass_all]", "[proxy_list]", "127.0.0.2", "||far.localhost"))
    assert fork.way("127.0.0.1") == "direct"
    assert fork.way("127.0.0.2") == "server"
    assert fork.way("near.localhost") == "direct"
    assert fork.way("a.far.localhost") == "server"


def test_the_addresses_of_a_name_decide(network: None, stage: Stage) -> None:
    names = {"near.test": Name(v4="127.0.0.1"), "far.test": Name(v4="127.0.0.2", v6="::1"),
             "both.test": Name(v4="127.0.0.1", v6="2001:db8::1")}
    server = stage.keep(NameServer("127.0.0.9", 53, names))
    etc = Etc(stage, f"nameserver {server.address[0]}\n")
    fork = Fork(stage, acl(stage, "127.0.0.1"), etc, ipv6_first=True)
    assert fork.way("near.test") == "direct"
    assert fork.way("far.test") == "server"
    assert fork.way("both.test") == "direct"  # the other address is not dialed
    assert fork.way("unknown.test") == "server"


def reload(process: Process) -> None:
    def told() -> int:
        return sum(process.output().count(text) for text in (" rules\n", "stay in use\n", "stays in use\n"))

    before = told()
    os.kill(process.pid, signal.SIGHUP)
    procfs.eventually(lambda: told() > before, "the list is read", 10 * SLOWER)


def test_a_reload_keeps_connections_and_a_mistake_changes_nothing(stage: Stage) -> None:
    rules = acl(stage, "127.0.0.1")
    fork = Fork(stage, rules)
    kept = stage.keep(dial(fork.socks, (LOCAL, fork.target)))
    kept.sendall(b"before")
    assert read_exactly(kept, 6) == b"before"
    acl(stage, "127.0.0.9")
    reload(fork.process)
    assert fork.way("127.0.0.1") == "server"
    acl(stage, "127.0.0.1", "[bypas_list]")
    reload(fork.process)
    assert fork.way("127.0.0.1") == "server"
    assert "line 2: [bypas_list] is no section (did you mean [bypass_list]?)" in fork.process.output()
    assert "the previous configuration stays in use" in fork.process.output()
    kept.sendall(b"after")
    assert read_exactly(kept, 5) == b"after"


def test_packets_go_their_way(network: None, stage: Stage) -> None:
    names = {"near.test": Name(v4="127.0.0.1"), "far.test": Name(v4="127.0.0.2")}
    etc = Etc(stage, "nameserver 127.0.0.9\n")
    stage.keep(NameServer("127.0.0.9", 53, names))
    there, target = stage.keep(udp.Echo()), stage.keep(udp.Echo())
    near = (LOCAL, stage.port())
    rules = acl(stage, "127.0.0.1", "|direct.localhost", "[proxy_list]", "|proxied.localhost")
    path = stage.config(server=LOCAL, server_port=there.address[1], local_address=LOCAL,
                        local_port=near[1], password=PASSWORD, method=METHOD, acl=str(rules),
                        mode="udp_only")
    stage.run(*etc.run(ours("ss-local"), "-c", path))
    udp.wait_bound(near[1], 10 * SLOWER)
    client = stage.keep(udp.Client(near))
    for host in (LOCAL, "direct.localhost", "near.test", "near.test"):
        assert client.trade((host, target.address[1]), b"to " + host.encode()) == target.address
    assert there.seen == []
    hosts = ["127.0.0.2", "proxied.localhost", "far.test", "far.test", "unknown.test"]
    for n, host in enumerate(hosts, 1):
        client.send((host, target.address[1]), b"on the way of the server")
        procfs.eventually(lambda n=n: len(there.seen) >= n, f"a packet for {host}", 10 * SLOWER)
    assert len(target.seen) == 4


@pytest.mark.parametrize("method", [METHOD, "2022-blake3-aes-256-gcm"])
def test_an_answer_through_the_server_comes_behind_a_packet_around_it(stage: Stage, method: str) -> None:
    """The keys and the session of the server stay where a packet of the same client bypasses it."""
    public, near = stage.port(), (LOCAL, stage.port())
    parts = our_parts(method=method)
    key = {"password": base64.b64encode(bytes(32)).decode()} if method != METHOD else {}
    stage.ss_server(parts, public, mode="tcp_and_udp", **key)
    stage.ss_local(parts, (LOCAL, public), near[1], mode="tcp_and_udp", acl=str(acl(stage, "127.0.0.2")), **key)
    for port in (public, near[1]):
        udp.wait_bound(port, 10 * SLOWER)
    around, client = stage.keep(udp.Echo("127.0.0.2")), stage.keep(udp.Client(near))
    slow = stage.keep(udp.open_socket())
    client.send(slow.getsockname(), b"question")
    question, server = slow.recvfrom(udp.MAX)
    for number in (b"1", b"2"):
        assert client.trade(around.address, number) == around.address
        slow.sendto(b"answer " + number, server)
        assert (question, client.receive()) == (b"question", (slow.getsockname(), b"answer " + number))


def test_a_tunnel_bypasses(stage: Stage) -> None:
    target, server = stage.target(echo).address, stage.listener()
    near = (LOCAL, stage.port())
    path = stage.config(server=LOCAL, server_port=server.address[1], local_port=near[1],
                        password=PASSWORD, method=METHOD, tunnel_address=written(target),
                        acl=str(acl(stage, "127.0.0.0/8")))
    stage.wait_listening(stage.run(ours("ss-tunnel"), "-c", path), near[1])
    sock = stage.connect(near)
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"


# The server.


def served(sock: socket.socket) -> bool:
    sock.sendall(b"hello")
    return read_to_end_of(sock) == b"hello"


def read_to_end_of(sock: socket.socket) -> bytes:
    try:
        return read_exactly(sock, 5)
    except (EOFError, ConnectionError):
        return b""


def test_a_server_refuses_clients(stage: Stage) -> None:
    port = stage.port()
    refusing = stage.ss_server(our_parts(), port, mode="tcp_and_udp",
                               acl=str(acl(stage, "[reject_all]", "[white_list]", "127.0.0.7")))
    with socket.create_connection((LOCAL, port), source_address=("127.0.0.7", 0)):
        with contextlib.suppress(ConnectionError):
            read_to_end(stage.connect((LOCAL, port)))
        assert f"Access denied from {LOCAL}\n" in refusing.output()
    assert "Access denied from 127.0.0.7" not in refusing.output()
    stage.keep(udp.open_socket("127.0.0.8")).sendto(b"packet", (LOCAL, port))
    procfs.eventually(lambda: "denied from 127.0.0.8" in refusing.output(), "a refusal", 10 * SLOWER)


def test_a_server_refuses_targets(stage: Stage) -> None:
    rules = acl(stage, "[outbound_block_list]", "|blocked.localhost", "127.0.0.2",
                "[outbound_allow_list]", "|allowed.localhost")
    public, near = stage.port(), stage.port()
    server = stage.ss_server(our_parts(), public, acl=str(rules), mode="tcp_and_udp")
    stage.ss_local(our_parts(), (LOCAL, public), near, mode="tcp_and_udp")
    udp.wait_bound(near, 10 * SLOWER)
    port = stage.target(echo).address[1]
    for host in (LOCAL, "allowed.localhost", "any.localhost"):
        assert served(stage.keep(dial((LOCAL, near), (host, port))))
    for host, line in (("blocked.localhost", 2), ("127.0.0.2", 3), ("::ffff:127.0.0.2", 3)):
        assert not served(stage.keep(dial((LOCAL, near), (host, port))))
        assert f"line {line} of the access list refuses it" in server.output()
    target, client = stage.keep(udp.Echo()), stage.keep(udp.Client((LOCAL, near)))
    elsewhere = stage.keep(udp.Echo("127.0.0.2"))
    client.send(("blocked.localhost", target.address[1]), b"no")
    client.send(elsewhere.address, b"no")
    client.trade(target.address, b"yes")
    assert "UDP to 127.0.0.2" in server.output()
    assert [packet for packet, _ in target.seen + elsewhere.seen] == [b"yes"]


# The command line.


def test_check_tells_mistakes_and_what_peers_read_otherwise(stage: Stage) -> None:
    def check(*lines: str) -> tuple[int, str]:
        process = stage.run(ours("ss-local"), "-s", LOCAL, "-p", 9, "-l", 9, "-k", "secret",
                            "--acl", acl(stage, *lines), "--check")
        return process.wait(), process.output()

    status, text = check("||a.example", "10.0.0.0/8")
    assert status == 0 and "list.acl: line 1: warning: shadowsocks-libev takes ||" in text
    assert "line 2" not in text
    for section in ("[outbound_block_list]", "[outbound_allow_list]"):
        for rule in ("10.0.0.0/8", "||a.example", "a.*b"):
            assert "outbound sections are for ss-server" in check(section, rule)[1]
    assert "outbound sections" in check("[outbound_block_all]")[1]
    assert "outbound sections" not in check("[bypass_list]", "10.0.0.0/8")[1]
    status, text = check("10.0.0.0/99")
    assert status == USAGE and "line 1: 10.0.0.0/99 is no network" in text


def test_a_list_that_is_wrong_or_missing_is_no_start(stage: Stage) -> None:
    for path in (acl(stage, "[x]"), stage.home / "missing"):
        process = stage.run(ours("ss-local"), "-s", LOCAL, "-p", 9, "-l", stage.port(), "-k", "secret",
                            "--acl", path)
        assert process.wait() == FATAL
        assert str(path) in process.output()


@pytest.mark.parametrize("program", ["ss-local", "ss-server"])
def test_the_deciding_line_is_told(stage: Stage, program: str) -> None:
    rules = acl(stage, "10.0.0.0/8", "||direct.example", "[outbound_block_list]", "||bad.example")
    process = stage.run(ours(program), "--acl-test", rules, "www.direct.example", "10.1.2.3", "x.bad.example")
    assert process.wait() == 0
    expected = {
        "ss-local": ["www.direct.example: bypass, by line 2: ||direct.example",
                     "10.1.2.3: bypass, by line 1: 10.0.0.0/8",
                     "x.bad.example: no rule for the name; its addresses decide"],
        "ss-server": ["www.direct.example: no rule for the name; its addresses decide",
                      '10.1.2.3 as a target: allowed, "outbound" decides',
                      "10.1.2.3 as a client: refused, by line 1: 10.0.0.0/8",
                      "x.bad.example as a target: refused, by line 4: ||bad.example"],
    }
    assert process.stdout.read_text().splitlines() == expected[program]
