#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 6455, section 5.4: control frames may stand between the fragments of a message, so that a ping
# need not wait for the end of a long one. RFC 7692, section 6.1: only the first fragment of a
# compressed message has RSV1 set, and control frames are not compressed.
# One would expect a compressed message to survive a ping inside of it. wsproto forgets at the ping
# that the message is compressed: it hands out the rest as it came. A binary message ends in deflated
# bytes without an error, a text message ends the connection with 1007. Without compression, or with
# the ping in front of the message, all is well. A sender that cuts long messages and pings on time
# breaks those that hang behind wsproto, such as ASGI servers that use it.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages wsproto==1.3.2 aiohttp==3.14.5
observe python - <<'PY'
from websocket_deflate import HELLO, say
from websocket_ends import BINARY, PING, TEXT, frame

COMPRESSED = 0x40  # RSV1


def halves(kind: int, ping: bytes, payload: bytes = HELLO, flag: int = COMPRESSED) -> bytes:
    first, second = frame(kind, payload[:3], final=False), frame(0, payload[3:])
    return bytes([first[0] | flag]) + first[1:] + ping + second


ping = frame(PING)
for library in ("wsproto 1.3.2", "aiohttp 3.14.5"):
    say(library, "ping in front", [ping + halves(BINARY, b"")])
    say(library, "ping inside, not compressed", [halves(BINARY, ping, b"Hello", 0)])
    say(library, "ping inside, binary", [halves(BINARY, ping)])
    say(library, "ping inside, text", [halves(TEXT, ping)])
PY
for library in 'wsproto 1.3.2' 'aiohttp 3.14.5'; do
    sees "$library, ping in front: b'Hello', end"
    sees "$library, ping inside, not compressed: b'Hello', end"
done
sees "wsproto 1.3.2, ping inside, binary: b'He\\xc9\\xc9\\x07\\x00', end"
sees 'wsproto 1.3.2, ping inside, text: end 1007'
sees "aiohttp 3.14.5, ping inside, binary: b'Hello', end"
sees "aiohttp 3.14.5, ping inside, text: 'Hello', end"
verdict
