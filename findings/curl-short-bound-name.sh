#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, section 6: the reply to CONNECT holds an address of any type, and a domain name (type 3)
# is one octet of length and that many octets, so that a reply can be 8 octets long.
# One would expect libcurl to read the reply and nothing more. Up to 8.16 at least (Debian 12 has
# 7.88.1) it reads ten octets at first, whatever the type: behind a proxy that names itself "a" or
# "gw" the first two octets, or the first one, of what the target says are lost, and the transfer
# goes on as if nothing had happened. libcurl 8.23 reads them right. A proxy does well to reply with
# an IPv4 or IPv6 address and to leave names alone.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

cat >read.py <<'PY'
import os
import socket
import sys

import pycurl

from peers import HOST, socks_proxy

version = pycurl.version.split("libcurl/")[1].split()[0].removesuffix("-DEV")
for name in b"a", b"gw", b"box":
    port = socks_proxy(b"\x05\x00\x00\x03" + bytes([len(name)]) + name + b"\x1f\x90", 0.3, b"greeting")
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, "http://target.example:2222")
    curl.setopt(pycurl.PROXY, f"socks5h://{HOST}:{port}")
    curl.setopt(pycurl.CONNECT_ONLY, 1)
    curl.setopt(pycurl.TIMEOUT, 5)
    curl.perform()
    which = getattr(pycurl, "ACTIVESOCKET", pycurl.LASTSOCKET)
    with socket.socket(fileno=os.dup(curl.getinfo(which))) as conn:
        conn.settimeout(5)
        print(f"libcurl {version}, bound name {name.decode()!r}: {conn.recv(100).decode()!r}")
PY
python_packages pycurl==7.45.7
observe python read.py
python_packages pycurl==7.49.0
observe python read.py
sees "libcurl 8.16.0, bound name 'a': 'eeting'"
sees "libcurl 8.16.0, bound name 'gw': 'reeting'"
sees "libcurl 8.16.0, bound name 'box': 'greeting'"
sees "libcurl 8.23.0, bound name 'a': 'greeting'"
verdict
