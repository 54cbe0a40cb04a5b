# SPDX-License-Identifier: Apache-2.0
"""Too many connections, too few descriptors, and people who only hold on."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly
from harness.extent import extent
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.prober import Probe, probe_all
from harness.socks import Address
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

FILES = extent(64, 256)
CROWD = extent(150, 2000)
WINDOW = extent(1.0, 30.0)
BUSY = extent(0.25, 0.05)  # of a processor
LINES = 100 + 10 * WINDOW  # of a log: a burst and some a second


def squeeze(pid: int) -> None:
    """As the process' own user: root of a container may not be allowed to limit others."""
    status = Path(f"/proc/{pid}/status").read_text().splitlines()
    ids = {line.split()[0]: int(line.split()[1]) for line in status if line.startswith(("Uid:", "Gid:"))}
    subprocess.run(["prlimit", "--pid", str(pid), f"--nofile={FILES}:{FILES}"], check=True,
                   user=ids["Uid:"], group=ids["Gid:"], extra_groups=[])


def busy_share(pid: int) -> float:
    """The share of one processor that a process uses during a window of time."""
    before = procfs.cpu_seconds(pid)
    time.sleep(WINDOW)
    return (procfs.cpu_seconds(pid) - before) / WINDOW


def crowd(address: Address, hello: bytes) -> list[socket.socket]:
    socks_ = [socket.create_connection(address, 10) for _ in range(CROWD)]
    for sock in socks_:
        try:
            sock.sendall(hello)
        except OSError:
            pass
    return socks_


def serves(chain: Chain, target: Address) -> bool:
    try:
        with socks.dial(chain.socks, target, 5) as client:
            client.sendall(b"ping")
            return read_exactly(client, 4) == b"ping"
    except (OSError, EOFError, AssertionError):
        return False


def carries(flow: socket.socket, text: bytes) -> None:
    flow.sendall(text)
    assert read_exactly(flow, len(text)) == text


def assert_survives(chain: Chain, pid: int, address: Address, hello: bytes, target: Address) -> None:
    assert serves(chain, target)
    flow = chain.dial(target)
    carries(flow, b"the key is right")
    squeeze(pid)
    held = crowd(address, hello)
    procfs.eventually(lambda: procfs.fd_count(pid) >= FILES // 2, "many descriptors are taken")
    share = busy_share(pid)
    assert share < BUSY * SLOWER, f"{share:.0%} of a processor without work"
    assert serves(chain, target), "the oldest of the crowd make room"
    carries(flow, b"still there?")
    for sock in held:
        sock.close()
    for host in chain.hosts:
        assert len(host.output().splitlines()) <= LINES


@pytest.mark.parametrize("part", ["local", "server"])
def test_no_descriptors_left_in(stage: Stage, part: str) -> None:
    chain, target = stage.chain(our_parts()), stage.target(echo).address
    process: Process = getattr(chain, part)
    address = chain.socks if part == "local" else chain.public
    assert_survives(chain, process.pid, address, b"\5\1\0" if part == "local" else b"x", target)


@pytest.mark.parametrize("part", ["local", "server"])
def test_no_descriptors_left_in_plugin(stage: Stage, part: str) -> None:
    chain, target = stage.chain(our_parts("http")), stage.target(echo).address
    host: Process = getattr(chain, part)
    (pid,) = host.plugins()
    env = procfs.environment(pid)
    # Each of them waits without a dial for this: nothing, and the beginning of a request.
    variable, hello = ("SS_LOCAL_PORT", b"") if part == "local" else ("SS_REMOTE_PORT", b"G")
    assert_survives(chain, pid, ("127.0.0.1", int(env[variable])), hello, target)


def test_silent_clients_are_gone_at_the_deadline(stage: Stage) -> None:
    """They neither disturb honest clients nor stay."""
    parts, port, near = our_parts(), stage.port(), ("127.0.0.1", stage.port())
    server = stage.ss_server(parts, port, "--handshake-timeout", "2")
    local = stage.ss_local(parts, ("127.0.0.1", port), near[1])
    chain, target = Chain(stage, local, server, near, ("127.0.0.1", port)), stage.target(echo).address
    idle = procfs.socket_count(server.pid)
    held = [socket.create_connection(("127.0.0.1", port), 10) for _ in range(300)]
    assert all(serves(chain, target) for _ in range(20))
    reactions = probe_all(("127.0.0.1", port), [Probe(b"x")] * 50, 10)
    assert {r.end for r in reactions} == {End.FIN}
    procfs.eventually(lambda: procfs.socket_count(server.pid) == idle, "all are gone", 5 * SLOWER)
    for sock in held:
        sock.close()


def test_a_reader_that_never_reads_holds_up_nobody_else(stage: Stage) -> None:
    chain, target = stage.chain(our_parts("tls")), stage.target(echo).address
    listener = stage.listener()
    stuck = chain.dial(listener.address)
    stuck.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            stuck.send(b"x" * 65536)
    started = time.monotonic()
    assert all(serves(chain, target) for _ in range(20))
    assert time.monotonic() - started < 5 * SLOWER


def test_a_limit_given_with_n_is_set(stage: Stage) -> None:
    port = stage.port()
    server = stage.run(ours("ss-server"), "-s", "127.0.0.1", "-p", port, "-k", "pw", "-m",
                       "aes-128-gcm", "-n", "2048")
    stage.wait_listening(server, port)
    limits = open(f"/proc/{server.pid}/limits", encoding="utf-8").read()
    (line,) = [row for row in limits.splitlines() if row.startswith("Max open files")]
    assert line.split()[3] == "2048", os.linesep + limits
