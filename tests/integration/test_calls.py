# SPDX-License-Identifier: Apache-2.0
"""The system calls of a connection, as strace sees them, but for waits: how many those are depends on the load.

A SOCKS5 connection that asks, gets an answer and ends takes 40 through ss-local and ss-server: 18 that move its bytes
and its ends, 6 that accept and dial, 4 of epoll, 4 closes, and 8 that set an option of a socket.

Those of ss-local from accept to the first byte at the server do not depend on the protocol of its client, which is
found out by bytes that are read anyway. A later saving may make a number smaller.
"""

from __future__ import annotations

import re
import signal
import socket
from collections import Counter
from pathlib import Path

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.programs import SANITIZED, SLOWER, found
from harness.stage import Stage, our_parts
from harness.targets import Listener

# A socket that is dialed: the linger of a reset, an acknowledgement that waits for bytes, the congestion control.
COMMON = {"accept4": 1, "epoll_ctl": 2, "socket": 1, "setsockopt": 3, "connect": 1}
WHOLE = 40
PACED = Path("/proc/sys/net/ipv4/tcp_congestion_control").read_text().startswith("bbr")  # one call for each dial more
TARGET = b"\1\1\2\3\4\0\x50"  # an address and a port

# What a client sends, each part behind the whole answer to the one before, and what that costs. Of waits for
# events, and of the last part where the server gets the header of the target before it, there may be fewer. The
# answers leave while the dial is under way.
SOCKS5 = [(b"\5\1\0", 2), (b"\5\1\0" + TARGET, 10), (b"hello", 0)]
HTTP = [(b"CONNECT 1.2.3.4:80 HTTP/1.1\r\nHost: 1.2.3.4:80\r\n\r\n", 39), (b"hello", 0)]
COSTS = {
    "SOCKS5": (SOCKS5, {**COMMON, "recvfrom": 3, "sendto": 3, "getrandom": 1}),
    "SOCKS5 in one piece": ([(b"".join(part for part, _ in SOCKS5), 0)],
                            {**COMMON, "recvfrom": 1, "sendto": 2, "getrandom": 1}),
    "CONNECT": (HTTP, {**COMMON, "recvfrom": 2, "sendto": 2, "getrandom": 1}),
    "CONNECT in one piece": ([(b"".join(part for part, _ in HTTP), 0)],
                             {**COMMON, "recvfrom": 1, "sendto": 2, "getrandom": 1}),
}


def connect(proxy: tuple[str, int], server: Listener, parts: list[tuple[bytes, int]]) -> list[socket.socket]:
    near = socket.create_connection(proxy, 20 * SLOWER)
    for part, answer in parts:
        near.sendall(part)
        read_exactly(near, answer)
    far = server.accept()
    assert far.recv(1000)
    return [near, far]


def calls(trace: str, server: int) -> Counter[str]:
    """Of one connection, but for waits: until the first byte is sent to the server."""
    count: Counter[str] = Counter()
    ours = None
    for line in trace.splitlines():
        if not (call := re.match(r"(\w+)\((\d+)?", line)):
            continue
        name, fd = call.groups()
        if count or name == "accept4":
            count[name] += name != "epoll_wait"
        if name == "connect" and f"htons({server})" in line:
            ours = fd
        if name == "sendto" and fd == ours:
            return count
    raise AssertionError(f"nothing was sent to the server:\n{trace}")


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has calls of its own")
@pytest.mark.parametrize("protocol", COSTS)
def test_the_first_byte_costs_what_it_cost_before_there_were_other_protocols(stage: Stage, root: None,
                                                                           protocol: str) -> None:
    parts, most = COSTS[protocol]
    server, near, trace = stage.listener(), ("127.0.0.1", stage.port()), stage.home / "trace"
    local = stage.ss_local(our_parts(), server.address, near[1])
    stage.wait_listening(local, near[1])
    idle = procfs.socket_count(local.pid)
    for sock in connect(near, server, parts):  # the first one finds memory to take
        sock.close()
    procfs.eventually(lambda: procfs.socket_count(local.pid) == idle, "the first one is gone", 10 * SLOWER)
    strace = stage.run(found("strace"), "-p", local.pid, "-o", trace)
    procfs.eventually(lambda: "attached" in strace.output(), "strace looks on", 10 * SLOWER)
    pair = connect(near, server, parts)
    strace.stop(signal.SIGINT)
    for sock in pair:
        sock.close()
    counted = calls(trace.read_text(), server.address[1])
    assert not counted - Counter(most), f"more than {most}"
    assert counted["connect"] == 1


def ask_and_end(proxy: tuple[str, int], target: Listener) -> None:
    """One question and its answer, then the client ends, and the target after it."""
    with socket.create_connection(proxy, 20 * SLOWER) as client:
        client.sendall(b"\5\1\0")
        read_exactly(client, 2)
        client.sendall(b"\5\1\0\1" + socket.inet_aton(target.address[0]) + target.address[1].to_bytes(2, "big"))
        read_exactly(client, 10)
        client.sendall(b"a question")
        with target.accept() as far:
            read_exactly(far, 10)
            far.sendall(b"an answer")
            read_exactly(client, 9)
            client.shutdown(socket.SHUT_WR)
            assert far.recv(1) == b""
        assert client.recv(1) == b""


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has calls of its own")
def test_a_whole_connection_through_both_takes_few_calls(stage: Stage, root: None) -> None:
    target, near, middle = stage.listener(), ("127.0.0.1", stage.port()), stage.port()
    server = stage.ss_server(our_parts(), middle)
    local = stage.ss_local(our_parts(), ("127.0.0.1", middle), near[1])
    both = (server, local)
    stage.wait_listening(server, middle)
    stage.wait_listening(local, near[1])
    idle = [procfs.socket_count(process.pid) for process in both]

    def connection() -> None:
        ask_and_end(near, target)
        procfs.eventually(lambda: [procfs.socket_count(process.pid) for process in both] == idle,
                          "both have closed their sockets", 10 * SLOWER)

    connection()  # the first one finds memory to take
    traces = [stage.home / name for name in ("server", "local")]
    seen = [stage.run(found("strace"), "-p", process.pid, "-o", trace)
            for process, trace in zip(both, traces, strict=True)]
    for strace in seen:
        procfs.eventually(lambda: "attached" in strace.output(), "strace looks on", 10 * SLOWER)  # noqa: B023
    connection()
    for strace in seen:
        strace.stop(signal.SIGINT)
    names = [re.match(r"(\w+)\(", line) for trace in traces for line in trace.read_text().splitlines()]
    count = Counter(name[1] for name in names if name is not None and name[1] != "epoll_wait")
    assert count["connect"] == 2
    assert count.total() <= WHOLE + 2 * PACED, dict(count)
