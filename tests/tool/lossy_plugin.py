#!/usr/bin/python3 -B
# SPDX-License-Identifier: Apache-2.0
"""A pair of plugins that carries bytes well, but for the flaw that $FLAW names.

The role is the value of SS_PLUGIN_OPTIONS: client or server.  On the wire a header stands in front
of the bytes of the client, and nothing in front of the answer.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import threading
import time

FLAW = os.environ.get("FLAW", "")
CLIENT = os.environ["SS_PLUGIN_OPTIONS"] == "client"
LOCAL = (os.environ["SS_LOCAL_HOST"], int(os.environ["SS_LOCAL_PORT"]))
REMOTE = (os.environ["SS_REMOTE_HOST"], int(os.environ["SS_REMOTE_PORT"]))
MODE = os.environ.get("SS_PLUGIN_MODE", "tcp_only")
MAGIC = b"\x01LOSSY\x00\x00"
PAD = 32
HEADER = len(MAGIC) + 2 + PAD
BLOCK = 65536
LATE = 1.0  # seconds from the header to the server

kept: list[object] = []
backs: list[socket.socket] = []
one_at_a_time = threading.Lock()


def read_exactly(source: socket.socket, n: int) -> bytes:
    data = b""
    while len(data) < n:
        more = source.recv(n - len(data))
        if not more:
            raise ConnectionError("ended inside the header")
        data += more
    return data


def tampered(data: bytes, offset: int) -> bytes:
    """The bytes at offset as they go on to the server."""
    if FLAW == "corrupt" and offset <= 100_000 < offset + len(data):
        at = 100_000 - offset
        return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
    if FLAW == "loses" and offset <= 100_000 < offset + len(data):
        at = 100_000 - offset
        return data[:at] + data[at + 1 :]
    if FLAW == "swaps" and offset > 100_000 and len(data) >= 2:
        half = len(data) // 2
        return data[half:] + data[:half]
    return data


def finish(sink: socket.socket, way: str) -> None:
    if FLAW == "lingers" and way == "down":
        time.sleep(4)
    if FLAW == "full-close":
        sink.shutdown(socket.SHUT_RDWR)
    sink.shutdown(socket.SHUT_WR)


def pump(source: socket.socket, sink: socket.socket, way: str, offset: int = 0) -> None:
    try:
        while data := source.recv(BLOCK):
            out = tampered(data, offset) if CLIENT and way == "up" else data
            if FLAW == "truncates" and way == "down" and CLIENT and offset + len(data) > 7_000_000:
                break
            if FLAW == "mixes" and not CLIENT and way == "up" and len(backs) > 20:
                sink = backs[-1]
            sink.sendall(out)
            offset += len(data)
        finish(sink, way)
    except OSError:
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def hoard(source: socket.socket, sink: socket.socket) -> None:
    """Reads whatever comes, and writes it away in another thread."""
    queue: list[bytes] = []
    more = threading.Condition()

    def write() -> None:
        while True:
            with more:
                while not queue:
                    more.wait()
                data = queue.pop(0)
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            sink.sendall(data)

    threading.Thread(target=write, daemon=True).start()
    while True:
        data = source.recv(BLOCK)
        with more:
            queue.append(data)
            more.notify()
        if not data:
            return


def relay(front: socket.socket, back: socket.socket, offset: int) -> None:
    """Both ways, until both have ended; offset bytes of the client's are behind us."""
    hoards = FLAW == "hoards"
    up = (hoard, (front, back)) if hoards else (pump, (front, back, "up", offset))
    thread = threading.Thread(target=up[0], args=up[1], daemon=True)
    thread.start()
    if hoards:
        hoard(back, front)
    else:
        pump(back, front, "down")
    thread.join()
    if FLAW == "leaks":
        kept.append((front.dup(), back.dup()))


def dial(to: tuple[str, int]) -> socket.socket:
    back = socket.create_connection(to)
    back.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return back


def serve_client(front: socket.socket) -> None:
    if FLAW == "eager":
        back = dial(REMOTE)
        if not (first := front.recv(BLOCK)):
            return
    else:
        if not (first := front.recv(BLOCK)):
            return
        back = dial(REMOTE)
    with back:
        if FLAW == "chatty":
            for _ in range(3):
                back.sendall(b"?")
                read_exactly(back, 1)
        back.sendall(MAGIC + struct.pack(">H", PAD) + bytes(PAD) + first)
        relay(front, back, len(first))


def take_header(front: socket.socket) -> bytes:
    """Returns what stands behind the header already."""
    if FLAW == "whole":
        data = front.recv(BLOCK)
        if not data.startswith(MAGIC):
            raise ConnectionError("not ours")
        return data[HEADER:]
    if FLAW == "breaks" and len(front.recv(HEADER, socket.MSG_PEEK)) < HEADER:
        os.abort()
    if FLAW == "open":
        data = front.recv(BLOCK)
        return data[HEADER:] if data.startswith(MAGIC) else data
    if FLAW == "chatty":
        for _ in range(3):
            front.sendall(read_exactly(front, 1))
    if read_exactly(front, len(MAGIC)) != MAGIC:
        raise ConnectionError("not ours")
    (length,) = struct.unpack(">H", read_exactly(front, 2))
    if FLAW == "aborts" and length >= 0x8000:
        os.kill(os.getpid(), signal.SIGSEGV)
    if length != PAD:
        raise ConnectionError("not ours")
    read_exactly(front, PAD)
    return b""


def serve_server(front: socket.socket) -> None:
    if FLAW == "serial":
        with one_at_a_time:
            first = take_header(front)
    else:
        first = take_header(front)
    if FLAW == "late":
        time.sleep(LATE)
    with dial(LOCAL) as back:
        backs.append(back)
        back.sendall(first)
        relay(front, back, len(first))
        backs.remove(back)


def serve(front: socket.socket) -> None:
    front.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        with front:
            (serve_client if CLIENT else serve_server)(front)
    except OSError:
        pass


def relay_datagrams(at: tuple[str, int], to: tuple[str, int]) -> None:
    """An association for each client address; $FLAW of "datagrams" cuts the longer ones."""
    longest = 1000 if FLAW == "datagrams" else BLOCK
    associations: dict[tuple[str, int], socket.socket] = {}
    front = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    front.bind(at)

    def answer(back: socket.socket, peer: tuple[str, int]) -> None:
        while True:
            front.sendto(back.recv(BLOCK)[:longest], peer)

    while True:
        data, peer = front.recvfrom(BLOCK)
        if peer not in associations:
            back = associations[peer] = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            back.connect(to)
            threading.Thread(target=answer, args=(back, peer), daemon=True).start()
        associations[peer].send(data)


def main() -> None:
    threading.stack_size(256 * 1024)
    at, to = (LOCAL, REMOTE) if CLIENT else (REMOTE, LOCAL)
    if MODE == "tcp_and_udp":
        threading.Thread(target=relay_datagrams, args=(at, to), daemon=True).start()
    with socket.create_server(at, backlog=1024) as listener:
        while True:
            front, _ = listener.accept()
            if FLAW == "holds":
                kept.append(front.dup())
            threading.Thread(target=serve, args=(front,), daemon=True).start()


main()
