# SPDX-License-Identifier: Apache-2.0
"""Says in words what the first bytes of a recorded connection look like, line by line.

A line begins with its kind: say (a sentence), up or down (text of one side), hex (bytes).
"""

from __future__ import annotations

from collections.abc import Iterator

_DUMP = 96
_ROW = 16
# Offset, length and meaning of the fields in front of the extensions of a ClientHello.
_HELLO = [(0, 5, "TLS record: handshake"), (5, 4, "ClientHello"), (9, 2, "version: TLS 1.2"),
          (11, 32, "time and random bytes"), (43, 33, "session id"), (76, 58, "28 cipher suites"),
          (134, 2, "no compression"), (136, 2, "length of the extensions")]
_SERVER_HELLO = [(0, 5, "TLS record: handshake"), (5, 4, "ServerHello"), (9, 2, "version: TLS 1.2"),
                 (11, 32, "time and random bytes"), (43, 33, "the client's session id again"),
                 (76, 20, "the chosen suite and extensions"), (96, 6, "ChangeCipherSpec"),
                 (102, 5, "TLS record: the encrypted Finished, or so it seems")]


def dump(data: bytes, limit: int = _DUMP) -> Iterator[str]:
    """A hexdump of the first bytes."""
    for at in range(0, min(len(data), limit), _ROW):
        row = data[at : min(at + _ROW, limit)]
        text = "".join(chr(b) if 32 <= b < 127 else "." for b in row)
        yield f"hex {at:04x}  {row.hex(' '):<{3 * _ROW}} {text}"
    if len(data) > limit:
        yield f"hex ....  {len(data) - limit} more"


def _field(data: bytes, at: int, length: int, meaning: str) -> str:
    part = data[at : at + min(length, 10)]
    dots = " .." if length > 10 else ""
    return f"{at:4} +{length:<4} {part.hex(' ') + dots:<33} {meaning}"


def _http(kind: str, data: bytes, who: str, what: str) -> Iterator[str]:
    head, _, rest = data.partition(b"\r\n\r\n")
    yield f"say {who}"
    for line in head.decode("latin-1").split("\r\n"):
        yield f"{kind} {line}"
    yield f"say   and behind the empty line {what}:"
    yield from dump(rest)


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 2], "big")


def _client_hello(data: bytes) -> Iterator[str]:
    ticket = _number(data, 140)
    name = 142 + ticket
    host = _number(data, name + 7)
    yield "say obfs-local says hello, as a TLS client would:"
    for row in _HELLO:
        yield "up " + _field(data, *row)
    inside = f"session_ticket: {ticket} bytes of Shadowsocks are here"
    yield "up " + _field(data, 138, 4 + ticket, inside)
    yield "up " + _field(data, name, 9 + host, f"server_name: {_text(data, name + 9, host)}")
    tail = name + 9 + host
    yield "up " + _field(data, tail, 66, "five more extensions")
    yield "say   the bytes in the ticket:"
    yield from dump(data[142:name])


def _text(data: bytes, at: int, length: int) -> str:
    return data[at : at + length].decode("latin-1")


def _server_hello(data: bytes) -> Iterator[str]:
    yield "say obfs-server answers, as a TLS server would:"
    for row in _SERVER_HELLO:
        yield "down " + _field(data, *row)
    yield "say   the bytes in that record:"
    yield from dump(data[107 : 107 + _number(data, 105)])


def describe(fields: str | None, up: bytes, down: bytes) -> Iterator[str]:
    if fields is None:
        yield "say the client's plugin begins:"
        yield from dump(up)
        yield "say the server's plugin answers:"
        yield from dump(down)
    elif fields == "http":
        yield from _http("up", up, "obfs-local asks, as a browser would for a WebSocket:",
                         "the encrypted request")
        yield from _http("down", down, "obfs-server answers, as a web server would:",
                         "the encrypted page")
    else:
        yield from _client_hello(up)
        yield from _server_hello(down)
