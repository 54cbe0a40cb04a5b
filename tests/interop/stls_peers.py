# SPDX-License-Identifier: Apache-2.0
"""Ends of shadow-tls v3, ours and sing-box's, and the web site that they borrow the handshake of."""

from __future__ import annotations

import socket
from typing import Any

from harness import procfs, socks
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import PASSWORD as SECRET
from harness.stage import Parts, Stage, our_parts
from tls_peers import HERE, Certificate, nginx_stream, stunnel_server, web_site

PASSWORD, METHOD = "correct horse", "aes-256-gcm"


def tls_site(stage: Stage, certificate: Certificate) -> int:
    """nginx with TLS 1.3 and a page.  Returns its port."""
    return nginx_stream(stage, certificate, web_site(stage))


def old_site(stage: Stage, certificate: Certificate) -> int:
    """The same without TLS 1.3."""
    return stunnel_server(stage, certificate, web_site(stage), "sslVersionMax = TLSv1.2")


def end(stage: Stage, role: str, near: int, wire: int, options: str) -> Process:
    """One of ours on its own; near is the port of its plain side."""
    env = {"SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": str(near), "SS_REMOTE_HOST": HERE,
           "SS_REMOTE_PORT": str(wire), "SS_PLUGIN_OPTIONS": options}
    process = stage.run(ours("stls-wrap"), env=env)
    stage.wait_listening(process, wire if role == "server" else near)
    return process


def server(stage: Stage, site: int, backend: int, more: str = "") -> tuple[Process, int]:
    wire = stage.port()
    return end(stage, "server", backend, wire, f"server;v3;tls={HERE}:{site};passwd={PASSWORD}{more}"), wire


def client(stage: Stage, wire: int, certificate: Certificate, more: str = "",
           password: str = PASSWORD) -> tuple[Process, int]:
    near = stage.port()
    options = f"client;v3;host=ex.test;passwd={password};ca={certificate.cert}{more}"
    return end(stage, "client", near, wire, options), near


def _sing_box(stage: Stage, port: int, **config: Any) -> int:
    process = stage.run(peer("sing-box"), "run", "-c", stage.config(**config))
    procfs.eventually(lambda: "sing-box started" in process.output(), str(process), 20 * SLOWER)
    stage.wait_listening(process, port)
    return port


def sing_box_client(stage: Stage, wire: int, target: int, certificate: Certificate,
                    password: str = PASSWORD) -> int:
    """Carries to target by Shadowsocks, within shadow-tls: so its users have it.  Returns its port."""
    port = stage.port()
    inbound = {"type": "direct", "listen": HERE, "listen_port": port, "override_address": HERE,
               "override_port": target}
    inner = {"type": "shadowsocks", "server": HERE, "server_port": wire, "method": METHOD,
             "password": SECRET, "detour": "outer"}
    outer = {"type": "shadowtls", "tag": "outer", "server": HERE, "server_port": wire, "version": 3,
             "password": password, "tls": {"enabled": True, "server_name": "ex.test",
                                           "certificate_path": str(certificate.cert)}}
    return _sing_box(stage, port, inbounds=[inbound], outbounds=[inner, outer])


def sing_box_server(stage: Stage, site: int, strict: bool = True) -> int:
    """Shadowsocks within shadow-tls.  Returns its port."""
    port = stage.port()
    outer = {"type": "shadowtls", "listen": HERE, "listen_port": port, "version": 3,
             "users": [{"name": "one", "password": PASSWORD}], "detour": "inner", "strict_mode": strict,
             "handshake": {"server": HERE, "server_port": site}}
    inner = {"type": "shadowsocks", "tag": "inner", "listen": HERE, "listen_port": stage.port(),
             "method": METHOD, "password": SECRET}
    return _sing_box(stage, port, inbounds=[outer, inner], outbounds=[{"type": "direct"}])


def shadowsocks(stage: Stage) -> int:
    """The port of an ss-server of ours that sing-box's client can talk to."""
    port = stage.port()
    stage.ss_server(our_parts(), port)
    return port


def through_sing_box(stage: Stage, wire: int, target: int, certificate: Certificate,
                     more: str = "") -> socket.socket:
    """A connection of our client to target, by a server of sing-box's."""
    parts = Parts(ours("ss-local"), ours("ss-server"), METHOD, str(ours("stls-wrap")),
                  f"v3;host=ex.test;passwd={PASSWORD};ca={certificate.cert}{more}")
    near = stage.port()
    stage.ss_local(parts, (HERE, wire), near)
    return stage.keep(socks.dial((HERE, near), (HERE, target)))
