# SPDX-License-Identifier: Apache-2.0
"""The obfs pair without Shadowsocks: on its own, with foreign bytes, and through a broken network."""

from __future__ import annotations

import random
import socket

import pytest
from harness import procfs
from harness.content import End, content, read_exactly, read_to_end
from harness.programs import SANITIZED, SLOWER, ours
from harness.prober import Probe, probe_all
from harness.socks import Address
from harness.stage import Stage
from harness.targets import Listener, echo

MODES = ["http", "tls"]
GROWTH_KIB = 16 * 1024 if SANITIZED else 2 * 1024
REQUEST = (b"GET / HTTP/1.1\r\nHost: www.example.com\r\nUser-Agent: curl/7.9.1\r\n"
           b"Upgrade: websocket\r\nConnection: Upgrade\r\n"
           b"Sec-WebSocket-Key: wAlwZbXBDXMecg0TPyc3Vg==\r\nContent-Length: 5\r\n\r\nfirst")


def record(stage: Stage, mode: str, payload: bytes) -> tuple[bytes, bytes]:
    """Both directions of one echoed payload between our two plugins."""
    relays = []

    def wire(server: Address) -> Address:
        relays.append(stage.relay(server))
        return relays[0].address

    client = stage.connect(stage.obfs_pair(mode, stage.target(echo).address, wire))
    client.sendall(payload)
    assert read_exactly(client, len(payload)) == payload
    return bytes(relays[0].wires[0].up), bytes(relays[0].wires[0].down)


def obfs_server(stage: Stage, mode: str, backend: Address, extra: str = "") -> tuple[Address, int]:
    public = ("127.0.0.1", stage.port())
    process = stage.plugin(ours("obfs-server"), backend, public, f"obfs={mode}{extra}")
    stage.wait_listening(process, public[1])
    return public, process.pid


def obfs_local(stage: Stage, mode: str, server: Address) -> tuple[Address, int]:
    near = ("127.0.0.1", stage.port())
    process = stage.plugin(ours("obfs-local"), near, server, f"obfs={mode};obfs-host=a.b")
    stage.wait_listening(process, near[1])
    return near, process.pid


# On their own, from the command line.


@pytest.mark.parametrize("mode", MODES)
def test_standalone_command_lines(stage: Stage, mode: str) -> None:
    backend = stage.target(echo).address
    public, near = stage.port(), stage.port()
    server = stage.run(ours("obfs-server"), "-s", "127.0.0.1", "-p", public, "--obfs", mode,
                       "-r", f"127.0.0.1:{backend[1]}")
    stage.wait_listening(server, public)
    local = stage.run(ours("obfs-local"), "-s", "127.0.0.1", "-p", public, "-l", near,
                      "--obfs", mode, "--obfs-host", "a.b")
    stage.wait_listening(local, near)
    client = stage.connect(("127.0.0.1", near))
    data = content(300_000, 1)
    client.sendall(data[:5])
    assert read_exactly(client, 5) == data[:5]
    client.sendall(data[5:100_000])
    assert read_exactly(client, 99_995) == data[5:100_000]
    assert [local.stop(), server.stop()] == [0, 0]


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_help_and_usage(stage: Stage, program: str) -> None:
    helped = stage.run(ours(program), "--help")
    assert helped.wait() == 0 and "obfs=http|tls" in helped.output()
    for wrong in (["--no-such-option"], ["-s", "127.0.0.1"], ["--obfs", "ftp"]):
        process = stage.run(ours(program), *wrong)
        assert process.wait() != 0 and process.output().strip()


@pytest.mark.parametrize("options", ["obfs=ftp", "obfs=http;=x", "obfs=http;obfs-host=a\\", "obfs"])
@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_bad_options_end_it_before_it_listens(stage: Stage, program: str, options: str) -> None:
    near, far = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    process = stage.plugin(ours(program), near, far, options)
    assert process.wait(5) not in (0, -11, -6)
    assert process.output().strip()


