# SPDX-License-Identifier: Apache-2.0
"""A provider of lists of servers: an https server of one document."""

from __future__ import annotations

import hashlib
import ssl
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path


def certificate(home: Path) -> Path:
    """Key and certificate of localhost, in one file."""
    pem = home / "localhost.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost", "-addext",
                    "subjectAltName=DNS:localhost", "-days", "2", "-keyout", pem, "-out",
                    home / "localhost.crt"], check=True, capture_output=True)
    pem.write_text(pem.read_text() + (home / "localhost.crt").read_text())
    return pem


class Provider:
    """Its answer, whether it knows versions, and the statuses of its answers so far."""

    def __init__(self, home: Path) -> None:
        self.document, self.status, self.versions, self.answers = "", 200, False, list[int]()
        self.redirect = ""  # where it sends everyone
        provider = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                document = provider.document.encode()
                etag = f'"{hashlib.sha256(document).hexdigest()}"'
                known = provider.versions and self.headers["If-None-Match"] == etag
                status = 302 if provider.redirect else 304 if known and provider.status == 200 else provider.status
                self.send_response(status)
                if provider.redirect:
                    self.send_header("Location", provider.redirect)
                if provider.versions:
                    self.send_header("ETag", etag)
                self.send_header("Content-Length", "0" if status == 304 else str(len(document)))
                self.end_headers()
                self.wfile.write(b"" if status == 304 else document)
                provider.answers.append(status)

            def log_message(self, *_: object) -> None:
                pass

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate(home))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.url = f"https://localhost:{self._server.server_port}/list"
        self.env = {"SSL_CERT_FILE": str(home / "localhost.crt"), "XDG_CACHE_HOME": str(home / "cache")}
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
