# SPDX-License-Identifier: Apache-2.0
"""ws-wrap against the websockets of others: v2ray-plugin, sing-box, and python-websockets."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
import subprocess
from typing import Any

import pytest
from harness import procfs, socks
from harness.content import End, content, read_exactly, read_to_end, sha256
from harness.programs import SLOWER, ours, peer
from harness.stage import Parts, Stage
from harness.targets import Target, echo, hash_to_end
from mix import MIB, carries_everything
from peers2022 import Server, dial, serve
from tls_peers import SITE, Certificate, certificate, web_site
from ws_peers import (
    HERE,
    pair,
    plugin,
    sing_box_client,
    sing_box_server,
    websockets_server,
    xray_client,
    xray_server,
)

MIXES = [("ours", "ours"), ("ours", "theirs"), ("theirs", "ours")]
PLAIN = "host=ex.test;path=/tunnel;mux=0"
UPGRADE = "mode=httpupgrade;host=ex.test;path=/tunnel"
WS: dict[str, Any] = {"type": "ws", "path": "/tunnel", "headers": {"Host": "ex.test"}}
EARLY = {**WS, "max_early_data": 2048, "early_data_header_name": "Sec-WebSocket-Protocol"}
CLEAR: dict[str, Any] = {"type": "httpupgrade", "path": "/tunnel", "host": "ex.test"}


def program(maker: str) -> str:
    return str(ours("ws-wrap") if maker == "ours" else peer("ss-v2ray-plugin"))


def carries(stage: Stage, port: int, size: int = MIB) -> None:
    """To and fro, to an echo."""
    sock, data = stage.connect((HERE, port)), content(size)
    for part in (data[:1], data[1:20000], data[20000:]):
        sock.sendall(part)
        assert read_exactly(sock, len(part)) == part


@pytest.fixture
def backend(stage: Stage) -> Target:
    return stage.target(echo)


@pytest.fixture
def good(stage: Stage) -> Certificate:
    return certificate(stage.home)


# ---- v2ray-plugin ----

@pytest.mark.parametrize(("client", "server"), MIXES)
def test_v2ray_plugin(stage: Stage, client: str, server: str) -> None:
    """Between our hosts; only the plugin's name differs."""
    carries_everything(stage, stage.chain(
        Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", program(client), PLAIN,
              program(server), f"server;{PLAIN}")))


@pytest.mark.parametrize(("client", "server"), MIXES)
def test_v2ray_plugin_over_tls(stage: Stage, good: Certificate, client: str, server: str) -> None:
    carries_everything(stage, stage.chain(
        Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", program(client),
              f"tls;{PLAIN};cert={good.cert}", program(server), f"server;tls;{PLAIN};{good.server}")))


def test_a_server_that_multiplexes(stage: Stage) -> None:
    """v2ray-plugin's does unless it is told not to: so does our client then."""
    options = "host=ex.test;path=/tunnel"
    carries_everything(stage, stage.chain(
        Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", program("ours"), f"{options};mux=8",
              program("theirs"), f"server;{options}")))


def test_an_upload_is_whole_before_v2ray_plugin_hears_the_end(stage: Stage, backend: Target) -> None:
    """Its server ends both directions by a Close frame: ours holds that back until all has come."""
    near, _ = pair(stage, ("ours", PLAIN), ("theirs", PLAIN), backend.address[1])
    sock, data = stage.connect((HERE, near)), content(300000)
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    assert read_exactly(sock, len(data)) == data


def test_the_end_of_our_server_reaches_v2ray_plugin(stage: Stage) -> None:
    data = content(300000)
    target = stage.target(lambda sock: (read_exactly(sock, 1), sock.sendall(data)) and None)
    near, _ = pair(stage, ("theirs", PLAIN), ("ours", PLAIN), target.address[1])
    sock = stage.connect((HERE, near))
    sock.sendall(b"x")
    assert read_to_end(sock) == (data, End.FIN)