@pytest.mark.parametrize("missing", ["SS_LOCAL_HOST", "SS_LOCAL_PORT", "SS_REMOTE_HOST",
                                     "SS_REMOTE_PORT"])
def test_a_missing_variable_is_an_error(stage: Stage, missing: str) -> None:
    env = {"SS_LOCAL_HOST": "127.0.0.1", "SS_LOCAL_PORT": str(stage.port()),
           "SS_REMOTE_HOST": "127.0.0.1", "SS_REMOTE_PORT": str(stage.port()),
           "SS_PLUGIN_OPTIONS": "obfs=http"}
    process = stage.run(ours("obfs-local"), env={**env, missing: None})
    assert process.wait(5) != 0
    assert missing in process.output()


def test_the_first_bytes_look_as_documented(stage: Stage) -> None:
    up, down = record(stage, "http", b"HELLO0")
    head, _, first = up.partition(b"\r\n\r\n")
    names = [line.partition(b":")[0] for line in head.split(b"\r\n")[1:]]
    assert head.startswith(b"GET / HTTP/1.1\r\nHost: www.example.com:") and first == b"HELLO0"
    assert names == [b"Host", b"User-Agent", b"Upgrade", b"Connection", b"Sec-WebSocket-Key",
                     b"Content-Length"]
    assert down.startswith(b"HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.")
    assert down.endswith(b"\r\n\r\nHELLO0")


def test_the_first_records_look_as_documented(stage: Stage) -> None:
    up, down = record(stage, "tls", b"HELLO0")
    host = b"www.example.com"
    assert len(up) == 217 + 6 + len(host)
    assert (up[:3], up[138:148]) == (b"\x16\x03\x01", b"\0\x23\0\x06HELLO0")
    assert up[151 + 6 : 151 + 6 + len(host)] == host
    assert len(down) == 107 + 6
    assert (down[:5], down[96:107], down[107:]) == (
        b"\x16\x03\x01\0\x5b", b"\x14\x03\x03\0\x01\x01\x16\x03\x03\0\x06", b"HELLO0")
    assert down[44:76] == up[44:76], "the session id is the client's"


@pytest.mark.parametrize("mode", MODES)
def test_random_fields_differ_after_every_start(stage: Stage, mode: str) -> None:
    first, second = record(stage, mode, b"same"), record(stage, mode, b"same")
    assert first[0] != second[0] and first[1] != second[1]


# Foreign bytes at obfs-server.


@pytest.mark.parametrize("mode", MODES)
def test_a_foreign_client_gets_no_answer_and_no_backend(stage: Stage, mode: str) -> None:
    backend = stage.listener()
    public, _ = obfs_server(stage, mode, backend.address)
    sock = stage.connect(public)
    sock.sendall(random.Random(1).randbytes(1000))
    sock.settimeout(0.5)
    assert read_to_end(sock)[0] == b""
    assert backend.accepts_nobody(0.2)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("data", [b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n",
                                  b"\x16\x03\x01\0\5abcde", b"SSH-2.0-probe\r\n"],
                         ids=["browser", "handshake", "banner"])
def test_a_foreign_client_is_sent_to_the_failover(stage: Stage, mode: str, data: bytes) -> None:
    backend, other = stage.listener(), stage.listener()
    public, _ = obfs_server(stage, mode, backend.address, f";failover=127.0.0.1:{other.address[1]}")
    sock = stage.connect(public)
    sock.sendall(data)
    sock.shutdown(socket.SHUT_WR)
    far = other.accept()
    assert read_to_end(far) == (data, End.FIN)
    far.sendall(b"who are you?")
    far.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == (b"who are you?", End.FIN)
    assert backend.accepts_nobody(0.1)


