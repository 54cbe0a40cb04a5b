# SPDX-License-Identifier: Apache-2.0
"""The system calls of ss-local for a new connection, from accept to the first byte at the server.

They are those of the release before HTTP came to the same port, counted there with strace as here: the
protocol is found out by bytes that are read anyway. A later saving may make a number smaller.
"""

from __future__ import annotations

import re
import signal
import socket
from collections import Counter

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.programs import SANITIZED, SLOWER, found
from harness.stage import Stage, our_parts
from harness.targets import Listener

SOCKET = {"socket": 1, "setsockopt": 3, "connect": 1, "poll": 1}  # no delay, the linger of a reset, the congestion
ACCEPTED = {"accept4": 2, "epoll_ctl": 1}  # the second finds no more connections
TARGET = b"\1\1\2\3\4\0\x50"  # an address and a port

# What a client sends, each part behind the whole answer to the one before, and what that costs. Of waits for
# events, and of the last part where the server gets the header of the target before it, there may be fewer.
SOCKS5 = [(b"\5\1\0", 2), (b"\5\1\0" + TARGET, 10), (b"hello", 0)]
HTTP = [(b"CONNECT 1.2.3.4:80 HTTP/1.1\r\nHost: 1.2.3.4:80\r\n\r\n", 39), (b"hello", 0)]
COSTS = {
    "SOCKS5": (SOCKS5, {**ACCEPTED, **SOCKET, "epoll_ctl": 2, "recvfrom": 3, "sendto": 3, "getrandom": 1}),
    "SOCKS5 in one piece": ([(b"".join(part for part, _ in SOCKS5), 0)],
                            {**ACCEPTED, **SOCKET, "recvfrom": 1, "sendto": 1, "getrandom": 1}),
    "CONNECT": (HTTP, {**ACCEPTED, **SOCKET, "epoll_ctl": 2, "recvfrom": 2, "sendto": 2, "getrandom": 1}),
    "CONNECT in one piece": ([(b"".join(part for part, _ in HTTP), 0)],
                             {**ACCEPTED, **SOCKET, "recvfrom": 1, "sendto": 2, "getrandom": 1}),
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
