# SPDX-License-Identifier: Apache-2.0
"""stls-wrap against sing-box's shadowtls, and against those who are not told what it is."""

from __future__ import annotations

import contextlib
import socket
import subprocess

import pytest
from harness import procfs
from harness.content import End, content, read_exactly, read_to_end, sha256
from harness.programs import SLOWER, ours, peer
from harness.stage import Parts, Stage
from harness.targets import Target, echo, hash_to_end
from mix import MIB, carries_everything
from stls_peers import (client, old_site, server, shadowsocks, sing_box_client, sing_box_server,
                        through_sing_box, tls_site)
from tls_peers import HERE, SITE, Certificate, certificate

QUIET = 1.0 * SLOWER  # seconds in which nothing is to be done


@pytest.fixture
def good(stage: Stage) -> Certificate:
    return certificate(stage.home)


@pytest.fixture
def backend(stage: Stage) -> Target:
    return stage.target(echo)


def carries(sock: socket.socket) -> None:
    """To and fro, to an echo."""
    data = content(MIB)
    for part in (data[:1], data[1:20000], data[20000:]):
        sock.sendall(part)
        assert read_exactly(sock, len(part)) == part


def half_closes(stage: Stage, port: int) -> None:
    """The answer comes behind the end of the question."""
    sock, data = stage.connect((HERE, port)), content(MIB)
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == (sha256(data).encode(), End.FIN)


# ---- peers ----

def test_between_our_hosts(stage: Stage, good: Certificate) -> None:
    site = tls_site(stage, good)
    carries_everything(stage, stage.chain(
        Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", str(ours("stls-wrap")),
              f"v3;host=ex.test;passwd=p;ca={good.cert}", str(ours("stls-wrap")),
              f"server;v3;tls={HERE}:{site};passwd=p")))


@pytest.mark.parametrize("strict", ["", ";strict-mode"])
def test_our_ends(stage: Stage, good: Certificate, backend: Target, strict: str) -> None:
    _, wire = server(stage, tls_site(stage, good), backend.address[1], strict)
    _, near = client(stage, wire, good, strict)
    carries(stage.connect((HERE, near)))


def test_half_close(stage: Stage, good: Certificate) -> None:
    _, wire = server(stage, tls_site(stage, good), stage.target(hash_to_end).address[1])
    _, near = client(stage, wire, good)
    half_closes(stage, near)


def test_the_client_of_sing_box(stage: Stage, good: Certificate, backend: Target) -> None:
    _, wire = server(stage, tls_site(stage, good), shadowsocks(stage), ";strict-mode")
    carries(stage.connect((HERE, sing_box_client(stage, wire, backend.address[1], good))))


def test_the_server_of_sing_box(stage: Stage, good: Certificate, backend: Target) -> None:
    wire = sing_box_server(stage, tls_site(stage, good))
    carries(through_sing_box(stage, wire, backend.address[1], good, ";strict-mode"))


def test_a_site_with_tls_1_2(stage: Stage, good: Certificate, backend: Target) -> None:
    """Of every client, in loose mode; a strict one says so."""
    site = old_site(stage, good)
    _, wire = server(stage, site, shadowsocks(stage))
    carries(stage.connect((HERE, sing_box_client(stage, wire, backend.address[1], good))))
    carries(through_sing_box(stage, sing_box_server(stage, site, False), backend.address[1], good))
    _, wire = server(stage, site, stage.target(hash_to_end).address[1])
    half_closes(stage, client(stage, wire, good)[1])
    strict, port = client(stage, wire, good, ";strict-mode")
    assert answered(stage, port) == b""
    assert "the peer has no TLS 1.3" in strict.output()


def answered(stage: Stage, port: int) -> bytes:
    """All that comes back for a word; a reset may come before connect() returns."""
    with contextlib.suppress(ConnectionError):
        sock = stage.connect((HERE, port))
        sock.sendall(b"hello")
        return read_to_end(sock)[0]
    return b""


def test_a_strict_server_leaves_clients_of_an_old_site_to_it(stage: Stage, good: Certificate,
                                                             backend: Target) -> None:
    _, wire = server(stage, old_site(stage, good), backend.address[1], ";strict-mode")
    _, near = client(stage, wire, good)
    assert answered(stage, near) != b"hello"
    assert backend.accepted == 0


@pytest.mark.parametrize("maker", ["ours", "sing-box"])
def test_a_wrong_password_ends_at_the_site(stage: Stage, good: Certificate, backend: Target,
                                           maker: str) -> None:
    _, wire = server(stage, tls_site(stage, good), backend.address[1])
    if maker == "ours":
        process, near = client(stage, wire, good, password="another")
        answered(stage, near)
        procfs.eventually(lambda: "check passwd= at both ends" in process.output(), str(process),
                          10 * SLOWER)
    else:
        answered(stage, sing_box_client(stage, wire, backend.address[1], good, "another"))
    assert backend.accepted == 0


# ---- everybody else ----

