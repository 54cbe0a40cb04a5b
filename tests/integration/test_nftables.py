# SPDX-License-Identifier: Apache-2.0
"""ss-nftables: what up makes, and that down removes exactly that."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from harness.programs import found, ours

PORT = 1081


@pytest.fixture(autouse=True)
def _own_network(network: None) -> None:
    found("nft")


def sh(*command: object, ok: bool = True) -> str:
    """Runs a command; returns what it prints."""
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=30,
                          check=False)
    assert (done.returncode == 0) == ok, done.stdout + done.stderr
    return done.stdout + done.stderr


def nftables(*argv: object, ok: bool = True) -> str:
    return sh(ours("ss-nftables"), *argv, ok=ok)


def state() -> str:
    return "\n".join(sh(*words.split()) for words in (
        "nft list ruleset", "ip -4 rule", "ip -6 rule", "ip -4 route show table all",
        "ip -6 route show table all"))


@pytest.mark.parametrize("words", [[], ["-u"], ["-U"], ["-T"], ["-T", "-u", "-o"], ["-4", "-u"], ["-6", "-T"],
                                   ["-u", "-n", "other", "-M", "77"]], ids=" ".join)
def test_down_removes_exactly_what_up_has_made(words: list[str]) -> None:
    sh("nft", "table inet mine { chain c { type filter hook input priority 0; }; }")
    sh("ip", "rule", "add", "pref", "5", "fwmark", "9", "lookup", "9")
    before, name = state(), words[1:3] if "-n" in words else []
    nftables("up", "-l", PORT, *words)
    once = state()
    assert once != before
    nftables("up", "-l", PORT, *words)
    assert state() == once
    nftables("down", *name)
    assert state() == before
    nftables("down", *name)
    assert state() == before


def test_another_up_replaces_the_rules() -> None:
    before = state()
    nftables("up", "-l", PORT, "-T", "-u")
    nftables("up", "-l", 1082, "-M", 77, "-u")
    assert "29552" not in state() and ":1082" in state()
    nftables("up", "-l", PORT)
    assert "77" not in sh("ip", "rule")
    nftables("down")
    assert state() == before


def test_print_shows_the_rules_and_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "rules"
    words = ["-l", PORT, "-T", "-u", "-o", "-s", "192.0.2.1,2001:db8::1", "-b", "192.0.2.128/25", "-I", "lan"]
    before, printed = state(), nftables("--print", *words)
    assert state() == before
    path.write_text(printed)
    sh("nft", "-f", path)
    by_hand = sh("nft", "list", "ruleset")
    nftables("up", *words)
    assert sh("nft", "list", "ruleset") == by_hand


MISTAKES = {
    "no port": ([], "no port (expected -l <port>)"),
    "port": (["-l", "99999"], '-l: "99999" is not a number (expected 1..65535)'),
    "octal": (["-l", "1", "-m", "0255"], '-m: "0255" is not a number'),
    "octal table": (["-l", "1", "-u", "-M", "0123"], '-M: "0123" is not a number'),
    "main table": (["-l", "1", "-u", "-M", "254"], '-M: "254" is a table of the system'),
    "interface": (["-l", "1", "-I", "lan,br*"], '-I: "br*" is not a name'),
    "no interface": (["-l", "1", "-I", ","], '-I: "," names nothing'),
    "user": (["-l", "1", "-o", "-x", "root,b;d"], '-x: "b;d" is not a name'),
    "address": (["-l", "1", "-b", "192.0.2.0/24,x;y"], '-b: "x;y" is not an address'),
    "option": (["-l", "1", "-q"], "unknown argument -q"),
    "argument": (["-l"], "-l: missing argument"),
    "table": (["-l", "1", "-n", "a b"], '-n: "a b" is not a name'),
    "marks": (["-l", "1", "-m", "7", "-M", "7"], "own traffic needs a mark of its own"),
}


@pytest.mark.parametrize("words", MISTAKES)
def test_a_mistake_is_one_line_and_changes_nothing(words: str) -> None:
    argv, line = MISTAKES[words]
    before = state()
    said = nftables("up", *argv, ok=False)
    assert line in said and len(said.splitlines()) == 1
    assert state() == before


def test_a_routing_table_of_others_stays_as_it_is() -> None:
    sh("ip", "rule", "add", "pref", "100", "from", "192.0.2.1", "lookup", "100")
    sh("ip", "route", "add", "default", "dev", "lo", "table", "100")
    before = state()
    said = nftables("up", "-l", PORT, "-u", "-M", "100", ok=False)
    assert "ss-nftables: -M: routing table 100 has routes of others" in said
    assert state() == before


def test_a_rule_of_others_with_the_same_priority_stays_beside_ours() -> None:
    sh("ip", "rule", "add", "pref", "100", "from", "192.0.2.1", "lookup", "100")
    before = state()
    nftables("up", "-l", PORT, "-u", "-M", "100")
    assert "fwmark 0x64 lookup 100" in sh("ip", "rule")
    nftables("down")
    assert state() == before


def test_two_tables_have_two_numbers() -> None:
    nftables("up", "-l", PORT, "-u")
    before = state()
    said = nftables("up", "-l", 1082, "-u", "-n", "other", ok=False)
    assert "ss-nftables: -M: table ss_redir has number 29552" in said and state() == before
    nftables("up", "-l", 1082, "-u", "-n", "other", "-M", "77")
    nftables("down", "-n", "other")
    assert state() == before


def test_down_says_when_it_may_not() -> None:
    nftables("up", "-l", PORT)
    before, script = state(), ours("ss-nftables")
    said = sh("setpriv", "--bounding-set=-all", "--inh-caps=-all", script, "down", ok=False)
    assert "ss-nftables: down: refused by nft, see above; nothing has changed" in said
    assert state() == before


def test_rules_that_nft_refuses_change_nothing() -> None:
    before = state()
    said = nftables("up", "-l", PORT, "-u", "-b", "192.0.2.999", ok=False)
    assert "ss-nftables: up: refused by nft, see above; nothing has changed" in said
    assert state() == before
