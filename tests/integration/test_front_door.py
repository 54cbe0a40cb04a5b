# SPDX-License-Identifier: Apache-2.0
"""One port of ss-local for SOCKS4, SOCKS4a, SOCKS5 and HTTP, as real clients use it."""

from __future__ import annotations

import base64
import hashlib
import http.client
import json
import re
import socket
import string
import struct
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, socks
from harness.content import End, read_exactly, read_to_end
from harness.origin import BIG, Origin
from harness.programs import SLOWER, peer
from harness.queues import wait_until_read
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo

USERS = [{"name": "user", "password": "pass:word"}, {"name": "empty", "password": ""}]


@pytest.fixture
def origin(stage: Stage) -> Origin:
    return stage.keep(Origin())


@pytest.fixture
def chain(stage: Stage) -> Chain:
    return stage.chain(our_parts())


@pytest.fixture
def guarded(stage: Stage) -> Chain:
    return stage.chain(our_parts(), local_users=USERS)


def curl(stage: Stage, *argv: object) -> tuple[int, str]:
    process = stage.run(peer("curl"), "-sS", "--max-time", 30, "--noproxy", "", *argv)
    status = process.wait(40)
    return status, process.output()


def told(text: str) -> list[dict[str, Any]]:
    """The answers of origins, one behind the other."""
    decoder, at, found = json.JSONDecoder(), 0, []
    while at < len(text):
        value, at = decoder.raw_decode(text, at)
        found.append(value)
    return found


def test_wget_comes_by_http(stage: Stage, chain: Chain, origin: Origin) -> None:
    near = f"http://127.0.0.1:{chain.socks[1]}"
    got = stage.run(peer("wget"), "-q", "-O", "-", origin.url("/a").replace("//", "//x:y@"), origin.url("/b", "localhost"),
                    env={"http_proxy": near, "no_proxy": ""})
    assert got.wait(30) == 0, got.output()
    first, second = told(got.output())
    assert dict(first["headers"])["Authorization"] == "Basic eDp5"
    assert second["path"] == "/b"


# ---- requests in absolute form ----


