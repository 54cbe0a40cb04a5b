# SPDX-License-Identifier: Apache-2.0
"""Clients of WebSocket that offer permessage-deflate (RFC 7692), and a server that sends given bytes behind its answer."""

from __future__ import annotations

import base64
import hashlib
import socket
import subprocess
import sys
from collections.abc import Callable

from peers import HOST, Step, play, serve, through
from websocket_ends import ACCEPT, NODE, close, of_node, read_to_the_end

HELLO = bytes.fromhex("f248cdc9c90700")  # RFC 7692, section 7.2.3.1
FINAL_HELLO = bytes.fromhex("f348cdc9c9070000")  # section 7.2.3.4
SECONDS = 3


def server(steps: list[Step]) -> int:
    """A server that agrees to permessage-deflate, plays the steps and closes."""

    def answer(conn: socket.socket) -> None:
        request = through(conn, b"\r\n\r\n")
        (key,) = [line.split(b":")[1].strip() for line in request.split(b"\r\n")
                  if line.lower().startswith(b"sec-websocket-key:")]
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest())
        play(conn, [b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    b"Sec-WebSocket-Extensions: permessage-deflate\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n",
                    0.1, *steps, 0.1, close(1000)])
        read_to_the_end(conn, 1)

    return serve(answer)


def of_lomond(url: str) -> str:
    import lomond

    events = lomond.WebSocket(url, compress=True).connect(ping_rate=0)
    return ", ".join([repr(event.text) for event in events if event.name == "text"] + ["end"])


def of_websockets(url: str) -> str:
    from websockets.sync.client import connect

    with connect(url, proxy=None) as conn:
        return ", ".join([repr(message) for message in conn] + ["end"])


def of_aiohttp(url: str) -> str:
    import asyncio

    import aiohttp

    async def run() -> list[str]:
        async with aiohttp.ClientSession() as session, session.ws_connect(url, compress=15) as conn:
            return [repr(message.data) async for message in conn]

    return ", ".join([*asyncio.run(run()), "end"])


def of_wsproto(url: str) -> str:
    from wsproto import ConnectionType, WSConnection
    from wsproto.events import CloseConnection, Message, Request
    from wsproto.extensions import PerMessageDeflate

    words, message = [], None
    ws = WSConnection(ConnectionType.CLIENT)
    port = int(url.rstrip("/").rpartition(":")[2])
    with socket.create_connection((HOST, port), SECONDS) as conn:
        conn.sendall(ws.send(Request(host=HOST, target="/", extensions=[PerMessageDeflate()])))
        while True:
            ws.receive_data(conn.recv(4096) or None)
            for event in ws.events():
                if isinstance(event, Message):
                    message = event.data if message is None else message + event.data
                    if event.message_finished:
                        words.append(repr(bytes(message) if isinstance(message, (bytes, bytearray)) else message))
                        message = None
                elif isinstance(event, CloseConnection):
                    return ", ".join([*words, "end" if event.code == 1000 else f"end {int(event.code)}"])


AUTOBAHN = """
import asyncio, sys
from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol
from autobahn.websocket.compress import PerMessageDeflateOffer, PerMessageDeflateResponse, PerMessageDeflateResponseAccept

class Client(WebSocketClientProtocol):
    words = []
    def onMessage(self, payload, binary):
        self.words.append(repr(payload.decode()))
    def onClose(self, clean, code, reason):
        print(", ".join([*self.words, "end"]))
        loop.stop()

loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
factory = WebSocketClientFactory(sys.argv[1])
factory.protocol, factory.loop = Client, loop
factory.setProtocolOptions(
    perMessageCompressionOffers=[PerMessageDeflateOffer()],
    perMessageCompressionAccept=lambda answer: PerMessageDeflateResponseAccept(answer)
    if isinstance(answer, PerMessageDeflateResponse) else None)
loop.run_until_complete(loop.create_connection(factory, "127.0.0.1", int(sys.argv[1].rstrip("/").rpartition(":")[2])))
loop.run_forever()
"""


def of_autobahn(url: str) -> str:
    return subprocess.run([sys.executable, "-c", AUTOBAHN, url], text=True, timeout=20,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()


def of_faye(url: str) -> str:
    script = ('import W from "faye-websocket"; import deflate from "permessage-deflate";'
              "const socket = new W.Client(process.argv[2], [], { extensions: [deflate] });")
    return of_node(script + NODE)(url).replace("end 1000", "end")


def of_ws(url: str) -> str:
    return of_node('import W from "ws"; const socket = new W(process.argv[2]);' + NODE)(url).replace("end 1000", "end")


CLIENTS: dict[str, Callable[[str], str]] = {
    "lomond 0.3.4": of_lomond,
    "websockets 17.4": of_websockets,
    "autobahn 26.10.2": of_autobahn,
    "wsproto 1.3.2": of_wsproto,
    "aiohttp 3.14.5": of_aiohttp,
    "permessage-deflate 0.1.7": of_faye,
    "npm ws 8.23.0": of_ws,
}


def say(library: str, name: str, steps: list[Step]) -> None:
    """Prints the messages that the library's user sees, and the end."""
    print(f"{library}, {name}: {CLIENTS[library](f'ws://{HOST}:{server(steps)}/')}", flush=True)
