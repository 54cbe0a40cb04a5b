#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 7692, section 7.2.3.4: a sender of permessage-deflate may end each message with a DEFLATE block
# that has BFINAL set, for libraries without a flush by an empty block; the RFC prints "Hello" in
# that form. Section 7.2.2: the receiver inflates each message that arrives.
# One would expect "Hello" three times when it comes three times. lomond, websockets, autobahn and
# the npm package permessage-deflate give "Hello" and then an empty message for each one that
# follows, without an error and until the connection ends: the inflater of zlib is at its end for
# ever. wsproto closes with 1007 at the second one. aiohttp and ws begin anew. A sender that ends its
# blocks so, as the RFC lets it, seems to fall silent.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages lomond==0.3.4 websockets==17.4 autobahn==26.10.2 wsproto==1.3.2 aiohttp==3.14.5
npm_packages permessage-deflate@0.1.7 faye-websocket@0.11.4 ws@8.23.0
observe python - <<'PY'
from websocket_deflate import CLIENTS, FINAL_HELLO, HELLO, say
from websocket_ends import TEXT

COMPRESSED = 0x40  # RSV1


def message(payload: bytes) -> bytes:
    return bytes([0x80 | COMPRESSED | TEXT, len(payload)]) + payload


for library in CLIENTS:
    say(library, "three messages", [message(HELLO) * 3])
    say(library, "three messages with BFINAL", [message(FINAL_HELLO) * 3])
PY
for library in 'lomond 0.3.4' 'websockets 17.4' 'autobahn 26.10.2' 'wsproto 1.3.2' 'aiohttp 3.14.5' \
    'permessage-deflate 0.1.7' 'npm ws 8.23.0'; do
    sees "$library, three messages: 'Hello', 'Hello', 'Hello', end"
done
for library in 'lomond 0.3.4' 'websockets 17.4' 'autobahn 26.10.2' 'permessage-deflate 0.1.7'; do
    sees "$library, three messages with BFINAL: 'Hello', '', '', end"
done
sees "wsproto 1.3.2, three messages with BFINAL: 'Hello', end 1007"
sees "aiohttp 3.14.5, three messages with BFINAL: 'Hello', 'Hello', 'Hello', end"
sees "npm ws 8.23.0, three messages with BFINAL: 'Hello', 'Hello', 'Hello', end"
verdict
