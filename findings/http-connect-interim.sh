#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9110, section 15.2: a client must be able to parse 1xx responses in front of the final one,
# also those it does not expect. Section 9.3.6: any 2xx answer to CONNECT opens the tunnel.
# One would expect a tunnel after "103, then 200", such as a proxy could send while it dials, and
# after 201. None of nine programs and libraries opens one after 103: eight take it for the final
# answer and report a refusal, and https-proxy-agent calls back with a socket whose first bytes are
# the proxy's head. (httpx and aiohttp read on.) 201 works with two of the nine. A proxy must
# therefore answer CONNECT with one plain 200, and one that passes on an upstream proxy's answer
# must drop what comes before it.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian corkscrew=2.0-14 connect-proxy=1.105-1.3 proxytunnel=1.10.20210604-2 socat=1.7.4.4-2
python_packages PySocks==1.7.1 python-socks==3.2.1 pycurl==7.49.0
npm_packages https-proxy-agent@9.1.0
observe python - <<'PY'
from connect_clients import CLIENTS
from peers import http_proxy

OK, DATA = b"HTTP/1.1 200 OK\r\n\r\n", b"first line of the tunnel\n"
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
answers = {
    "200": [OK, 0.3, DATA],
    "103, then 200": [HINT, 0.3, OK, 0.3, DATA],
    "201": [OK.replace(b"200", b"201"), 0.3, DATA],
}
for client, tunnel in CLIENTS.items():
    for name, steps in answers.items():
        print(f"{client}, {name}: {tunnel(http_proxy(*steps))}", flush=True)
PY
for client in 'corkscrew 2.0' 'connect-proxy 1.105' 'proxytunnel 1.10' 'socat 1.7.4.4'; do
    sees "$client, 200: gets 'first line of the tunnel'"
    sees "$client, 103, then 200: fails"
done
sees 'libcurl 8.23, 103, then 200: fails: error'
sees 'PySocks 1.7.1, 103, then 200: fails: GeneralProxyError'
sees 'python-socks 3.2.1, 103, then 200: fails: ProxyError'
sees 'http.client, 103, then 200: fails: OSError'
sees "https-proxy-agent 9.1.0, 103, then 200: gets 'HTTP/1.1 103 Early Hints'"
sees "corkscrew 2.0, 201: gets 'first line of the tunnel'"
sees "libcurl 8.23, 201: gets 'first line of the tunnel'"
sees 'python-socks 3.2.1, 201: fails: ProxyError'
verdict
