# SPDX-License-Identifier: Apache-2.0
"""Certificates, web sites and TLS programs that know nothing of us."""

from __future__ import annotations

import base64
import hashlib
import subprocess
from dataclasses import dataclass
from pathlib import Path

from harness.content import content
from harness.processes import Process
from harness.programs import ours, peer
from harness.stage import Stage

HERE = "127.0.0.1"
LARGE = 32 << 20
SITE = "An ordinary web site, and nothing else.\n"
_MODULE = Path("/usr/lib/nginx/modules/ngx_stream_module.so")


def _openssl(*argv: object, given: bytes | None = None) -> bytes:
    return subprocess.run([str(peer("openssl")), *map(str, argv)], input=given, check=True,
                          capture_output=True, timeout=60).stdout


@dataclass(frozen=True)
class Certificate:
    cert: Path
    key: Path

    @property
    def pin(self) -> str:
        public = _openssl("x509", "-in", self.cert, "-noout", "-pubkey")
        der = _openssl("pkey", "-pubin", "-outform", "der", given=public)
        return "sha256//" + base64.b64encode(hashlib.sha256(der).digest()).decode()

    @property
    def server(self) -> str:
        return f"cert={self.cert};key={self.key}"

    @property
    def client(self) -> str:
        return f"host=ex.test;ca={self.cert}"

    @property
    def serial(self) -> int:
        text = _openssl("x509", "-in", self.cert, "-noout", "-serial").decode()
        return int(text.partition("=")[2], 16)


def _request(home: Path, stem: str, name: str) -> tuple[Certificate, Path]:
    made, request = Certificate(home / f"{stem}.pem", home / f"{stem}.key"), home / f"{stem}.csr"
    _openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
             "-keyout", made.key, "-out", request, "-subj", f"/CN={name}",
             "-addext", f"subjectAltName=DNS:{name}")
    return made, request


def certificate(home: Path, stem: str = "good", name: str = "ex.test",
                dates: tuple[str, str] = ("20200101000000Z", "20900101000000Z")) -> Certificate:
    """Signed by itself."""
    made, request = _request(home, stem, name)
    config = home / f"{stem}.cnf"
    (home / f"{stem}.db").write_text("")
    config.write_text("[ca]\ndefault_ca=x\n[x]\ndatabase=%s.db\nnew_certs_dir=%s\nrand_serial=yes\n"
                      "default_md=sha256\npolicy=any\ncopy_extensions=copy\n[any]\n"
                      "commonName=supplied\n" % (home / stem, home))
    _openssl("ca", "-batch", "-selfsign", "-notext", "-config", config, "-keyfile", made.key,
             "-in", request, "-out", made.cert, "-startdate", dates[0], "-enddate", dates[1])
    return made


# ---- ours ----

def tls_wrap(stage: Stage, role: str, near: int, wire: int, options: str,
             wait: bool = True) -> Process:
    """One end on its own; near is the port of its plain side."""
    env = {"SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": str(near), "SS_REMOTE_HOST": HERE,
           "SS_REMOTE_PORT": str(wire), "SS_PLUGIN_ROLE": role, "SS_PLUGIN_OPTIONS": options}
    process = stage.run(ours("tls-wrap"), env=env)
    if wait:
        stage.wait_listening(process, wire if role == "server" else near)
    return process


# ---- theirs ----

def _nginx(stage: Stage, port: int, text: str) -> Process:
    config = stage.home / f"nginx-{port}.conf"
    config.write_text(f"daemon off;\nmaster_process off;\npid {stage.home}/nginx-{port}.pid;\n"
                      f"error_log stderr;\n{text}")
    process = stage.run(peer("nginx"), "-p", stage.home, "-e", "stderr", "-c", config)
    stage.wait_listening(process, port)
    return process


def web_site(stage: Stage, more: str = "") -> int:
    """nginx with a page and a large file, over plain HTTP; takes files, too.  Returns its port."""
    port, root = stage.port(), stage.home / "site"
    root.mkdir(exist_ok=True)
    (root / "index.html").write_text(f"<!doctype html><title>site</title><p>{SITE}")
    (root / "large").write_bytes(content(LARGE, 7))
    places = "".join(f"{kind}_temp_path {stage.home}/{kind};\n" for kind in
                     ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    _nginx(stage, port, "events {}\nhttp {\naccess_log off;\ndefault_type text/html;\n" + places +
           f"server {{ listen {HERE}:{port}; root {root}; client_max_body_size 0; "
           f"dav_methods PUT; {more} }}\n}}\n")
    return port


def nginx_stream(stage: Stage, certificate: Certificate, backend: int, more: str = "") -> int:
    """nginx takes TLS off and passes on.  Returns its port."""
    peer("nginx-stream")
    port = stage.port()
    _nginx(stage, port, f"load_module {_MODULE};\nevents {{}}\nstream {{\nserver {{\n"
           f"listen {HERE}:{port} ssl;\nssl_certificate {certificate.cert};\n"
           f"ssl_certificate_key {certificate.key};\nssl_protocols TLSv1.2 TLSv1.3;\n{more}\n"
           f"proxy_pass {HERE}:{backend};\n}}\n}}\n")
    return port


def _stunnel(stage: Stage, port: int, *lines: str) -> int:
    config = stage.home / f"stunnel-{port}.conf"
    config.write_text("\n".join(["foreground = yes", "pid =", "[tunnel]",
                                 f"accept = {HERE}:{port}", *lines, ""]))
    stage.wait_listening(stage.run(peer("stunnel4"), config), port)
    return port


def stunnel_server(stage: Stage, certificate: Certificate, backend: int, *more: str) -> int:
    return _stunnel(stage, stage.port(), f"connect = {HERE}:{backend}",
                    f"cert = {certificate.cert}", f"key = {certificate.key}", *more)


def stunnel_client(stage: Stage, certificate: Certificate, wire: int) -> int:
    return _stunnel(stage, stage.port(), "client = yes", f"connect = {HERE}:{wire}",
                    f"CAfile = {certificate.cert}", "verifyChain = yes", "checkHost = ex.test",
                    "sni = ex.test")
