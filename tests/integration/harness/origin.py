# SPDX-License-Identifier: Apache-2.0
"""An HTTP/1.1 server that tells what reached it."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from .content import content
from .ports import family_of

BIG = bytes(range(256)) * 16384  # 4 MiB


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *_: object) -> None:
        pass

    def _chunks(self) -> bytes:
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") == "chunked":
            return self._chunks()
        return self.rfile.read(int(self.headers.get("Content-Length") or 0))

    def _send(self, body: bytes | None) -> None:
        self.send_response(200 if body is not None else 404)
        body = body or b""
        if self.path.startswith("/chunked"):
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(body), 70000):
                part = body[at:at + 70000]
                self.wfile.write(f"{len(part):x};x=y\r\n".encode() + part + b"\r\n")
            self.wfile.write(b"0\r\n\r\n")
            return
        self.send_header("Content-Length", str(len(body)))
        if self.path.startswith("/last"):
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def _serve(self) -> None:
        body = self._body()
        first, *more = self.path[1:].split("/")
        if first == "content":
            self._send(content(*map(int, more)))
        elif first == "files":
            path = self.server.files / "/".join(more)
            self._send(path.read_bytes() if path.is_file() else None)
        elif self.path.endswith("/big"):
            self._send(BIG)
        else:
            self._tell(body)

    def _tell(self, body: bytes) -> None:
        told = {"method": self.command, "path": self.path, "headers": self.headers.items(),
                "sha256": hashlib.sha256(body).hexdigest(), "peer": self.client_address[1]}
        self._send(json.dumps(told).encode())

    do_GET = do_POST = do_PUT = do_HEAD = do_OPTIONS = _serve


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    files = Path("/nonexistent")
    context: ssl.SSLContext | None = None
    accepted = 0

    def __init__(self, host: str, answer: type[Answer]) -> None:
        self.address_family = family_of(host)
        super().__init__((host, 0), answer)

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        sock, address = super().get_request()
        self.accepted += 1
        if self.context:
            # The thread of the connection shakes hands.
            sock = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return sock, address

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exc_info()[1], OSError):  # clients go away when they like
            super().handle_error(request, client_address)


class Origin:
    """Serves until it is closed: content/SIZE/SEED, files/NAME of a folder, and what it was asked.  With a
    context it speaks TLS."""

    def __init__(self, files: Path | None = None, context: ssl.SSLContext | None = None,
                 answer: type[Answer] = Answer, host: str = "127.0.0.1") -> None:
        self._server = _Server(host, answer)
        self._server.files, self._server.context = files or self._server.files, context
        self._scheme = "https" if context else "http"
        self.address: tuple[str, int] = self._server.server_address[:2]  # type: ignore[assignment]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.address[1]}{path}"

    @property
    def accepted(self) -> int:
        """How many connections have come."""
        return self._server.accepted

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
