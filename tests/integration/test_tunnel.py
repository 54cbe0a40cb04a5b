# SPDX-License-Identifier: Apache-2.0
"""ss-tunnel: one port, one target; what it refuses, what it carries, and how it ends."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import procfs, udp
from harness.content import End, content, hash_exactly, read_exactly, read_to_end, sha256
from harness.names import Name, NameServer
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, SANDBOX, Parts, Stage, our_parts
from harness.targets import echo, hash_to_end
from harness.tunnel import packet_user, tunnel, user, written

FATAL, USAGE = 255, 1
MIB = 1024 * 1024
SIZES = [0, 1, 16, 1200, 1472, 9000]


# The configuration.


def run_tunnel(stage: Stage, *argv: object, **values: object) -> Process:
    path = stage.config(server="127.0.0.1", server_port=9, local_port=stage.port(), password="secret",
                        **values)
    path.chmod(0o600)
    return stage.run(ours("ss-tunnel"), "-c", path, *argv)


def only_line(process: Process) -> str:
    lines = [line for line in process.stderr.read_text().splitlines() if line.strip()]
    assert len(lines) == 1, process.output()
    assert process.stdout.read_text() == ""
    return lines[0]


@pytest.mark.parametrize("values", [{}, {"tunnel_address": ""}], ids=["none", "empty"])
def test_a_target_is_required(stage: Stage, values: dict[str, str]) -> None:
    process = run_tunnel(stage, **values)
    assert process.wait() == USAGE
    assert "no tunnel address (expected -L <host>:<port>" in only_line(process)


WITHOUT_PORT = ["example.com", "192.0.2.1", "[2001:db8::1]", "2001:db8::1"]
MALFORMED = ["example.com:", ":80", "example.com:99999", "example.com:http", "example.com:0",
             "[::1:80", "a b:80", "http://example.com:80", "[fe80::1%1]:80", "host/24:80"]
WITHOUT_BRACKETS = ["::1:80"]


@pytest.mark.parametrize("by", ["option", "file"])
@pytest.mark.parametrize("target", WITHOUT_PORT + MALFORMED + WITHOUT_BRACKETS)
def test_what_is_no_target_is_one_line(stage: Stage, target: str, by: str) -> None:
    process = (run_tunnel(stage, "-L", target) if by == "option" else
               run_tunnel(stage, tunnel_address=target))
    assert process.wait() == FATAL
    line = only_line(process)
    assert f'"{target}"' in line or target in line
    assert ("-L" if by == "option" else "tunnel_address") in line
    if target in WITHOUT_PORT:
        assert "tunnel port is not defined" in line  # as scripts know it from shadowsocks-libev
    if target in WITHOUT_BRACKETS:
        assert "expected [::1]:80" in line


def test_an_option_beats_the_file(stage: Stage) -> None:
    target, port = stage.target(echo), stage.port()
    public = stage.port()
    stage.ss_server(our_parts(), public)
    path = stage.config(server="127.0.0.1", server_port=public, local_port=port, password=PASSWORD,
                        method="aes-256-gcm", tunnel_address="127.0.0.1:9")
    process = stage.run(ours("ss-tunnel"), "-c", path, "-L", written(target.address))
    stage.wait_listening(process, port)
    sock = stage.connect(("127.0.0.1", port))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"


def test_every_option_of_the_command_line(stage: Stage) -> None:
    """As Debian's unit and scripts start it."""
    target, port, public = stage.target(echo), stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    words = ["-s", "127.0.0.1", "-p", public, "-l", port, "-b", "127.0.0.1", "-k", PASSWORD,
             "-m", "aes-256-gcm", "-t", 60, "-n", 2048, "-6", "-v", "--fast-open", "--reuse-port",
             "--no-delay", "--mtu", 1400, "-u", "-L", written(target.address)]
    process = stage.run(ours("ss-tunnel"), *words)
    stage.wait_listening(process, port)
    udp.wait_bound(port, 10 * SLOWER)
    sock = stage.connect(("127.0.0.1", port))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"
    said = process.output()
    for line in ("initializing ciphers... aes-256-gcm", f"listening at 127.0.0.1:{port}",
                 "using tcp fast open", "tcp port reuse enabled", "UDP relay enabled"):
        assert line in said
    assert process.stop() == 0


# The bytes of a connection.


@pytest.fixture(params=["none", "http", "tls"])
def parts(request: pytest.FixtureRequest) -> Parts:
    return our_parts(request.param)


def test_bulk_in_both_directions_at_once(stage: Stage, parts: Parts) -> None:
    listener, size = stage.listener(), 16 * MIB
    chain = tunnel(stage, listener.address, parts)
    near, up, down = user(stage, chain), content(size, 1), content(size, 2)
    far = listener.accept()
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(near.sendall, up), pool.submit(far.sendall, down)]
        hashes = [pool.submit(hash_exactly, far, size), pool.submit(hash_exactly, near, size)]
        assert [h.result(60 * SLOWER) for h in hashes] == [sha256(up), sha256(down)]
        assert [s.result(60 * SLOWER) for s in sent] == [None, None]


