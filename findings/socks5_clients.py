# SPDX-License-Identifier: Apache-2.0
"""Clients of SOCKS5 that take the proxy as a URL, and a proxy that tells what each of them sends."""

from __future__ import annotations

import os
import socket
import subprocess

from peers import exactly, linger, serve, through

_PYTHON = {
    "requests 2.34.2": "import requests\nrequests.get(target, proxies={'http': proxy.replace('socks5', 'socks5h')})",
    "httpx 0.28.1": "import httpx\nhttpx.get(target, proxy=proxy)",
    "httplib2 0.32.1": "import httplib2\ninfo = httplib2.proxy_info_from_url(proxy)\ninfo.proxy_type = 2\n"
                       "httplib2.Http(proxy_info=info).request(target)",
    "python-socks 3.2.1": "from python_socks.sync import Proxy\nfrom urllib.parse import urlsplit\nto = urlsplit(target)\n"
                          "conn = Proxy.from_url(proxy).connect(to.hostname, to.port)\n"
                          "conn.sendall(b'GET / HTTP/1.0\\r\\n\\r\\n')\nconn.recv(1)",
}
_NODE = {
    "undici 7.30.2": "import { ProxyAgent, request } from 'undici';\n"
                     "await request(target, { dispatcher: new ProxyAgent(proxy) });",
    "socks-proxy-agent 10.1.0": "import http from 'http';\nimport { SocksProxyAgent } from 'socks-proxy-agent';\n"
                                "const agent = new SocksProxyAgent(proxy.replace('socks5', 'socks5h'));\n"
                                "await new Promise((done) => http.get(target, { agent }, done));",
}


def _of_python(code: str, proxy: str, target: str) -> list[str]:
    return ["python", "-c", f"import sys\nproxy, target = sys.argv[1:]\n{code}", proxy, target]


def _of_node(code: str, proxy: str, target: str) -> list[str]:
    imports = "\n".join(line for line in code.splitlines() if line.startswith("import"))
    rest = code.replace(imports, "")
    return ["node", "--no-warnings", "--input-type=module", "-e",
            f"{imports}\nconst [, , proxy, target] = process.argv;\n{rest}\nprocess.exit(0);", "-", proxy, target]


CLIENTS = {
    "curl": lambda proxy, target: ["curl", "-sS", "--proxy", proxy.replace("socks5", "socks5h"), target],
    **{name: lambda *argv, code=code: _of_python(code, *argv) for name, code in _PYTHON.items()},
    **{name: lambda *argv, code=code: _of_node(code, *argv) for name, code in _NODE.items()},
}


def run(client: str, proxy: str, target: str) -> str:
    """Empty, or the last word on why it failed."""
    try:
        done = subprocess.run(CLIENTS[client](proxy, target), capture_output=True, text=True, timeout=20,
                              env={**os.environ, "PYTHONWARNINGS": "ignore"})
    except subprocess.TimeoutExpired:
        return "time is over"
    lines = [line for line in done.stderr.splitlines() if "Error" in line or line.startswith("curl")]
    return "" if done.returncode == 0 else (lines or ["an error"])[-1].split(":")[0]


def recording_proxy(told: dict[str, bytes | None]) -> int:
    """A proxy that takes any user, answers the request itself, and writes down what it was sent."""

    def answer(conn: socket.socket) -> None:
        told.update(user=None, password=None)
        methods = exactly(conn, exactly(conn, 2)[1])
        conn.sendall(b"\x05\x02" if 2 in methods else b"\x05\x00")
        if 2 in methods:
            told["user"] = exactly(conn, exactly(conn, 2)[1])
            told["password"] = exactly(conn, exactly(conn, 1)[0])
            conn.sendall(b"\x01\x00")
        kind = exactly(conn, 4)[3]
        host = exactly(conn, {1: 4, 4: 16}.get(kind) or exactly(conn, 1)[0])
        told["host"] = host if kind == 3 else socket.inet_ntop(socket.AF_INET6, host).encode()
        exactly(conn, 2)
        conn.sendall(b"\x05\x00\x00\x01" + bytes(6))
        through(conn, b"\r\n\r\n")
        conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        linger(conn)

    return serve(answer)
