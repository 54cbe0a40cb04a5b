# SPDX-License-Identifier: Apache-2.0
"""The web server at the end of the chain: one page, and a big file that is always the same."""

from __future__ import annotations

import functools
import hashlib
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from harness import procfs
from harness.content import content

BLOCK = 1 << 20
_ROTATION = 16
_HEAD = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Shadowplug</title>
<style>body { font: 1.1em/1.6 sans-serif; max-width: 38em; margin: 4em auto; color: #223; }</style>
"""
PAGE = (_HEAD + """<h1>A page</h1>
<p>It left a small web server, and arrives the same whichever way it takes.
</html>
""").encode()
_THROUGH = """<h1>It works.</h1>
<p>The web server was asked by {who}: this page went through ss-server, its plugin, the wire, the
client's plugin and ss-local.
<p>The <a href="/big">big file</a> takes the same way.
</html>
"""
_BESIDE = """<h1>Not through the chain</h1>
<p>The web server was not asked by {who} but by another program: a browser that dials it directly.
Most browsers use no proxy for this machine unless they are told to.
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
    site: Site

    def _way(self) -> bytes:
        """A page on who has asked, which the system says and no client can claim."""
        near, far = self.client_address[1], self.server.server_address[1]
        pid = self.site.asker
        through = pid != 0 and procfs.connects(pid, near, far)
        return (_HEAD + (_THROUGH if through else _BESIDE).format(who=f"ss-server [{pid}]")).encode()

    def do_GET(self) -> None:
        if self.path in ("/", "/page"):
            page = PAGE if self.path == "/page" else self._way()
            self._send("text/html; charset=utf-8", len(page), iter([page]))
        elif self.path == "/big":
            self._send("application/octet-stream", self.size, blocks(self.size))
        else:
            self.send_error(404)

    def _send(self, kind: str, length: int, parts: Iterator[bytes]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
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
    """The server in threads of this process, on a free port of the loopback.

    /page is the same for everyone; / says whether asker, the pid of the chain's end, has asked.
    """

    def __init__(self, size: int) -> None:
        self.asker = 0
        answer = type("Answer", (_Answer,), {"size": size, "site": self})
        self._server = _Server(("127.0.0.1", 0), answer)
        self.address: tuple[str, int] = self._server.server_address[:2]
        self.url = f"http://localhost:{self.address[1]}/"

    def __enter__(self) -> Site:
        threading.Thread(target=self._server.serve_forever, args=(0.1,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)


class _Site(ThreadingHTTPServer):
    request_queue_size = 256  # as a web server has it

    def handle_error(self, request: object, client_address: object) -> None:
        """A visitor that is not a browser: a handshake that was passed on, and has ended."""


def tls_site(certificate: Path, key: Path) -> int:
    """The same page over TLS, as long as this process lives: a site of others.  Returns its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = _Site(("127.0.0.1", 0), _Page)
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return int(server.server_address[1])
