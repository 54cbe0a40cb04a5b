#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 6455, sections 4.1 and 4.2.1: the Connection field of the opening handshake includes the token
# "Upgrade"; RFC 9110, section 7.6.1: the field is a list, and senders put other tokens in it.
# Firefox sends "keep-alive, Upgrade", and so may a server.
# One would expect the connection to open. Four of seven clients compare the whole value with
# "Upgrade" and refuse a server that answers with the list: ws4py, picows, and of npm websocket and
# faye-websocket, although the last two take the list as servers. picows refuses it as a server,
# too. A plugin that speaks WebSocket should send the one token, and read the list.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages ws4py==0.6.0 simple-websocket==1.1.0 picows==2.3.1 websocket-client==1.9.2
npm_packages websocket@1.0.35 faye-websocket@0.11.4 nodejs-websocket@1.7.2
cat >picows_server.py <<'PY'
import asyncio
import sys

import picows


class Listener(picows.WSListener):
    def on_ws_frame(self, transport, frame):
        transport.send(frame.msg_type, frame.get_payload_as_bytes())


async def main():
    server = await picows.ws_create_server(lambda request: Listener(), "127.0.0.1", int(sys.argv[1]))
    await server.serve_forever()


asyncio.run(main())
PY
observe python - <<'PY'
import sys

from peers import free_port, start, stop
from websocket_ends import TEXT, client, close, frame, mask, say

for value in "Upgrade", "keep-alive, Upgrade":
    say(f'"{value}"', lambda head: [head, 0.1, frame(TEXT, b"hello"), 0.1, close(1000)], connection=value.encode())
port = free_port()
server = start([sys.executable, "picows_server.py", str(port)], port)
try:
    for value in "Upgrade", "keep-alive, Upgrade":
        said = client(port, frame(TEXT, b"hello", mask=mask()), connection=value.encode())
        print(f'picows 2.3.1 as a server, "{value}": {said}')
finally:
    stop(server)
PY
for client in 'websocket-client 1.9.2' 'simple-websocket 1.1.0' 'nodejs-websocket 1.7.2'; do
    sees "$client, \"keep-alive, Upgrade\": 'hello', end 1000"
done
for client in 'ws4py 0.6.0' 'picows 2.3.1' 'npm websocket 1.0.35' 'faye-websocket 0.11.4'; do
    sees "$client, \"Upgrade\": 'hello', end 1000"
done
for client in 'ws4py 0.6.0' 'picows 2.3.1'; do
    sees "$client, \"keep-alive, Upgrade\": refused"
done
sees 'npm websocket 1.0.35, "keep-alive, Upgrade": refused, end 1006'
sees 'faye-websocket 0.11.4, "keep-alive, Upgrade": refused, end 1002'
sees "picows 2.3.1 as a server, \"Upgrade\": text b'hello', stays open"
sees 'picows 2.3.1 as a server, "keep-alive, Upgrade": no handshake'
verdict
