#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# PROXY protocol v2 puts its TLVs in any order, and PP2_TYPE_CRC32C (section 2.2.3) covers the
# header as it was sent. HAProxy writes the checksum in front of the ALPN.
# One would expect the Python package proxy-protocol to accept what HAProxy sends. It packs the TLVs
# again, sorted by type and without those that repeat a type, and computes the checksum of that: a
# good header raises ProxyProtocolChecksumError unless its types happen to ascend. A server behind
# HAProxy with "proxy-v2-options crc32c" then refuses every connection that negotiated a protocol
# and serves those that did not.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian haproxy=2.6.12-1+deb12u4 liblua5.3-0=5.3.6-2 libopentracing-c-wrapper0=1.1.3-3+b1 libopentracing1=1.6.0-4
python_packages proxy-protocol==0.11.3 crc32c==2.8 typing-extensions==4.15.0
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout key.pem -out cert.pem \
    -days 2 -subj /CN=proxy.example 2>/dev/null
cat key.pem cert.pem >both.pem
observe python - <<'PY'
import socket
import ssl
import subprocess
from importlib.metadata import version

from crc32c import crc32c
from proxyprotocol.v2 import ProxyProtocolV2

from peers import HOST, exactly, free_port, serve, start, stop

haproxy = subprocess.run(["haproxy", "-v"], capture_output=True, text=True).stdout.split()[2]
print(f"HAProxy {haproxy} to proxy-protocol {version('proxy-protocol')}")
headers = []


def take(conn):
    head = exactly(conn, 16)
    headers.append(head + exactly(conn, int.from_bytes(head[14:], "big")))


def listed(tlvs):
    while tlvs:
        size = int.from_bytes(tlvs[1:3], "big")
        yield f"{tlvs[0]:02x}"
        tlvs = tlvs[3 + size:]


def checksum_is_right(header):
    """The checksum over the header as it was sent, its own four bytes zero."""
    return crc32c(header[:31] + bytes(4) + header[35:]) == int.from_bytes(header[31:35], "big")


front = free_port()
with open("haproxy.cfg", "w") as config:
    config.write(f"""
defaults
    mode tcp
    timeout connect 5s
    timeout client 5s
    timeout server 5s
listen front
    bind {HOST}:{front} ssl crt both.pem alpn h2
    server back {HOST}:{serve(take)} send-proxy-v2 proxy-v2-options crc32c
""")
process = start(["haproxy", "-f", "haproxy.cfg"], front)
try:
    for offer in [], ["h2"]:
        context = ssl._create_unverified_context()
        if offer:
            context.set_alpn_protocols(offer)
        headers.clear()
        with context.wrap_socket(socket.create_connection((HOST, front), 5)) as conn:
            conn.recv(1)
        header = headers[0]
        types = ", ".join(listed(header[28:]))
        try:
            result = f"accepted, from {ProxyProtocolV2().unpack(header).peername[0]}"
        except Exception as error:
            result = type(error).__name__
        sent = "right" if checksum_is_right(header) else "wrong"
        print(f"ALPN {offer}: TLVs of type {types}, checksum as sent {sent}: {result}")
finally:
    stop(process)
PY
sees 'HAProxy 2.6.12-1+deb12u4 to proxy-protocol 0.11.3'
sees 'ALPN []: TLVs of type 03, checksum as sent right: accepted, from 127.0.0.1'
sees "ALPN ['h2']: TLVs of type 03, 01, checksum as sent right: ProxyProtocolChecksumError"
verdict
