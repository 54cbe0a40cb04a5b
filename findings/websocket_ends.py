# SPDX-License-Identifier: Apache-2.0
"""Ends of WebSocket (RFC 6455) for which a script says each byte, and clients that tell what they hear."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
import struct
import subprocess
import time
from collections.abc import Callable

from peers import HOST, Step, play, serve, through

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
SECONDS = 2
ACCEPT = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


def frame(kind: int, payload: bytes = b"", final: bool = True, mask: bytes = b"") -> bytes:
    """A frame of at most 125 bytes of payload."""
    if mask:
        payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
    return bytes([final << 7 | kind, bool(mask) << 7 | len(payload)]) + mask + payload


def close(code: int, reason: bytes = b"", mask: bytes = b"") -> bytes:
    return frame(CLOSE, struct.pack(">H", code) + reason, mask=mask)


def heard(data: bytes) -> list[str]:
    """The frames in data, as words."""
    words = []
    while len(data) >= 2:
        kind, masked, size = data[0] & 15, data[1] >> 7, data[1] & 127
        mask, payload = data[2 : 2 + 4 * masked], data[2 + 4 * masked : 2 + 4 * masked + size]
        if masked:
            payload = bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))
        if kind == CLOSE:
            words.append("close" + (f" {struct.unpack('>H', payload[:2])[0]}" if payload else ""))
        else:
            words.append(f"{ {0: 'more', TEXT: 'text', BINARY: 'binary', PING: 'ping', PONG: 'pong'}[kind]} {payload!r}")
        data = data[2 + 4 * masked + size :]
    return words


def read_to_the_end(conn: socket.socket, seconds: float = 1.5) -> tuple[bytes, str]:
    conn.settimeout(seconds)
    data = b""
    try:
        while piece := conn.recv(4096):
            data += piece
    except TimeoutError:
        return data, "stays open"
    except ConnectionError:
        pass
    return data, "closed"


def server(steps: Callable[[bytes], list[Step]], said: list[str] | None = None, connection: bytes = b"Upgrade") -> int:
    """A server that plays steps(head of its answer); what the client said goes to `said`."""

    def answer(conn: socket.socket) -> None:
        request = through(conn, b"\r\n\r\n")
        (key,) = [line.split(b":")[1].strip() for line in request.split(b"\r\n")
                  if line.lower().startswith(b"sec-websocket-key:")]
        accept = base64.b64encode(hashlib.sha1(key + ACCEPT).digest())
        play(conn, steps(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: " + connection +
                         b"\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n"))
        data, end = read_to_the_end(conn, 1)
        if said is not None:
            said.append(", ".join(heard(data)) or "nothing")

    return serve(answer)


def client(port: int, *steps: Step, connection: bytes = b"Upgrade") -> str:
    """The words of a server to a client that plays the steps behind the handshake, and their end."""
    with socket.create_connection((HOST, port), 5) as conn:
        conn.sendall(b"GET / HTTP/1.1\r\nHost: server.example\r\nUpgrade: websocket\r\nConnection: " + connection +
                     b"\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n")
        try:
            head = through(conn, b"\r\n\r\n")
            play(conn, steps)
        except (EOFError, ConnectionError):
            return "no handshake"
        data, end = read_to_the_end(conn)
        head, _, rest = head.partition(b"\r\n\r\n")
        return ", ".join([*heard(rest + data), end]) if b" 101 " in head else "no handshake"


def mask() -> bytes:
    return os.urandom(4)


# Clients: each takes a URL and tells the messages and the end that its user sees.


def of_simple_websocket(url: str) -> str:
    import simple_websocket

    words = []
    try:
        conn = simple_websocket.Client(url)
        while (message := conn.receive(timeout=SECONDS)) is not None:
            words.append(repr(message))
        words.append("nothing more")
    except simple_websocket.ConnectionClosed as end:
        words.append(f"end {int(end.reason)}")
    except simple_websocket.ConnectionError as error:
        words.append(f"refused: {error}")
    return ", ".join(words)


def of_ws4py(url: str) -> str:
    from ws4py.client.threadedclient import WebSocketClient
    from ws4py.exc import HandshakeError

    words = []

    class Client(WebSocketClient):
        def received_message(self, message) -> None:
            words.append(repr(message.data.decode()))

        def closed(self, code, reason=None) -> None:
            words.append(f"end {code}")

    try:
        conn = Client(url)
        conn.connect()
    except HandshakeError as error:
        return f"refused: {error}"
    conn._th.join(SECONDS)
    return ", ".join(words) or "nothing"


def of_websocket_client(url: str) -> str:
    import websocket

    words = []
    try:
        conn = websocket.create_connection(url, timeout=SECONDS)
        while not words or not words[-1].startswith("end"):
            kind, data = conn.recv_data()
            words.append(f"end {int.from_bytes(data[:2], 'big') if data else 1005}" if kind == CLOSE else repr(data.decode()))
    except (websocket.WebSocketException, OSError) as error:
        words.append(f"{type(error).__name__}")
    return ", ".join(words)


def of_picows(url: str) -> str:
    import asyncio

    import picows

    async def run() -> str:
        words, over = [], asyncio.Event()

        class Listener(picows.WSListener):
            def on_ws_frame(self, transport, piece) -> None:
                if piece.msg_type == picows.WSMsgType.CLOSE:
                    words.append(f"end {int(piece.get_close_code()) or 1005}")
                    transport.send_close(1000)
                    transport.disconnect()
                else:
                    words.append(repr(piece.get_payload_as_utf8_text()))

            def on_ws_disconnected(self, transport) -> None:
                over.set()

        try:
            await picows.ws_connect(Listener, url)
        except picows.WSError as error:
            return f"refused: {error}"
        await asyncio.wait_for(over.wait(), SECONDS)
        return ", ".join(words)

    return asyncio.run(run())


NODE = """
const words = [];
socket.onmessage = ({ data }) => words.push(`'${data}'`);
socket.onclose = ({ code }) => tell(`end ${code}`);
socket.onerror = () => words.push("refused");
const tell = (end) => { console.log([...words, end].join(", ")); process.exit(); };
setTimeout(() => tell("nothing more"), 2500);
"""
NODEJS_WEBSOCKET = """
import { connect } from "nodejs-websocket";
const words = [];
const socket = connect(process.argv[2]);
socket.on("text", (text) => words.push(`'${text}'`));
socket.on("error", () => words.push("refused"));
socket.on("close", (code) => tell(`end ${code}`));
const tell = (end) => { console.log([...words, end].join(", ")); process.exit(); };
setTimeout(() => tell("nothing more"), 2500);
"""


def of_node(script: str) -> Callable[[str], str]:
    return lambda url: subprocess.run(["node", "--input-type=module", "-e", script, "-", url], text=True, timeout=20,
                                      stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout.strip()


CLIENTS: dict[str, Callable[[str], str]] = {
    "websocket-client 1.9.2": of_websocket_client,
    "ws4py 0.6.0": of_ws4py,
    "simple-websocket 1.1.0": of_simple_websocket,
    "picows 2.3.1": of_picows,
    "npm websocket 1.0.35": of_node('import W from "websocket"; const socket = new W.w3cwebsocket(process.argv[2]);' + NODE),
    "faye-websocket 0.11.4": of_node('import W from "faye-websocket"; const socket = new W.Client(process.argv[2]);' + NODE),
    "nodejs-websocket 1.7.2": of_node(NODEJS_WEBSOCKET),
}


def say(name: str, steps: Callable[[bytes], list[Step]], both: bool = False, connection: bytes = b"Upgrade") -> None:
    """Prints what each client makes of a server; both: and what it says itself."""
    for library, run in CLIENTS.items():
        said: list[str] = []
        try:
            result = run(f"ws://{HOST}:{server(steps, said, connection)}/")
        except Exception as error:
            result = f"refused: {type(error).__name__}"
        end = time.monotonic() + SECONDS
        while both and not said and time.monotonic() < end:
            time.sleep(0.05)
        words = [result.split(":")[0], *[f"says {word}" for word in said if both]]
        print(f"{library}, {name}: {'; '.join(words)}", flush=True)