@pytest.mark.parametrize("mux", [1, 8])
def test_a_client_that_multiplexes(stage: Stage, mux: int) -> None:
    """v2ray-plugin's does unless it is told not to: our server finds that out."""
    options = "host=ex.test;path=/tunnel"
    carries_everything(stage, stage.chain(
        Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", program("theirs"), f"{options};mux={mux}",
              program("ours"), f"server;{options}")))


def test_a_client_that_multiplexes_in_tls(stage: Stage, backend: Target, good: Certificate) -> None:
    near, _ = pair(stage, ("theirs", f"tls;host=ex.test;path=/tunnel;mux=8;cert={good.cert}"),
                   ("ours", f"tls;path=/tunnel;{good.server}"), backend.address[1])
    for _ in range(3):
        carries(stage, near, 300000)


@pytest.mark.parametrize(("client", "mux"), [("ours", 1), ("theirs", 1), ("theirs", 8)])
def test_streams_of_one_connection_reach_the_target_one_by_one(
        stage: Stage, backend: Target, client: str, mux: int) -> None:
    """They end one by one, too, and one that is not read leaves the others alone."""
    near, wire = stage.port(), stage.port()
    plugin(stage, "ours", "server", backend.address[1], wire, "path=/tunnel")
    relay = stage.relay((HERE, wire))
    plugin(stage, client, "client", near, relay.address[1], f"host=ex.test;path=/tunnel;mux={mux}")
    socks = [stage.connect((HERE, near)) for _ in range(8)]
    for round_ in range(3):
        for number, sock in enumerate(socks):
            data = content(100 + 30000 * number + round_)
            sock.sendall(data)
            assert read_exactly(sock, len(data)) == data
    assert backend.accepted == len(socks)
    assert len(relay.wires) == len(socks) // mux


def test_a_client_that_multiplexes_is_told_what_helps(stage: Stage, backend: Target) -> None:
    near, wire = stage.port(), stage.port()
    server = plugin(stage, "ours", "server", backend.address[1], wire, f"{PLAIN};v")
    plugin(stage, "theirs", "client", near, wire, PLAIN.replace("mux=0", "mux=1"))
    stage.connect((HERE, near)).sendall(b"hello")
    procfs.eventually(lambda: "the client needs mux=0" in server.output(), str(server), 10 * SLOWER)


# ---- between our ends ----

def half_closes(stage: Stage, near: int) -> None:
    """The answer comes behind the end of the question."""
    sock, data = stage.connect((HERE, near)), content(MIB)
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == (sha256(data).encode(), End.FIN)


@pytest.mark.parametrize("options", [PLAIN, f"{PLAIN};half-close=yes", UPGRADE])
def test_half_close(stage: Stage, options: str) -> None:
    near, _ = pair(stage, ("ours", options), ("ours", options), stage.target(hash_to_end).address[1])
    half_closes(stage, near)


def test_pings_cross_the_stream(stage: Stage, backend: Target) -> None:
    """One for each second of silence: a relay sees them, an echo does not."""
    wire = stage.port()
    plugin(stage, "ours", "server", backend.address[1], wire, PLAIN)
    relay, near = stage.relay((HERE, wire)), stage.port()
    plugin(stage, "ours", "client", near, relay.address[1], f"{PLAIN};ping=1")
    sock = stage.connect((HERE, near))
    sock.sendall(b"first")
    assert read_exactly(sock, 5) == b"first"
    before = len(relay.wires[0].up)
    procfs.eventually(lambda: len(relay.wires[0].up) >= before + 2 * 6, "two pings", 20 * SLOWER)
    sock.sendall(b"second")
    assert read_exactly(sock, 6) == b"second"