def request(origin: Origin, path: str, *fields: str, version: str = "1.1", host: str = "127.0.0.1") -> bytes:
    lines = [f"GET {origin.url(path, host)} HTTP/{version}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def answers(sock: socket.socket, count: int) -> list[Any]:
    """Reads as many responses from one connection; each with its status, fields and body."""
    found = []
    stream = sock.makefile("rb")
    for _ in range(count):
        status = int(stream.readline().split()[1])
        fields = http.client.parse_headers(stream)
        body = stream.read(int(fields["Content-Length"]))
        found.append((status, fields, body))
    return found


def test_several_hosts_and_pipelined_requests_go_down_one_connection(stage: Stage, chain: Chain,
                                                                     origin: Origin) -> None:
    other = stage.keep(Origin())
    sock = stage.connect(chain.socks)
    where = [origin, origin, other, origin, origin, other, other, other, origin]
    sock.sendall(b"".join(request(o, f"/{i}") for i, o in enumerate(where)))
    bodies = [json.loads(body) for _, _, body in answers(sock, len(where))]
    assert [body["path"] for body in bodies] == [f"/{i}" for i in range(len(where))]
    assert bodies[0]["peer"] == bodies[1]["peer"]  # which was kept
    assert bodies[5]["peer"] == bodies[6]["peer"] == bodies[7]["peer"]


def test_a_request_in_single_bytes(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    for byte in request(origin, "/slow"):
        sock.send(bytes([byte]))
        wait_until_read(sock)
    assert json.loads(answers(sock, 1)[0][2])["path"] == "/slow"


def test_a_target_that_closes_is_dialed_for_the_next_request(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(request(origin, "/last/1") + request(origin, "/last/2"))
    first, second = answers(sock, 2)
    assert json.loads(first[2])["path"] == "/last/1" and "Connection" not in first[1]
    assert json.loads(second[2])["path"] == "/last/2"


def test_fields_of_one_connection_do_not_reach_the_target(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(request(origin, "/?q#f", "Host: wrong", "Proxy-Connection: keep-alive", "TE: trailers",
                         "Proxy-Authorization: Basic eDp5", "Connection: X-Hop, keep-alive", "X-Hop: 1",
                         "Keep-Alive: 3", "X-End: 2"))
    got = json.loads(answers(sock, 1)[0][2])
    assert got["path"] == "/?q"
    assert got["headers"] == [["Host", f"127.0.0.1:{origin.address[1]}"], ["X-End", "2"]]


def test_python_uploads_and_downloads_in_chunks(chain: Chain, origin: Origin) -> None:
    near = http.client.HTTPConnection(*chain.socks, timeout=30)
    for path in ("/chunked/big", "/big"):
        near.request("GET", origin.url(path))
        assert hashlib.sha256(near.getresponse().read()).digest() == hashlib.sha256(BIG).digest()
    parts = [BIG[at:at + 99999] for at in range(0, len(BIG), 99999)]
    near.request("POST", origin.url("/up"), body=iter(parts), encode_chunked=True,
                 headers={"Transfer-Encoding": "chunked"})
    got = json.loads(near.getresponse().read())
    assert got["sha256"] == hashlib.sha256(BIG).hexdigest()
    near.request("PUT", origin.url("/up"), body=BIG)
    assert json.loads(near.getresponse().read())["sha256"] == got["sha256"]
    near.close()


def test_curl_waits_for_100_and_uploads(stage: Stage, chain: Chain, origin: Origin, tmp_path: Path) -> None:
    path = tmp_path / "upload"
    path.write_bytes(BIG)
    status, text = curl(stage, "--proxy", f"127.0.0.1:{chain.socks[1]}", "-T", path, origin.url("/up"),
                        "--expect100-timeout", 20)
    assert status == 0 and told(text)[0]["sha256"] == hashlib.sha256(BIG).hexdigest()
    assert ["Expect", "100-continue"] in told(text)[0]["headers"]


def test_an_old_client_gets_chunks_without_their_sizes(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(request(origin, "/chunked/big", version="1.0"))
    whole, end = read_to_end(sock)
    head, _, body = whole.partition(b"\r\n\r\n")
    assert body == BIG and end is End.FIN and b"chunked" not in head


def test_a_client_that_half_closes_gets_its_answer(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(request(origin, "/half"))
    sock.shutdown(socket.SHUT_WR)
    whole, end = read_to_end(sock)
    assert b'"/half"' in whole and end is End.FIN


def test_clients_that_reset_with_requests_unread_leave_nothing(stage: Stage, chain: Chain, origin: Origin) -> None:
    """The requests fill the window behind a large answer: the end of the client is not read either."""
    before = procfs.socket_count(chain.local.pid)
    for _ in range(4):
        sock = stage.connect(chain.socks)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            while True:
                sock.sendall(request(origin, "/big") * 5000)
        sock.close()
    procfs.eventually(lambda: procfs.socket_count(chain.local.pid) == before, "no socket is left", 20 * SLOWER)


def test_a_target_that_fails_has_a_page_and_the_connection_goes_on(stage: Stage, chain: Chain, origin: Origin) -> None:
    sock = stage.connect(chain.socks)
    sock.sendall(f"GET http://127.0.0.1:{stage.port()}/ HTTP/1.1\r\n\r\n".encode() + request(origin, "/next"))
    (status, fields, page), (second, _, _) = answers(sock, 2)
    assert (status, second) == (502, 200)
    assert fields["Content-Type"].startswith("text/html") and b"502" in page and len(page) < 1024


def test_a_server_that_refuses_has_a_page_for_both_forms(stage: Stage) -> None:
    near = ("127.0.0.1", stage.port())
    stage.ss_local(our_parts(), ("127.0.0.1", stage.port()), near[1])
    for said in (b"GET http://192.0.2.1/ HTTP/1.1\r\n\r\n", b"CONNECT 192.0.2.1:443 HTTP/1.1\r\n\r\n"):
        sock = stage.connect(near)
        sock.sendall(said)
        assert answers(sock, 1)[0][0] == 502


def test_what_could_be_smuggled_is_refused(stage: Stage, chain: Chain, origin: Origin) -> None:
    for fields in ("Content-Length: 1\r\nContent-Length: 2\r\n", "A: b\n", "A: b\r\n c\r\n", "A : b\r\n", "A: b\rc\r\n",
                   "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n"):
        for before in (b"", request(origin, "/")):
            sock = stage.connect(chain.socks)
            sock.sendall(before + f"POST {origin.url()} HTTP/1.1\r\n{fields}\r\nx".encode())
            statuses = [status for status, _, _ in answers(sock, 2 if before else 1)]
            assert statuses == ([200, 400] if before else [400])
            assert read_to_end(sock) == (b"", End.FIN)


def test_bytes_behind_connect_belong_to_the_tunnel(stage: Stage, chain: Chain) -> None:
    port = stage.target(echo).address[1]
    sock = stage.connect(chain.socks)
    sock.sendall(f"CONNECT localhost:{port} HTTP/1.1\r\nContent-Length: 3\r\n\r\nhello".encode())
    expected = b"HTTP/1.1 200 Connection established\r\n\r\nhello"
    assert read_exactly(sock, len(expected)) == expected
    sock.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == (b"", End.FIN)


# Probes for other protocols: in hexadecimal, or as text; and the answer, or the status of one.
CLOSED = b""
PROBES: dict[str, tuple[str | bytes, bytes | int]] = {
    "AJP": ("123400010a", CLOSED), "BitTorrent": ("13426974546f7272656e742070726f746f636f6c", CLOSED),
    "LDAP": ("300c020101600702010304008000", CLOSED), "MQTT": ("101000044d5154540402003c000474657374", CLOSED),
    "PostgreSQL": ("0000000804d2162f", CLOSED), "PROXY v2": ("0d0a0d0a000d0a515549540a20000000", CLOSED),
    "RDP": ("0300000b06e00000000000", CLOSED), "Redis": (b"*1\r\n$4\r\nPING\r\n", CLOSED),
    "telnet": ("fffb01fffb03", CLOSED), "TLS": ("16030100a5010000a10303" + "00" * 160, CLOSED),
    "JSON": (b'{"id":1}\n', CLOSED), "an empty line": (b"\r\n", CLOSED), "SOCKS6": ("0600", CLOSED),
    "AMQP": (b"AMQP\0\0\x09\x01", CLOSED), "SMTP": (b"EHLO x\r\n", CLOSED), "SSH": (b"SSH-2.0-x\r\n", CLOSED),
    "HTTP/0.9": (b"GET /\r\n", CLOSED), "PROXY v1": (b"PROXY UNKNOWN\r\n", CLOSED), "X11": ("6c000b0000000000", CLOSED),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505), "VNC": (b"RFB 003.008\n", 400),
    "RTSP": (b"OPTIONS rtsp://h/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", 400),
    "SIP": (b"OPTIONS sip:nm SIP/2.0\r\nVia: SIP/2.0/TCP nm\r\n\r\n", 400),
    "a web server": (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", 421),
    "no method": ("0500", b"\5\xff"), "GSSAPI": ("050101", b"\5\xff"),
    "BIND": ("040200507f00000100", b"\0\x5b" + bytes(6)),
}


def probe(stage: Stage, door: tuple[str, int], text: bytes) -> bytes:
    """All of the answer to a client that says this and ends its side."""
    sock = stage.connect(door)
    sock.sendall(text)
    sock.shutdown(socket.SHUT_WR)
    answer, end = read_to_end(sock)
    assert end is End.FIN
    return answer


@pytest.mark.parametrize("users", [None, USERS])
def test_other_protocols_get_an_answer_of_a_proxy_or_none(stage: Stage, users: list[dict[str, str]] | None) -> None:
    door, pages = stage.chain(our_parts(), local_users=users).socks, set()
    for name, (said, expected) in PROBES.items():
        answer = probe(stage, door, bytes.fromhex(said) if isinstance(said, str) else said)
        if isinstance(expected, bytes):
            assert answer == expected, name
        else:
            assert answer.startswith(b"HTTP/1.1 %d " % expected), name
            pages |= {answer} if expected == 400 else set()
    assert len(pages) == 1  # it says nothing about the probe


def test_the_first_byte_decides(stage: Stage, chain: Chain) -> None:
    """4, 5 and letters are waited for, and nothing is said before there is more."""
    for first in range(256):
        sock = stage.connect(chain.socks)
        sock.sendall(bytes([first]))
        if first in (4, 5) or chr(first) in string.ascii_letters:
            wait_until_read(sock)
            sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock) == (b"", End.FIN)


# ---- users ----


def test_curl_names_itself(stage: Stage, guarded: Chain, origin: Origin) -> None:
    near = f"127.0.0.1:{guarded.socks[1]}"
    for way in ("socks5h", "http"):
        for user, fine in (("user:pass:word", True), ("empty:", True), ("user:wrong", False), ("", False)):
            argv = ["--proxy-user", user] if user else []
            status, text = curl(stage, "--fail", "--proxy", f"{way}://{near}", *argv, origin.url("/u"))
            assert (status == 0) == fine, text
    status, _ = curl(stage, "--proxy", f"socks4://user@{near}", origin.url())
    assert status != 0  # it has no password


def test_curl_goes_on_behind_407(stage: Stage, guarded: Chain, origin: Origin) -> None:
    status, text = curl(stage, "--proxy", f"127.0.0.1:{guarded.socks[1]}", "--proxy-anyauth", "-v", "-d", "body",
                        "--proxy-user", "user:pass:word", origin.url("/u"))
    assert status == 0 and "407 Proxy Authentication Required" in text
    connected = re.findall(r"^\* (?:Connected|Established connection) to", text, re.MULTILINE)
    assert len(connected) == 1, text
    assert hashlib.sha256(b"body").hexdigest() in text


def test_credentials_do_not_reach_the_target(stage: Stage, guarded: Chain, origin: Origin) -> None:
    token = base64.b64encode(b"user:pass:word").decode()
    sock = stage.connect(guarded.socks)
    sock.sendall(request(origin, "/", f"Proxy-Authorization: Basic {token}"))
    assert token not in answers(sock, 1)[0][2].decode()


def test_socks_users_of_python(guarded: Chain, stage: Stage) -> None:
    """The success of RFC 1929, and its failure, byte by byte."""
    for password, answer in ((b"pass:word", b"\1\0"), (b"pass", b"\1\1")):
        sock = stage.connect(guarded.socks)
        sock.sendall(b"\5\1\2")
        assert read_exactly(sock, 2) == b"\5\2"
        sock.sendall(b"\1\4user" + bytes([len(password)]) + password)
        assert read_exactly(sock, 2) == answer
    sock = stage.connect(guarded.socks)
    sock.sendall(b"\5\1\0")
    assert read_to_end(sock) == (b"\5\xff", End.FIN)


def test_names_of_many_clients_stay_apart(stage: Stage, chain: Chain, origin: Origin) -> None:
    """RESOLVE, and CONNECT to the address that it has given."""
    sock = socks.greet(chain.socks)
    sock.sendall(b"\5\xf0\0\3\x09localhost\0\x2a")
    reply = read_exactly(sock, 10)
    assert reply[:4] == b"\5\0\0\1" and reply[4] == 198
    sock.close()
    address = ".".join(str(byte) for byte in reply[4:8])
    client = chain.dial((address, origin.address[1]))
    client.sendall(b"GET /by-name HTTP/1.0\r\n\r\n")
    assert b"/by-name" in read_to_end(client)[0]


def test_users_gate_udp(stage: Stage) -> None:
    """Packets are relayed for a client that has named itself, and only while it is connected."""
    near = stage.chain(our_parts(), mode="tcp_and_udp", local_users=USERS).socks
    client = stage.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    server = stage.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    server.bind(("127.0.0.1", 0))
    server.settimeout(30)
    said = b"\0\0\0\1\x7f\0\0\1" + server.getsockname()[1].to_bytes(2, "big")
    client.sendto(said + b"without a name", near)
    sock = stage.connect(near)
    sock.sendall(b"\5\1\2" + b"\1\4user\x09pass:word" + b"\5\3\0\1\0\0\0\0\0\0")
    assert read_exactly(sock, 2 + 2 + 10)[:6] == b"\5\2\1\0\5\0"
    client.sendto(said + b"with a name", near)
    assert server.recv(100) == b"with a name"


def test_users_without_a_connection_to_name_themselves_on_are_refused(stage: Stage) -> None:
    local = stage.ss_local(our_parts(), ("127.0.0.1", stage.port()), stage.port(), mode="udp_only", local_users=USERS,
                           wait=False)
    assert local.wait(30) == 255 and "local_users and mode udp_only" in local.output()
