# SPDX-License-Identifier: Apache-2.0
"""The web server at the end of the chain: one page, and a big file that is always the same."""

from __future__ import annotations

import functools
import hashlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from harness.content import content

BLOCK = 1 << 20
_ROTATION = 16
PAGE = b"""<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Shadowplug</title>
<style>body { font: 1.1em/1.6 sans-serif; max-width: 38em; margin: 4em auto; color: #223; }</style>
<h1>It works.</h1>
<p>This page left a small web server, went through ss-server, obfs-server, the wire, obfs-local and
ss-local, and arrived as it was sent.
<p>The <a href="/big">big file</a> takes the same way.
</html>
"""


@functools.cache
def _rotations() -> list[bytes]:
    base = content(BLOCK, 2024) * 2
    step = BLOCK // _ROTATION + 1
    return [base[i * step : i * step + BLOCK] for i in range(_ROTATION)]


def blocks(size: int) -> Iterator[bytes]:
    """The big file in blocks; no block equals its neighbours, so a lost or doubled one shows."""
    rotations, count = _rotations(), size // BLOCK
    for index in range(count):
        yield rotations[index % _ROTATION]
    if size % BLOCK:
        yield rotations[count % _ROTATION][: size % BLOCK]


def big_sha256(size: int) -> str:
    digest = hashlib.sha256()
    for block in blocks(size):
        digest.update(block)
    return digest.hexdigest()


class _Answer(BaseHTTPRequestHandler):
    size = 0

    def do_GET(self) -> None:
        if self.path == "/":
            self._send("text/html; charset=utf-8", len(PAGE), iter([PAGE]))
        elif self.path == "/big":
            self._send("application/octet-stream", self.size, blocks(self.size))
        else:
            self.send_error(404)

    def _send(self, kind: str, length: int, parts: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        for part in parts:
            self.connection.sendall(part)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that goes away in the middle is no news."""


class Site:
    """The server in threads of this process, on a free port of the loopback."""

    def __init__(self, size: int) -> None:
        answer = type("Answer", (_Answer,), {"size": size})
        self._server = _Server(("127.0.0.1", 0), answer)
        self.address: tuple[str, int] = self._server.server_address[:2]
        self.url = f"http://localhost:{self.address[1]}/"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