def test_curl_sees_the_site(stage: Stage, good: Certificate, backend: Target) -> None:
    _, wire = server(stage, tls_site(stage, good), backend.address[1])
    for option in (["--http1.1"], ["--tls-max", "1.2"], ["--tlsv1.3"]):
        done = subprocess.run([str(peer("curl")), "-sS", "--max-time", str(30 * SLOWER), "--cacert",
                               str(good.cert), "--resolve", f"ex.test:{wire}:{HERE}", *option,
                               f"https://ex.test:{wire}/"], capture_output=True, text=True, check=False)
        assert SITE in done.stdout, done.stderr
    assert backend.accepted == 0


def lengths(answer: bytes) -> list[tuple[int, int]]:
    """Type and length of each record: their content differs from one handshake to the next."""
    records = []
    while len(answer) >= 5:
        n = int.from_bytes(answer[3:5], "big")
        records.append((answer[0], n))
        answer = answer[5 + n:]
    return [*records, (-1, len(answer))]


def rsa(good: Certificate) -> Certificate:
    """The same name with a key whose signatures are all of one length."""
    subprocess.run([str(peer("openssl")), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    good.key, "-out", good.cert, "-subj", "/CN=ex.test", "-addext",
                    "subjectAltName=DNS:ex.test"], check=True, capture_output=True)
    return good


def reaction(stage: Stage, port: int, probe: bytes) -> tuple[list[tuple[int, int]], End]:
    sock = stage.connect((HERE, port))
    sock.sendall(probe)
    with contextlib.suppress(OSError):  # the site may have reset it
        sock.shutdown(socket.SHUT_WR)
    answer, how = read_to_end(sock)
    return lengths(answer), how


def test_probes_get_what_the_site_answers(stage: Stage, good: Certificate, backend: Target) -> None:
    """Byte for byte, as far as two handshakes of the site agree, and the end.  A ClientHello of ours is
    among them, as it was, changed in one bit, cut, and with garbage behind it."""
    site = tls_site(stage, rsa(good))
    _, wire = server(stage, site, backend.address[1])
    relay = stage.relay((HERE, wire))
    carries(stage.connect((HERE, client(stage, relay.address[1], good)[1])))
    up = bytes(relay.wires[0].up)
    ours_ = up[:5 + int.from_bytes(up[3:5], "big")]
    wrong = ours_[:60] + bytes([ours_[60] ^ 1]) + ours_[61:]
    probes = [b"", b"GET / HTTP/1.0\r\n\r\n", content(3000), b"\x16\x03\x01\x02", b"\x16\x03\x01\xff\xff" + content(99),
              ours_, wrong, ours_[:-1], wrong + b"\x17\x03\x03\xff\xff", ours_ + b"\x17\x03\x03\xff\xff",
              ours_ + b"\x17\x03\x03\0\x20" + content(32), ours_ + up[len(ours_):], b"\x16\x03\x01\0\0"]
    for i, probe in enumerate(probes):
        assert reaction(stage, wire, probe) == reaction(stage, site, probe), i
    assert backend.accepted == 1


def test_the_site_sees_a_peer_at_once_and_each_byte(stage: Stage, good: Certificate) -> None:
    """Before a byte has come, and a ClientHello in pieces."""
    site = stage.listener()
    _, wire = server(stage, site.address[1], stage.target(echo).address[1])
    sock = stage.connect((HERE, wire))
    seen = stage.keep(site.accept())
    for byte in b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03":
        sock.sendall(bytes([byte]))
        assert read_exactly(seen, 1) == bytes([byte])
    seen.sendall(b"early")
    assert read_exactly(sock, 5) == b"early"
    seen.close()
    assert read_to_end(sock) == (b"", End.FIN)


# ---- cost ----

def test_idle_costs_nothing(stage: Stage, good: Certificate, backend: Target) -> None:
    """Connections that are stuck in each phase: silent, in a ClientHello, at a site that does not answer,
    in a record, and with all said.  The processes do nothing for a second."""
    site = tls_site(stage, good)
    mute = stage.listener()
    ends = [server(stage, site, backend.address[1]), server(stage, mute.address[1], backend.address[1])]
    clients = [client(stage, wire, good) for _, wire in ends]
    relay = stage.relay((HERE, ends[0][1]))
    clients.append(client(stage, relay.address[1], good))
    for _, near in (clients[0], clients[2]):
        sock = stage.connect((HERE, near))
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"
    first = bytes(relay.wires[0].up)[:200]
    for n in range(20):
        stage.connect((HERE, ends[0][1])).sendall(first[:n * 10])
        stage.connect((HERE, clients[1][1])).sendall(b"hello")
    for _ in range(20):
        stage.keep(mute.accept())
    processes = [process.pid for process, _ in ends + clients]
    before = [procfs.cpu_seconds(pid) for pid in processes]
    with socket.create_connection((HERE, ends[0][1])) as sock:
        sock.settimeout(QUIET)
        with pytest.raises(TimeoutError):
            sock.recv(1)
    spent = [procfs.cpu_seconds(pid) - one for pid, one in zip(processes, before)]
    assert max(spent) <= 0.1 * QUIET, spent
