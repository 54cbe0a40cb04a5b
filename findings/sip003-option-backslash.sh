#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIP003, "Passing arguments to a plugin": the options are key=value joined by semicolons, and
# semicolons, equal signs and backslashes must be escaped with a backslash. So "a\\b" is the value
# a\b.
# One would expect the plugins of the specification's authors to agree. v2ray-plugin decodes it;
# simple-obfs unescapes the two other characters, but of an escaped backslash it keeps nothing:
# "a\\b" becomes "ab". For a key that is given twice, where SIP003 says nothing, one takes the first
# value and the other the last. A host that escapes by the book can thus hand over no backslash to
# simple-obfs, and one that appends options to override earlier ones reaches one of the two plugins.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian simple-obfs=0.0.5-6 shadowsocks-v2ray-plugin=1.3.1-4+b6 libcork16=1.0.0~rc3-3 libev4=1:4.33-1
python_packages
observe python - <<'PY'
import os
import queue
import socket

from peers import HOST, free_port, serve, start, stop, through

PLUGINS = {
    "obfs-local 0.0.5": ("obfs-local", "obfs=http;", "obfs-host"),
    "v2ray-plugin 1.3.1": ("ss-v2ray-plugin", "mux=0;", "host"),
}
VALUES = {r"a\;b": "a;b", r"a\=b": "a=b", r"a\\b": "a\\b"}


def host(program, options):
    """The Host header that the plugin sends to its server."""
    heads = queue.Queue()
    port = free_port()
    plugin = start([program], port, env={
        **os.environ, "SS_REMOTE_HOST": HOST, "SS_LOCAL_HOST": HOST, "SS_LOCAL_PORT": str(port),
        "SS_REMOTE_PORT": str(serve(lambda conn: heads.put(through(conn, b"\r\n\r\n")))),
        "SS_PLUGIN_OPTIONS": options})
    try:
        with socket.create_connection((HOST, port), 5) as conn:
            conn.sendall(b"hello")
            lines = heads.get(timeout=10).decode().split("\r\n")
            return next(line for line in lines if line.startswith("Host: ")).removeprefix("Host: ").split(":")[0]
    finally:
        stop(plugin)


for name, (program, options, key) in PLUGINS.items():
    for escaped, value in VALUES.items():
        found = host(program, f"{options}{key}={escaped}")
        print(f"{name}: {escaped} is {found}{'' if found == value else ', wrong'}")
    print(f"{name}: of one and two it takes {host(program, f'{options}{key}=one;{key}=two')}")
PY
sees 'obfs-local 0.0.5: a\;b is a;b'
sees 'obfs-local 0.0.5: a\\b is ab, wrong'
sees 'v2ray-plugin 1.3.1: a\\b is a\b'
sees 'obfs-local 0.0.5: of one and two it takes two'
sees 'v2ray-plugin 1.3.1: of one and two it takes one'
verdict
