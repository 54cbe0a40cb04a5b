# SPDX-License-Identifier: Apache-2.0
"""Salts and sessions of AEAD-2022 over a restart: recordings are refused, and new clients are not."""

from __future__ import annotations

import hashlib
import os
import signal
import struct
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import procfs, ss2022, udp
from harness.content import End, read_exactly
from harness.manager import Folder, Manager
from harness.processes import Process
from harness.prober import Probe, probe_all
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.ss2022 import Keys, Packet, Request, now
from harness.stage import Stage
from harness.targets import echo

METHOD = "2022-blake3-aes-128-gcm"
KEYS = Keys(METHOD, bytes(range(16)))
CLOCKS = (-25, 0, 25)
DEADLINE = 1
LONG_AGO = 1000


def age(path: Path) -> None:
    """A file of salts as a server leaves it that has run for long and served no client."""
    boot = int(time.time()) - int(time.clock_gettime(time.CLOCK_BOOTTIME))
    head = b"sssalts1" + struct.pack("=qq", boot, now() - LONG_AGO) + bytes(24)
    path.write_bytes(head + hashlib.blake2b(head, digest_size=16).digest())
    path.chmod(0o600)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """An empty directory."""
    path = tmp_path / "state"
    path.mkdir()
    return path


def serve(stage: Stage, port: int, env: dict[str, str] | None = None, **extra: object) -> tuple[Process, Address]:
    path = stage.config(server="127.0.0.1", server_port=port, method=METHOD, password=KEYS.text,
                        mode="tcp_and_udp", handshake_timeout=DEADLINE, **extra)
    process = stage.run(ours("ss-server"), "-c", path, env=env)
    stage.wait_listening(process, port)
    udp.wait_bound(port, 10 * SLOWER)
    return process, ("127.0.0.1", port)


def request(stage: Stage, at: Address, target: Address, clock: int) -> bytes:
    """A client with such a clock is served; its flight."""
    made = Request(KEYS, udp.header(target), b"a payload", stamp=now() + clock)
    flight, sock = made.head(), stage.connect(at)
    sock.sendall(flight)
    assert made.response_head(lambda n: read_exactly(sock, n))[1] == made.payload
    return flight


def refused(at: Address, flights: list[bytes]) -> None:
    reactions = probe_all(at, [Probe(flight) for flight in flights], DEADLINE + 10)
    assert {(r.answer, r.end) for r in reactions} == {(b"", End.FIN)}


@pytest.mark.parametrize(("number", "service"), [(signal.SIGTERM, False), (signal.SIGKILL, False),
                                                 (signal.SIGKILL, True)], ids=["term", "kill", "service"])
def test_a_restart_refuses_recordings_and_no_new_client(stage: Stage, state: Path, number: int,
                                                        service: bool) -> None:
    target, port = stage.target(echo), stage.port()
    env = {"STATE_DIRECTORY": f"{state}:/nowhere"} if service else None
    extra = {} if service else {"state_dir": str(state)}
    age(state / f"salts-{port}")
    server, at = serve(stage, port, env, **extra)
    flights = [request(stage, at, target.address, clock) for clock in CLOCKS for _ in range(3)]
    server.stop(number)
    server, at = serve(stage, port, env, **extra)
    for clock in CLOCKS:
        flights.append(request(stage, at, target.address, clock))
    refused(at, flights)
    assert target.accepted == len(flights), "a recording was served"
    assert f"salts-{port}" not in server.output()


def test_packets_from_before_a_restart_come_once(stage: Stage, state: Path) -> None:
    """Those of a session whose client goes on, too: its clock tells what is new."""
    target, port = stage.keep(udp.Echo()), stage.port()
    age(state / f"salts-{port}")
    sessions = {clock: os.urandom(8) for clock in CLOCKS}
    header, sock = udp.header(target.address), stage.keep(udp.open_socket())

    def exchange(number: int, session: bytes, clock: int, payload: bytes) -> bytes:
        packet = Packet(KEYS, session, number, header, payload, stamp=now() + clock).sealed()
        sock.sendto(packet, at)
        assert ss2022.open_packet(KEYS, sock.recv(65535))[2].endswith(payload)
        return packet

    server, at = serve(stage, port, state_dir=str(state))
    recorded = [exchange(n, session, clock, b"before") for clock, session in sessions.items() for n in range(3)]
    server.kill()
    server, at = serve(stage, port, state_dir=str(state))
    second = now()
    procfs.eventually(lambda: now() > second, "the clock goes on")
    for turn in (3, 4):
        for packet in recorded:
            sock.sendto(packet, at)
        for clock, session in sessions.items():
            exchange(turn, session, clock, b"after")
            exchange(0, os.urandom(8), clock, b"new")
    counts = {text: [seen for seen, _ in target.seen].count(text) for text in (b"before", b"after", b"new")}
    assert counts == {b"before": len(recorded), b"after": 2 * len(CLOCKS), b"new": 2 * len(CLOCKS)}


