# SPDX-License-Identifier: Apache-2.0
"""A host gives this up for itself: privileges to gain, looks into it, system calls, and keys."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import pwd
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import read_exactly
from harness.programs import SANITIZED, ours
from harness.stage import PASSWORD, Stage, our_parts
from life import tree
from life.hosted import HERE, METHOD, ROLES, Hosted, echo_target, fake

NOBODY = pwd.getpwnam("nobody")
BECOME_NOBODY = ("setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups")
HUGE = 1 << 32  # a mapping that a sanitizer reserves


def status(pid: int) -> dict[str, str]:
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: value.strip() for key, _, value in lines}


def guardians(host: int) -> list[int]:
    return [pid for pid in tree.descendants(host) if Path(f"/proc/{pid}/comm").read_text() == "ss-guardian\n"]


def core_limit(pid: int) -> list[str]:
    (line,) = [line for line in Path(f"/proc/{pid}/limits").read_text().splitlines()
               if line.startswith("Max core file size")]
    return line.split()[4:6]


def is_hidden(pid: int) -> bool:
    """The kernel gives the files in /proc of what cannot be dumped to root."""
    return os.stat(f"/proc/{pid}/environ").st_uid == 0


@pytest.mark.parametrize("role", ROLES)
def test_a_host_gives_up_what_it_does_not_use(stage: Stage, root: None, role: str) -> None:
    hosted = Hosted(stage, role, user="nobody", peer=True)
    hosted.works(echo_target(stage))
    has_given_up(hosted.process.pid)


def has_given_up(pid: int) -> None:
    """A host that runs as nobody, and its guardian."""
    now = status(pid)
    assert (now["NoNewPrivs"], now["Seccomp"]) == ("1", "0" if SANITIZED else "2")
    assert now["Uid"].split() == [str(NOBODY.pw_uid)] * 4
    assert is_hidden(pid) and core_limit(pid) == ["0", "0"]
    for guardian in guardians(pid):
        assert is_hidden(guardian) and status(guardian)["NoNewPrivs"] == "1"


@pytest.mark.parametrize("plugin", [True, False], ids=["with a plugin", "without one"])
@pytest.mark.parametrize("role", ROLES)
def test_a_host_that_never_was_root_gives_up_the_same(stage: Stage, root: None, role: str, plugin: bool) -> None:
    ports = {"local": stage.port(), "server": stage.port()}
    process = stage.run(*BECOME_NOBODY, ours(f"ss-{role}"), "-s", HERE, "-p", ports["server"], "-k", PASSWORD,
                        "-m", METHOD, *(["-l", ports["local"]] if role == "local" else []),
                        *(["--plugin", fake()] if plugin else []))
    stage.wait_listening(process, ports[role])
    procfs.eventually(lambda: len(process.plugins()) == plugin, "its plugin runs")
    has_given_up(process.pid)
    assert len(guardians(process.pid)) == plugin


@pytest.mark.parametrize("given", ["file", "option"])
def test_core_dumps_can_be_allowed(stage: Stage, root: None, given: str) -> None:
    argv = ("--core-dumps",) if given == "option" else ()
    hosted = Hosted(stage, "server", None, *argv, user="nobody", **({} if argv else {"core_dumps": True}))
    hosted.ready()
    pid = hosted.process.pid
    procfs.eventually(lambda: not is_hidden(pid), "the host can be looked into")
    assert core_limit(pid) == core_limit(os.getpid())
    assert core_limit(hosted.plugin()) == ["0", "0"]


def memory(pid: int) -> bytes:
    parts = []
    with open(f"/proc/{pid}/maps", encoding="ascii") as maps, open(f"/proc/{pid}/mem", "rb", 0) as file:
        for line in maps:
            extent, rights, *_ = line.split()
            begin, end = (int(number, 16) for number in extent.split("-"))
            if rights.startswith("r") and end - begin < HUGE:
                with contextlib.suppress(OSError):
                    file.seek(begin)
                    parts.append(file.read(end - begin))
    return b"".join(parts)


def key_of(password: str, length: int) -> bytes:
    """As EVP_BytesToKey of MD5 without salt makes it."""
    key, block = b"", b""
    while len(key) < length:
        block = hashlib.md5(block + password.encode()).digest()
        key += block
    return key[:length]


@pytest.mark.parametrize("method, length", [("aes-256-gcm", 32), ("chacha20-ietf-poly1305", 32), ("aes-128-gcm", 16)])
@pytest.mark.parametrize("by", ["password", "key"])
@pytest.mark.parametrize("role", ROLES)
def test_the_guardian_has_no_key(stage: Stage, root: None, role: str, by: str, method: str, length: int) -> None:
    """It is a fork of the host, whose memory has the key, as the search proves."""
    key = key_of(PASSWORD, length) if by == "password" else os.urandom(length)
    text = base64.urlsafe_b64encode(key)
    extra = {"password": None, "key": text.decode()} if by == "key" else {}
    hosted = Hosted(stage, role, method=method, plugin_restart="on-failure", **extra)
    first = hosted.ready()
    hosted.kill_plugin(first)
    hosted.ready(other_than=first)
    assert key in memory(hosted.process.pid)
    (guardian,) = guardians(hosted.process.pid)
    seen = memory(guardian)
    assert b"SS_PLUGIN_ROLE" in seen
    assert key not in seen and PASSWORD.encode() not in seen and text.rstrip(b"=") not in seen


def subkey_of(key: bytes, salt: bytes) -> bytes:
    """HKDF of SHA-1, as SIP004 has it; never longer than two blocks."""
    secret = hmac.digest(salt, key, "sha1")
    first = hmac.digest(secret, b"ss-subkey\1", "sha1")
    return (first + hmac.digest(secret, first + b"ss-subkey\2", "sha1"))[: len(key)]


@pytest.mark.skipif(SANITIZED, reason="a sanitizer keeps what was freed, and frames of functions that have returned")
@pytest.mark.parametrize("method, length", [("aes-256-gcm", 32), ("chacha20-ietf-poly1305", 32), ("aes-128-gcm", 16)])
def test_keys_of_closed_connections_are_nowhere(stage: Stage, root: None, method: str, length: int) -> None:
    """While the connection stands they are there, as the same search proves."""
    parts, port, near = our_parts("none", method), stage.port(), ("127.0.0.1", stage.port())
    server = stage.ss_server(parts, port)
    wire = stage.relay(("127.0.0.1", port))
    local = stage.ss_local(parts, wire.address, near[1])
    target, pids, key = echo_target(stage), [server.pid, local.pid], key_of(PASSWORD, length)
    with socks.dial(near, target) as sock:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"
        subkeys = [subkey_of(key, bytes(way[:length])) for way in (wire.wires[0].up, wire.wires[0].down)]
        assert all(subkey in memory(pid) for pid in pids for subkey in subkeys)
    procfs.eventually(lambda: all(procfs.socket_count(pid) == 1 for pid in pids), "the connections are closed")
    assert not any(subkey in memory(pid) for pid in pids for subkey in subkeys)
