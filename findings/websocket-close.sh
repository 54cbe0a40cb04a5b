#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 6455, section 5.5.1: an endpoint that receives a Close frame sends one back. Its body may be
# empty; the API then says 1005, a code that section 7.4.1 reserves: it must not be set in a frame.
# One would expect libraries to agree on the end of a connection, which is a frame of two bytes.
# simple-websocket closes the socket without a frame. ws4py sends the reserved 1005. For an empty
# body the API of faye-websocket says 1000, and that of npm websocket 1006, "dropped by the remote
# peer", for what was a clean end. When the handshake, a message and the Close arrive in one segment,
# simple-websocket reports the end without the message, and ws4py says 1006 and answers nothing. An
# end that has to be told apart, such as a whole download from a cut one, needs a word of its own.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages ws4py==0.6.0 simple-websocket==1.1.0 picows==2.3.1 websocket-client==1.9.2
npm_packages websocket@1.0.35 faye-websocket@0.11.4 nodejs-websocket@1.7.2
observe python - <<'PY'
from websocket_ends import CLOSE, TEXT, close, frame, say

hello = frame(TEXT, b"hello")
say("1000", lambda head: [head, 0.1, hello, 0.1, close(1000)], both=True)
say("empty", lambda head: [head, 0.1, hello, 0.1, frame(CLOSE)], both=True)
say("all in one segment", lambda head: [head + hello + close(1000)], both=True)
PY
for client in 'websocket-client 1.9.2' 'ws4py 0.6.0' 'npm websocket 1.0.35' 'faye-websocket 0.11.4' 'nodejs-websocket 1.7.2'; do
    sees "$client, 1000: 'hello', end 1000; says close 1000"
done
sees "simple-websocket 1.1.0, 1000: 'hello', end 1000; says nothing"
sees "nodejs-websocket 1.7.2, empty: 'hello', end 1005; says close"
sees "ws4py 0.6.0, empty: 'hello', end 1005; says close 1005"
sees "faye-websocket 0.11.4, empty: 'hello', end 1000; says close 1000"
sees "npm websocket 1.0.35, empty: 'hello', end 1006; says close 1000"
sees "nodejs-websocket 1.7.2, all in one segment: 'hello', end 1000; says close 1000"
sees 'simple-websocket 1.1.0, all in one segment: end 1005; says nothing'
sees "ws4py 0.6.0, all in one segment: 'hello', end 1006; says nothing"
verdict
