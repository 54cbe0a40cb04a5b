# SPDX-License-Identifier: Apache-2.0
"""Where connections go to: servers in threads, or a listener that the test itself answers."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import struct
import threading
from collections.abc import Callable

from .content import CHUNK, content, hash_exactly
from .ports import family_of

Serve = Callable[[socket.socket], None]


def listen(host: str = "127.0.0.1", backlog: int = 512) -> socket.socket:
    sock = socket.socket(family_of(host), socket.SOCK_STREAM)
    sock.bind((host, 0))
    sock.listen(backlog)
    return sock


def reset(sock: socket.socket) -> None:
    """Closes with RST instead of FIN."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


class Target:
    """A TCP server: serve(connection) runs in a thread for each connection, which it may close."""

    def __init__(self, serve: Serve, host: str = "127.0.0.1") -> None:
        self._serve = serve
        self._listener = listen(host)
        self._open: dict[socket.socket, threading.Thread] = {}
        self._accepted = 0
        self._lock = threading.Lock()
        self.address: tuple[str, int] = self._listener.getsockname()[:2]
        self._acceptor = threading.Thread(target=self._accept, daemon=True)
        self._acceptor.start()

    @property
    def accepted(self) -> int:
        return self._accepted

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            thread = threading.Thread(target=self._run, args=(sock,), daemon=True)
            with self._lock:
                self._open[sock] = thread
            self._accepted += 1
            thread.start()

    def _run(self, sock: socket.socket) -> None:
        with sock, contextlib.suppress(OSError, EOFError):
            self._serve(sock)
        with self._lock:
            del self._open[sock]

    def close(self) -> None:
        """Ends the listener, every connection and every thread."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._acceptor.join()
        with self._lock:
            left = dict(self._open)
        for sock in left:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in left.values():
            thread.join(10)


def echo(sock: socket.socket) -> None:
    while part := sock.recv(CHUNK):
        sock.sendall(part)


def _line(sock: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = sock.recv(1)
        if not byte:
            raise EOFError
        line += byte
    return bytes(line[:-1])


def ledger(sock: socket.socket) -> None:
    """Answers lines: "GET size seed" with content, "PUT size" and that many bytes with their hash."""
    while True:
        verb, *numbers = _line(sock).split()
        if verb == b"GET":
            sock.sendall(content(*map(int, numbers)))
        else:
            sock.sendall(hash_exactly(sock, int(numbers[0])).encode())


def hash_to_end(sock: socket.socket) -> None:
    """Reads until the client's FIN, then answers with the hash and ends."""
    digest = hashlib.sha256()
    while part := sock.recv(CHUNK):
        digest.update(part)
    sock.sendall(digest.hexdigest().encode())


PAGE = b"<!doctype html><title>page</title><p>" + b"The same page, whoever carries it.\n" * 40


def web(sock: socket.socket) -> None:
    """One page for any request, over HTTP/1.0."""
    request = bytearray()
    while b"\r\n\r\n" not in request:
        request += sock.recv(CHUNK)
    head = f"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(PAGE)}\r\n\r\n"
    sock.sendall(head.encode() + PAGE)


class Listener:
    """A target that the test plays itself: accept() gives the next connection."""

    def __init__(self, host: str = "127.0.0.1", backlog: int = 512) -> None:
        self.sock = listen(host, backlog)
        self.sock.settimeout(30)
        self.address: tuple[str, int] = self.sock.getsockname()[:2]
        self._accepted: list[socket.socket] = []

    def accept(self) -> socket.socket:
        sock, _ = self.sock.accept()
        sock.settimeout(30)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._accepted.append(sock)
        return sock

    def accepts_nobody(self, seconds: float) -> bool:
        """True when no connection arrives for that long."""
        self.sock.settimeout(seconds)
        try:
            self._accepted.append(self.sock.accept()[0])
        except TimeoutError:
            return True
        finally:
            self.sock.settimeout(30)
        return False

    def close(self) -> None:
        for sock in [*self._accepted, self.sock]:
            sock.close()
