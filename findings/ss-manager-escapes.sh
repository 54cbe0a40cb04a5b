#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The manager protocol of Shadowsocks is JSON in datagrams: add: {"server_port": ..., "password":
# ...} starts a server, list gives the servers as an array.
# One would expect a password with a quotation mark or a backslash to survive. ss-manager decodes it
# from JSON and writes it into the server's configuration, and into the answer to list, without
# encoding it again. It answers "ok" all the same. With a quotation mark the server never starts and
# list is no JSON for all servers together; with a backslash the server starts with another password
# (a\tb has become an a, a tab and a b), so that only clients see that something is wrong. Who
# speaks to it must keep to passwords without both characters: base64 has neither.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

shadowsocks_libev
python_packages
mkdir servers
observe python - <<'PY'
import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

from peers import HOST, await_port, echo, exactly, free_port, start, stop

METHOD, folder = "aes-128-gcm", Path("servers").resolve()
manager_port, target = free_port(), echo()


def works(port, password):
    """Whether a client with the password reaches the target through the server."""
    try:
        await_port(port, 2)
    except OSError:
        return "is of no use, nothing listens"
    local = free_port()
    client = start(["ss-local", "-s", HOST, "-p", str(port), "-l", str(local), "-k", password, "-m", METHOD], local)
    try:
        with socket.create_connection((HOST, local), 5) as conn:
            conn.settimeout(2)
            conn.sendall(b"\x05\x01\x00")
            exactly(conn, 2)
            conn.sendall(b"\x05\x01\x00\x01\x7f\x00\x00\x01" + target.to_bytes(2, "big"))
            exactly(conn, 10)
            conn.sendall(b"hello")
            exactly(conn, 5)
            return "works"
    except (EOFError, OSError):
        return "does not work"
    finally:
        stop(client)


manager = subprocess.Popen(
    ["ss-manager", "--manager-address", f"{HOST}:{manager_port}", "-s", HOST, "-m", METHOD, "-D", str(folder)],
    cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
try:
    with socket.socket(type=socket.SOCK_DGRAM) as conn:
        conn.settimeout(1)
        conn.connect((HOST, manager_port))

        def ask(text):
            for _ in range(10):  # until the manager listens
                try:
                    conn.send(text.encode())
                    return conn.recv(65536).decode()
                except (ConnectionRefusedError, TimeoutError):
                    time.sleep(0.2)

        for password, seen in ("plain", "plain"), (r"a\tb", "a\tb"), ('say "x"', 'say "x"'):
            port = free_port()
            reply = ask("add: " + json.dumps({"server_port": port, "password": password, "method": METHOD}))
            print(f"{password}: {reply}, the client's password {works(port, password)}")
            if seen != password:
                print(f"{password}: with a tab instead it {works(port, seen)}")
        listed = ask("list")
        try:
            json.loads(listed)
            print("list: JSON")
        except ValueError as error:
            print(f"list: {error}")
finally:
    stop(manager)
    for file in folder.glob(".*.pid"):
        try:
            os.kill(int(file.read_text()), signal.SIGTERM)
        except (ProcessLookupError, ValueError):
            pass
PY
sees 'plain: ok, the client'"'"'s password works'
sees 'a\tb: ok, the client'"'"'s password does not work'
sees 'a\tb: with a tab instead it works'
sees 'say "x": ok, the client'"'"'s password is of no use, nothing listens'
grep -q '^list: Expecting' seen || missed=1
verdict