def test_a_standalone_failover(stage: Stage) -> None:
    backend, other = stage.listener(), stage.listener()
    public = stage.port()
    server = stage.run(ours("obfs-server"), "-s", "127.0.0.1", "-p", public, "--obfs", "tls",
                       "-r", f"127.0.0.1:{backend.address[1]}",
                       "--failover", f"127.0.0.1:{other.address[1]}")
    stage.wait_listening(server, public)
    sock = stage.connect(("127.0.0.1", public))
    sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
    assert read_exactly(other.accept(), 18) == b"GET / HTTP/1.0\r\n\r\n"


@pytest.mark.parametrize(("listen", "name"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"),
                                              ("127.0.0.1", "localhost"), ("0.0.0.0", "0.0.0.0")])
@pytest.mark.parametrize("given", ["--failover", "--fallback"])
def test_a_failover_to_itself_is_refused(stage: Stage, listen: str, name: str, given: str) -> None:
    """Each foreign connection would come back as the next one, until no descriptor is left."""
    public = stage.port()
    server = stage.run(ours("obfs-server"), "-s", listen, "-p", public, "--obfs", "http",
                       "-r", "127.0.0.1:9", given, f"{name}:{public}")
    assert server.wait() == 78, server.output()
    assert f"{name}:{public}" in server.output() and "listens on itself" in server.output()


def _hostile(rng: random.Random, good: bytes, mode: str) -> bytes:
    """Noise, a good first flight cut or changed somewhere, or lengths that lie."""
    kind = rng.randrange(4)
    if kind == 0:
        return rng.randbytes(rng.choice([1, 10, 100, 1000, 20000]))
    if kind == 1:
        return good[: rng.randrange(len(good))]
    where = rng.randrange(len(good))
    if kind == 2:
        return good[:where] + bytes([good[where] ^ (1 << rng.randrange(8))]) + good[where + 1 :]
    if mode == "tls":
        offset = rng.choice([3, 6, 7, 76, 136, 140])
        return good[:offset] + rng.choice([b"\0\0", b"\x80\0", b"\xff\xff"]) + good[offset + 2 :]
    return good[:where] + b"A" * 70_000


@pytest.mark.parametrize("mode", MODES)
def test_hostile_clients_change_nothing(stage: Stage, mode: str) -> None:
    good = record(stage, mode, b"a good first flight")[0]
    public, pid = obfs_server(stage, mode, stage.target(echo).address)
    rng, idle = random.Random(7), procfs.socket_count(pid)

    def throw(count: int) -> None:
        for _ in range(count):
            sock = socket.create_connection(public, 30)
            with sock:
                try:
                    sock.sendall(_hostile(rng, good, mode))
                    sock.shutdown(socket.SHUT_WR)
                except OSError:
                    continue
                read_to_end(sock)

    throw(200)
    kib = procfs.rss_kib(pid)
    throw(400)
    procfs.eventually(lambda: procfs.socket_count(pid) == idle, "all sockets closed again", 10 * SLOWER)
    assert procfs.rss_kib(pid) - kib < GROWTH_KIB
    sock = stage.connect(public)
    sock.sendall(good)
    assert read_exactly(sock, 1)


@pytest.mark.parametrize("mode", MODES)
def test_every_truncated_first_flight_reaches_nobody(stage: Stage, mode: str) -> None:
    """All at once, each followed by FIN: the connection ends and the backend sees no payload."""
    payload = b"payload-of-the-first-flight"
    good = record(stage, mode, payload)[0]
    head = good.index(payload)
    got: list[bytes] = []
    public, _ = obfs_server(stage, mode, stage.target(lambda s: got.append(read_to_end(s)[0])).address)
    cuts = [Probe(good[:n], fin=True) for n in range(head)]
    reactions = probe_all(public, cuts, 30)
    assert {r.answer for r in reactions} == {b""}
    assert End.OPEN not in {r.end for r in reactions}
    assert b"".join(got) == b""


