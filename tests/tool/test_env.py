# SPDX-License-Identifier: Apache-2.0
"""ss-plugin env: what a shell makes of it is what a host of ours sets."""

from __future__ import annotations

import json
import shlex
import subprocess

import pytest
from calling import ask
from harness.procfs import eventually
from harness.programs import SLOWER, ours
from harness.stage import Parts, Stage

NASTY = "a=it's;b=$HOME `id` \"q\" \\;\\\\;c=*\n;d=ü"


def evaluated(stage: Stage, *words: str) -> dict[str, str]:
    """The environment after eval in a shell."""
    quoted = " ".join(map(shlex.quote, [str(ours("ss-plugin")), "env", *words]))
    done = subprocess.run(["/bin/sh", "-c", f'eval "$({quoted})" && env -0'], check=True, text=True,
                          capture_output=True, timeout=30 * SLOWER, cwd=stage.home,
                          env={"PATH": "/usr/bin:/bin", "SS_PLUGIN_OPTIONS": "stale"})
    return dict(entry.split("=", 1) for entry in done.stdout.split("\0") if entry)


def test_eval_gives_every_value_exactly(stage: Stage) -> None:
    env = evaluated(stage, "--role", "server", "--remote", "[2001:db8::1]:443", "--local",
                    "127.0.0.1:8388", "--options", NASTY, "--mode", "tcp_and_udp")
    assert env["SS_REMOTE_HOST"] == "2001:db8::1"
    assert env["SS_REMOTE_PORT"] == "443"
    assert env["SS_LOCAL_HOST"] == "127.0.0.1"
    assert env["SS_LOCAL_PORT"] == "8388"
    assert env["SS_PLUGIN_OPTIONS"] == NASTY
    assert env["SS_PLUGIN_ROLE"] == "server"
    assert env["SS_PLUGIN_MODE"] == "tcp_and_udp"
    assert "SS_EXIT_ON_STDIN_CLOSE" not in env and "SS_PLUGIN_NOTIFY_FD" not in env


def test_without_options_a_stale_variable_goes(stage: Stage) -> None:
    assert "SS_PLUGIN_OPTIONS" not in evaluated(stage)
    assert "SS_PLUGIN_OPTIONS" not in evaluated(stage, "--options", "")


def test_words_are_for_env(stage: Stage) -> None:
    tool = shlex.quote(str(ours("ss-plugin")))
    done = subprocess.run(["/bin/sh", "-c", f"env -i $({tool} env --words --options 'a=b;c') /usr/bin/env"],
                          check=True, text=True, capture_output=True, timeout=30 * SLOWER)
    env = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert env["SS_PLUGIN_OPTIONS"] == "a=b;c"
    assert env["SS_PLUGIN_ROLE"] == "client"
    refused = ask(stage, "env", "--words", "--options", "a=b c")
    assert (refused.status, refused.out) == (64, "")


@pytest.mark.parametrize("role", ["client", "server"])
def test_it_is_what_our_hosts_set(stage: Stage, role: str) -> None:
    seen = stage.home / "seen.json"
    options = f"report={seen}" + (";server" if role == "server" else "")
    plugin = str(stage.fake_plugin())
    parts = Parts(ours("ss-local"), ours("ss-server"), client_plugin=plugin, client_opts=options,
                  server_plugin=plugin, server_opts=options)
    if role == "client":
        stage.ss_local(parts, ("127.0.0.1", stage.port()), stage.port(), plugin_sandbox=False)
    else:
        stage.ss_server(parts, stage.port(), plugin_sandbox=False)
    eventually(seen.exists, "the fake plugin reports", 20 * SLOWER)
    real = {key: value for key, value in json.loads(seen.read_text())["env"].items()
            if key.startswith("SS_")}
    told = ask(stage, "env", "--json", "--role", role, "--options", options).json()["variables"]
    told_env = {row["name"]: row["value"] for row in told}
    # The deadline is that of the server in question, which the tool cannot know.
    servers_own = {"SS_PLUGIN_HANDSHAKE_MS"} if role == "server" else set()
    assert told_env.keys() | servers_own == real.keys() and not told_env.keys() & servers_own
    same = {"SS_PLUGIN_OPTIONS", "SS_PLUGIN_ROLE", "SS_PLUGIN_MODE", "SS_EXIT_ON_STDIN_CLOSE"}
    assert {key: told_env[key] for key in same} == {key: real[key] for key in same}


def test_json_tells_what_is_sip003_and_what_needs_a_host(stage: Stage) -> None:
    rows = {row["name"]: row for row in ask(stage, "env", "--json", "--options", "a").json()["variables"]}
    assert {name for name, row in rows.items() if row["sip003"]} == {
        "SS_REMOTE_HOST", "SS_REMOTE_PORT", "SS_LOCAL_HOST", "SS_LOCAL_PORT", "SS_PLUGIN_OPTIONS"}
    assert {name for name, row in rows.items() if row["needs_host"]} == {
        "SS_EXIT_ON_STDIN_CLOSE", "SS_PLUGIN_NOTIFY_FD"}


@pytest.mark.parametrize("words", [("--role", "both"), ("--remote", "a"), ("--remote", "a:0"),
                                   ("--local", "a:65536"), ("--mode", "udp"), ("x",), ("--remote",),
                                   ("--json=1",)])
def test_a_wrong_command_line_is_64(stage: Stage, words: tuple[str, ...]) -> None:
    answer = ask(stage, "env", *words)
    assert (answer.status, answer.out) == (64, "")
    assert answer.err.startswith("ss-plugin env: ") and answer.err.count("\n") == 1
