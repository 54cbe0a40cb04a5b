#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 6455, section 5.4: a message may be sent in several frames, an endpoint joins them, and an
# intermediary may cut them anywhere. Section 5.6: a frame of a text message may end inside of a
# character, the whole message is UTF-8. A message, or its first or last frame, may be empty.
# One would expect the same messages, however they were cut. The PyPI package websocket-server calls
# back for the first frame as if it were a message and closes at the second, or without a word when
# the cut is inside of a character. nodejs-websocket decodes each frame alone, so that both halves of
# the character become U+FFFD. The W3C client of npm websocket calls nobody for an empty message. A
# WebSocket plugin in front of such a program must keep one message in one frame.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages ws4py==0.6.0 simple-websocket==1.1.0 picows==2.3.1 websocket-client==1.9.2 websocket-server==0.6.4
npm_packages websocket@1.0.35 faye-websocket@0.11.4 nodejs-websocket@1.7.2
cat >echo_server.py <<'PY'
import sys

from websocket_server import WebsocketServer

server = WebsocketServer(host="127.0.0.1", port=int(sys.argv[1]))
server.set_fn_message_received(lambda client, server, message: server.send_message(client, message))
server.run_forever()
PY
observe python - <<'PY'
import sys

import websocket_ends
from peers import free_port, start, stop
from websocket_ends import TEXT, client, close, frame, mask, say

del websocket_ends.CLIENTS["picows 2.3.1"]  # hands frames to its user, who joins them
messages = {
    "a message, an empty one, another": [(TEXT, b"one", True), (TEXT, b"", True), (TEXT, b"two", True)],
    "cut in two": [(TEXT, b"hel", False), (0, b"lo", True)],
    "cut in a character": [(TEXT, b"hel\xc3", False), (0, b"\xa9lo", True)],
}
for name, frames in messages.items():
    say(name, lambda head: [head, 0.1, b"".join(frame(*one) for one in frames), 0.1, close(1000)])
port = free_port()
server = start([sys.executable, "echo_server.py", str(port)], port)
try:
    for name, frames in messages.items():
        said = client(port, *[frame(*one, mask=mask()) for one in frames])
        print(f"websocket-server 0.6.4, {name}: {said}")
finally:
    stop(server)
PY
for client in 'websocket-client 1.9.2' 'ws4py 0.6.0' 'simple-websocket 1.1.0' 'faye-websocket 0.11.4'; do
    sees "$client, a message, an empty one, another: 'one', '', 'two', end 1000"
    sees "$client, cut in a character: 'helélo', end 1000"
done
sees "npm websocket 1.0.35, a message, an empty one, another: 'one', 'two', end 1000"
sees "npm websocket 1.0.35, cut in a character: 'helélo', end 1000"
sees "nodejs-websocket 1.7.2, cut in two: 'hello', end 1000"
sees "nodejs-websocket 1.7.2, cut in a character: 'hel$(printf '\xef\xbf\xbd\xef\xbf\xbd')lo', end 1000"
sees "websocket-server 0.6.4, cut in two: text b'hel', closed"
sees 'websocket-server 0.6.4, cut in a character: closed'
verdict