def test_a_tls_record_that_is_too_long_is_an_error_behind_good_data(stage: Stage) -> None:
    good = record(stage, "tls", b"first")[0]
    backend = stage.listener()
    public, _ = obfs_server(stage, "tls", backend.address)
    sock = stage.connect(public)
    sock.sendall(good + b"\x17\x03\x03\0\x06second" + b"\x17\x03\x03\xff\xff" + b"x" * 1000)
    assert read_to_end(backend.accept()) == (b"firstsecond", End.RST)


def test_headers_in_any_order_and_case(stage: Stage) -> None:
    backend = stage.listener()
    public, _ = obfs_server(stage, "http", backend.address)
    lines = REQUEST.partition(b"\r\n\r\n")[0].split(b"\r\n")
    request = b"\r\n".join([lines[0], *(line.swapcase() for line in reversed(lines[1:]))])
    sock = stage.connect(public)
    sock.sendall(request + b"\r\n\r\nfirst")
    assert read_exactly(backend.accept(), 5) == b"first"


# Foreign bytes at obfs-local, from a server that is none.


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("answer", [b"\0" * 500, b"\x16\x03\x01\xff\xff" + b"x" * 70_000,
                                    b"HTTP/1.1 101 Switching Protocols\r\n" + b"A: b\r\n" * 9000],
                         ids=["zeros", "long record", "endless header"])
def test_a_foreign_server_is_an_error(stage: Stage, mode: str, answer: bytes) -> None:
    listener: Listener = stage.listener()
    near, pid = obfs_local(stage, mode, listener.address)
    client = stage.connect(near)
    client.sendall(b"hello")
    far = listener.accept()
    assert far.recv(65536)
    try:
        far.sendall(answer)
        far.shutdown(socket.SHUT_WR)
    except OSError:
        pass
    assert read_to_end(client) == (b"", End.RST)
    far.close()
    assert procfs.alive(pid)


@pytest.mark.parametrize("mode", MODES)
def test_a_bare_connection_causes_no_dial(stage: Stage, mode: str) -> None:
    server = stage.listener()
    near, _ = obfs_local(stage, mode, server.address)
    stage.connect(near).close()
    assert server.accepts_nobody(0.3)


@pytest.mark.parametrize("mode", MODES)
def test_a_refusing_server_is_an_error(stage: Stage, mode: str) -> None:
    near, pid = obfs_local(stage, mode, ("127.0.0.1", stage.port()))
    client = stage.connect(near)
    client.sendall(b"hello")
    assert read_to_end(client) == (b"", End.RST)
    assert procfs.alive(pid)


# The life of the process.


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_a_second_instance_cannot_steal_the_port(stage: Stage, program: str) -> None:
    one, two = stage.listener().address, ("127.0.0.1", stage.port())
    near, far = (two, one) if program == "obfs-local" else (one, two)
    first = stage.plugin(ours(program), near, far, "obfs=http")
    stage.wait_listening(first, two[1])
    second = stage.plugin(ours(program), near, far, "obfs=http")
    assert second.wait(5) != 0
    assert str(two[1]) in second.output()
    assert first.stop() == 0


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_it_ends_with_its_host(stage: Stage, program: str) -> None:
    """The host is killed without a chance to say goodbye."""
    env = {"SS_LOCAL_HOST": "127.0.0.1", "SS_LOCAL_PORT": str(stage.port()),
           "SS_REMOTE_HOST": "127.0.0.1", "SS_REMOTE_PORT": str(stage.port()),
           "SS_PLUGIN_OPTIONS": "obfs=http"}
    port = env["SS_LOCAL_PORT" if program == "obfs-local" else "SS_REMOTE_PORT"]
    host = stage.run("/bin/sh", "-c", f"{ours(program)} & wait", env=env)
    stage.wait_listening(host, int(port))
    (plugin,) = host.plugins()
    host.kill()
    procfs.eventually(lambda: not procfs.alive(plugin), "the plugin noticed", 2 * SLOWER)
