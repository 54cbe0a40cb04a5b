# SPDX-License-Identifier: Apache-2.0
"""What a host gives up for itself: privileges to gain, looks into it, system calls, and keys."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import os
import pwd
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import SANITIZED
from harness.stage import PASSWORD, Stage
from life.hosted import ROLES, Hosted, echo_target

NOBODY = pwd.getpwnam("nobody")
HUGE = 1 << 32  # a mapping that a sanitizer reserves


def status(pid: int) -> dict[str, str]:
    lines = (line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return {key: value.strip() for key, _, value in lines}


def guardians(hosted: Hosted) -> list[int]:
    return [pid for pid in hosted.family() if Path(f"/proc/{pid}/comm").read_text() == "ss-guardian\n"]


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
    pid = hosted.process.pid
    now = status(pid)
    assert (now["NoNewPrivs"], now["Seccomp"]) == ("1", "0" if SANITIZED else "2")
    assert now["Uid"].split() == [str(NOBODY.pw_uid)] * 4
    assert is_hidden(pid) and core_limit(pid) == ["0", "0"]
    for guardian in guardians(hosted):
        assert is_hidden(guardian) and status(guardian)["NoNewPrivs"] == "1"


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
    (guardian,) = guardians(hosted)
    seen = memory(guardian)
    assert b"SS_PLUGIN_ROLE" in seen
    assert key not in seen and PASSWORD.encode() not in seen and text.rstrip(b"=") not in seen