@pytest.mark.parametrize("first", [b"", b"\x82\x81\0\0\0\0x"], ids=["before payload", "behind payload"])
def test_who_does_not_read_pongs_has_to_wait(stage: Stage, backend: Target, first: bytes) -> None:
    """Pongs neither fill the memory nor end the connection: the pings behind them wait, and none is lost."""
    wire, text = stage.port(), content(125)
    plugin(stage, "ours", "server", backend.address[1], wire, "path=/tunnel")
    ping, pong = b"\x89\xfd\0\0\0\0" + text, b"\x8a\x7d" + text
    sock = stage.keep(socket.socket())
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((HERE, wire))
    sock.settimeout(30 * SLOWER)
    sock.sendall(b"GET /tunnel HTTP/1.1\r\nHost: ex.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n" + first)
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += read_exactly(sock, 1)
    assert read_exactly(sock, 3 if first else 0) == (b"\x82\x01x" if first else b"")
    flood, sent = memoryview(ping * (16 * MIB // len(ping))), 0
    sock.settimeout(0.5 * SLOWER)
    with contextlib.suppress(TimeoutError):
        while sent < len(flood):
            sent += sock.send(flood[sent:sent + 65536])
    sock.settimeout(30 * SLOWER)
    whole = sent // len(ping)
    assert read_exactly(sock, whole * len(pong)) == pong * whole


# ---- TLS in the same process ----

def test_the_certificate_of_acme_sh(stage: Stage, backend: Target, good: Certificate) -> None:
    """Where v2ray-plugin looks for it, too."""
    folder = stage.home / ".acme.sh" / "ex.test"
    folder.mkdir(parents=True)
    shutil.copy(good.cert, folder / "fullchain.cer")
    shutil.copy(good.key, folder / "ex.test.key")
    wire, near = stage.port(), stage.port()
    plugin(stage, "ours", "server", backend.address[1], wire, f"tls;{PLAIN}", HOME=str(stage.home))
    plugin(stage, "ours", "client", near, wire, f"tls;{PLAIN};pin={good.pin}")
    carries(stage, near, 300000)


def test_everybody_else_sees_the_web_site(stage: Stage, backend: Target, good: Certificate) -> None:
    """In TLS or not, a wrong path, a wrong host and no websocket: the page of the fallback."""
    more, site = f";path=/tunnel;host=ex.test;fallback={HERE}:{web_site(stage)}", []
    for options, scheme in ((f"tls;{good.server}", "https"), ("", "http")):
        wire = stage.port()
        plugin(stage, "ours", "server", backend.address[1], wire, options + more)
        url = f"{scheme}://ex.test:{wire}"
        upgrade = ["-H", "Connection: Upgrade", "-H", "Upgrade: websocket", "-H",
                   "Sec-WebSocket-Version: 13", "-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
        for words in ([f"{url}/"], [*upgrade, f"{url}/"], ["-H", "Host: a.test", f"{url}/"], [f"{url}/tunnel"]):
            done = subprocess.run([str(peer("curl")), "-s", "--max-time", str(30 * SLOWER), "--http1.1", "--cacert",
                                   good.cert, "--resolve", f"ex.test:{wire}:{HERE}", *words],
                                  capture_output=True, text=True, check=True)
            site.append(done.stdout)
    assert all(SITE in page for page in site[0:3] + site[4:7])
    assert "404 Not Found" in site[3] and site[3] == site[7]


@pytest.mark.parametrize("options", ["", "tls;{0.server}"], ids=["plain", "tls"])
def test_the_client_behind_a_web_server_reaches_the_log(stage: Stage, good: Certificate, options: str) -> None:
    """nginx says whom it speaks for, the plugin passes it on, and ss-server names it; a name that the client
    has put there itself does not count."""
    server = stage.ss_server(Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm"), plain := stage.port(),
                             proxy_protocol=True)
    wire = stage.port()
    plugin(stage, "ours", "server", plain, wire, f"path=/tunnel;trust={HERE};proxy-protocol;{options.format(good)}")
    scheme = "https" if options else "http"
    front = web_site(stage, f"location /tunnel {{ proxy_pass {scheme}://{HERE}:{wire}; proxy_http_version 1.1; "
                     "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
                     "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_ssl_protocols TLSv1.3; }")
    sock = stage.keep(socket.create_connection((HERE, front), 20 * SLOWER, source_address=("127.0.0.9", 0)))
    sock.sendall(b"GET /tunnel HTTP/1.1\r\nHost: ex.test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                 b"X-Forwarded-For: 1.2.3.4\r\n"
                 b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
                 b"\x82\xfe\x01\x00\0\0\0\0" + bytes(256))
    procfs.eventually(lambda: "127.0.0.9" in server.output(), str(server), 20 * SLOWER)
    assert "1.2.3.4" not in server.output()


@pytest.mark.parametrize("mode", ["websocket", "httpupgrade"])
def test_behind_nginx(stage: Stage, mode: str) -> None:
    """The site is at the front; the tunnel is one of its places. Half-close goes through as far as the
    proxy lets it: frames pass it, the end of TCP would end all."""
    wire, near, options = stage.port(), stage.port(), f"mode={mode};host=ex.test;path=/tunnel"
    target = stage.target(hash_to_end if mode == "websocket" else echo)
    plugin(stage, "ours", "server", target.address[1], wire, options)
    front = web_site(stage, f"location /tunnel {{ proxy_pass http://{HERE}:{wire}; proxy_http_version 1.1; "
                     "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection upgrade; "
                     "proxy_set_header Host $host; }")
    plugin(stage, "ours", "client", near, front, options)
    if mode == "websocket":
        half_closes(stage, near)
    else:
        carries(stage, near)


@pytest.mark.parametrize(("options", "text"), [
    ("cert={0.cert};key={0.key}", "options cert and tls: "),
    ("tls;mode=httpupgrade;ping=9;cert={0.cert};key={0.key}", "options mode and ping: "),
    ("tls;mux=1;half-close=yes;cert={0.cert};key={0.key}", "options mux and half-close: "),
    ("tls;mux=yes;cert={0.cert};key={0.key}", "option mux: yes is neither auto nor a number"),
    ("tls;cert={0.cert}", "option key: "),
])
def test_options_that_contradict_are_refused(stage: Stage, good: Certificate, options: str,
                                             text: str) -> None:
    process = stage.run(ours("ws-wrap"), "--server", "-s", HERE, "-p", "1", "-r", f"{HERE}:1", "--opts",
                        options.format(good))
    assert process.wait(10 * SLOWER) == 78
    (line,) = process.output().splitlines()
    assert text in line


@pytest.mark.parametrize(("words", "text"), [
    (["--opts", "mux=1;cert={0.cert}"], "options cert and tls: "),
    (["--mux=1", "--tl"], "option tls: "),
])
def test_without_tls_no_client_believes_in_it(stage: Stage, good: Certificate, words: list[str], text: str) -> None:
    """Multiplexed, too, and where a flag is cut short."""
    process = stage.run(ours("ws-wrap"), "-s", HERE, "-p", "1", "-l", str(stage.port()),
                        *(word.format(good) for word in words))
    assert process.wait(10 * SLOWER) == 78
    (line,) = process.output().splitlines()
    assert text in line


# ---- sing-box ----

@pytest.mark.parametrize("options", ["host=ex.test;path=/tunnel;mux=0", "host=ex.test;path=/tunnel"])
def test_plugin_of_sing_box(stage: Stage, options: str) -> None:
    """It has a v2ray-plugin of its own, which multiplexes unless it is told not to."""
    server = Server("2022-blake3-aes-128-gcm", "AAAAAAAAAAAAAAAAAAAAAA==", plugin=program("ours"),
                    plugin_opts="server;host=ex.test;path=/tunnel")
    _, public = serve(stage, "ours", server)
    there = Server(server.method, server.password, plugin="v2ray-plugin", plugin_opts=options)
    _, near = dial(stage, "sing-box", there, public)
    carries_over_socks(stage, near)


def carries_over_socks(stage: Stage, near: tuple[str, int]) -> None:
    sock, data = stage.keep(socks.dial(near, stage.target(echo).address)), content(300000)
    sock.sendall(data)
    assert read_exactly(sock, len(data)) == data


@pytest.mark.parametrize(("options", "transport"), [(PLAIN, WS), (PLAIN, EARLY), (UPGRADE, CLEAR)])
def test_our_server_and_sing_box(stage: Stage, backend: Target, options: str,
                                 transport: dict[str, Any]) -> None:
    wire = stage.port()
    plugin(stage, "ours", "server", sing_box_server(stage, None), wire, options)
    carries(stage, sing_box_client(stage, wire, backend.address[1], transport))


@pytest.mark.parametrize(("options", "transport"), [
    (PLAIN, WS), ("host=ex.test;path=/tunnel?ed=2048", EARLY), (UPGRADE, CLEAR)])
def test_our_client_and_sing_box(stage: Stage, backend: Target, options: str,
                                 transport: dict[str, Any]) -> None:
    near = stage.port()
    plugin(stage, "ours", "client", near, sing_box_server(stage, transport), options)
    port = sing_box_client(stage, near, backend.address[1], None)
    # Its server for httpupgrade throws away what arrives between its 101 and its Hijack(): the client is quicker
    # on a busy machine, and that connection ends without an answer.
    for _ in range(9 if transport is CLEAR else 0):
        with contextlib.suppress(EOFError):
            return carries(stage, port)
    carries(stage, port)


# ---- Xray ----

XRAY = [
    (PLAIN, {"network": "ws", "wsSettings": {"path": "/tunnel", "host": "ex.test"}}),
    ("host=ex.test;path=/tunnel?ed=2048", {"network": "ws", "wsSettings": {"path": "/tunnel?ed=2048", "host": "ex.test"}}),
    (UPGRADE, {"network": "httpupgrade", "httpupgradeSettings": {"path": "/tunnel", "host": "ex.test"}}),
]


@pytest.mark.parametrize(("options", "stream"), XRAY, ids=["ws", "early", "httpupgrade"])
def test_xray(stage: Stage, backend: Target, options: str, stream: dict[str, Any]) -> None:
    wire, near = stage.port(), stage.port()
    plugin(stage, "ours", "server", xray_server(stage, {}), wire, options.partition("?")[0])
    carries(stage, xray_client(stage, wire, backend.address[1], stream))
    plugin(stage, "ours", "client", near, xray_server(stage, stream), options)
    carries(stage, xray_client(stage, near, backend.address[1], {}))


# ---- python-websockets ----

def test_our_client_and_python(stage: Stage) -> None:
    near = stage.port()
    plugin(stage, "ours", "client", near, websockets_server(stage), PLAIN)
    carries(stage, near)


def test_a_client_that_closes_before_its_first_payload(stage: Stage, backend: Target) -> None:
    """Nothing is dialed, and the close ends in order all the same."""
    peer("websockets")
    import websockets

    wire = stage.port()
    plugin(stage, "ours", "server", backend.address[1], wire, "path=/tunnel")

    async def leave() -> int:
        async with websockets.connect(f"ws://{HERE}:{wire}/tunnel") as conn:
            pass
        return conn.close_code

    assert asyncio.run(leave()) == 1000
    assert backend.accepted == 0


def test_our_server_and_python(stage: Stage, backend: Target) -> None:
    """Messages of all lengths, a ping, and a close that ends in order."""
    peer("websockets")
    import websockets

    wire = stage.port()
    plugin(stage, "ours", "server", backend.address[1], wire, "path=/tunnel")

    async def talk() -> int:
        url, seen = f"ws://{HERE}:{wire}/tunnel", b""
        async with websockets.connect(url, max_size=None) as conn:
            for size in (1, 125, 126, 65535, 65536, MIB):
                await conn.send(content(size))
                while len(seen) < size:
                    seen += await conn.recv()
                assert seen == content(size)
                seen = b""
            await asyncio.wait_for(await conn.ping(b"are you there"), 10 * SLOWER)
        return conn.close_code

    assert asyncio.run(talk()) == 1000
