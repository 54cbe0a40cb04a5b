# SPDX-License-Identifier: Apache-2.0
"""Configuration mistakes: one line that names the key, and the documented exit status."""

from __future__ import annotations

import contextlib
import json
import re
import resource
import subprocess
import sys
from typing import Any

import pytest
from harness import procfs
from harness.processes import Process
from harness.programs import SANITIZED, ours
from harness.stage import Stage

FATAL, USAGE = 255, 1
SHADOW = 1 << 26  # bytes; a mapping that is larger is a sanitizer's
AEAD = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305",
        "xchacha20-ietf-poly1305"]
STREAM = ["rc4-md5", "aes-128-cfb", "aes-256-cfb", "aes-256-ctr", "chacha20", "chacha20-ietf",
          "salsa20", "bf-cfb", "camellia-256-cfb", "table", "none", "plain", "no-such-method"]


def good(stage: Stage, side: str) -> dict[str, Any]:
    values: dict[str, Any] = {"server": "127.0.0.1", "server_port": stage.port(),
                              "password": "secret words", "method": "aes-256-gcm"}
    if side == "local":
        values |= {"local_address": "127.0.0.1", "local_port": stage.port()}
    return values


def start(stage: Stage, side: str, text: str, *argv: object) -> Process:
    path = stage.home / "config.json"
    path.write_text(text)
    return stage.run(ours(f"ss-{side}"), "-c", path, *argv)


def run(stage: Stage, side: str, *argv: object, **changes: Any) -> Process:
    return start(stage, side, json.dumps({**good(stage, side), **changes}), *argv)


def without_memory(kib: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (kib << 10, kib << 10))


def comes_up(stage: Stage, side: str, process: Process) -> None:
    values = json.loads((stage.home / "config.json").read_text().removeprefix("\ufeff")
                        .replace(",}", "}"))
    stage.wait_listening(process, int(values["local_port" if side == "local" else "server_port"]))


def error_lines(process: Process) -> list[str]:
    return [line for line in process.stderr.read_text().splitlines() if line.strip()]


@pytest.fixture(params=["local", "server"])
def side(request: pytest.FixtureRequest) -> str:
    return request.param


MISTAKES = {
    "port text": ("server_port", "http"),
    "port range": ("server_port", 70000),
    "port negative": ("server_port", -1),
    "port kind": ("server_port", [1]),
    "timeout float": ("timeout", 1.5),
    "timeout kind": ("timeout", {}),
    "flag kind": ("fast_open", "yes"),
    "flag kind 2": ("reuse_port", 1),
    "number kind": ("nofile", "many"),
    "number kind 2": ("mtu", True),
    "server kind": ("server", 5),
    "password kind": ("password", ["a"]),
    "method kind": ("method", {"a": 1}),
    "one time auth": ("auth", True),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_the_file_is_one_line(stage: Stage, side: str, mistake: str) -> None:
    key, value = MISTAKES[mistake]
    process = run(stage, side, **{key: value})
    assert process.wait(5) in (FATAL, USAGE)
    (line,) = error_lines(process)
    assert key in line
    assert "config.json" in line


@pytest.mark.parametrize("method", STREAM)
def test_an_unknown_method_lists_the_known(stage: Stage, side: str, method: str) -> None:
    process = run(stage, side, method=method)
    assert process.wait(5) == FATAL
    output = process.output()
    assert method in output and all(name in output for name in AEAD)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"server": }', "not json", '{"server": "a" "b"}'])
def test_a_broken_file_is_one_line(stage: Stage, side: str, text: str) -> None:
    process = start(stage, side, text)
    assert process.wait(5) == FATAL
    (line,) = error_lines(process)
    assert "config.json" in line


def test_a_missing_file_is_one_line(stage: Stage, side: str) -> None:
    process = stage.run(ours(f"ss-{side}"), "-c", stage.home / "nowhere.json")
    assert process.wait(5) == FATAL
    (line,) = error_lines(process)
    assert "nowhere.json" in line and "No such file" in line


def test_a_file_that_is_too_large_is_one_line(stage: Stage, side: str) -> None:
    process = start(stage, side, json.dumps({"server": "a" * 200_000}))
    assert process.wait(5) == FATAL
    (line,) = error_lines(process)
    assert "config.json" in line


@pytest.mark.parametrize("key", ["password", "server_port"])
def test_a_missing_key_is_named(stage: Stage, side: str, key: str) -> None:
    process = run(stage, side, **{key: None})
    assert process.wait(5) == USAGE
    assert any(word in process.output() for word in (key, key.removeprefix("server_"), "remote_port"))


def test_a_wrong_key_is_an_error_that_offers_a_good_one(stage: Stage, side: str) -> None:
    process = run(stage, side, key="AAAA")
    assert process.wait(5) == USAGE
    assert error_lines(process)


