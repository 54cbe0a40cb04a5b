# SPDX-License-Identifier: Apache-2.0
"""/proxy.pac of an access list, run by Node, against what the access list says itself."""

from __future__ import annotations

import ipaddress
import json
import os
import random
import re
import signal
import socket
from pathlib import Path

import pytest
from harness import procfs
from harness.content import read_to_end
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Stage, our_parts
from harness.ways import acl

BROWSERS_TAKE = 1024 * 1024
RUN = """\
const [, , file, hosts] = process.argv, fs = require("fs"), vm = require("vm");
const resolve = name => { throw new Error("looks up " + name); };
const context = vm.createContext({dnsResolve: resolve, isInNet: resolve, isResolvable: resolve});
vm.runInContext(fs.readFileSync(file, "utf8"), context);
context.hosts = JSON.parse(fs.readFileSync(hosts, "utf8"));
console.log(JSON.stringify(vm.runInContext('hosts.map(h => FindProxyForURL("http://" + h + "/", h))', context)));
"""
LISTS = {
    "through but for some": ["||near.example", "|exact.example", "^.*\\.below\\.example$", "10.0.0.0/8", "192.168.4.0/22",
                             "192.168.8.0/23", "198.51.100.7", "||münchen.example", "[proxy_list]", "||far.near.example"],
    "around but for some": ["[bypass_all]", "[proxy_list]", "||near.example", "|exact.example", "||x.exact.example"],
    "around but for addresses": ["[bypass_all]", "||near.example", "[proxy_list]", "10.0.0.0/8", "0.0.0.0/1", "2001:db8::/32"],
    "expressions": ["^near[0-9]+\\.example$", "||below.example", "[proxy_list]", "||y.below.example"],
    "around but for expressions": ["[bypass_all]", "||below.example", "[proxy_list]", "^near[0-9]+\\.example$"],
    "an end of all addresses": ["0.0.0.0/0", "255.255.255.255", "||constructor", "||__proto__", "||com"],
    "nothing": ["[proxy_all]"],
}
HOSTS = ["near.example", "a.near.example", "far.near.example", "A.NEAR.example.", "nearexample", "xnear.example",
         "exact.example", "x.exact.example", "y.x.exact.example", "below.example", "y.below.example", "z.y.below.example",
         "near1.example", "near.example.com", "example", "com", "x.com", "intranet", "constructor", "x.constructor",
         "__proto__", "tostring", "xn--mnchen-3ya.example", "10.0.0.1", "10.255.255.255", "11.0.0.0", "9.255.255.255",
         "192.168.3.255", "192.168.4.0", "192.168.9.255", "192.168.10.0", "198.51.100.6", "198.51.100.7", "198.51.100.8",
         "0.0.0.0", "127.255.255.255.example", "128.0.0.0", "255.255.255.255", "010.0.0.1", "10.0.0.1.near.example",
         "10.1", "256.1.1.1", "1.2.3.4.5", "2001:db8::1", "::ffff:10.0.0.1"]


def served(stage: Stage, rules: Path, **extra: int) -> tuple[Process, tuple[str, int]]:
    near = ("127.0.0.1", stage.port())
    return stage.ss_local(our_parts(), ("127.0.0.1", 9), near[1], acl=str(rules), **extra), near


def fetch(near: tuple[str, int]) -> str:
    """The file as a client gets it that takes nothing before the proxy has done what it can."""
    with socket.create_connection(near, 30) as sock, socket.create_connection(near, 30) as other:
        sock.sendall(b"GET /proxy.pac HTTP/1.1\r\nHost: 127.0.0.1:%d\r\nConnection: close\r\n\r\n" % near[1])
        other.sendall(b"GET /other HTTP/1.0\r\n\r\n")
        assert b"421" in read_to_end(other)[0]
        head, _, body = read_to_end(sock)[0].partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert re.search(rb"Content-Length: (\d+)", head)[1] == str(len(body)).encode()  # type: ignore[index]
    return body.decode()


def run(stage: Stage, pac: str, hosts: list[str]) -> dict[str, str]:
    for name, text in (("pac", pac), ("run.js", RUN), ("hosts", json.dumps(hosts))):
        (stage.home / name).write_text(text)
    node = stage.run(peer("node"), stage.home / "run.js", stage.home / "pac", stage.home / "hosts")
    assert node.wait(60) == 0, node.output()
    return dict(zip(hosts, json.loads(node.stdout.read_text()), strict=True))


def told(rules: Path, stage: Stage, hosts: list[str]) -> dict[str, str]:
    """The word of the list itself: bypass or proxy, and by which rule."""
    asked = stage.run(ours("ss-local"), "--acl-test", rules, *hosts)
    assert asked.wait(30) == 0, asked.output()
    return dict(zip(hosts, asked.stdout.read_text().splitlines(), strict=True))


def is_ipv4(host: str) -> bool:
    try:
        return bool(ipaddress.IPv4Address(host))
    except ValueError:
        return False


