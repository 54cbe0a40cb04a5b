#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, section 4: an IPv6 address is ATYP 4 and sixteen octets, and ATYP 3 is for names. The
# brackets of http://[::1]/ belong to the URL (RFC 3986, section 3.2.2), not to the address.
# One would expect a client to send the address, or at least its text. undici sends ATYP 3 with the
# five characters "[::1]", which no resolver knows: microsocks answers with an error, and fetches the
# same URL for six other clients. A server that wants this one has to take brackets off names.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian microsocks=1.0.3-2
python_packages requests==2.34.2 PySocks==1.7.1 httpx==0.28.1 socksio==1.0.0 httplib2==0.32.1 python-socks==3.2.1
npm_packages undici@7.30.2 socks-proxy-agent@10.1.0
observe python - <<'PY'
import socket
import threading

from peers import HOST, free_port, linger, start, stop, through
from socks5_clients import CLIENTS, recording_proxy, run

origin = socket.create_server(("::1", 0), family=socket.AF_INET6)


def answer():
    while True:
        conn, _ = origin.accept()
        with conn:
            through(conn, b"\r\n\r\n")
            conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


threading.Thread(target=answer, daemon=True).start()
url = f"http://[::1]:{origin.getsockname()[1]}/"
port = free_port()
microsocks = start(["microsocks", "-i", HOST, "-p", str(port)], port)
try:
    for client in CLIENTS:
        told = {}
        run(client, f"socks5://{HOST}:{recording_proxy(told)}", url)
        why = run(client, f"socks5://{HOST}:{port}", url)
        print(f"{client}: sends {told['host'].decode()}, by microsocks {'it fails' if why else 'it works'}", flush=True)
finally:
    stop(microsocks)
PY
for client in 'curl' 'requests 2.34.2' 'httpx 0.28.1' 'httplib2 0.32.1' 'python-socks 3.2.1' 'socks-proxy-agent 10.1.0'; do
    sees "$client: sends ::1, by microsocks it works"
done
sees 'undici 7.30.2: sends [::1], by microsocks it fails'
verdict