def test_one_time_auth_is_gone(stage: Stage, side: str) -> None:
    process = run(stage, side, "-A")
    assert process.wait(5) == FATAL
    assert "One time auth has been deprecated" in process.output()


def test_help_is_no_error(stage: Stage, side: str) -> None:
    for option in ("-h", "--help"):
        process = stage.run(ours(f"ss-{side}"), option)
        assert process.wait(5) == 0
        assert "--plugin" in process.stdout.read_text() and not process.stderr.read_text().strip()


def test_help_keeps_each_option_apart_from_its_text(stage: Stage, side: str) -> None:
    process = stage.run(ours(f"ss-{side}"), "--help")
    assert process.wait(5) == 0
    lines = process.stdout.read_text().splitlines()
    assert [line for line in lines if re.match(r" +-.*<[^>]*>[^ ]", line) or len(line) > 80] == []


def test_an_unknown_option_is_usage(stage: Stage, side: str) -> None:
    process = run(stage, side, "--no-such-option")
    assert process.wait(5) == USAGE
    assert "--no-such-option" in process.output()


def test_a_port_in_use_is_an_error(stage: Stage, side: str) -> None:
    taken = stage.listener().address[1]
    process = run(stage, side, **{"local_port" if side == "local" else "server_port": taken})
    assert process.wait(5) == FATAL
    assert any(str(taken) in line or "in use" in line for line in error_lines(process))


def test_an_address_that_is_not_ours_is_an_error(stage: Stage, side: str) -> None:
    process = run(stage, side, **{"local_address" if side == "local" else "server": "192.0.2.1"})
    assert process.wait(5) == FATAL
    assert error_lines(process)


def test_an_unknown_key_is_only_a_warning(stage: Stage, side: str) -> None:
    process = run(stage, side, workerz=4)
    comes_up(stage, side, process)
    assert "workerz" in process.output()


def test_a_misspelled_key_is_corrected(stage: Stage, side: str) -> None:
    process = run(stage, side, **{"passwrd": "x", "plugin-opts": ""})
    comes_up(stage, side, process)
    output = process.output()
    assert "passwrd" in output and "password" in output
    assert "plugin-opts" in output and "plugin_opts" in output


def test_plugin_opts_with_a_hyphen_reach_the_plugin(stage: Stage) -> None:
    mark = stage.home / "options"
    plugin = stage.script("show", f"#!/bin/sh\necho \"$SS_PLUGIN_OPTIONS\" >{mark}\nexit 0\n")
    process = run(stage, "local", **{"plugin": str(plugin), "plugin-opts": "a=b",
                                       "plugin_sandbox": False})
    assert process.wait(5) == FATAL
    assert mark.read_text() == "a=b\n"


def test_what_older_files_contain_is_accepted(stage: Stage, side: str) -> None:
    """A byte order mark, a comma too many, numbers as text, null, and an unknown mode."""
    values = {k: str(v) if "port" in k else v for k, v in good(stage, side).items()}
    text = json.dumps({**values, "timeout": "60", "plugin": None, "mode": "whatever"})
    process = start(stage, side, "\ufeff" + text[:-1] + ",}")
    comes_up(stage, side, process)


def test_the_command_line_beats_the_file(stage: Stage) -> None:
    other = stage.port()
    process = run(stage, "server", "-p", other, "-m", "aes-128-gcm")
    stage.wait_listening(process, other)


def test_everything_from_the_command_line(stage: Stage) -> None:
    public, near = stage.port(), stage.port()
    server = stage.run(ours("ss-server"), "-s", "127.0.0.1", "-p", public, "-k", "pw", "-m",
                       "aes-128-gcm", "-t", "60")
    stage.wait_listening(server, public)
    local = stage.run(ours("ss-local"), "-s", "127.0.0.1", "-p", public, "-l", near, "-k", "pw",
                      "-m", "aes-128-gcm", "-b", "127.0.0.1", "--no-delay", "--plugin-o", "")
    stage.wait_listening(local, near)


def test_the_password_is_not_in_the_process_list(stage: Stage) -> None:
    port = stage.port()
    server = stage.run(ours("ss-server"), "-s", "127.0.0.1", "-p", port, "-k", "very-secret-words",
                       "-m", "aes-128-gcm")
    stage.wait_listening(server, port)
    with open(f"/proc/{server.pid}/cmdline", encoding="utf-8") as file:
        assert "very-secret-words" not in file.read()


def memory_of(pid: int) -> bytes:
    """The private memory of a process, as a debugger could read it."""
    pages = []
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as memory:
        for line in maps:
            extent, rights, *_ = line.split()
            first, end = (int(part, 16) for part in extent.split("-"))
            if not rights.startswith("rw") or end - first > SHADOW:
                continue
            with contextlib.suppress(OSError):
                memory.seek(first)
                pages.append(memory.read(end - first))
    return b"".join(pages)


