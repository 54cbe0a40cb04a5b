# SPDX-License-Identifier: Apache-2.0
"""A fault in the middle of a reload: all of the new configuration, or nothing of it."""

from __future__ import annotations

import base64
import errno
import json
import os
import random
import re
import signal
import socket
from pathlib import Path
from typing import Any

from campaign import errors_of, numbers
from harness import procfs, socks
from harness.content import read_exactly
from harness.extent import FULL
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo
from trial import LIBRARY_CRASHED, Counts, fault_environment

HERE = "127.0.0.1"
METHOD = "2022-blake3-aes-128-gcm"
LEFT_OUT = {"close", "epoll_wait", "getrandom", "poll", "recv", "recvmsg", "send", "sendmsg", "accept4", "connect",
            "sendto", "shutdown", "recvfrom", "writev", "write", "read"}  # of connections


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 16).decode()


class Reload:
    """A server with users and one with a password; the reload changes users, ports, settings and rules."""

    def __init__(self, stage: Stage, fault: str, counts: Path) -> None:
        self.ports = [stage.port() for _ in range(3)]
        self.fault = fault
        counts.unlink(missing_ok=True)
        self.path = stage.config()
        self.path.chmod(0o600)
        self.acl = self.path.with_suffix(".acl")
        self.write(False)
        self.process: Process = stage.run(ours("ss-server"), "-c", self.path,
                                          env=fault_environment(stage.home, fault, counts))
        stage.wait_listening(self.process, self.ports[1])

    def write(self, changed: bool) -> None:
        row: dict[str, Any] = {"server": HERE, "password": PASSWORD, "method": "aes-256-gcm"}
        users = [{"name": name, "password": key(number)}
                 for name, number in ([("alice", 2), ("carol", 4)] if changed else [("alice", 2), ("bob", 3)])]
        named = {**row, "server_port": self.ports[0], "method": METHOD, "password": key(1), "users": users}
        self.path.write_text(json.dumps({
            "servers": [named, {**row, "server_port": self.ports[2 if changed else 1]}],
            "timeout": 70 if changed else 60, "acl": str(self.acl), "outbound": "all"}))
        self.acl.write_text("[outbound_block_list]\n" + ("192.0.2.2\n192.0.2.3\n" if changed else "192.0.2.1\n"))

    def hang_up(self) -> bool | None:
        """True when all has changed; None when a library of others has crashed."""
        def told() -> list[str]:
            return re.findall(r"reload of .*", self.process.output())

        before = len(told())
        os.kill(self.process.pid, signal.SIGHUP)
        procfs.eventually(lambda: len(told()) > before or not self.process.running, "a line", 20 * SLOWER)
        if not self.process.running and self.process.status == LIBRARY_CRASHED:
            self.process.expected_end = True
            return None
        assert self.process.running, f"{self.fault}: it ended with {self.process.status}"
        done = [procfs.listening(port) for port in self.ports]
        assert done in ([True, False, True], [True, True, False]), done
        said = self.process.output()
        assert (" users added: 1, removed: 1" in said) == done[2], said
        return done[2]


def says(sock: socket.socket) -> bool:
    sock.sendall(b"hello")
    return read_exactly(sock, 5) == b"hello"


def trial(stage: Stage, fault: str, counts: Path) -> tuple[Counts, Counts]:
    """The calls before the reload, and after it."""
    at = Reload(stage, fault, counts)
    target, near = stage.target(echo).address, stage.port()
    local = stage.run(ours("ss-local"), "-c", stage.config(
        server=HERE, server_port=at.ports[0], local_port=near, method=METHOD, password=f"{key(1)}:{key(2)}"))
    stage.wait_listening(local, near)
    with socks.dial((HERE, near), target) as kept:
        assert says(kept)
        before = Counts.read(counts)
        at.write(True)
        changed = at.hang_up()
        after = Counts.read(counts)
        if changed is None:
            local.expected_end = True
            local.stop()
            return before, after
        assert says(kept)
        assert changed or "the previous configuration stays in use" in at.process.output()
        assert at.hang_up(), "the fault is over"
        assert says(kept)
    with socks.dial((HERE, near), target) as fresh:
        assert says(fresh)
    for process in (local, at.process):
        process.expected_end = True
        process.stop()
    return before, after


def test_a_fault_changes_all_or_nothing(stage: Stage, tmp_path: Path) -> None:
    counts = tmp_path / "counts"
    before, after = trial(stage, "", counts)
    calls = {call: after.first[call] - n for call, n in before.first.items() if call not in LEFT_OUT}
    faults = [(call, k, error)
              for call, n in calls.items() if n > 0 and call != "alloc"
              for k in numbers(n, of_sample=1)
              for error in errors_of(call)]
    if not FULL:
        faults = random.Random(1).sample(faults, min(6, len(faults)))
    faults += [("alloc", k, errno.ENOMEM) for k in numbers(calls["alloc"], of_sample=7)]
    for call, k, error in faults:
        trial(stage, f"{call}:{before.first[call] + k}:{error}", counts)