@pytest.mark.parametrize("size", [0, 1, 16384, 300000])
def test_half_close(stage: Stage, parts: Parts, size: int) -> None:
    near, data = user(stage, tunnel(stage, stage.target(hash_to_end).address, parts)), content(size)
    near.sendall(data)
    near.shutdown(socket.SHUT_WR)
    assert read_to_end(near) == (sha256(data).encode(), End.FIN)


def test_a_server_that_speaks_first(stage: Stage, parts: Parts) -> None:
    listener = stage.listener()
    near = user(stage, tunnel(stage, listener.address, parts))
    far = listener.accept()
    far.sendall(b"220 ready\r\n")
    assert read_exactly(near, 11) == b"220 ready\r\n"
    far.shutdown(socket.SHUT_WR)
    assert read_to_end(near) == (b"", End.FIN)
    near.sendall(b"QUIT\r\n")
    assert read_exactly(far, 6) == b"QUIT\r\n"


def test_a_target_that_refuses_is_a_reset(stage: Stage) -> None:
    near = user(stage, tunnel(stage, ("127.0.0.1", stage.port())))
    assert read_to_end(near) == (b"", End.RST)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_both_families(stage: Stage, host: str) -> None:
    """Addresses of the port, of the server, and of the target, with brackets."""
    near = user(stage, tunnel(stage, stage.target(echo, host).address, host=host))
    near.sendall(b"hello")
    assert read_exactly(near, 5) == b"hello"


def test_the_server_looks_up_the_name(stage: Stage) -> None:
    """The name server is the server's; that of the machine knows no such name."""
    names = stage.keep(NameServer(names={"only.example": Name(v4="127.0.0.1")}))
    target = stage.target(echo)
    chain = tunnel(stage, ("only.example", target.address[1]), nameserver=str(names))
    near = user(stage, chain)
    near.sendall(b"hello")
    assert read_exactly(near, 5) == b"hello"


def test_several_servers_each_with_its_plugin(stage: Stage) -> None:
    """One of them is chosen for each connection."""
    parts, target = our_parts("http"), stage.target(echo)
    public = [stage.port(), stage.port()]
    for port in public:
        stage.ss_server(parts, port)
    near = stage.port()
    path = stage.config(server=[f"127.0.0.1:{port}" for port in public], local_port=near,
                        password=PASSWORD, method=parts.method, plugin=parts.client_plugin,
                        plugin_opts=parts.client_opts, tunnel_address=written(target.address),
                        **SANDBOX)
    process = stage.run(ours("ss-tunnel"), "-c", path)
    stage.wait_listening(process, near)
    stage.wait_plugin(process, "SS_LOCAL_PORT")
    for number in range(16):
        sock, text = stage.connect(("127.0.0.1", near)), b"%04d" % number
        sock.sendall(text)
        assert read_exactly(sock, 4) == text


def test_a_dead_plugin_ends_it(stage: Stage) -> None:
    chain = tunnel(stage, stage.target(echo).address, our_parts("http"))
    chain.local.kill_plugin()
    assert chain.local.wait() == FATAL
    assert "plugin service exit unexpectedly" in chain.local.output()


# Packets.


def trade(sock: socket.socket, payload: bytes) -> None:
    sock.send(payload)
    assert sock.recv(udp.MAX) == payload


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_packets_of_every_size_come_back(stage: Stage, host: str) -> None:
    chain = tunnel(stage, stage.keep(udp.Echo(host)).address, host=host, mode="tcp_and_udp")
    sock = packet_user(stage, chain)
    for size in SIZES:
        trade(sock, content(size))


def test_each_user_gets_the_answers_to_its_own_packets(stage: Stage) -> None:
    target = stage.keep(udp.Echo())
    chain = tunnel(stage, target.address, mode="tcp_and_udp")
    users = [packet_user(stage, chain) for _ in range(20)]
    for number, sock in enumerate(users):
        sock.send(b"%04d" % number)
    for number, sock in enumerate(users):
        assert sock.recv(udp.MAX) == b"%04d" % number
    assert len({source for _, source in target.seen}) == len(users)


def test_the_target_of_packets_may_be_a_name(stage: Stage) -> None:
    names = stage.keep(NameServer(names={"only.example": Name(v4="127.0.0.1")}))
    target = stage.keep(udp.Echo())
    chain = tunnel(stage, ("only.example", target.address[1]), nameserver=str(names),
                   mode="tcp_and_udp")
    trade(packet_user(stage, chain), b"hello")


def test_packets_go_around_a_plugin_for_streams(stage: Stage, parts: Parts) -> None:
    chain = tunnel(stage, stage.keep(udp.Echo()).address, parts, mode="tcp_and_udp")
    trade(packet_user(stage, chain), b"hello")


@pytest.mark.parametrize("mode", ["tcp_only", "tcp_and_udp", "udp_only"])
def test_a_mode_opens_what_it_names(stage: Stage, mode: str) -> None:
    port = stage.port()
    process = run_tunnel(stage, "-l", port, "-L", "192.0.2.1:9", mode=mode)
    if mode == "udp_only":
        udp.wait_bound(port, 10 * SLOWER)
    else:
        stage.wait_listening(process, port)
    if mode == "tcp_and_udp":
        udp.wait_bound(port, 10 * SLOWER)
    assert udp.bound(port) == (mode != "tcp_only")
    assert procfs.listening(port) == (mode != "udp_only")