def test_a_file_that_is_not_one_of_salts_is_told_and_made_anew(stage: Stage, state: Path) -> None:
    target, port = stage.target(echo), stage.port()
    file = state / f"salts-{port}"
    file.write_text('{"a": "configuration"}')
    server, at = serve(stage, port, state_dir=str(state))
    told = [line for line in server.output().splitlines() if str(file) in line]
    assert len(told) == 1 and told[0].endswith("not a file of salts, or a damaged one: it is made anew")
    flight = request(stage, at, target.address, 25)
    server.kill()
    server, at = serve(stage, port, state_dir=str(state))
    assert str(file) not in server.output()
    refused(at, [flight])


def test_a_file_is_made_for_aead_2022_alone(stage: Stage, state: Path) -> None:
    port = stage.port()
    path = stage.config(server="127.0.0.1", server_port=port, method="aes-128-gcm", password="of 2017",
                        state_dir=str(state))
    stage.wait_listening(stage.run(ours("ss-server"), "-c", path), port)
    assert list(state.iterdir()) == []
    serve(stage, stage.port(), state_dir=str(state))
    (file,) = state.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


def test_a_directory_that_is_missing_is_told(stage: Stage) -> None:
    path = stage.config(server="127.0.0.1", server_port=stage.port(), method=METHOD, password=KEYS.text,
                        state_dir="/missing")
    server = stage.run(ours("ss-server"), "-c", path)
    assert server.wait() == 255
    assert "state_dir /missing: No such file or directory: make it" in server.output()
    check = stage.run(ours("ss-server"), "-c", path, "--check")
    assert check.wait() == 1
    assert 'state_dir: "/missing" is no directory: make it' in check.output()


def test_a_process_that_takes_over_refuses_what_the_other_one_served(stage: Stage, state: Path) -> None:
    """And what it served itself, once it is killed; the other one still has connections then."""
    target, port = stage.target(echo), stage.port()
    age(state / f"salts-{port}")
    path = stage.config(server="127.0.0.1", server_port=port, method=METHOD, password=KEYS.text, control=str(
        stage.keep(Folder()).path / "control"), handshake_timeout=DEADLINE, state_dir=str(state))
    path.chmod(0o600)
    at = ("127.0.0.1", port)
    first = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(first, port)
    flights = [request(stage, at, target.address, clock) for clock in CLOCKS]
    second = stage.run(ours("ss-server"), "-c", path, "--take-over")
    procfs.eventually(lambda: "this one serves in its place" in second.output(), "it takes over", 20 * SLOWER)
    flights += [request(stage, at, target.address, clock) for clock in CLOCKS]
    refused(at, flights)
    assert first.running
    second.kill()
    third = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(third, port)
    flights += [request(stage, at, target.address, clock) for clock in CLOCKS]
    refused(at, flights)
    assert target.accepted == len(flights), "a recording was served"


def test_ports_of_a_manager_share_a_file(stage: Stage) -> None:
    """It comes back after SIGKILL; a port that is removed and added again knows its salts, too."""
    manager = Manager(stage, "--handshake-timeout", DEADLINE)
    file = manager.work / "salts"
    age(file)
    target, ports = stage.target(echo), [stage.port(), stage.port()]
    flights: dict[int, list[bytes]] = {port: [] for port in ports}

    def honest(port: int) -> None:
        for clock in CLOCKS:
            flights[port].append(request(stage, ("127.0.0.1", port), target.address, clock))

    def add(port: int) -> None:
        assert manager.client.add(port, KEYS.text, method=METHOD) == b"ok"
        honest(port)

    for port in ports:
        add(port)
    assert manager.client.remove(ports[0]) == b"ok"
    add(ports[0])
    refused(("127.0.0.1", ports[0]), flights[ports[0]])
    path = str(manager.path)
    manager.process.kill()
    manager = Manager(stage, "--handshake-timeout", DEADLINE, path=path)
    for port in ports:
        stage.wait_listening(manager.process, port)
        honest(port)
    for port in ports:
        refused(("127.0.0.1", port), flights[port])
    assert target.accepted == sum(map(len, flights.values())), "a recording was served"
    assert [found.name for found in manager.work.iterdir() if not found.name.startswith(".")] == [file.name]
