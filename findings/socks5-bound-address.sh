#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, section 6: a reply has the address that the server has bound, of the same three types as
# a request: 1, IPv4; 3, a name; 4, IPv6. A server that reaches its target over IPv6 answers with 4.
# One would expect a client to read as many octets as the type says, and to forget them. torsocks
# reads ten whatever comes: the rest of a name or of an IPv6 address is the first thing that the
# program inside reads from its connection. OpenBSD's nc takes 1 and 4 and ends at a name with
# "unsupported address type", though it sends names itself. A server that wants both has to answer
# with 0.0.0.0, as Tor does.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian torsocks=2.4.0-1 netcat-openbsd=1.219-1 connect-proxy=1.105-1.3
export lab
python_packages PySocks==1.7.1
observe python - <<'PY'
import os
import subprocess

from peers import HOST, socks_proxy

REPLIES = {
    "IPv4": b"\x01\xc0\x00\x02\x01\x12\x34",
    "IPv6": b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01\x12\x34",
    "a name": b"\x03\x11proxy.example.com\x12\x34",
}
GREETING = b"hello from the target\n"
READ = "import socket; print(socket.create_connection(('198.51.100.1', 2222)).makefile('rb').readline())"
PYSOCKS = ("import socks; s = socks.socksocket(); s.set_proxy(socks.SOCKS5, '{host}', {port});"
           "s.connect(('198.51.100.1', 2222)); print(s.recv(100))")
root = os.environ["lab"] + "/root"
CLIENTS = {
    "torsocks 2.4.0": (["python", "-c", READ], {
        "LD_PRELOAD": f"{root}/usr/lib/{os.uname().machine}-linux-gnu/torsocks/libtorsocks.so",
        "TORSOCKS_CONF_FILE": f"{root}/etc/tor/torsocks.conf", "TORSOCKS_TOR_ADDRESS": "{host}",
        "TORSOCKS_TOR_PORT": "{port}"}),
    "nc 1.219": ([f"{root}/bin/nc.openbsd", "-X", "5", "-x", "{host}:{port}", "198.51.100.1", "2222"], {}),
    "connect-proxy 1.105": (["connect-proxy", "-S", "{host}:{port}", "198.51.100.1", "2222"], {}),
    "PySocks 1.7.1": (["python", "-c", PYSOCKS], {}),
}


def gets(command, more, port):
    """The bytes that the program behind the client reads first."""
    def fill(text):
        return text.replace("{host}", HOST).replace("{port}", str(port))

    try:
        done = subprocess.run([fill(word) for word in command], capture_output=True, timeout=3, stdin=subprocess.DEVNULL,
                              env={**os.environ, **{name: fill(text) for name, text in more.items()}})
        out, err = done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        out, err = late.stdout or b"", b""
    if GREETING.strip() in out:
        before = out.partition(b"hello")[0].removeprefix(b"b'")
        return f"{len(before.decode('unicode_escape'))} octets and the greeting" if before else "the greeting"
    return err.decode().strip().split(": ")[-1] or "nothing"


for client, (command, more) in CLIENTS.items():
    for kind, bound in REPLIES.items():
        port = socks_proxy(b"\x05\x00\x00" + bound, 0.2, GREETING)
        print(f"{client}, {kind}: {gets(command, more, port)}", flush=True)
PY
for kind in IPv4 IPv6 'a name'; do
    sees "connect-proxy 1.105, $kind: the greeting"
    sees "PySocks 1.7.1, $kind: the greeting"
done
sees 'torsocks 2.4.0, IPv4: the greeting'
sees 'torsocks 2.4.0, IPv6: 12 octets and the greeting'
sees 'torsocks 2.4.0, a name: 14 octets and the greeting'
sees 'nc 1.219, IPv6: the greeting'
sees 'nc 1.219, a name: connection failed, unsupported address type'
verdict
