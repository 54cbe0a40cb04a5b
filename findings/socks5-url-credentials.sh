#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 3986, section 2.1: an octet of userinfo that the syntax has another use for, such as @ or the
# bytes of UTF-8, is written as a percent and two digits. RFC 1929 carries octets.
# One would expect one URL of a proxy to name one user. undici and httplib2 send what stands in the
# URL, so that p%40ss is the password p%40ss; undici decodes it for an HTTP proxy, and its sibling
# socks-proxy-agent does for this one. python-socks (under aiohttp-socks and websockets) decodes it
# and then raises for any letter beyond ASCII. And a user without a password is a user with an
# empty one for four of them; undici, httplib2, python-socks and requests leave the user out and ask
# without a name, so that the refusal is about something else.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages requests==2.34.2 PySocks==1.7.1 httpx==0.28.1 socksio==1.0.0 httplib2==0.32.1 python-socks==3.2.1
npm_packages undici@7.30.2 socks-proxy-agent@10.1.0
observe python - <<'PY'
from peers import HOST
from socks5_clients import CLIENTS, recording_proxy, run


def spelled(octets):
    return "nothing" if octets is None else octets.decode()


for client in CLIENTS:
    for credentials in ("us%65r:p%40ss", "j%C3%B6rg:p%E2%82%AC", "user"):
        told = {}
        why = run(client, f"socks5://{credentials}@{HOST}:{recording_proxy(told)}", "http://a.example:2222/")
        answer = why or f"user {spelled(told['user'])}, password {spelled(told['password'])}"
        print(f"{client}, {credentials}: {answer}", flush=True)
PY
for client in 'curl' 'httpx 0.28.1' 'socks-proxy-agent 10.1.0'; do
    sees "$client, us%65r:p%40ss: user user, password p@ss"
    sees "$client, j%C3%B6rg:p%E2%82%AC: user jörg, password p€"
    sees "$client, user: user user, password "
done
for client in 'undici 7.30.2' 'httplib2 0.32.1'; do
    sees "$client, us%65r:p%40ss: user us%65r, password p%40ss"
    sees "$client, user: user nothing, password nothing"
done
sees 'python-socks 3.2.1, us%65r:p%40ss: user user, password p@ss'
sees 'python-socks 3.2.1, j%C3%B6rg:p%E2%82%AC: UnicodeEncodeError'
sees 'python-socks 3.2.1, user: user nothing, password nothing'
verdict