@pytest.mark.parametrize("via", ["file", "command line"])
def test_the_password_is_not_in_memory(stage: Stage, side: str, via: str) -> None:
    """Nor in that of the guardian, which is a copy of the host. The key takes its place."""
    secret = "words that are nowhere else"
    values = good(stage, side)
    port = values["local_port" if side == "local" else "server_port"]
    plugin = str(ours("obfs-local" if side == "local" else "obfs-server"))
    extra = {"plugin": plugin, "plugin_opts": "obfs=http"}
    if via == "file":
        process = start(stage, side, json.dumps({**values, **extra, "password": secret}))
    else:
        del values["password"]
        process = start(stage, side, json.dumps({**values, **extra}), "-k", secret)
    stage.wait_listening(process, port)
    procfs.eventually(process.plugins, "the plugin runs")
    below = set(procfs.descendants(process.pid)) - set(process.plugins())
    assert below, "no guardian"
    for pid in (process.pid, *below):
        assert b"obfs=http" in memory_of(pid), "the memory cannot be searched"
        assert secret.encode() not in memory_of(pid)


# Behind the call are the program and its arguments.
WITHOUT_IPV6 = """
import ctypes, os, platform, socket, struct, sys
call = {"x86_64": 41}.get(platform.machine(), 198)  # socket()
refuse = 0x50000 | 97  # EAFNOSUPPORT
program = b"".join(struct.pack("HBBI", *step) for step in [
    (0x20, 0, 0, 0), (0x15, 0, 3, call), (0x20, 0, 0, 16), (0x15, 0, 1, socket.AF_INET6),
    (0x06, 0, 0, refuse), (0x06, 0, 0, 0x7FFF0000)])
room = ctypes.create_string_buffer(program)
filter = struct.pack("HxxxxxxQ", len(program) // 8, ctypes.addressof(room))
libc = ctypes.CDLL(None)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter, 0, 0) == 0
os.execv(sys.argv[1], sys.argv[1:])
"""


def without_ipv6(stage: Stage, *servers: str) -> Process:
    """ss-server where the kernel has no IPv6, as with systemd's RestrictAddressFamilies."""
    path = stage.home / "config.json"
    path.write_text(json.dumps({**good(stage, "server"), "server": servers, "mode": "tcp_and_udp"}))
    return stage.run(sys.executable, "-c", WITHOUT_IPV6, ours("ss-server"), "-c", path)


@pytest.mark.parametrize("servers", [["::1", "127.0.0.1"], ["127.0.0.1", "::1"]])
def test_without_ipv6_the_other_addresses_are_served(stage: Stage, servers: list[str]) -> None:
    """As by shadowsocks-libev: Debian's default file has both."""
    process = without_ipv6(stage, *servers)
    comes_up(stage, "server", process)
    assert process.output().count("not an address of this machine; skipped") == 1


def test_without_ipv6_an_ipv6_address_alone_is_an_error(stage: Stage) -> None:
    process = without_ipv6(stage, "::1")
    assert process.wait(5) == FATAL
    assert "failed to listen on any address" in process.output()


def test_no_plugin_is_no_plugin(stage: Stage, side: str) -> None:
    process = run(stage, side, plugin="")
    comes_up(stage, side, process)
    assert not process.plugins()


@pytest.mark.parametrize("side", ["local", "server"])
def test_a_weak_password_is_named_once(stage: Stage, side: str) -> None:
    process = run(stage, side, password="Summer2026!")
    comes_up(stage, side, process)
    assert process.output().count("weak password: ") == 1
    assert "Summer" not in process.output()


@pytest.mark.parametrize("side", ["local", "server"])
def test_a_random_password_is_no_weak_one(stage: Stage, side: str) -> None:
    for password in ("q2Jm0nP4d3mC5tYxk8b9sA==", "correct horse battery staple"):
        process = run(stage, side, password=password)
        comes_up(stage, side, process)
        assert "weak" not in process.output()
        process.stop()


@pytest.mark.skipif(SANITIZED, reason="a sanitizer maps more than a machine has")
@pytest.mark.parametrize("side", ["local", "server"])
def test_a_start_without_memory_is_an_error(stage: Stage, side: str) -> None:
    """With less and less of it, down to where the loader of programs does without us."""
    path = stage.home / "config.json"
    path.write_text(json.dumps(good(stage, side)))
    for kib in range(30000, 9000, -500):
        process = subprocess.run([str(ours(f"ss-{side}")), "-c", path], capture_output=True, text=True,
                                 timeout=60, preexec_fn=lambda: without_memory(kib), check=False)
        assert process.returncode in (FATAL, 127), (kib, process)
        assert any(word in process.stderr for word in ("memory", "shared object", "cannot allocate")), (kib, process)
