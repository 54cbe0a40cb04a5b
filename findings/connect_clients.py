# SPDX-License-Identifier: Apache-2.0
"""Clients of HTTP CONNECT: each says what its user gets out of the tunnel behind a proxy's port."""

from __future__ import annotations

import http.client
import os
import select
import socket
import subprocess
from collections.abc import Callable

from peers import HOST

TARGET, PORT, SECONDS = "target.example", 2222, 2
HTTPS_AGENT = """
import { EventEmitter } from "events";
import { HttpsProxyAgent } from "https-proxy-agent";
const request = new EventEmitter();
const agent = new HttpsProxyAgent(process.argv[2]);
const tunnel = await agent.connect(request, { host: process.argv[3], port: 2222, secureEndpoint: false });
tunnel.on("data", (data) => process.stdout.write(data));
request.emit("socket", tunnel);
"""


def text(data: bytes) -> str:
    lines = data.decode("latin-1").strip().splitlines()
    return f"gets {lines[0]!r}" if lines else "gets nothing"


def of_socket(connect: Callable[[], socket.socket]) -> str:
    try:
        conn = connect()
    except Exception as error:
        return f"fails: {type(error).__name__}"
    conn.settimeout(SECONDS)
    try:
        return text(conn.recv(4096))
    except TimeoutError:
        return "gets nothing"
    finally:
        conn.close()


def of_program(command: list[str]) -> str:
    """A program whose standard output is the tunnel's; its standard input stays open."""
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL) as program:
        ready, _, _ = select.select([program.stdout], [], [], SECONDS)
        data = program.stdout.read1(4096) if ready else b""
        program.kill()
    return "fails" if ready and not data else text(data)


def pysocks(port: int) -> socket.socket:
    import socks

    conn = socks.socksocket()
    conn.settimeout(SECONDS)
    conn.set_proxy(socks.HTTP, HOST, port)
    conn.connect((TARGET, PORT))
    return conn


def python_socks(port: int) -> socket.socket:
    from python_socks.sync import Proxy

    return Proxy.from_url(f"http://{HOST}:{port}").connect(TARGET, PORT, timeout=SECONDS)


def http_client(port: int) -> socket.socket:
    conn = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
    conn.set_tunnel(TARGET, PORT)
    conn.connect()
    return conn.sock


def libcurl(port: int) -> socket.socket:
    import pycurl

    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, f"http://{TARGET}:{PORT}")
    curl.setopt(pycurl.PROXY, f"http://{HOST}:{port}")
    curl.setopt(pycurl.HTTPPROXYTUNNEL, 1)
    curl.setopt(pycurl.CONNECT_ONLY, 1)
    curl.setopt(pycurl.TIMEOUT, SECONDS)
    curl.perform()
    return socket.socket(fileno=os.dup(curl.getinfo(pycurl.ACTIVESOCKET)))


CLIENTS: dict[str, Callable[[int], str]] = {
    "corkscrew 2.0": lambda port: of_program(["corkscrew", HOST, str(port), TARGET, str(PORT)]),
    "connect-proxy 1.105": lambda port: of_program(["connect-proxy", "-H", f"{HOST}:{port}", TARGET, str(PORT)]),
    "proxytunnel 1.10": lambda port: of_program(["proxytunnel", "-p", f"{HOST}:{port}", "-d", f"{TARGET}:{PORT}"]),
    "socat 1.7.4.4": lambda port: of_program(["socat", "-", f"PROXY:{HOST}:{TARGET}:{PORT},proxyport={port}"]),
    "libcurl 8.23": lambda port: of_socket(lambda: libcurl(port)),
    "PySocks 1.7.1": lambda port: of_socket(lambda: pysocks(port)),
    "python-socks 3.2.1": lambda port: of_socket(lambda: python_socks(port)),
    "http.client": lambda port: of_socket(lambda: http_client(port)),
    "https-proxy-agent 9.1.0": lambda port: of_program(
        ["node", "--input-type=module", "-e", HTTPS_AGENT, "-", f"http://{HOST}:{port}", TARGET]),
}
