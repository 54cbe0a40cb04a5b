# SPDX-License-Identifier: Apache-2.0
"""A SIP003 plugin for tests: forwards plain bytes, and misbehaves as its options say.

server            listen on SS_REMOTE_*, dial SS_LOCAL_* (default: the other way round)
report=FILE       write argv, environment, open files and more as JSON before listening
exit=N            leave with status N instead of listening
wait-for=FILE     listen only once FILE exists
ignore-term       SIGTERM changes nothing
say=TEXT          write a line to stderr
spam=N            write N lines to stderr before listening
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import time


def read_options() -> dict[str, str]:
    items = os.environ.get("SS_PLUGIN_OPTIONS", "").split(";")
    return {key: value for key, _, value in (item.partition("=") for item in items)}


def report(path: str) -> None:
    # Listing the directory opens it, and that one is gone afterwards.
    files = [int(fd) for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")]
    state = {"argv": sys.argv, "env": dict(os.environ), "files": sorted(files),
             "group": os.getpgid(0), "pid": os.getpid(),
             "ignored": [n for n in signal.valid_signals() if signal.getsignal(n) is signal.SIG_IGN]}
    with open(path + ".part", "w", encoding="utf-8") as file:
        json.dump(state, file)
    os.rename(path + ".part", path)


def pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        sink.close()


def forward(near: socket.socket, dialed: tuple[str, int]) -> None:
    far = socket.create_connection(dialed)
    threading.Thread(target=pump, args=(far, near), daemon=True).start()
    pump(near, far)


def serve(listened: tuple[str, int], dialed: tuple[str, int]) -> None:
    family = socket.AF_INET6 if ":" in listened[0] else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(listened)
    listener.listen(64)
    while True:
        near, _ = listener.accept()
        threading.Thread(target=forward, args=(near, dialed), daemon=True).start()


def address(side: str) -> tuple[str, int]:
    return os.environ[f"SS_{side}_HOST"], int(os.environ[f"SS_{side}_PORT"])


def misbehave(options: dict[str, str]) -> None:
    if "ignore-term" in options:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if "report" in options:
        report(options["report"])
    if "say" in options:
        print(options["say"], file=sys.stderr, flush=True)
    for number in range(int(options.get("spam", 0))):
        print(f"line {number} " + "x" * 100, file=sys.stderr)
    sys.stderr.flush()
    if "exit" in options:
        sys.exit(int(options["exit"]))
    while "wait-for" in options and not os.path.exists(options["wait-for"]):
        time.sleep(0.01)


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    options = read_options()
    misbehave(options)
    if "server" in options:
        serve(address("REMOTE"), address("LOCAL"))
    else:
        serve(address("LOCAL"), address("REMOTE"))


main()
