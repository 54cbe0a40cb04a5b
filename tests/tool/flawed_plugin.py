#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A client plugin that keeps the contract, but for the one flaw that FLAW in the environment names.

Its wire: a line with the value of the option "host", then the bytes as they come.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time

FLAW = os.environ.get("FLAW", "none")
mute = False


def refuse(why: str) -> None:
    print(f"flawed: {why}", file=sys.stderr)
    sys.exit(78)


def variable(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        refuse(f"{name} is missing")
    return str(value)


def options(text: str) -> dict[str, str]:
    """The grammar of SIP003; FLAW=raw does not decode."""
    items, key, word, escaped = {}, None, "", False
    for c in text + ";":
        if escaped:
            word, escaped = word + c, False
        elif c == "\\":
            word, escaped = word + (c if FLAW == "raw" else ""), FLAW != "raw"
        elif c == "=" and key is None:
            key, word = word, ""
        elif c == ";":
            if key == "":
                refuse("an empty key")
            if key is not None or word:
                items[word if key is None else key] = "" if key is None else word
            key, word = None, ""
        else:
            word += c
    if escaped:
        refuse("a lone backslash")
    return items


async def copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.close()


async def serve(host: str, remote: tuple[str, int], conn: tuple) -> None:
    reader, writer = conn
    if FLAW == "blocks":
        print("a connection of " + 80 * ".", file=sys.stderr, flush=True)
    first = await reader.read(65536)
    if not first or mute:
        await (asyncio.sleep(0) if not first else asyncio.Event().wait())
        writer.close()
        return
    far_reader, far_writer = await asyncio.open_connection(*remote)
    far_writer.write(f"{host}\n".encode() + first)
    await asyncio.gather(copy(reader, far_writer), copy(far_reader, writer))


def listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    if family == socket.AF_INET6 and FLAW == "no-v6":
        refuse("no IPv6")
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if FLAW == "shares":
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        made.bind(("0.0.0.0" if FLAW == "wildcard" else host, port))
    except OSError as error:
        print(f"flawed: {error}", file=sys.stderr)
        if FLAW == "stubborn":
            signal.pause()
        sys.exit(69)
    made.listen(128)
    return made


def start_a_program(host: str) -> None:
    """Which listens for the plugin, and ends with it."""
    plugin = os.getpid()
    ready, told = os.pipe()
    if os.fork() == 0:
        hop = socket.create_server((host, 0))
        os.write(told, b".")
        while os.getppid() == plugin:
            time.sleep(0.1)
        hop.close()
        os._exit(0)
    os.read(ready, 1)


def leave_a_process() -> None:
    plugin = os.getpid()
    if os.fork() == 0:
        os.setsid()
        while FLAW == "leftover" or os.getppid() == plugin:
            time.sleep(0.5)
        os._exit(0)


def starts() -> int:
    """How often it has been started with this file of COUNT."""
    with open(os.environ["COUNT"], "a+b") as file:
        file.write(b".")
        return file.tell()


async def main(local: socket.socket, host: str, remote: tuple[str, int]) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    server = await asyncio.start_server(lambda *conn: serve(host, remote, conn), sock=local)
    await stop.wait()
    server.close()  # to leave its context would be to wait for the connections, since Python 3.12


def open_standard_descriptors() -> None:
    while FLAW != "closed" and os.open("/dev/null", os.O_RDWR) <= 2:
        pass


def say(text: str) -> None:
    try:
        print(f"flawed: {text}", file=sys.stderr, flush=True)
    except OSError:
        pass


def start() -> None:
    open_standard_descriptors()
    if FLAW == "arguments" and len(sys.argv) > 1:
        sys.exit(1)
    if FLAW == "pipe":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    say("starts")
    hosts = variable("SS_REMOTE_HOST").split("|")
    if FLAW == "few" and len(hosts) > 10:
        os.abort()
    local = (variable("SS_LOCAL_HOST"), int(variable("SS_LOCAL_PORT")))
    remote = (hosts[0], int(variable("SS_REMOTE_PORT")))
    text = os.environ.get("SS_PLUGIN_OPTIONS")
    if FLAW == "empty" and text == "":
        os.abort()
    given = options(text or "")
    if FLAW == "valued" and "" in given.values():
        os.abort()
    if FLAW == "strict" and given.keys() - {"host"}:
        refuse("unknown options")
    if FLAW == "stdin" and not sys.stdin.read(1):
        refuse("nothing to read")
    if FLAW == "tells":
        print(f"options: {text}", file=sys.stderr)
    if FLAW == "colours":
        print("\x1b[32mready\x1b[0m", file=sys.stderr)
    extra = listener("127.0.0.1", 0) if FLAW == "extra" else None  # before who waits for the other looks
    sock = listener(*local)
    if FLAW in ("hop", "public-hop"):
        start_a_program("127.0.0.1" if FLAW == "hop" else "0.0.0.0")
    if FLAW in ("leftover", "slow-end"):
        leave_a_process()
    global mute
    mute = FLAW == "mute-once" and starts() == 2
    asyncio.run(main(sock, given.get("host", "none"), remote))
    del extra


start()
