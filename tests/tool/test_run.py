# SPDX-License-Identifier: Apache-2.0
"""ss-plugin run: any pair or end as a tunnel, counted to the byte, and gone with its plugin."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import signal
import socket
import struct
import subprocess
import termios
from collections.abc import Callable
from typing import Any

import pytest
from calling import ask
from harness import procfs
from harness.content import content, read_exactly
from harness.processes import Process
from harness.programs import SLOWER, Program, ours, peer
from harness.socks import Address
from harness.stage import Stage
from harness.targets import echo, hash_to_end

HOST = "127.0.0.1"
SIZE = 1_000_000
WITHIN = 20 * SLOWER


def events(tunnel: Process) -> list[dict[str, Any]]:
    lines = tunnel.stdout.read_text().split("\n")[:-1]
    return [json.loads(line) for line in lines]


def wait_event(tunnel: Process, test: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    def seen() -> bool:
        found = any(test(event) for event in events(tunnel))
        assert found or tunnel.running, f"{tunnel} exited with {tunnel.status}:\n{tunnel.output()}"
        return found

    procfs.eventually(seen, f"an event of {tunnel}", WITHIN)
    return next(event for event in events(tunnel) if test(event))


def start(stage: Stage, *words: object) -> Process:
    """A tunnel that is ready."""
    tunnel = stage.run(ours("ss-plugin"), "run", "--json", "--interval", "1", *words)
    wait_event(tunnel, lambda event: event["event"] == "ready")
    return tunnel


def end(tunnel: Process) -> dict[str, Any]:
    """Stops it; the last counters."""
    assert tunnel.stop() == 0
    last = events(tunnel)
    assert last[-1] == {"event": "end", "status": 0, "why": None}
    return last[-2]


def echoed(stage: Stage, near: Address, size: int = SIZE) -> None:
    """Sends content through an echo and takes it back."""
    sock = stage.connect(near)
    wanted = content(size, 7)
    sock.settimeout(WITHIN)
    got, sent = bytearray(), 0
    while len(got) < size:
        if sent < size:
            sent += sock.send(wanted[sent:sent + 16384])
        part = sock.recv(min(65536, size - len(got)))
        assert part, f"ended after {len(got)} bytes"
        got += part
    assert bytes(got) == wanted
    sock.shutdown(socket.SHUT_WR)
    assert sock.recv(1) == b""
    sock.close()


PAIRS = [
    (ours, "obfs-local", "obfs=http", "obfs-server", "obfs=http"),
    (ours, "obfs-local", "obfs=tls", "obfs-server", "obfs=tls"),
    (peer, "obfs-local", "obfs=http", "obfs-server", "obfs=http"),
    (peer, "obfs-local", "obfs=tls", "obfs-server", "obfs=tls"),
    (peer, "ss-v2ray-plugin", "", "ss-v2ray-plugin", "server"),
]


@pytest.mark.parametrize(("of", "client", "copts", "server", "sopts"), PAIRS)
def test_a_pair_is_counted_to_the_byte(stage: Stage, of: Callable[[str], Program], client: str, copts: str,
                                       server: str, sopts: str) -> None:
    near = (HOST, stage.port())
    target = stage.target(echo)
    tunnel = start(stage, "--client", of(client), "--copts", copts, "--server", of(server), "--sopts", sopts,
                   "--listen", f"{HOST}:{near[1]}", "--to", f"{HOST}:{target.address[1]}")
    echoed(stage, near)
    wait_event(tunnel, lambda e: e["event"] == "stats" and e["plain_down"] == SIZE and e["open"] == 0)
    counted = end(tunnel)
    assert (counted["connections"], counted["open"]) == (1, 0)
    assert (counted["plain_up"], counted["plain_down"]) == (SIZE, SIZE)
    assert SIZE < counted["wire_up"] < SIZE * 1.05
    assert SIZE < counted["wire_down"] < SIZE * 1.05
    ratio = (counted["wire_up"] + counted["wire_down"]) / (2 * SIZE) - 1
    assert counted["overhead_percent"] == pytest.approx(ratio * 100, abs=0.001)


def test_one_end_each_on_two_machines(stage: Stage) -> None:
    """A client alone and a server alone: what one sends the other receives."""
    near, public = (HOST, stage.port()), (HOST, stage.port())
    target = stage.target(echo)
    server = start(stage, "--server", peer("obfs-server"), "--sopts", "obfs=tls", "--listen",
                   f"{HOST}:{public[1]}", "--to", f"{HOST}:{target.address[1]}")
    client = start(stage, "--client", ours("obfs-local"), "--copts", "obfs=tls", "--listen",
                   f"{HOST}:{near[1]}", "--remote", f"{HOST}:{public[1]}")
    echoed(stage, near)
    wait_event(client, lambda e: e["event"] == "stats" and e["plain_down"] == SIZE)
    up, down = end(client), end(server)
    assert (up["plain_up"], down["plain_up"]) == (SIZE, SIZE)
    assert up["wire_up"] > SIZE
    assert "wire_up" not in down


def test_a_half_close_passes(stage: Stage) -> None:
    near = (HOST, stage.port())
    target = stage.target(hash_to_end)
    start(stage, "--client", ours("obfs-local"), "--copts", "obfs=http", "--server", ours("obfs-server"),
          "--sopts", "obfs=http", "--listen", f"{HOST}:{near[1]}", "--to", f"{HOST}:{target.address[1]}")
    sock = stage.connect(near)
    sock.sendall(content(50_000, 1))
    sock.shutdown(socket.SHUT_WR)
    assert read_exactly(sock, 64).decode() == hashlib.sha256(content(50_000, 1)).hexdigest()


def test_connections_are_counted_while_they_live(stage: Stage) -> None:
    near = (HOST, stage.port())
    target = stage.target(echo)
    tunnel = start(stage, "--client", ours("obfs-local"), "--copts", "obfs=http", "--server",
                   ours("obfs-server"), "--sopts", "obfs=http", "--listen", f"{HOST}:{near[1]}", "--to",
                   f"{HOST}:{target.address[1]}")
    held = [stage.connect(near) for _ in range(5)]
    for sock in held:
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"
    wait_event(tunnel, lambda e: e["event"] == "stats" and (e["connections"], e["open"]) == (5, 5))
    for sock in held:
        sock.close()
    wait_event(tunnel, lambda e: e["event"] == "stats" and (e["connections"], e["open"]) == (5, 0))


# ---- for people ----


def test_a_pipe_gets_plain_lines(stage: Stage) -> None:
    near = (HOST, stage.port())
    tunnel = stage.run(ours("ss-plugin"), "run", "--interval", "1", "--server", ours("obfs-server"), "--sopts",
                       "obfs=http", "--listen", f"{HOST}:{near[1]}", "--to", f"{HOST}:{stage.port()}")
    procfs.eventually(lambda: len(tunnel.stdout.read_text().splitlines()) >= 2, "two lines", WITHIN)
    assert tunnel.stop() == 0
    text = tunnel.stdout.read_text()
    assert "\r" not in text and "\x1b" not in text
    assert all("0 connections, 0 open; up 0 B, down 0 B" in line for line in text.splitlines())
    assert f"ready: listening at {HOST}:{near[1]}" in tunnel.stderr.read_text()


def test_a_terminal_gets_one_line_that_changes(stage: Stage) -> None:
    near = (HOST, stage.port())
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 200, 0, 0))
    argv = [str(ours("ss-plugin")), "run", "--server", str(ours("obfs-server")), "--sopts", "obfs=http",
            "--listen", f"{HOST}:{near[1]}", "--to", f"{HOST}:{stage.port()}"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal,
                          cwd=stage.home) as tunnel:
        os.close(terminal)
        seen = b""
        while seen.count(b" open; up ") < 2:
            seen += os.read(main, 4096)
        tunnel.send_signal(signal.SIGTERM)
        try:
            while part := os.read(main, 4096):
                seen += part
        except OSError:
            pass  # the other end is closed
        assert tunnel.wait(WITHIN) == 0
    os.close(main)
    assert b"\r\x1b[K" in seen
    assert seen.endswith(b"\n")


def test_a_narrow_terminal_gets_what_fits(stage: Stage) -> None:
    """A longer line would scroll instead of being rewritten."""
    main, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 30, 0, 0))
    argv = [str(ours("ss-plugin")), "run", "--server", str(ours("obfs-server")), "--sopts", "obfs=http",
            "--listen", f"{HOST}:{stage.port()}", "--to", f"{HOST}:{stage.port()}"]
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=terminal, stderr=subprocess.DEVNULL,
                          cwd=stage.home) as tunnel:
        os.close(terminal)
        seen = b""
        while seen.count(b"\x1b[K") < 2:
            seen += os.read(main, 4096)
        tunnel.send_signal(signal.SIGTERM)
        assert tunnel.wait(WITHIN) == 0
    os.close(main)
    first = seen.split(b"\r\x1b[K")[1]
    assert first.startswith(b"1 s: 0 connections, 0 open; ") and len(first) == 29


# ---- ends ----


def test_no_words_of_the_plugin_pass_for_its_status(stage: Stage) -> None:
    script = stage.script("it exited with status 7", "#!/bin/sh\nprintf 'red \\033[31m' >&2\nexit 3\n")
    answer = ask(stage, "run", "--client", script, "--listen", f"{HOST}:{stage.port()}", "--remote",
                 f"{HOST}:{stage.port()}")
    assert answer.status == 3
    assert "\x1b" not in answer.err


def test_a_killed_plugin_ends_the_tunnel(stage: Stage) -> None:
    tunnel = start(stage, "--server", ours("obfs-server"), "--sopts", "obfs=http", "--listen",
                   f"{HOST}:{stage.port()}", "--to", f"{HOST}:{stage.port()}")
    tunnel.kill_plugin(signal.SIGKILL)
    assert tunnel.wait(WITHIN) == 128 + signal.SIGKILL
    last = events(tunnel)[-1]
    assert (last["event"], last["status"]) == ("end", 137)
    assert "signal 9" in last["why"]
    assert "signal 9" in tunnel.stderr.read_text()


@pytest.mark.parametrize(("program", "options", "status"), [
    (ours, "obfs=nonsense", 78), (peer, "", 1)])
def test_the_status_of_the_plugin_is_ours(stage: Stage, program: Callable[[str], Program], options: str,
                                          status: int) -> None:
    answer = ask(stage, "run", "--json", "--client", program("obfs-local"), "--copts", options, "--listen",
                 f"{HOST}:{stage.port()}", "--remote", f"{HOST}:{stage.port()}")
    assert answer.status == status, answer.err
    assert f"exited with status {status}" in answer.err
    assert json.loads(answer.out.splitlines()[-1])["status"] == status


def test_a_missing_plugin_is_said(stage: Stage) -> None:
    answer = ask(stage, "run", "--client", "no-such-plugin", "--listen", f"{HOST}:{stage.port()}", "--remote",
                 f"{HOST}:{stage.port()}")
    assert answer.status == 1
    assert "no-such-plugin" in answer.err


def test_a_taken_port_is_said(stage: Stage) -> None:
    taken = stage.listener()
    answer = ask(stage, "run", "--client", ours("obfs-local"), "--copts", "obfs=http", "--listen",
                 f"{HOST}:{taken.address[1]}", "--remote", f"{HOST}:{stage.port()}")
    assert answer.status == 1
    assert f"{HOST}:{taken.address[1]}" in answer.err and "in use" in answer.err


@pytest.mark.parametrize("words", [
    (), ("--client", "a"), ("--client", "a", "--listen", "h:1"), ("--client", "a", "--listen", "h:1", "--to", "h:2"),
    ("--server", "a", "--listen", "h:1"), ("--server", "a", "--listen", "h:1", "--to", "h:2", "--remote", "h:3"),
    ("--client", "a", "--listen", "h"), ("--client", "a", "--listen", "h:1", "--remote", "h:2", "--sopts", "x"),
    ("--client", "a", "--interval", "0"), ("stray",)])
def test_a_wrong_command_line_is_64(stage: Stage, words: tuple[str, ...]) -> None:
    answer = ask(stage, "run", *words)
    assert (answer.status, answer.out) == (64, "")
    assert answer.err.count("\n") == 1
