# SPDX-License-Identifier: Apache-2.0
"""Plugins inside of the programs: the codec of obfs upon the cipher, without a process and a hop."""

from __future__ import annotations

import random
import socket
from typing import Any

import pytest
from harness import procfs, socks
from harness.content import End, content, hash_exactly, read_exactly, read_to_end, sha256
from harness.manager import Manager
from harness.programs import ours
from harness.relay import Relay
from harness.reloaded import Reloaded
from harness.socks import Address
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo, hash_to_end, reset
from harness.tunnel import tunnel, user

FATAL, USAGE = 255, 1
LOCAL = "127.0.0.1"
MIB = 1 << 20
MODES = ["http", "tls"]
FOREIGN = b"GET /index.html HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> str:
    return request.param


class Wire:
    """What is between client and server."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.relay: Relay

    def __call__(self, server: Address) -> Address:
        self.relay = self.stage.relay(server)
        return self.relay.address


def talks(near: Address, target: Address, size: int = 600, timeout: float = socks.TIMEOUT) -> bool:
    try:
        with socks.dial(near, target, timeout) as client:
            client.sendall(content(size))
            return read_exactly(client, size) == content(size)
    except (OSError, EOFError, AssertionError):
        return False


def recorded(stage: Stage, obfs: str) -> tuple[bytes, bytes]:
    wire = Wire(stage)
    chain = stage.chain(our_parts(obfs), wire)
    assert talks(chain.socks, stage.target(echo).address)
    return bytes(wire.relay.wires[0].up), bytes(wire.relay.wires[0].down)


def test_the_wire_is_that_of_the_process(stage: Stage, mode: str) -> None:
    """The first flights have the same form, and as many bytes as those of the process."""
    inside, process = (recorded(stage, obfs) for obfs in (f"inline:{mode}", mode))
    if mode == "tls":
        assert [len(flight) for flight in inside] == [len(flight) for flight in process]
        assert [inside[0][:11], inside[0][76:140]] == [process[0][:11], process[0][76:140]]
        assert inside[1][44:76] == inside[0][44:76], "the session id is the client's"
        return
    for one, other in zip(inside, process, strict=True):
        heads = [flight.partition(b"\r\n\r\n")[0].split(b"\r\n") for flight in (one, other)]
        names = [[line.partition(b":")[0] for line in head[1:]] for head in heads]
        assert heads[0][0] == heads[1][0] and names[0] == names[1]


def test_cuts_and_a_drip_mean_nothing(stage: Stage, mode: str) -> None:
    wire, target = Wire(stage), stage.target(echo).address
    chain = stage.chain(our_parts(f"inline:{mode}"), wire)
    for cut in (*range(1, 300, 13), 0):
        for segments in (wire.relay.up, wire.relay.down):
            segments.cut, segments.drip = cut, 0 if cut else 600
        assert talks(chain.socks, target), f"cut at {cut}"


@pytest.mark.parametrize("method", ["chacha20-ietf-poly1305", "2022-blake3-aes-256-gcm"])
def test_every_generation_and_half_closes(stage: Stage, mode: str, method: str) -> None:
    key = {"password": "AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8="} if method.startswith("2022") else {}
    chain = stage.chain(our_parts(f"inline:{mode}", method), **key)
    for size in (0, 1, 16384, 3 * MIB):
        client, data = chain.dial(stage.target(hash_to_end).address), content(size, 5)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        assert read_to_end(client) == (sha256(data).encode(), End.FIN)
    listener = stage.listener()
    client, down = chain.dial(listener.address), content(3 * MIB, 6)
    client.sendall(b"x")
    far = listener.accept()
    far.sendall(down)
    assert hash_exactly(client, len(down)) == sha256(down)
    reset(far)
    assert read_to_end(client) == (b"", End.RST)


def test_there_is_no_process_and_no_hop(stage: Stage, mode: str) -> None:
    chain, target = stage.chain(our_parts(f"inline:{mode}")), stage.target(echo).address
    client = chain.dial(target)
    client.sendall(b"x")
    assert read_exactly(client, 1) == b"x"
    assert len(chain.pids()) == 2
    assert procfs.connected(chain.local.pid, chain.public[1]) and procfs.connected(chain.server.pid, target[1])


def test_garbage_behind_a_good_flight_is_an_error_of_the_target_only(stage: Stage, mode: str) -> None:
    wire, listener = Wire(stage), stage.listener()
    chain = stage.chain(our_parts(f"inline:{mode}"), wire)
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    flight = bytes(wire.relay.wires[0].up)
    client.close()
    other = stage.port()
    stage.ss_server(our_parts(f"inline:{mode}"), other)  # which has not seen the flight
    peer = stage.connect((LOCAL, other))
    peer.sendall(flight)
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    noise = random.Random(5).randbytes(300)
    peer.sendall(noise if mode == "http" else b"\x17\x03\x03\x01\x2c" + noise)
    assert read_to_end(far) == (b"", End.RST)
    peer.settimeout(0.5)
    assert read_to_end(peer) == (b"", End.OPEN)


@pytest.mark.parametrize("option", ["failover", "fallback"])
def test_foreign_connections_go_to_the_fallback(stage: Stage, mode: str, option: str) -> None:
    other, public = stage.listener(), stage.port()
    stage.ss_server(our_parts(f"inline:{mode}", server_extra=f";{option}={LOCAL}:{other.address[1]}"), public)
    sock = stage.connect((LOCAL, public))
    sock.sendall(FOREIGN)
    sock.shutdown(socket.SHUT_WR)
    far = other.accept()
    assert read_to_end(far) == (FOREIGN, End.FIN)
    far.sendall(b"who are you?")
    far.shutdown(socket.SHUT_WR)
    assert read_to_end(sock) == (b"who are you?", End.FIN)


# ---- settings ----


def refusal(stage: Stage, program: str, *argv: object, **values: Any) -> tuple[int, str]:
    path = stage.config(server=LOCAL, server_port=stage.port(), method="aes-256-gcm", password=PASSWORD,
                        **({} if program == "ss-server" else {"local_port": stage.port()}), **values)
    process = stage.run(ours(program), "-c", path, *argv)
    return process.wait(), process.output()


@pytest.mark.parametrize(("program", "values", "said"), [
    ("ss-local", {"plugin": "inline:obfs-lokal"}, "did you mean inline:obfs-local? (expected inline:obfs-local)"),
    ("ss-server", {"plugin": "inline:"}, "this program has no such codec inside (expected inline:obfs-server)"),
    ("ss-local", {"plugin": "inline:obfs-server"}, "is for a server (expected inline:obfs-local)"),
    ("ss-local", {"plugin": "inline:obfs-local;obfs=http"}, "with its options in plugin_opts"),
    ("ss-local", {"plugin_opts": "obfs=ftp"}, 'option obfs: "ftp" is not one of http|tls'),
    ("ss-local", {"plugin_opts": "obfs-host=a"}, "option obfs: is required"),
    ("ss-local", {"plugin_opts": "obfs=http;=x"}, "options, byte 11:"),
    ("ss-local", {"plugin_opts": "obfs=http;c=/etc/obfs.json"}, "option c needs the plugin as a process"),
    ("ss-local", {"plugin_opts": "obfs=http;fats-open;strict"}, "(did you mean fast-open?)"),
    ("ss-server", {"plugin_opts": "obfs=http;passthrough"}, "option passthrough needs the plugin as a process"),
    ("ss-local", {"mode": "tcp_and_udp", "plugin_mode": "tcp_and_udp"}, "carries no datagrams"),
])
@pytest.mark.parametrize("check", [False, True])
def test_what_cannot_be_is_refused(stage: Stage, check: bool, program: str, values: dict[str, str], said: str) -> None:
    common = {"plugin": f"inline:obfs-{program.removeprefix('ss-')}", "plugin_opts": "obfs=http"}
    status, output = refusal(stage, program, *(["--check"] if check else []), **{**common, **values})
    assert status == (USAGE if check else FATAL)
    assert said in output, output


@pytest.mark.parametrize("name", [LOCAL, "localhost", "0.0.0.0"])
def test_a_fallback_to_itself_is_refused(stage: Stage, name: str) -> None:
    port = stage.port()
    status, output = refusal(stage, "ss-server", "-p", port, plugin="inline:obfs-server",
                             plugin_opts=f"obfs=http;failover={name}:{port}")
    assert status == FATAL and "that of this server" in output, output


def test_settings_of_a_process_are_told(stage: Stage) -> None:
    useless = {"plugin_user": "nobody", "plugin_dir": "/opt", "plugin_restart": "on-failure", "plugin_ready": 3,
               "plugin_grace": 0, "plugin_sandbox": False, "plugin_writable": "/tmp", "plugin_ports": "any",
               "plugin_exposed": True}
    status, output = refusal(stage, "ss-local", "--check", plugin="inline:obfs-local",
                             plugin_opts="obfs=http;t=5;control=/x;fast-open", **useless)
    assert status == 0, output
    for key in useless:
        assert f"{key}: ignored: the plugin is inside of the program" in output
    assert "option t is for a plugin that is a process: ignored (expected the setting timeout)" in output
    assert "option control is for" in output and "fast-open" not in output
    status, output = refusal(stage, "ss-server", "--check", plugin="inline:obfs-server",
                             plugin_opts="obfs=http;proxy-protocol-from=::1")
    assert status == 0 and "ignored (expected the setting proxy_protocol_from)" in output, output
    status, output = refusal(stage, "ss-local", "--print-plugin-env", plugin="inline:obfs-local", plugin_opts="obfs=http")
    assert status == USAGE and "the plugin is inside of the program, so that there is no environment" in output
    _, output = refusal(stage, "ss-local", "--dump-config", plugin="inline:obfs-local", plugin_opts="obfs=http")
    assert '"plugin": "inline:obfs-local"' in output
    _, output = refusal(stage, "ss-server", "--export-url", plugin="inline:obfs-server", plugin_opts="obfs=http")
    assert "plugin=obfs%2Dlocal%3Bobfs%3Dhttp" in output


def test_a_reload_changes_options_in_place(stage: Stage) -> None:
    """Where a process would need a restart. Connections go on as they began, on both sides."""
    public, near, target = stage.port(), (LOCAL, stage.port()), stage.target(echo).address
    common = {"server": LOCAL, "server_port": public, "method": "aes-256-gcm", "password": PASSWORD}
    ends = [Reloaded(stage, "ss-server", **common, plugin="inline:obfs-server", plugin_opts="obfs=http"),
            Reloaded(stage, "ss-local", **common, local_port=near[1], plugin="inline:obfs-local", plugin_opts="obfs=http")]
    stage.wait_listening(ends[0].process, public)
    stage.wait_listening(ends[1].process, near[1])
    kept = stage.keep(socks.dial(near, target))
    for option in ("fast-open", "mptcp"):
        assert f"{option} belongs to the socket that listens" in ends[0].refuse(plugin_opts=f"obfs=http;{option}")
    for number, changes in enumerate([{}, {"plugin_opts": "obfs=tls"}, {"plugin": None, "plugin_opts": None}]):
        for end in ends if changes else []:
            assert 'option obfs: "ftp" is not one of http|tls' in end.refuse(plugin_opts="obfs=ftp")
            end.change(**changes)
        assert talks(near, target)
        kept.sendall(b"round %d" % number)
        assert read_exactly(kept, 7) == b"round %d" % number


def test_a_plugin_inside_comes_with_a_restart_where_there_was_none(stage: Stage) -> None:
    near = stage.port()
    client = Reloaded(stage, "ss-local", server=LOCAL, server_port=stage.port(), local_port=near,
                      method="aes-256-gcm", password=PASSWORD)
    stage.wait_listening(client.process, near)
    told = client.refuse(plugin="inline:obfs-local", plugin_opts="obfs=http")
    assert "no server had a plugin inside of the program at the start" in told


def test_each_server_has_a_plugin_of_its_own(stage: Stage) -> None:
    """One inside, one as a process, one without; any of them serves when the others are gone."""
    ports = [stage.port() for _ in range(3)]
    kinds = ["inline:tls", "http", "none"]
    rows = [{"server": LOCAL, "server_port": port, "method": "aes-256-gcm", "password": PASSWORD,
             "plugin": our_parts(kind).client_plugin or "", "plugin_opts": our_parts(kind).client_opts or ""}
            for kind, port in zip(kinds, ports, strict=True)]
    near, target = stage.port(), stage.target(echo).address
    client = stage.run(ours("ss-local"), "-c", stage.config(servers=rows, local_port=near), "--no-plugin-sandbox")
    stage.wait_listening(client, near)
    stage.wait_plugin(client, "SS_LOCAL_PORT")
    for kind, port in zip(kinds, ports, strict=True):
        alone = stage.ss_server(our_parts(kind), port)
        assert talks((LOCAL, near), target), kind
        assert alone.stop() == 0
    assert len(client.plugins()) == 1


def test_a_manager_adds_ports_with_it(stage: Stage) -> None:
    manager, public = Manager(stage), stage.port()
    opts = {"plugin": "inline:obfs-server", "plugin_opts": "obfs=http"}
    assert manager.client.add(public, PASSWORD, **opts) == b"ok"
    near = (LOCAL, stage.port())
    stage.ss_local(our_parts("inline:http"), (LOCAL, public), near[1])
    assert talks(near, stage.target(echo).address)
    assert b"err" in manager.client.add(stage.port(), PASSWORD, plugin="inline:obfs-sever")
    assert manager.client.add(public, PASSWORD, **{**opts, "plugin_opts": "obfs=tls"}) == b"ok"
    assert not talks(near, stage.target(echo).address, timeout=0.5)
    near = (LOCAL, stage.port())
    stage.ss_local(our_parts("inline:tls"), (LOCAL, public), near[1])
    assert talks(near, stage.target(echo).address)
    assert not manager.process.plugins()


def test_a_tunnel_has_it(stage: Stage, mode: str) -> None:
    chain = tunnel(stage, stage.target(echo).address, our_parts(f"inline:{mode}"))
    sock = user(stage, chain)
    sock.sendall(content(MIB))
    assert read_exactly(sock, MIB) == content(MIB)
    assert len(chain.pids()) == 2


def test_a_client_that_is_killed_leaves_no_connection(stage: Stage) -> None:
    chain, listener = stage.chain(our_parts("inline:tls")), stage.listener()
    idle = procfs.socket_count(chain.server.pid)
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    chain.local.kill()
    assert read_to_end(far)[0] == b""
    far.close()
    procfs.eventually(lambda: procfs.socket_count(chain.server.pid) == idle, "its sockets are closed")
