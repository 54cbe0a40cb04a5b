# SPDX-License-Identifier: Apache-2.0
"""HTTP proxies that are libraries of a language, each on a port of loopback."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from peers import HOST, free_port, start, stop

_PROXY = "import { createServer } from 'http'; import { createProxy } from 'proxy'; createProxy(createServer())"
_CHAIN = "import { Server } from 'proxy-chain'; await new Server"
_TINYPROXY = "Port {}\nListen {}\nMaxClients 10\nTimeout 20\n"


def _node(code: str) -> list[str]:
    return ["node", "--input-type=module", "-e", code]


def _tinyproxy(port: int) -> list[str]:
    path = f"tinyproxy-{port}.conf"
    with open(path, "w") as config:
        config.write(_TINYPROXY.format(port, HOST))
    return ["tinyproxy", "-d", "-c", os.path.abspath(path)]


PROXIES = {
    "tinyproxy 1.11.1": _tinyproxy,
    "proxy 4.1.0 (npm)": lambda port: _node(f"{_PROXY}.listen({port}, '{HOST}')"),
    "proxy-chain 3.0.1 (npm)": lambda port: _node(f"{_CHAIN}({{ port: {port}, host: '{HOST}' }}).listen()"),
    "proxy.py 2.4.10": lambda port: ["proxy", "--hostname", HOST, "--port", str(port), "--num-workers", "1",
                                     "--num-acceptors", "1"],
    "pproxy 2.7.9": lambda port: ["pproxy", "-l", f"http://{HOST}:{port}"],
}


@contextlib.contextmanager
def running(name: str) -> Iterator[int]:
    port = free_port()
    process = start(PROXIES[name](port), port)
    try:
        yield port
    finally:
        stop(process)
