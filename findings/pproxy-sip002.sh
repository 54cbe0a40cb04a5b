#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIP002 writes a server as ss://userinfo@host:port/?plugin=...#tag, with a userinfo in URL-safe
# base64 without padding, or percent-encoded plain text, and a tag that is a name for people.
# One would expect pproxy, whose ss:// URLs look the same, to connect. It refuses base64 without
# padding, keeps a percent-encoding as part of the password ("authentication error" at the server),
# opens the query as a file of routing rules, so that no plugin can be named, and takes the tag for
# credentials, which it sends in front of the address ("invalid address type" at the server). In
# both silent cases the client waits for ever. Give pproxy padded base64 and neither query nor tag.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

shadowsocks_libev
python_packages pproxy==2.7.9 pycryptodome==3.23.0
observe python - <<'PY'
import asyncio
from argparse import ArgumentTypeError
from base64 import urlsafe_b64encode
from urllib.parse import quote

import pproxy

from peers import HOST, echo, free_port, start, stop

PASSWORD = "p@ss"
port, target = free_port(), echo()
padded = urlsafe_b64encode(f"aes-128-gcm:{PASSWORD}".encode()).decode()
URLS = {
    "padded, not SIP002": f"ss://{padded}@{HOST}:{port}",
    "base64": f"ss://{padded.rstrip('=')}@{HOST}:{port}",
    "percent-encoded": f"ss://aes-128-gcm:{quote(PASSWORD)}@{HOST}:{port}",
    "padded, with a tag": f"ss://{padded}@{HOST}:{port}#Example1",
}


async def through(url):
    try:
        reader, writer = await asyncio.wait_for(pproxy.Connection(url).tcp_connect(HOST, target), 5)
        writer.write(b"hello")
        return (await asyncio.wait_for(reader.read(5), 3)).decode() or "closed"
    except ArgumentTypeError as error:
        return f"refused: {error}"
    except asyncio.TimeoutError:
        return "no answer"


server = start(["ss-server", "-s", HOST, "-p", str(port), "-k", PASSWORD, "-m", "aes-128-gcm"], port, "server.log")
try:
    for name, url in URLS.items():
        with open("server.log") as log:
            log.seek(0, 2)
            outcome = asyncio.run(through(url))
            errors = [line.split("ERROR: ")[1].split(": ")[-1].strip() for line in log if "ERROR" in line]
        print(f"{name}: {outcome}" + (f"; ss-server: {errors[0]}" if errors else ""))
    print("users", pproxy.Connection(URLS["padded, with a tag"]).users)
    try:
        pproxy.Connection(f"ss://{padded}@{HOST}:{port}/?plugin=obfs-local%3Bobfs%3Dhttp")
    except FileNotFoundError as error:
        print(f"with a plugin: {error}")
finally:
    stop(server)
PY
sees 'padded, not SIP002: hello'
sees 'base64: refused: userinfo must be "cipher:key"'
sees 'percent-encoded: no answer; ss-server: authentication error'
sees 'padded, with a tag: no answer; ss-server: invalid address type'
sees "with a plugin: [Errno 2] No such file or directory: 'plugin=obfs-local%3Bobfs%3Dhttp'"
verdict
