#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# TCP is a stream of bytes (RFC 9293, section 2.2): what was written at once may arrive in pieces,
# and what was written in pieces may arrive at once. A proxy whose target speaks first, as SSH and
# SMTP servers do, may deliver the end of its answer to CONNECT and the first bytes of the target in
# one segment, and a slow proxy its answer in two.
# One would expect the tunnel to begin behind the empty line in each case. With one segment for
# both, four of nine clients drop the target's greeting without a word, so that the user waits for
# ever. With the head in two segments, three hand the rest of the head (here a Via line) to the
# application as if the target had sent it. A proxy is safest when it writes the head alone, in one
# piece, and the target's bytes with a later write; a plugin that cuts or joins writes brings both
# faults out.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian corkscrew=2.0-14 connect-proxy=1.105-1.3 proxytunnel=1.10.20210604-2 socat=1.7.4.4-2
python_packages PySocks==1.7.1 python-socks==3.2.1 pycurl==7.49.0
npm_packages https-proxy-agent@9.1.0
observe python - <<'PY'
from connect_clients import CLIENTS
from peers import http_proxy

STATUS, VIA, DATA = b"HTTP/1.1 200 OK\r\n", b"Via: 1.1 proxy.example\r\n\r\n", b"greeting of the target\n"
answers = {
    "head, data": [STATUS + VIA, 0.3, DATA],
    "head with data": [STATUS + VIA + DATA],
    "half, half, data": [STATUS, 0.3, VIA, 0.3, DATA],
}
for client, tunnel in CLIENTS.items():
    for name, steps in answers.items():
        print(f"{client}, {name}: {tunnel(http_proxy(*steps))}", flush=True)
PY
for client in 'corkscrew 2.0' 'PySocks 1.7.1' 'python-socks 3.2.1'; do
    sees "$client, head, data: gets 'greeting of the target'"
    sees "$client, half, half, data: gets 'Via: 1.1 proxy.example'"
done
for client in 'PySocks 1.7.1' 'python-socks 3.2.1' 'http.client' 'https-proxy-agent 9.1.0'; do
    sees "$client, head, data: gets 'greeting of the target'"
    sees "$client, head with data: gets nothing"
done
for client in 'connect-proxy 1.105' 'proxytunnel 1.10' 'socat 1.7.4.4' 'libcurl 8.23'; do
    sees "$client, head with data: gets 'greeting of the target'"
    sees "$client, half, half, data: gets 'greeting of the target'"
done
verdict
