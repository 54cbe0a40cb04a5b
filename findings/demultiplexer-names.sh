#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that serve several protocols on one port look at a client's first bytes. A host name is
# case-insensitive in TLS (RFC 6066, section 3) and in HTTP (RFC 9110, section 4.2.3); a field value
# may have spaces behind it (RFC 9112, section 5.1); and a SOCKS5 greeting may list methods from 80
# to FE, which are private (RFC 1928, section 3).
# One would expect sslh and sniproxy to send such a client where its like goes. Both compare names
# byte by byte: A.Example, from a client that was configured so, reaches the fallback. sniproxy does
# not find "a.example " either. sslh does not know SOCKS5 with a private method and hands it, after
# its timeout, to another server. Neither says more than that there was no match.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian sslh=1.20-1+deb12u1 sniproxy=0.6.0-2.1 libconfig9=1.5-0.4 libudns0=0.4-1+b1 libev4=1:4.33-1
python_packages
observe python - <<'PY'
import socket
import ssl

from peers import HOST, free_port, play, serve, start, stop


def backend(name):
    """A server that tells its name once the client has been quiet for half a second."""

    def answer(conn):
        conn.recv(4096)
        conn.settimeout(0.5)
        try:
            while conn.recv(4096):
                pass
        except TimeoutError:
            pass
        conn.sendall(name.encode())

    return serve(answer)


def client_hello(name):
    received, sent = ssl.MemoryBIO(), ssl.MemoryBIO()
    try:
        ssl.create_default_context().wrap_bio(received, sent, server_hostname=name).do_handshake()
    except ssl.SSLWantReadError:
        return sent.read()


def request(host):
    return b"GET / HTTP/1.1\r\nHost: " + host + b"\r\n\r\n"


def reached(port, *steps):
    with socket.create_connection((HOST, port), 10) as conn:
        play(conn, steps)
        return conn.recv(100).decode()


to = {name: f'host: "{HOST}"; port: "{backend(name)}"' for name in ("a.example", "TLS", "SOCKS5", "fallback")}
sslh, tls, http = free_port(), free_port(), free_port()
with open("sslh.cfg", "w") as config:
    config.write(f"""
foreground: true; timeout: 2; on_timeout: "ssh";
listen: ({{ host: "{HOST}"; port: "{sslh}"; }});
protocols: (
    {{ name: "ssh"; {to["fallback"]}; }},
    {{ name: "tls"; {to["a.example"]}; sni_hostnames: ["a.example"]; }},
    {{ name: "tls"; {to["TLS"]}; }},
    {{ name: "socks5"; {to["SOCKS5"]}; }});
""")
with open("sniproxy.conf", "w") as config:
    for name, port in ("tls", tls), ("http", http):
        config.write(f"""
listen {HOST}:{port} {{
    protocol {name}
    table {name}
    fallback {HOST}:{backend("fallback")}
}}
table {name} {{
    ^a.example$ {HOST}:{backend("a.example")}
}}
""")
programs = [start(["sslh-select", "-Fsslh.cfg"], sslh), start(["sniproxy", "-f", "-c", "sniproxy.conf"], http)]
try:
    for name in "a.example", "A.Example":
        print(f"sslh 1.20, TLS to {name}: {reached(sslh, client_hello(name))}")
        print(f"sniproxy 0.6.0, TLS to {name}: {reached(tls, client_hello(name))}")
        print(f"sniproxy 0.6.0, HTTP to {name}: {reached(http, request(name.encode()))}")
    print(f"sniproxy 0.6.0, a space behind the name: {reached(http, request(b'a.example '))}")
    print(f"sslh 1.20, SOCKS5, methods 00 02: {reached(sslh, bytes([5, 2, 0, 2]))}")
    print(f"sslh 1.20, SOCKS5, methods 00 80: {reached(sslh, bytes([5, 2, 0, 0x80]))}")
finally:
    stop(*programs)
PY
sees 'sslh 1.20, TLS to a.example: a.example'
sees 'sslh 1.20, TLS to A.Example: TLS'
for protocol in TLS HTTP; do
    sees "sniproxy 0.6.0, $protocol to a.example: a.example"
    sees "sniproxy 0.6.0, $protocol to A.Example: fallback"
done
sees 'sniproxy 0.6.0, a space behind the name: fallback'
sees 'sslh 1.20, SOCKS5, methods 00 02: SOCKS5'
sees 'sslh 1.20, SOCKS5, methods 00 80: fallback'
verdict
