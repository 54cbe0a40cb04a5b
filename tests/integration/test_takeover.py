# SPDX-License-Identifier: Apache-2.0
"""A new process takes the place of one that runs (--take-over): clients notice nothing."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count, takewhile
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, socks, ss2022, udp
from harness.content import content, read_exactly, read_to_end
from harness.extent import extent
from harness.manager import Folder
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, SANDBOX, Stage, our_parts
from harness.targets import echo

LOCAL = "127.0.0.1"
PATIENCE_S = 20 * SLOWER
MIB = 1 << 20


class Replaced:
    """A program with a control socket, and those that take over from it."""

    def __init__(self, stage: Stage, program: str, **values: Any) -> None:
        self.stage, self.program = stage, program
        self.control: Path = stage.keep(Folder()).path / "control"
        self.values = {**SANDBOX, "control": str(self.control), **values}
        self.now: Process = self.run()

    def run(self, *argv: object) -> Process:
        self.path = self.stage.config(**self.values)
        self.path.chmod(0o600)
        return self.stage.run(ours(self.program), "-c", self.path, *argv)

    def replace(self, **values: Any) -> Process:
        """The process that was there before, once the new one serves."""
        self.values.update(values)
        before, self.now = self.now, self.run("--take-over")
        procfs.eventually(lambda: "this one serves in its place" in self.now.output(), "it takes over", PATIENCE_S)
        return before


def server(stage: Stage, port: int, **values: Any) -> Replaced:
    at = Replaced(stage, "ss-server", server_port=port,
                  **{"server": LOCAL, "password": PASSWORD, "method": "aes-256-gcm", **values})
    stage.wait_listening(at.now, port)
    return at


def client(stage: Stage, port: int, near: int, **values: Any) -> Replaced:
    at = Replaced(stage, "ss-local", server=LOCAL, server_port=port, local_port=near,
                  **{"password": PASSWORD, "method": "aes-256-gcm", **values})
    stage.wait_listening(at.now, near)
    return at


def rows(*ports: int) -> list[dict[str, Any]]:
    return [{"server": LOCAL, "server_port": port, "password": PASSWORD, "method": "aes-256-gcm"} for port in ports]


def ended(process: Process) -> int:
    return process.wait(PATIENCE_S)


def asks(near: tuple[str, int], target: tuple[str, int]) -> bool:
    try:
        with socks.dial(near, target, PATIENCE_S) as sock:
            sock.sendall(b"hello")
            return read_exactly(sock, 5) == b"hello"
    except (OSError, EOFError, AssertionError):
        return False


def download(stage: Stage, near: tuple[str, int], size: int) -> Callable[[], bytes]:
    """Begins one, which stops in the middle until it is called."""
    data = content(size)
    sock = stage.keep(socks.dial(near, stage.target(lambda peer: peer.sendall(data)).address, 3 * PATIENCE_S))
    first = read_exactly(sock, size // 4)

    def finish() -> bytes:
        with sock:
            return first + read_to_end(sock)[0]
    return finish


@pytest.mark.parametrize("method", ["aes-256-gcm", "2022-blake3-aes-256-gcm"])
def test_no_request_is_lost_and_no_download_is_cut(stage: Stage, method: str) -> None:
    """Of 500 requests, in full of 10,000, while server and client are replaced again and again."""
    port, near, target = stage.port(), (LOCAL, stage.port()), stage.target(echo).address
    word = PASSWORD if method == "aes-256-gcm" else "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
    ends = [server(stage, port, method=method, password=word), client(stage, port, near[1], method=method, password=word)]
    finish = download(stage, near, 16 * MIB)
    olds = []
    with ThreadPoolExecutor(4) as pool:
        answers = [pool.submit(asks, near, target) for _ in range(extent(500, 10000))]
        for _ in range(2):
            olds += [end.replace() for end in ends]
        lost = sum(not answer.result() for answer in answers)
    assert lost == 0
    assert finish() == content(16 * MIB)
    assert [ended(old) for old in olds] == [0] * len(olds)
    assert asks(near, target)


OPTIONS = {"obfs-server": "obfs=http", "ws-wrap": "path=/chat"}


@pytest.mark.parametrize(("far", "near"), [("obfs-server", "obfs-local"), ("ws-wrap", "ws-wrap"), ("inline:obfs-server", "obfs-local"),
                                           ("obfs-server", "inline:obfs-local")])
def test_plugins_are_replaced_too(stage: Stage, far: str, near: str) -> None:
    """Each process has a plugin of its own: that of a server gets the same socket, and the old one ends with its last connection."""
    port, entry, target = stage.port(), (LOCAL, stage.port()), stage.target(echo).address
    word = OPTIONS[far.removeprefix("inline:")]

    def named(plugin: str) -> str:
        return plugin if plugin.startswith("inline:") else str(ours(plugin).path)

    ends = [server(stage, port, plugin=named(far), plugin_opts=word),
            client(stage, port, entry[1], plugin=named(near), plugin_opts=word + ";obfs-host=example.com" * ("obfs" in near))]
    if ":" not in far:
        stage.wait_plugin(ends[0].now, "SS_REMOTE_PORT")
    finish = download(stage, entry, 8 * MIB)
    olds, over = [], threading.Event()

    def lost() -> int:
        """Of the requests of a client that goes on until the last process has been replaced."""
        answers = [asks(entry, target) for _ in takewhile(lambda at: at < extent(5, 2500) or not over.is_set(), count())]
        return answers.count(False)

    with ThreadPoolExecutor(4) as pool:
        clients = [pool.submit(lost) for _ in range(4)]
        try:
            for _ in range(extent(1 + (far == "ws-wrap"), 2)):
                olds += [end.replace() for end in ends]
        finally:
            over.set()
    assert [of.result() for of in clients] == [0] * 4
    assert olds[0].running and olds[1].running, "the download is theirs"
    assert finish() == content(8 * MIB)
    assert [ended(old) for old in olds] == [0] * len(olds)
    for old in olds:
        assert "unexpectedly" not in old.output()
    assert asks(entry, target)


def test_a_recording_of_the_old_process_is_refused(stage: Stage) -> None:
    """Also one of a client whose clock is ahead, which no time tells from a new message."""
    port, method, state = stage.port(), "2022-blake3-aes-128-gcm", stage.keep(Folder()).path
    keys = ss2022.Keys(method, bytes(16))
    at = server(stage, port, method=method, password=keys.text, state_dir=str(state))
    target = socks.request(stage.target(echo).address)[3:]

    def sends(flight: bytes) -> socket.socket:
        sock = stage.connect((LOCAL, port))
        sock.sendall(flight)
        return sock

    flight = ss2022.Request(keys, target, b"hello", stamp=ss2022.now() + 20).head()
    first = sends(flight)
    assert first.recv(1)
    old = at.replace()
    assert "repeat salt" not in old.output()
    sends(flight)
    procfs.eventually(lambda: "repeat salt detected" in at.now.output(), "it is refused", PATIENCE_S)
    assert sends(ss2022.Request(keys, target, b"hello").head()).recv(1), "a new one is not"
    first.close()
    assert ended(old) == 0


def test_packets_go_on(stage: Stage) -> None:
    port, near = stage.port(), (LOCAL, stage.port())
    at = server(stage, port, mode="tcp_and_udp")
    local = stage.ss_local(our_parts(), (LOCAL, port), near[1], mode="tcp_and_udp")
    target = stage.keep(udp.Echo())
    sock = stage.keep(udp.Client(near))
    for turn in range(4):
        for number in range(5):
            sock.trade(target.address, b"%d %d" % (turn, number))
        at.replace(timeout=60 + turn)
    assert local.running


def test_a_program_that_does_not_start_changes_nothing(stage: Stage) -> None:
    port, near, target = stage.port(), (LOCAL, stage.port()), stage.target(echo).address
    at = server(stage, port)
    stage.wait_listening(stage.ss_local(our_parts(), (LOCAL, port), near[1]), near[1])
    taken = stage.keep(socket.create_server((LOCAL, 0))).getsockname()[1]
    alone = dict(at.values)
    at.values.update(server=None, server_port=None, servers=rows(port, taken))
    failed = at.run("--take-over")
    assert ended(failed) == 255
    assert f"listen on {LOCAL}:{taken}" in failed.output()
    procfs.eventually(lambda: "has ended before it could take over: this one goes on" in at.now.output(), "told", PATIENCE_S)
    assert asks(near, target)
    at.values = alone
    assert ended(at.replace()) == 0
    assert asks(near, target)


def test_a_new_configuration_comes_with_the_new_process(stage: Stage) -> None:
    """A port that is left out is closed, and one that is new is opened."""
    ports = [stage.port() for _ in range(3)]

    at = Replaced(stage, "ss-server", servers=rows(*ports[:2]))
    stage.wait_listening(at.now, ports[1])
    assert ended(at.replace(servers=rows(*ports[1:]))) == 0
    assert [procfs.listening(port) for port in ports] == [False, True, True]


def test_the_drain_has_a_limit(stage: Stage) -> None:
    port, near = stage.port(), (LOCAL, stage.port())
    at = server(stage, port, drain=1)
    stage.wait_listening(stage.ss_local(our_parts(), (LOCAL, port), near[1]), near[1])
    kept = stage.keep(socks.dial(near, stage.target(echo).address))
    kept.sendall(b"hello")
    assert read_exactly(kept, 5) == b"hello"
    old = at.replace()
    assert ended(old) == 0
    assert "the drain of 1 s is over: 1 connections end" in old.output()
    with pytest.raises(ConnectionResetError):
        kept.recv(1)


def test_metrics_and_the_pid_file_change_hands(stage: Stage) -> None:
    folder = stage.keep(Folder()).path
    pid_file, metrics, control = folder / "pid", folder / "metrics", folder / "control"
    path = stage.config(server=LOCAL, server_port=stage.port(), password=PASSWORD, method="aes-256-gcm",
                        control=str(control), metrics=str(metrics), **SANDBOX)
    path.chmod(0o600)

    def start(*more: object) -> int:
        started = stage.run(ours("ss-server"), "-c", path, "-f", pid_file, *more)
        assert started.wait(PATIENCE_S) == 0, started.output()
        return int(pid_file.read_text())

    def version() -> bytes:
        with socket.socket(socket.AF_UNIX) as sock:
            sock.connect(str(metrics))
            sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return b"".join(iter(lambda: sock.recv(65536), b""))

    first = start()
    try:
        second = start("--take-over")
        assert second != first
        procfs.eventually(lambda: not procfs.alive(first), "the first one ends", PATIENCE_S)
        first = second
        assert b'program="ss-server"' in version()
        refused = stage.run(ours("ss-server"), "-c", path, "-f", pid_file)
        assert refused.wait(PATIENCE_S) == 255
        assert f"process {second} runs with it" in refused.output()
    finally:
        os.kill(first, signal.SIGTERM)
    procfs.eventually(lambda: not procfs.alive(first), "the end", PATIENCE_S)
    assert [name.name for name in folder.iterdir()] == []


def test_a_plugin_has_all_addresses_of_its_server(stage: Stage) -> None:
    """Each is a socket that it is handed, and it still tells what it does."""
    port, near = stage.port(), stage.port()
    at = server(stage, port, server=[LOCAL, "127.0.0.2"], plugin=str(ours("obfs-server")), plugin_opts="obfs=tls;fast-open")
    stage.wait_plugin(at.now, "SS_REMOTE_PORT")
    for host in (LOCAL, "127.0.0.2"):
        entry, near = (LOCAL, near), stage.port()
        stage.wait_listening(stage.ss_local(our_parts("tls"), (host, port), entry[1]), entry[1])
        assert asks(entry, stage.target(echo).address)
    assert ended(at.replace()) == 0
    [words] = [procfs.environment(pid) for pid in at.now.plugins() if "LISTEN_FDS" in procfs.environment(pid)]
    assert (words["LISTEN_FDS"], words["SS_PLUGIN_NOTIFY_FD"]) == ("2", "5")
    assert "server listening at 127.0.0.1" in at.now.output()
    assert asks(entry, stage.target(echo).address)


def test_a_plugin_takes_the_place_of_none(stage: Stage) -> None:
    """And the other way around: the socket is the same."""
    port, entry = stage.port(), (LOCAL, stage.port())
    at = server(stage, port)
    plain = (LOCAL, stage.port())
    stage.wait_listening(stage.ss_local(our_parts(), (LOCAL, port), plain[1]), plain[1])
    stage.wait_listening(stage.ss_local(our_parts("http"), (LOCAL, port), entry[1]), entry[1])
    assert ended(at.replace(plugin=str(ours("obfs-server")), plugin_opts="obfs=http")) == 0
    assert asks(entry, stage.target(echo).address)
    assert ended(at.replace(plugin=None, plugin_opts=None)) == 0
    assert asks(plain, stage.target(echo).address)


def test_a_plugin_that_leaves_has_the_time_of_the_drain(stage: Stage) -> None:
    port, entry = stage.port(), (LOCAL, stage.port())
    at = server(stage, port, drain=1, plugin=str(ours("obfs-server")), plugin_opts="obfs=http")
    stage.wait_plugin(at.now, "SS_REMOTE_PORT")
    stage.wait_listening(stage.ss_local(our_parts("http"), (LOCAL, port), entry[1]), entry[1])
    kept = stage.keep(socks.dial(entry, stage.target(echo).address))
    kept.sendall(b"hello")
    assert read_exactly(kept, 5) == b"hello"
    old = at.replace()
    assert ended(old) == 0
    assert "the drain of 1 s is over: 1 connections end" in old.output()
    assert "accepts now: this one ends with the last of 1 connections" in old.output()
    assert not old.plugins()


def test_a_plugin_that_opens_its_port_itself_keeps_it(stage: Stage) -> None:
    port, entry = stage.port(), (LOCAL, stage.port())
    script = stage.keep(Folder()).path / "foreign"
    script.write_text(f"#!/bin/sh\nexec {ours('obfs-server').path}\n")
    script.chmod(0o755)
    at = server(stage, port, plugin=str(script), plugin_opts="obfs=http", plugin_sandbox=False)
    stage.wait_plugin(at.now, "SS_REMOTE_PORT")
    local = stage.ss_local(our_parts("http"), (LOCAL, port), entry[1])
    stage.wait_listening(local, entry[1])
    refused = at.run("--take-over")
    assert ended(refused) == 255
    assert "a plugin holds a port itself, and cannot hand it over: restart the program" in refused.output()
    assert at.now.running
    assert asks(entry, stage.target(echo).address)


def test_another_program_gets_nothing(stage: Stage) -> None:
    at = server(stage, stage.port())
    other = stage.config(server=LOCAL, server_port=1, local_port=stage.port(), password=PASSWORD, control=str(at.control))
    other.chmod(0o600)
    refused = stage.run(ours("ss-local"), "-c", other, "--take-over")
    assert ended(refused) == 255
    assert "it is another program; name another control" in refused.output()
    assert at.now.running


def test_nobody_to_take_over_from(stage: Stage) -> None:
    control = stage.keep(Folder()).path / "control"
    at = stage.config(server=LOCAL, server_port=stage.port(), password=PASSWORD, control=str(control))
    alone = stage.run(ours("ss-server"), "-c", at, "--take-over")
    assert ended(alone) == 255
    assert "no process listens there" in alone.output()
    lacking = stage.run(ours("ss-server"), "-s", LOCAL, "-p", 1, "-k", "word", "--take-over")
    assert ended(lacking) == 1
    assert "no control socket (expected --control <path>" in lacking.output()


class Half:
    """A process that asks for the sockets, and does not say yet that it serves."""

    def __init__(self, control: Path) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(str(control))
        self.sock.sendall(b"take-over\n")
        assert self.sock.recv(16).startswith(b"shadowplug/")

    def close(self) -> None:
        self.sock.close()


def test_the_second_of_two_at_once_is_told(stage: Stage) -> None:
    at = server(stage, stage.port())
    half = Half(at.control)
    refused = at.run("--take-over")
    assert ended(refused) == 255
    assert "another process takes over from it: try again" in refused.output()
    half.close()
    assert ended(at.replace()) == 0


def test_one_that_hangs_is_given_up(stage: Stage) -> None:
    """It would keep the process from reloading; it learns that it is too late."""
    at = server(stage, stage.port(), plugin_ready=1)
    half = Half(at.control)
    procfs.eventually(lambda: "does not serve within 3 s of its start: this one goes on" in at.now.output(), "told", PATIENCE_S)
    told = b"".join(iter(lambda: half.sock.recv(65536), b""))
    assert told.endswith(b"L")
    half.close()
    assert order(ours("ss-server").path, "-c", at.path, "--reload").returncode == 0
    assert ended(at.replace()) == 0


def test_the_process_that_gave_its_sockets_is_named(stage: Stage) -> None:
    """The socket itself tells that of the first one forever."""
    at = server(stage, stage.port())
    for _ in range(2):
        before = at.replace()
        assert ended(before) == 0
        assert f"process {before.pid} has stopped accepting" in at.now.output()


def test_files_stay_when_the_old_process_is_ended_meanwhile(stage: Stage) -> None:
    """They are those of the one that may have taken over; a start replaces them otherwise."""
    folder = stage.keep(Folder()).path
    at = server(stage, stage.port(), metrics=str(folder / "metrics"))
    half = Half(at.control)
    assert at.now.stop() == 0
    assert at.control.is_socket() and (folder / "metrics").is_socket()
    half.close()
    at.now = at.run()
    stage.wait_listening(at.now, at.values["server_port"])
    assert at.now.stop() == 0
    assert not at.control.exists() and not (folder / "metrics").exists()


# ---- orders ----


def order(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], text=True, capture_output=True, check=False, timeout=PATIENCE_S)


def test_a_reload_is_answered(stage: Stage) -> None:
    at = server(stage, stage.port())
    path = at.path
    done = order(ours("ss-server").path, "-c", path, "--reload")
    assert done.returncode == 0
    assert done.stdout.startswith(f"ss-server: reload of {path}: ports added: 0")
    good = path.read_text()
    path.write_text(good.replace('"aes-256-gcm"', '"aes-256-gcm", "nofile": 999'))
    refused = order(ours("ss-server").path, "-c", path, "--reload")
    assert refused.returncode == 255
    assert refused.stderr == (f"ss-server: reload of {path}: nofile can be changed at the start only: restart the program; "
                              "the previous configuration stays in use\n")
    assert at.now.running


def test_sigusr2_tells_the_way(stage: Stage) -> None:
    at = server(stage, stage.port())
    os.kill(at.now.pid, signal.SIGUSR2)
    procfs.eventually(lambda: "started with --take-over" in at.now.output(), "told", PATIENCE_S)
    assert at.now.running


def test_callers_that_ask_nothing_make_room(stage: Stage) -> None:
    at = server(stage, stage.port())
    for _ in range(20):
        stage.keep(socket.socket(socket.AF_UNIX)).connect(str(at.control))
    assert order(ours("ss-server").path, "-c", at.path, "--reload").returncode == 0


@pytest.mark.parametrize("option", ["control", "metrics"])
def test_a_path_that_is_too_long_is_refused(stage: Stage, option: str) -> None:
    path = stage.config(server=LOCAL, server_port=stage.port(), password=PASSWORD, **{option: "/" + 107 * "x"})
    refused = order(ours("ss-server").path, "-c", path, "--check")
    assert refused.returncode == 1
    assert "107 bytes" in refused.stderr and f"{option}: " in refused.stderr
