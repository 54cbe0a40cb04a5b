#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# SIP002: ss://userinfo@host:port/?plugin=...#tag, with "method:password" in URL-safe base64 without
# padding, or percent-encoded as it is for AEAD-2022; the plugin's options are those of SIP003, where
# a semicolon in a value has a backslash in front. obfs-local has a default for obfs-host.
# One would expect a reader to give what was written, or an error. python-v2ray reads with the plain
# alphabet, in a mode that skips what is not in it: of a password whose base64 has a "_" one
# character is missing, and with a "-" the base64 itself becomes the password and the method another
# one. It drops a plugin without a word, and gives None for the example of AEAD-2022 in the text.
# surgio writes obfs-host "undefined" where none is given, and cuts a value at an escaped semicolon.
# Neither says anything: the user sees a server that does not answer.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages python-v2ray==0.1.8
npm_packages surgio@3.13.2
cat >urls.py <<'PY'
import base64


def userinfo(password):
    return base64.urlsafe_b64encode(f"aes-256-gcm:{password}".encode()).decode().rstrip("=")


SERVER = "@server.example:8388"
URLS = {
    "plain": f"ss://{userinfo('word')}{SERVER}#tag",
    "_ in base64": f"ss://{userinfo('???')}{SERVER}#tag",
    "- in base64": f"ss://{userinfo('a>b?c~d')}{SERVER}#tag",
    "AEAD-2022": f"ss://2022-blake3-aes-256-gcm:YctPZ6U7xPPcU%2Bgp3u%2B0tx%2FtRizJN9K8y%2BuKlW2qjlI%3D{SERVER}#tag",
    "obfs": f"ss://{userinfo('word')}{SERVER}/?plugin=obfs-local%3Bobfs%3Dhttp#tag",
    "escaped": f"ss://{userinfo('word')}{SERVER}/?plugin=obfs-local%3Bobfs%3Dhttp%3Bobfs-host%3Da%5C%3Bb#tag",
}
PY
observe python - <<'PY'
import json
import subprocess
import sys

sys.path.insert(0, "")
from urls import URLS

from python_v2ray.config_parser import parse_uri

SURGIO = """
import ss from "surgio/build/utils/ss.js";
for (const [name, url] of Object.entries(JSON.parse(process.argv[2]))) {
  const { method, password, obfs, obfsHost } = ss.parseSSUri(url);
  console.log(`surgio 3.13.2, ${name}: ${method} ${password} ${obfs ?? "no plugin"} ${obfsHost ?? ""}`.trim());
}
"""
for name, url in URLS.items():
    read = parse_uri(url)
    print(f"python-v2ray 0.1.8, {name}: {read and f'{read.ss_method} {read.password}'}", flush=True)
subprocess.run(["node", "--input-type=module", "-e", SURGIO, "-", json.dumps(URLS)], check=True)
PY
sees 'python-v2ray 0.1.8, plain: aes-256-gcm word'
sees 'python-v2ray 0.1.8, _ in base64: aes-256-gcm ??'
sees 'python-v2ray 0.1.8, - in base64: chacha20-poly1305 YWVzLTI1Ni1nY206YT5iP2N-ZA'
sees 'python-v2ray 0.1.8, AEAD-2022: None'
sees 'python-v2ray 0.1.8, obfs: aes-256-gcm word'
sees 'surgio 3.13.2, plain: aes-256-gcm word no plugin'
sees 'surgio 3.13.2, _ in base64: aes-256-gcm ??? no plugin'
sees 'surgio 3.13.2, - in base64: aes-256-gcm a>b?c~d no plugin'
sees 'surgio 3.13.2, AEAD-2022: 2022-blake3-aes-256-gcm YctPZ6U7xPPcU+gp3u+0tx/tRizJN9K8y+uKlW2qjlI= no plugin'
sees 'surgio 3.13.2, obfs: aes-256-gcm word http undefined'
sees 'surgio 3.13.2, escaped: aes-256-gcm word http a\'
verdict
