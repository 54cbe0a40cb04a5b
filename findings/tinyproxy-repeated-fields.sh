#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 9110, section 5.3: a message may hold several field lines of one name, and a proxy keeps their
# order; RFC 6265, section 3: each cookie has a Set-Cookie line of its own, and they should not be
# folded into one.
# One would expect both cookies behind tinyproxy. It keeps the first line of a name and drops the
# others, in requests and in answers, for every field: the second cookie, the Basic challenge after
# a Negotiate one, the rest of a Vary. Nothing is logged. Behind such a proxy a login fails that
# works without it, and a cache may be poorer by half of a Vary.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

debian tinyproxy-bin=1.11.1-2.1+deb12u1
python_packages
observe python - <<'PY'
import socket
import subprocess

from peers import HOST, free_port, serve, start, stop, through

VALUES = {"Set-Cookie": ["a=1", "b=2"], "WWW-Authenticate": ["Negotiate", 'Basic realm="x"'],
          "Vary": ["Accept", "Origin"], "Via": ["1.1 one", "1.1 two"], "X-Own": ["1", "2"]}
LINES = "".join(f"{name}: {value}\r\n" for name, values in VALUES.items() for value in values).encode()
asked = []


def answer(conn):
    asked.append(through(conn, b"\r\n\r\n"))
    conn.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n" + LINES + b"\r\nok")


def show(what, head):
    lines = [line.split(": ", 1) for line in head.decode().split("\r\n\r\n")[0].split("\r\n")[1:]]
    for name, values in VALUES.items():
        print(f"{what}, {name}: sent {values}, arrived {[line[1] for line in lines if line[0] == name]}")


print(subprocess.run(["tinyproxy", "-v"], capture_output=True, text=True).stdout.strip())
port, origin = free_port(), serve(answer)
with open("tinyproxy.conf", "w") as config:
    config.write(f"Port {port}\nListen {HOST}\nTimeout 10\nMaxClients 5\nDisableViaHeader Yes\n")
process = start(["tinyproxy", "-d", "-c", "tinyproxy.conf"], port)
try:
    with socket.create_connection((HOST, port), 5) as conn:
        url = f"http://{HOST}:{origin}/".encode()
        conn.sendall(b"GET " + url + b" HTTP/1.1\r\nHost: " + url[7:-1] + b"\r\n" + LINES + b"\r\n")
        show("answer", through(conn, b"\r\n\r\nok"))
    show("request", asked[0])
finally:
    stop(process)
PY
sees 'tinyproxy 1.11.1'
for message in request answer; do
    sees "$message, Set-Cookie: sent ['a=1', 'b=2'], arrived ['a=1']"
    sees "$message, Vary: sent ['Accept', 'Origin'], arrived ['Accept']"
    sees "$message, X-Own: sent ['1', '2'], arrived ['1']"
done
verdict
