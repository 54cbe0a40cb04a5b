#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# RFC 1928, section 6: each reply has an address and a port, ten octets with IPv4, whatever its
# code; 5 is "connection refused", 7 "command not supported".
# One would expect to read why a request failed. socksv5 closes after the first two octets of a
# refusal, and so does @pondwader/socks5-server for a command that it does not know: PySocks, which
# reads the four octets of the fixed part first, reports a closed connection, and its user never
# learns that the port was closed. simple-socks answers BIND and UDP ASSOCIATE, which it does not
# implement, with code 0, "succeeded", and the address 0.0.0.0:0, and closes. A client that was
# tried against one of these alone has learnt another format than that of the RFC.
source "$(dirname "${BASH_SOURCE[0]}")/lab.sh"

python_packages PySocks==1.7.1
npm_packages socksv5@0.0.6 @pondwader/socks5-server@1.0.10 simple-socks@3.6.0
cat >serve.mjs <<'JS'
const [name, port, host] = process.argv.slice(2);
const library = (await import(name)).default;
const servers = {
  "socksv5": () => {
    const server = library.createServer((info, accept) => accept());
    server.useAuth(library.auth.None());
    return server;
  },
  "@pondwader/socks5-server": () => library.createServer(),
  "simple-socks": () => library.createServer(),
};
servers[name]().listen(Number(port), host);
JS
observe python - <<'PY'
import socket

import socks

from peers import HOST, exactly, free_port, start, stop


def answer(port, command, target):
    """All that the server sends until it closes."""
    with socket.create_connection((HOST, port), 5) as conn:
        conn.sendall(b"\x05\x01\x00")
        exactly(conn, 2)
        conn.sendall(b"\x05" + bytes([command]) + b"\x00\x01" + target)
        reply = b""
        try:
            while piece := conn.recv(100):
                reply += piece
        except TimeoutError:
            return f"{reply.hex(' ')}, stays open"
        return f"{reply.hex(' ')}, closed" if reply else "nothing, closed"


def pysocks(port, target):
    conn = socks.socksocket()
    conn.settimeout(5)
    conn.set_proxy(socks.SOCKS5, HOST, port)
    try:
        conn.connect((HOST, target))
    except socks.ProxyError as error:
        return str(error)
    finally:
        conn.close()


closed = free_port()
local = b"\x7f\x00\x00\x01" + closed.to_bytes(2, "big")
for name in "socksv5", "@pondwader/socks5-server", "simple-socks":
    port = free_port()
    process = start(["node", "serve.mjs", name, str(port), HOST], port)
    try:
        reply = answer(port, 1, local).replace(closed.to_bytes(2, "big").hex(" "), "PORT")
        print(f"{name}, CONNECT to a closed port: {reply}")
        print(f"{name}, the same with PySocks: {pysocks(port, closed)}")
        print(f"{name}, BIND: {answer(port, 2, bytes(6))}")
        print(f"{name}, UDP ASSOCIATE: {answer(port, 3, bytes(6))}")
    finally:
        stop(process)
PY
sees 'socksv5, CONNECT to a closed port: 05 05, closed'
sees 'socksv5, the same with PySocks: Socket error: Connection closed unexpectedly'
sees 'socksv5, BIND: 05 07, closed'
sees '@pondwader/socks5-server, the same with PySocks: Socket error: 0x05: Connection refused'
sees '@pondwader/socks5-server, UDP ASSOCIATE: 05 07, closed'
sees 'simple-socks, BIND: 05 00 00 01 00 00 00 00 00 00, closed'
sees 'simple-socks, UDP ASSOCIATE: 05 00 00 01 00 00 00 00 00 00, closed'
verdict
