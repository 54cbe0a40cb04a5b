# SPDX-License-Identifier: Apache-2.0
"""One file of rules for our ss-local, shadowsocks-libev's and shadowsocks-rust's, and where they differ."""

from __future__ import annotations

import pytest
from harness.content import read_exactly
from harness.programs import Program, ours, peer
from harness.socks import dial
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo
from harness.ways import METHOD, Fork, acl

MAKERS = {"ours": "ss-local", "libev": "ss-local", "rust": "sslocal"}


def local(maker: str) -> Program:
    return ours("ss-local") if maker == "ours" else peer(MAKERS[maker])


@pytest.mark.parametrize("maker", MAKERS)
def test_addresses_and_names_go_the_same_way(stage: Stage, maker: str) -> None:
    rules = acl(stage, "# before any section: bypass", "127.0.0.1", "127.0.0.16/28", "", "[proxy_list]",
                r"(^|\.)far\.example$", "[bypass_list]", r"^localhost$")
    fork = Fork(stage, rules, program=local(maker))
    ways = {host: fork.way(host) for host in ("127.0.0.1", "127.0.0.2", "www.far.example", "localhost")}
    assert ways == {"127.0.0.1": "direct", "127.0.0.2": "server", "www.far.example": "server",
                    "localhost": "direct"}


@pytest.mark.parametrize("maker", MAKERS)
def test_the_last_mode_counts(stage: Stage, maker: str) -> None:
    rules = acl(stage, "[proxy_all]", "[proxy_list]", "127.0.0.2", "[bypass_all]")
    fork = Fork(stage, rules, program=local(maker))
    assert (fork.way("127.0.0.1"), fork.way("127.0.0.2")) == ("direct", "server")


@pytest.mark.parametrize("maker", MAKERS)
def test_a_name_in_both_lists(stage: Stage, maker: str) -> None:
    rules = acl(stage, r"^localhost$", "[proxy_list]", r"^localhost$")
    assert Fork(stage, rules, program=local(maker)).way("localhost") == \
        {"ours": "direct", "libev": "direct", "rust": "server"}[maker]


@pytest.mark.parametrize("maker", ["ours", "rust"])
@pytest.mark.parametrize("rules", [["[outbound_block_list]", "127.0.0.2"],
                                   ["[outbound_block_all]", "[outbound_allow_list]", "127.0.0.1/32"]],
                         ids=["block", "allow"])
def test_a_server_dials_the_same_targets(stage: Stage, maker: str, rules: list[str]) -> None:
    near, public, rules_file = stage.port(), stage.port(), acl(stage, *rules)
    words = [ours("ss-server"), "--outbound", "all"] if maker == "ours" else [peer("ssserver")]
    place = ["-s", "127.0.0.1", "-p", public] if maker == "ours" else ["-s", f"127.0.0.1:{public}"]
    server = stage.run(*words, *place, "-k", PASSWORD, "-m", METHOD, "--acl", rules_file)
    stage.wait_listening(server, public)
    stage.ss_local(our_parts(), ("127.0.0.1", public), near)
    dialed = {}
    for host in ("127.0.0.1", "127.0.0.2"):
        target = stage.target(echo, host)
        sock = stage.keep(dial(("127.0.0.1", near), target.address))
        sock.sendall(b"hello")
        try:
            dialed[host] = read_exactly(sock, 5) == b"hello"
        except (OSError, EOFError):
            dialed[host] = False
        assert target.accepted == dialed[host]
    assert dialed == {"127.0.0.1": True, "127.0.0.2": False}