def must_be_direct(name: str, host: str, line: str) -> bool:
    """Nothing that a PAC file cannot say is needed to know that the list bypasses the server."""
    if "bypass" not in line or is_ipv4(host):
        return "bypass" in line
    if ":" in host or host.rsplit(".", 1)[-1].isdigit():
        return False
    return "[0-9]" not in line and ("by default" not in line or name != "around but for expressions")


@pytest.mark.parametrize("name", LISTS)
def test_the_file_says_what_the_list_says(stage: Stage, name: str) -> None:
    draw = random.Random(name)
    labels = ["near", "exact", "below", "example", "com", "far", "x", "y"]
    hosts = HOSTS + [".".join(draw.choices(labels, k=draw.randrange(1, 6))) for _ in range(300)]
    hosts += [".".join(str(draw.choice((0, 10, 128, 192, 168, draw.randrange(256)))) for _ in range(4))
              for _ in range(200)]
    hosts = [host for host in dict.fromkeys(hosts) if not (is_ipv4(host) and host.startswith("127."))]
    rules = acl(stage, *LISTS[name])
    _, near = served(stage, rules)
    found, expected = run(stage, fetch(near), hosts), told(rules, stage, hosts)
    for host, line in expected.items():
        if "bypass" not in line:
            assert found[host] == f"PROXY {near[0]}:{near[1]}; SOCKS5 {near[0]}:{near[1]}", line
        elif must_be_direct(name, host, line):
            assert found[host] == "DIRECT", line
    direct = sum(way == "DIRECT" for way in found.values())
    assert (direct == 0) == (name == "nothing")


def test_this_machine_is_never_for_the_proxy(stage: Stage) -> None:
    _, near = served(stage, acl(stage, "[proxy_list]", "||localhost", "127.0.0.0/8"))
    here = ["localhost", "x.localhost", "LOCALHOST.", "127.0.0.1", "127.9.9.9", "::1", "[::1]"]
    others = ["localhost.example", "127.example.com", "127.0.0.1.example", "2001:db8::1", "::2"]
    found = run(stage, fetch(near), here + others)
    assert [found[host] for host in here] == ["DIRECT"] * len(here)
    assert all(found[host].startswith("PROXY ") for host in others)


def test_without_a_list_only_names_without_a_domain_are_direct(stage: Stage) -> None:
    near = ("127.0.0.1", stage.port())
    stage.ss_local(our_parts(), ("127.0.0.1", 9), near[1])
    found = run(stage, fetch(near), ["printer", "a.example", "127.example.com", "2001:db8::1", "10.0.0.1"])
    assert [host for host, way in found.items() if way == "DIRECT"] == ["printer"]


def domains(n: int) -> list[str]:
    """Names about as long, and as much alike, as those of public lists."""
    draw = random.Random(n)
    syllables = ["ba", "co", "di", "ful", "gra", "in", "ka", "lo", "mar", "net", "on", "pre", "shop", "tra", "web", "zu"]
    found: dict[str, None] = {}
    while len(found) < n:
        host = "".join(draw.choices(syllables, k=draw.randrange(3, 6))) + draw.choice(["", "", "1", "-x", "24"])
        found[f"{host}.{draw.choice(['com', 'com', 'com', 'net', 'cn', 'co.uk', 'ru', 'org'])}"] = None
    return list(found)


def test_a_hundred_thousand_names_are_of_a_size_that_browsers_take(stage: Stage) -> None:
    names, draw = domains(100_000), random.Random(1)
    rules = acl(stage, *(f"||{name}" for name in names))
    process, near = served(stage, rules, tcp_incoming_sndbuf=16384)  # no socket takes all of it at once
    pac, listed = fetch(near), set(names)
    assert len(pac) < BROWSERS_TAKE
    some = draw.sample(names, 200)
    hosts = [*some, *(f"www.{name}" for name in some), *(f"x{name}" for name in some), "com", "co.uk"]
    found = run(stage, pac, hosts)
    assert [host for host in hosts if found[host] == "DIRECT"] == [
        host for host in hosts if host in listed or host.removeprefix("www.") in listed]

    acl(stage, "||other.example")
    os.kill(process.pid, signal.SIGHUP)
    procfs.eventually(lambda: ": 1 rules\n" in process.output(), "the list is read", 10 * SLOWER)
    assert run(stage, fetch(near), ["other.example", names[0]])["other.example"] == "DIRECT"
    assert run(stage, fetch(near), [names[0]])[names[0]] != "DIRECT"


def test_names_that_do_not_fit_are_left_to_the_proxy(stage: Stage) -> None:
    names = [f"{i:0>6}{i * 7919 % 1000003:0>40}.example" for i in range(25_000)]
    process, near = served(stage, acl(stage, "10.0.0.0/8", *(f"||{name}" for name in names)))
    pac = fetch(near)
    assert len(pac) < BROWSERS_TAKE and "do not fit into /proxy.pac" in process.output()
    assert run(stage, pac, ["10.1.1.1", names[0]])["10.1.1.1"] == "DIRECT"
    assert run(stage, pac, [names[0]])[names[0]] != "DIRECT"
