#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# http_proxy and https_proxy hold a URL, and curl made socks5h://, socks5:// and https:// usual there.
# One would expect a library to speak what the scheme says, or to refuse it by name, as urllib does.
# aiohttp sends "GET http://..." in plain HTTP to the port of a SOCKS proxy, and for an https:// proxy
# it goes past the proxy to the target. websocket-client sends CONNECT to a SOCKS port, and without
# TLS to the port of an https:// proxy. httplib2 knows socks5:// and takes socks5h:// for HTTP.
# A proxy on one port for SOCKS and HTTP serves most of these by accident; behind another one they
# wait for an answer, or leave without it.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages aiohttp==3.14.5 httplib2==0.32.1 websocket-client==1.9.2 requests==2.34.2 PySocks==1.7.1
observe python - <<'PY'
import os
import subprocess

from peers import HOST, serve

CLIENTS = {
    "urllib": "import urllib.request\nurllib.request.urlopen(target, timeout=5)",
    "requests 2.34.2": "import requests\nrequests.get(target, timeout=5)",
    "aiohttp 3.14.5": "import aiohttp, asyncio\nasync def fetch():\n"
                      "    async with aiohttp.ClientSession(trust_env=True) as session:\n"
                      "        await session.get(target)\nasyncio.run(fetch())",
    "httplib2 0.32.1": "import httplib2\nhttplib2.Http(timeout=5).request(target)",
    "websocket-client 1.9.2": "import websocket\nwebsocket.create_connection(target.replace('http', 'ws'), timeout=5)",
}


def kind(data):
    return {b"\x05": "SOCKS5", b"\x16": "TLS"}.get(data[:1]) or f"plain HTTP, {data.split()[0].decode()}"


for client, code in CLIENTS.items():
    for scheme in ("socks5", "socks5h", "https"):
        seen = []
        proxy = serve(lambda conn: seen.append(kind(conn.recv(4096))))
        target = serve(lambda conn: seen.append("nothing, it goes to the target"))
        where = {name: f"{scheme}://{HOST}:{proxy}" for name in ("http_proxy", "HTTP_PROXY")}
        subprocess.run(["python", "-c", f"target = 'http://{HOST}:{target}/'\n{code}"], capture_output=True,
                       timeout=30, env={**os.environ, **where})
        print(f"{client}, {scheme}: {seen[0] if seen else 'nothing, it refuses'}", flush=True)
PY
sees 'urllib, socks5: nothing, it refuses'
sees 'urllib, https: TLS'
for scheme in socks5 socks5h; do
    sees "requests 2.34.2, $scheme: SOCKS5"
    sees "aiohttp 3.14.5, $scheme: plain HTTP, GET"
    sees "websocket-client 1.9.2, $scheme: plain HTTP, CONNECT"
done
sees 'aiohttp 3.14.5, https: nothing, it goes to the target'
sees 'httplib2 0.32.1, socks5: SOCKS5'
sees 'httplib2 0.32.1, socks5h: plain HTTP, CONNECT'
sees 'websocket-client 1.9.2, https: plain HTTP, CONNECT'
verdict
