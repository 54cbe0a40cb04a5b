#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client that hosts a plugin and keeps the contract, but for the flaws that --flaws names.

Its users' bytes go through the plugin as they come.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import FrameType

INHERITED = ("PATH", "HOME", "LANG", "TZ", "TMPDIR")


def port_of_its_own() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def listens(port: int) -> bool:
    """As the kernel says it: no connection is made."""
    rows = Path("/proc/net/tcp").read_text().splitlines()[1:]
    return any(row.split()[1].endswith(f":{port:04X}") and row.split()[3] == "0A" for row in rows)


def copy(one: socket.socket, other: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)


class Host:
    def __init__(self, words: argparse.Namespace) -> None:
        self.words = words
        self.flaws = set(words.flaws.split(","))
        self.port = port_of_its_own()
        self.child: subprocess.Popen[bytes] | None = None

    def environment(self) -> dict[str, str]:
        server = self.words.host
        env = dict(os.environ) if "inherits" in self.flaws else {k: os.environ[k] for k in INHERITED if k in os.environ}
        env |= {"SS_REMOTE_HOST": f"[{server}]" if "brackets" in self.flaws and ":" in server else server,
                "SS_REMOTE_PORT": "1" if "port" in self.flaws else self.words.port,
                "SS_LOCAL_HOST": "0.0.0.0" if "public" in self.flaws else "127.0.0.1",
                "SS_LOCAL_PORT": str(self.port)}
        options = self.words.options
        if options is not None:
            env["SS_PLUGIN_OPTIONS"] = options.replace("\\", "\\\\") if "escapes" in self.flaws else options
        elif "empty" in self.flaws:
            env["SS_PLUGIN_OPTIONS"] = ""
        if "role" in self.flaws:
            env["SS_PLUGIN_ROLE"] = "server"
        return env

    def in_child(self) -> None:
        if "ignores" not in self.flaws:
            signal.signal(signal.SIGPIPE, signal.SIG_DFL)
            signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        if "blocks" in self.flaws:
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
        if "descriptor" in self.flaws:
            os.dup2(1, 7)

    def start_plugin(self) -> subprocess.Popen[bytes]:
        if "tells" in self.flaws:
            print("options:", self.words.options, flush=True)
        arguments = ["-v"] if "arguments" in self.flaws else []
        return subprocess.Popen(
            [self.words.plugin, *arguments], env=self.environment(), preexec_fn=self.in_child, restore_signals=False,
            close_fds="descriptor" not in self.flaws, start_new_session="shares" not in self.flaws,
            stdin=subprocess.DEVNULL)

    def serve(self) -> None:
        with socket.create_server(("127.0.0.1", int(self.words.local))) as server:
            while True:
                user, _ = server.accept()
                plugin = socket.create_connection(("127.0.0.1", self.port))
                for ends in ((user, plugin), (plugin, user)):
                    threading.Thread(target=copy, args=ends, daemon=True).start()

    def stop(self, number: int, frame: FrameType | None) -> None:
        assert self.child is not None
        self.child.kill() if "kills" in self.flaws else self.child.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.child.wait(1)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.child.pid, signal.SIGKILL)
        os._exit(0)

    def watch(self) -> None:
        """The plugin's end is the host's, or begins it anew."""
        assert self.child is not None
        while self.child.wait() is not None and "restarts" in self.flaws:
            time.sleep(0.05)
            self.child = self.start_plugin()
        if "oblivious" not in self.flaws:
            print("the plugin has ended", file=sys.stderr, flush=True)
            os._exit(1)

    def run(self) -> None:
        try:
            self.child = self.start_plugin()
        except OSError as error:
            sys.exit(0 if "cheerful" in self.flaws else f"the plugin does not start: {error}")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self.stop)
        threading.Thread(target=self.watch, daemon=True).start()
        deadline = time.monotonic() + 8
        while not listens(self.port) and "hasty" not in self.flaws:
            time.sleep(0.01)
            if time.monotonic() > deadline:
                self.stop(signal.SIGTERM, None)
        if "curious" in self.flaws:
            socket.create_connection(("127.0.0.1", self.port)).close()
        threading.Thread(target=self.serve, daemon=True).start()
        while True:
            signal.pause()


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("flaws", "host", "port", "local", "plugin", "options"):
        parser.add_argument(f"--{name}")
    Host(parser.parse_args()).run()


main()
