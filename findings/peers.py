# SPDX-License-Identifier: Apache-2.0
"""Small scripted peers on loopback, and the ports they use."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable

HOST = "127.0.0.1"
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that `finally` stops what was started
Step = bytes | float  # what to write, or how long to pause so that a write is a segment of its own


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def await_port(port: int, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while True:
        try:
            return socket.create_connection((HOST, port), 1).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def start(command: list[str], port: int, log: str = "/dev/null", **options) -> subprocess.Popen:
    """A program that is expected to listen on the port; what it prints goes to the log."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, **options)
    await_port(port)
    return process


def stop(*processes: subprocess.Popen) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def exactly(conn: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size:
        piece = conn.recv(size - len(data))
        if not piece:
            raise EOFError(f"{len(data)} of {size} bytes: {data.hex()}")
        data += piece
    return data


def through(conn: socket.socket, mark: bytes) -> bytes:
    data = b""
    while mark not in data:
        piece = conn.recv(4096)
        if not piece:
            raise EOFError(data)
        data += piece
    return data


def play(conn: socket.socket, steps: Iterable[Step]) -> None:
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for step in steps:
        if isinstance(step, float):
            time.sleep(step)
        else:
            conn.sendall(step)


def serve(answer: Callable[[socket.socket], None]) -> int:
    """A listener that hands each connection to answer(); gives its port."""
    listener = socket.create_server((HOST, 0))

    def one(conn: socket.socket) -> None:
        conn.settimeout(5)
        try:
            answer(conn)
        except (OSError, EOFError):
            pass
        finally:
            conn.close()

    def accept() -> None:
        while True:
            conn, _ = listener.accept()
            threading.Thread(target=one, args=(conn,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    return listener.getsockname()[1]


def linger(conn: socket.socket) -> None:
    """Reads until the peer has closed."""
    while conn.recv(4096):
        pass


def http_proxy(*steps: Step) -> int:
    """A proxy that answers each request head with the steps, the tunnel's bytes included."""

    def answer(conn: socket.socket) -> None:
        through(conn, b"\r\n\r\n")
        play(conn, steps)
        linger(conn)

    return serve(answer)


def socks_proxy(*steps: Step, greeting: Iterable[Step] = (b"\x05\x00",)) -> int:
    """A SOCKS5 proxy without authentication that answers each request with the steps."""

    def answer(conn: socket.socket) -> None:
        exactly(conn, exactly(conn, 2)[1])
        play(conn, greeting)
        kind = exactly(conn, 4)[3]
        exactly(conn, {1: 6, 4: 18}.get(kind) or exactly(conn, 1)[0] + 2)
        play(conn, steps)
        linger(conn)

    return serve(answer)


def echo() -> int:
    """A target that sends back what it gets."""

    def answer(conn: socket.socket) -> None:
        while data := conn.recv(4096):
            conn.sendall(data)

    return serve(answer)
