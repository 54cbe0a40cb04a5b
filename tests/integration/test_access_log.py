# SPDX-License-Identifier: Apache-2.0
"""The access log: a line for each connection and association that is over, as text or JSON."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, ss2022, udp
from harness.content import read_exactly
from harness.manager import Folder
from harness.processes import Process, base_environment
from harness.programs import SLOWER, ours
from harness.socks import dial
from harness.stage import PASSWORD, SANDBOX, Stage, our_parts
from harness.targets import echo

LOCAL = "127.0.0.1"
PATIENCE_S = 20 * SLOWER
TEXT = re.compile(r"(?P<time>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) (?P<transport>tcp|udp) (?P<client>\S+) (?P<user>\S+) "
                  r"(?P<target>\S+) port=(?P<port>\d+) up=(?P<up>\d+) down=(?P<down>\d+) ms=(?P<ms>\d+) (?P<end>\S+)")


class Logged:
    """An ss-server with a log, and an ss-local toward it."""

    def __init__(self, stage: Stage, **values: Any) -> None:
        self.stage, self.port, self.near = stage, stage.port(), (LOCAL, stage.port())
        self.file: Path = stage.keep(Folder()).path / "access"
        self.path = stage.config(**{"server": LOCAL, "server_port": self.port, "password": PASSWORD, "method": "aes-256-gcm",
                                    "access_log": str(self.file), **SANDBOX, **values})
        self.path.chmod(0o600)
        self.server: Process = stage.run(ours("ss-server"), "-c", self.path)
        stage.wait_listening(self.server, self.port)

    def client(self, **values: Any) -> Process:
        return self.stage.ss_local(our_parts(), (LOCAL, self.port), self.near[1], **values)

    def lines(self, n: int, file: Path | None = None) -> list[str]:
        """The first n, once they are there."""
        at = file or self.file

        def there() -> list[str]:
            return at.read_text().splitlines() if at.exists() else []
        procfs.eventually(lambda: len(there()) >= n, f"{n} lines", PATIENCE_S)
        return there()

    def fields(self, line: str) -> dict[str, str]:
        found = TEXT.fullmatch(line)
        assert found, line
        return found.groupdict()


def trade(near: tuple[str, int], target: tuple[str, int]) -> None:
    with dial(near, target, PATIENCE_S) as sock:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"


def test_a_connection_is_a_line_at_its_end(stage: Stage) -> None:
    at, target = Logged(stage), stage.target(echo)
    at.client()
    with dial(at.near, target.address, PATIENCE_S) as sock:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"
        assert at.file.read_text() == "", "it is not over"
    [line] = at.lines(1)
    assert at.file.stat().st_mode & 0o777 == 0o600
    told = at.fields(line)
    assert told["target"] == f"{LOCAL}:{target.address[1]}"
    assert told["client"].startswith(f"{LOCAL}:") and told["user"] == "-"
    assert (told["transport"], told["port"], told["up"], told["down"]) == ("tcp", str(at.port), "12", "5"), "the header of the target is up"
    assert told["end"] == "closed"


def test_each_end_has_its_word(stage: Stage) -> None:
    at = Logged(stage)
    at.client()
    closed = stage.port()
    with dial(at.near, (LOCAL, closed), PATIENCE_S) as sock, contextlib.suppress(ConnectionError):
        sock.sendall(b"hello")
        sock.recv(1)
    assert at.fields(at.lines(1)[0])["end"] == "unreachable"
    with stage.connect((LOCAL, at.port)) as sock:
        sock.sendall(bytes(100))
        sock.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            sock.recv(1)
    told = at.fields(at.lines(2)[1])
    assert (told["end"], told["target"], told["up"]) == ("authentication", "-", "0")
    kept = stage.keep(dial(at.near, stage.target(echo).address, PATIENCE_S))
    kept.sendall(b"hello")
    assert read_exactly(kept, 5) == b"hello"
    assert at.server.stop() == 0
    assert at.fields(at.lines(3)[2])["end"] == "stopped", "nothing is lost at the end of the program"


def test_json_tells_users_with_any_name(stage: Stage) -> None:
    method = "2022-blake3-aes-128-gcm"
    keys, alice = ss2022.Keys(method, bytes(16)), ss2022.Keys(method, bytes([7]) * 16)
    at = Logged(stage, method=method, password=keys.text, access_log_json=True,
                users=[{"name": 'al "i" ce\n', "password": alice.text}])
    stage.run(ours("ss-local"), "-c", stage.config(server=LOCAL, server_port=at.port, local_port=at.near[1], method=method,
                                                   password=f"{keys.text}:{alice.text}"))
    procfs.eventually(lambda: procfs.listening(at.near[1]), "it listens", PATIENCE_S)
    trade(at.near, stage.target(echo).address)
    [line] = at.lines(1)
    told = json.loads(line)
    assert told["user"] == 'al "i" ce\n'
    assert (told["port"], told["end"], told["transport"], told["down"]) == (at.port, "closed", "tcp", 5)


@pytest.mark.parametrize(("clients", "targets", "client", "target"), [
    ("network", "full", "127.0.0.0/24", LOCAL), ("none", "full", "-", LOCAL), ("full", "none", LOCAL, "-")])
def test_privacy(stage: Stage, clients: str, targets: str, client: str, target: str) -> None:
    at = Logged(stage, access_log_clients=clients, access_log_targets=targets)
    at.client()
    trade(at.near, stage.target(echo).address)
    told = at.fields(at.lines(1)[0])
    assert told["client"].split(":")[0] == client
    assert told["target"].split(":")[0] == target


def test_an_association_is_a_line_too(stage: Stage) -> None:
    at = Logged(stage, mode="tcp_and_udp")
    at.client(mode="tcp_and_udp")
    target = stage.keep(udp.Echo())
    stage.keep(udp.Client(at.near)).trade(target.address, b"hello")
    assert at.server.stop() == 0
    [told] = [at.fields(line) for line in at.lines(1) if " udp " in line]
    assert told["target"] == f"{LOCAL}:{target.address[1]}"
    assert (told["up"], told["down"], told["port"]) == ("5", "5", str(at.port))


def test_a_rotated_file_is_opened_again(stage: Stage) -> None:
    at, target = Logged(stage), stage.target(echo).address
    at.client()
    trade(at.near, target)
    at.lines(1)
    moved = at.file.with_name("access.1")
    at.file.rename(moved)
    os.kill(at.server.pid, signal.SIGHUP)
    procfs.eventually(at.file.exists, "another file", PATIENCE_S)
    trade(at.near, target)
    assert len(at.lines(1)) == 1
    assert len(moved.read_text().splitlines()) == 1


def test_a_full_disk_is_told_once_and_counted(stage: Stage) -> None:
    """Clients notice nothing."""
    metrics = stage.keep(Folder()).path / "metrics"
    at, target = Logged(stage, access_log="/dev/full", metrics=str(metrics)), stage.target(echo).address
    at.client()
    for _ in range(20):
        trade(at.near, target)

    def lost() -> int:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(metrics))
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            text = b"".join(iter(lambda: sock.recv(65536), b"")).decode()
        return int(re.findall(r"^shadowplug_access_log_lost_total (\d+)$", text, re.M)[0])
    procfs.eventually(lambda: lost() == 20, "each is counted", PATIENCE_S)
    assert at.server.output().count("No space left on device: lines are lost until that is over") == 1


def test_output_and_syslog_are_places(stage: Stage) -> None:
    at = Logged(stage, access_log="-")
    at.client()
    trade(at.near, stage.target(echo).address)
    procfs.eventually(lambda: any(TEXT.fullmatch(line) for line in at.server.output().splitlines()), "a line", PATIENCE_S)
    beside = Logged(stage, access_log="syslog")
    assert beside.server.running


def test_a_reader_that_sleeps_holds_up_no_end(stage: Stage) -> None:
    """Standard output is a pipe that is full from the begin."""
    port = stage.port()
    path = stage.config(server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm", access_log="-", **SANDBOX)
    path.chmod(0o600)
    unread, full = os.pipe()
    os.write(full, bytes(fcntl.fcntl(full, fcntl.F_SETPIPE_SZ, 4096)))
    said = stage.home / "said"
    with said.open("wb") as err:
        server = subprocess.Popen([str(ours("ss-server")), "-c", str(path)], stdin=subprocess.DEVNULL, stdout=full, stderr=err,
                                  env=base_environment(stage.home))
    try:
        os.close(full)

        def probe() -> bool:
            with contextlib.suppress(OSError), socket.create_connection((LOCAL, port), PATIENCE_S) as sock:
                sock.sendall(bytes(300))
            return "access_log -: its reader takes no more: lines are lost" in said.read_text()
        procfs.eventually(probe, "it is told", PATIENCE_S)
        server.send_signal(signal.SIGTERM)
        assert server.wait(PATIENCE_S) == 0
    finally:
        server.kill()
        server.wait()
        os.close(unread)


@pytest.mark.parametrize(("values", "why"), [
    ({"access_log": "access"}, "access_log: it is no place for lines (expected an absolute path, - or syslog)"),
    ({"access_log_clients": "some"}, "access_log_clients: unknown word (expected full, network or none)"),
    ({"access_log_targets": "some"}, "access_log_targets: unknown word (expected full or none)"),
    ({"access_log": "/nonexistent/access"}, "access_log /nonexistent/access: No such file or directory"),
    ({"access_log": "/dev"}, "access_log /dev: Is a directory")])
def test_what_cannot_be_is_refused(stage: Stage, values: dict[str, str], why: str) -> None:
    path = stage.config(server=LOCAL, server_port=stage.port(), password=PASSWORD, method="aes-256-gcm", **values)
    refused = stage.run(ours("ss-server"), "-c", path)
    assert refused.wait(PATIENCE_S) != 0
    assert why in refused.output()


def test_a_client_has_one_too(stage: Stage) -> None:
    file = stage.keep(Folder()).path / "access"
    at = Logged(stage)
    at.client(access_log=str(file))
    target = stage.target(echo).address
    trade(at.near, target)
    told = at.fields(at.lines(1, file)[0])
    assert (told["target"], told["port"]) == (f"{LOCAL}:{target[1]}", str(at.near[1]))
