#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# v2ray-plugin -h: "-mux int: Concurrent multiplexed connections (websocket client mode only).
# (default 1)".
# One would expect the option to be the client's own affair, and the server to take both kinds of
# client, as the V2Ray inside of it does. But its server decides by its own mux whether what comes is
# a multiplexed stream: of the four combinations the two in which both ends differ carry nothing. The
# client's connection is accepted and then ends or hangs, without a line in either log at the
# default level. Who turns mux off on the client has to write mux=0 on the server, too.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian shadowsocks-v2ray-plugin=1.3.1-4+b6
python_packages
observe python - <<'PY'
import os
import socket
import subprocess

from peers import HOST, echo, free_port, start, stop


def plugin(local, remote, options):
    """Listens where its host says: in front of the server's port, or behind the client's."""
    return start(["ss-v2ray-plugin"], remote if "server" in options else local, env={
        **os.environ, "SS_LOCAL_HOST": HOST, "SS_LOCAL_PORT": str(local), "SS_REMOTE_HOST": HOST,
        "SS_REMOTE_PORT": str(remote), "SS_PLUGIN_OPTIONS": options})


def carries(port):
    with socket.create_connection((HOST, port), 5) as conn:
        conn.sendall(b"hello")
        try:
            return "carried" if conn.recv(5) == b"hello" else "closed"
        except TimeoutError:
            return "silence"


for line in subprocess.run(["ss-v2ray-plugin", "-h"], capture_output=True, text=True).stderr.splitlines():
    if "multiplexed" in line:
        print(f"help: {line.strip()}")
target = echo()
for server in ("server", "server;mux=0"):
    for client in ("mux=1", "mux=0"):
        near, wire = free_port(), free_port()
        ends = [plugin(target, wire, server), plugin(near, wire, client)]
        print(f"client {client}, server {server}: {carries(near)}", flush=True)
        stop(*ends)
PY
sees 'help: Concurrent multiplexed connections (websocket client mode only). (default 1)'
sees 'client mux=1, server server: carried'
sees 'client mux=0, server server;mux=0: carried'
grep -qx 'client mux=0, server server: \(closed\|silence\)' seen || missed=1
grep -qx 'client mux=1, server server;mux=0: \(closed\|silence\)' seen || missed=1
verdict
