# SPDX-License-Identifier: Apache-2.0
"""ss-manager: its protocol, its ports and their life, and who may ask."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import random
import select
import shutil
import signal
import socket
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import procfs, udp
from harness.content import End, content, read_exactly, read_to_end
from harness.extent import extent
from harness.manager import Folder, Manager
from harness.processes import Process
from harness.programs import SANITIZED, SLOWER, ours
from harness.seal import seal, unseal
from harness.socks import dial
from harness.stage import Stage
from harness.targets import echo

FATAL = 255
METHOD = "aes-256-gcm"
HEADER = 7  # of a target, which is counted
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")


def client_of(stage: Stage, port: int, password: str, method: str = METHOD, **extra: object) -> tuple[str, int]:
    """A SOCKS proxy in front of a port of the manager."""
    near = stage.port()
    path = stage.config(server="127.0.0.1", server_port=port, local_port=near, password=password, method=method,
                        **extra)
    process = stage.run(ours("ss-local"), "-c", path)
    stage.wait_listening(process, near)
    return ("127.0.0.1", near)


def carries(stage: Stage, port: int, password: str, method: str = METHOD, size: int = 1000) -> None:
    target = stage.target(echo)
    sock = stage.keep(dial(client_of(stage, port, password, method), target.address))
    sock.sendall(content(size))
    assert read_exactly(sock, size) == content(size)


# The protocol, byte for byte.


def requests(port: int) -> list[tuple[bytes, bytes | None]]:
    """Requests and what shadowsocks-libev 3.3.5 answers; where it is wrong, the comment says how."""
    number = b"%d" % port
    return [
        (b"ping", b"stat: {}"),
        (b"list", b"[\n]"),
        (b'add: {"server_port":%s,"password":"p"}' % number, b"ok"),
        (b"ping", b'stat: {"%s":0}' % number),
        (b"list", b'[\n\t{"server_port":"%s","password":"p","method":"aes-256-gcm"}\n]' % number),
        (b'add : {"server_port":"%s","password":"p","method":"aes-128-gcm","nope":1}\n' % number, b"ok"),
        (b"list:", b'[\n\t{"server_port":"%s","password":"p","method":"aes-128-gcm"}\n]' % number),
        (b" ping\0", b'stat: {"%s":0}' % number),
        (b'add:{"server_port":%s,"password":"q"}' % number, b"ok"),  # there "err"
        (b'add {"server_port":%s,"password":"q"}' % number, b"ok"),  # there "err"
        (b"add", b"err"), (b"add: x", b"err"), (b"add: {}", b"err"), (b"add: []", b"err"),
        (b'add: {"server_port":%s}' % number, b"err"),
        (b'add: {"password":"p"}', b"err"),
        (b'add: {"server_port":%s,"password":""}' % number, b"err"),
        (b'add: {"server_port":%s,"password":5}' % number, b"err"),
        (b'add: {"server_port":1.5,"password":"p"}', b"err"),
        (b'add: {"server_port":0,"password":"p"}', b"err"),  # there "ok"
        (b'add: {"server_port":65536,"password":"p"}', b"err"),  # there "ok"
        (b'add: {"server_port":"../../x","password":"p"}', b"err"),  # there "ok"
        (b'add: {"server_port":%s,"password":"p"} x' % number, b"err"),
        (b'remove: {"server_port":%s} x' % number, b"err"),
        (b"remove: {}", b"err"), (b"remove", b"err"),
        (b'remove: {"server_port":1}', b"ok"),
        (b'stat: {"%s":77}' % number, None),
        (b"stat: x", None), (b"pong", None), (b"", None), (b"pingx", None), (b"\xff{", None),
        (b"list", b'[\n\t{"server_port":"%s","password":"q","method":"aes-256-gcm"}\n]' % number),
        (b'remove: {"server_port":"%s"}' % number, b"ok"),
        (b"list", b"[\n]"),
    ]


@pytest.mark.parametrize("over", ["a path", "UDP"])
def test_every_request_has_the_answer_of_shadowsocks_libev(stage: Stage, over: str) -> None:
    manager = Manager(stage, udp=stage.port() if over == "UDP" else 0)
    for request, answer in requests(stage.port()):
        if answer is None:
            assert manager.client.hears_nothing(request), request
        else:
            assert manager.client.ask(request) == answer, request


def test_what_cannot_be_served_is_answered_with_its_reason(stage: Stage) -> None:
    manager, port, taken = Manager(stage), stage.port(), stage.listener()
    answer = manager.client.add(port, "p", method="rc4-md5")
    assert answer.startswith(b"err: ") and b"a stream cipher, which is not secure" in answer
    answer = manager.client.add(port, "p", method="2022-blake3-aes-128-gcm")
    assert answer.startswith(b"err: ") and b"expects 16 bytes" in answer
    assert manager.client.add(taken.address[1], "p") == b"port is not available"
    manager.wait_output("port is not available, please check.")
    assert manager.client.ports() == []
    assert list(manager.work.iterdir()) == []


def test_a_key_that_is_not_known_is_told_and_changes_nothing(stage: Stage) -> None:
    manager, port = Manager(stage), stage.port()
    other = {"limit_byte": 1, "speed_limit": 2, "nope\n": 3}
    assert manager.client.add(port, "p", **other) == b"ok"
    manager.wait_output(f'port {port}: unknown key "limit_byte" of add, ignored (did you mean "limit_bytes"?)')
    manager.wait_output(f'port {port}: unknown key "speed_limit" of add, ignored (did you mean "limit_rate"?)')
    manager.wait_output(f'port {port}: unknown key "nope')
    assert manager.client.add(port, "p", **other) == b"ok"  # it is what is served: nothing more is told
    assert manager.client.ask(b"ping") == b'stat: {"%d":0}' % port
    assert manager.process.output().count("unknown key") == 3
    assert json.loads(manager.kept(port).read_text()) == {"server_port": port, "password": "p"}


def test_a_list_needs_as_many_datagrams_as_it_needs(stage: Stage) -> None:
    manager = Manager(stage)
    long, ports = "x" * 4000, sorted(stage.port() for _ in range(40))
    for port in ports:
        assert manager.client.add(port, long) == b"ok"
    manager.client.send(b"list")
    text, parts = b"", 0
    while not text.endswith(b"\n]"):
        text, parts = text + manager.client._sock.recv(65536), parts + 1
    assert parts == 3
    assert [int(item["server_port"]) for item in json.loads(text)] == ports


# The ports.


def test_a_port_carries_and_is_counted(stage: Stage) -> None:
    manager, port = Manager(stage, "-u"), stage.port()
    assert manager.client.add(port, "secret") == b"ok"
    carries(stage, port, "secret", size=100_000)
    assert manager.client.traffic() == {str(port): 200_000 + HEADER}
    proxy = stage.keep(udp.Client(client_of(stage, port, "secret", mode="tcp_and_udp")))
    proxy.trade(stage.keep(udp.Echo()).address, b"x" * 1000)
    assert manager.client.traffic() == {str(port): 202_000 + HEADER}
    assert manager.client.remove(port) == b"ok"
    assert not procfs.listening(port)
    assert manager.client.traffic() == {}


def test_ports_have_methods_and_modes_of_their_own(stage: Stage) -> None:
    manager, one, other = Manager(stage), stage.port(), stage.port()
    assert manager.client.add(one, "secret", method="chacha20-ietf-poly1305", mode="udp_only") == b"ok"
    assert manager.client.add(other, "secret", method="aes-128-gcm", timeout=30, no_delay=True) == b"ok"
    assert udp.bound(one) and not procfs.listening(one)
    carries(stage, other, "secret", "aes-128-gcm")
    assert [item["method"] for item in sorted(manager.client.ports(), key=lambda item: item["method"])] == [
        "aes-128-gcm", "chacha20-ietf-poly1305"]


def inode(port: int) -> str:
    """The listening socket, as the kernel numbers it."""
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:])
    (found,) = [row[9] for row in rows if row[3] == "0A" and row[1].endswith(f":{port:04X}")]
    return found


def call(port: int) -> None:
    """A connection of the server that is replaced ends; none is refused."""
    with contextlib.suppress(ConnectionResetError):
        socket.create_connection(("127.0.0.1", port)).close()


def test_a_port_is_replaced_without_closing_its_listener(stage: Stage) -> None:
    manager, port, target = Manager(stage, "-u"), stage.port(), stage.target(echo)
    assert manager.client.add(port, "old") == b"ok"
    before = inode(port)
    sock = stage.keep(dial(client_of(stage, port, "old"), target.address))
    sock.sendall(b"x")
    assert read_exactly(sock, 1) == b"x"
    assert manager.client.add(port, "old") == b"ok"  # nothing changes
    sock.sendall(b"y")
    assert read_exactly(sock, 1) == b"y"
    with ThreadPoolExecutor(1) as pool:
        callers = pool.submit(lambda: [call(port) for _ in range(300)])
        for number in range(20):
            assert manager.client.add(port, f"new {number}") == b"ok"
        callers.result()  # none was refused
    assert manager.client.add(port, "new") == b"ok"
    assert read_to_end(sock) == (b"", End.RST)
    assert inode(port) == before
    carries(stage, port, "new")
    assert udp.bound(port)


def test_settings_that_are_refused_leave_the_port_as_it_is(stage: Stage) -> None:
    manager, port = Manager(stage), stage.port()
    assert manager.client.add(port, "good") == b"ok"
    assert manager.client.add(port, "bad", method="none").startswith(b"err: ")
    assert manager.client.add(port, "bad", plugin="/no/such/plugin").startswith(b"err: ")
    assert [item["password"] for item in manager.client.ports()] == ["good"]
    carries(stage, port, "good")


def test_a_plugin_that_is_ready_is_ok_and_one_that_fails_changes_nothing(stage: Stage) -> None:
    plugin = str(stage.fake_plugin())
    manager = Manager(stage, "--no-plugin-sandbox")
    port, log = stage.port(), stage.home / "asked"
    assert manager.client.add(port, "p", plugin=plugin, plugin_opts="server") == b"ok"
    assert procfs.listening(port)
    carries(stage, port, "p")
    answer = manager.client.add(port, "q", plugin=plugin, plugin_opts=f"exit=3;say={log}")
    assert answer == b"err: the plugin has failed; the log of ss-manager says why"
    assert [item["password"] for item in manager.client.ports()] == ["p"]
    procfs.eventually(lambda: procfs.listening(port), "the former plugin listens", 10 * SLOWER)
    assert json.loads(manager.kept(port).read_text())["password"] == "p"
    assert manager.client.add(stage.port(), "q", plugin=plugin, plugin_opts="exit=3").startswith(b"err: ")
    assert len(manager.client.ports()) == 1


def test_a_port_that_is_closed_is_opened_by_the_same_settings(stage: Stage) -> None:
    manager, plugin, port = Manager(stage, "--no-plugin-sandbox"), stage.fake_plugin(), stage.port()
    moved, settings = stage.home / "moved", {"plugin": str(plugin), "plugin_opts": "server"}
    assert manager.client.add(port, "p", **settings) == b"ok"
    plugin.rename(moved)
    assert manager.client.add(port, "q", plugin="/no/such/plugin").startswith(b"err: ")
    assert not procfs.listening(port)
    moved.rename(plugin)
    assert manager.client.add(port, "p", **settings) == b"ok"
    assert procfs.listening(port)


def test_the_end_of_a_plugin_does_not_end_the_server_that_replaces_it(stage: Stage) -> None:
    manager, port = Manager(stage, "--no-plugin-sandbox"), stage.port()
    assert manager.client.add(port, "p", plugin=str(stage.fake_plugin()), plugin_opts="server") == b"ok"
    (guardian,) = procfs.children(manager.process.pid)
    os.kill(manager.process.pid, signal.SIGSTOP)
    os.kill(guardian, signal.SIGKILL)  # the manager meets its end and the request in one turn
    procfs.eventually(lambda: not procfs.alive(guardian), "the guardian has ended", 10 * SLOWER)
    manager.client.send(b'add: {"server_port":%d,"password":"q"}' % port)
    os.kill(manager.process.pid, signal.SIGCONT)
    assert manager.client.hears(b"ok")
    assert [item["password"] for item in manager.client.ports()] == ["q"]
    carries(stage, port, "q")


def test_who_waits_for_a_plugin_is_told_only_of_what_replaces_it(stage: Stage) -> None:
    manager, plugin, port = Manager(stage, "--no-plugin-sandbox"), str(stage.fake_plugin()), stage.port()
    request = {"server_port": port, "password": "p", "plugin": plugin, "plugin_opts": f"wait-for={stage.home}/never"}
    replaced = b"err: another request has replaced it"
    manager.client.send(b"add: " + json.dumps(request).encode())
    answer = manager.client.add(port, "q", method="none")
    assert answer.startswith(b"err: ") and answer != replaced
    assert manager.client.add(port, "r") == replaced
    assert manager.client.hears(b"ok")


# After a restart.


def test_ports_come_back_after_a_crash(stage: Stage) -> None:
    manager, kept, gone = Manager(stage), stage.port(), stage.port()
    odd = 'a "quoted" \\ secret; $(touch x) \u00fc\n'
    assert manager.client.add(kept, odd) == b"ok"
    assert manager.client.add(gone, "p") == b"ok"
    assert manager.client.remove(gone) == b"ok"
    assert stat.S_IMODE(manager.kept(kept).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(manager.path).stat().st_mode) == 0o600
    assert [path.name for path in manager.work.iterdir()] == [manager.kept(kept).name]
    manager.process.kill()
    path = str(manager.path)
    manager.work.joinpath(".shadowsocks_9.conf").write_text("{ half")
    manager.work.joinpath(".shadowsocks_8.conf").write_text('{"server_port":7,"password":"p"}')
    again = Manager(stage, path=path)  # a socket is left there
    assert [(item["server_port"], item["password"]) for item in again.client.ports()] == [(str(kept), odd)]
    assert "/.shadowsocks_9.conf is not a port" in again.process.output()
    assert "/.shadowsocks_8.conf is not a port" in again.process.output()


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_bytes_toward_limits_count_over_a_restart(stage: Stage, end: str) -> None:
    """Those of a port of a request, of one of the configuration, and of a user; after a crash, as they were kept last."""
    port, other = stage.port(), stage.port()
    path = stage.config(port_password={str(other): "secret"}, limit_bytes=30_000, handshake_timeout=1)
    manager, folder = Manager(stage, "-c", path), stage.home / "kept"
    assert manager.client.add(port, "secret", limit_bytes=30_000) == b"ok"
    for number in (port, other):
        carries(stage, number, "secret", size=10_000)
    carries(stage, other, "secret", size=4_000)
    manager.process.stop()
    assert json.loads(manager.kept(port).with_suffix(".used").read_text()) == {"port": 20_000 + HEADER}
    if end == "kill":
        shutil.copytree(manager.work, folder)
        again = Manager(stage, "-c", path)
        again.process.kill()
        assert {file.name: file.read_text() for file in again.work.iterdir()} == {
            file.name: file.read_text() for file in folder.iterdir()}
    again = Manager(stage, "-c", path)
    assert again.client.traffic() == {str(port): 0, str(other): 0}
    carries(stage, port, "secret", size=4_000)
    for number, size in ((port, 4_000), (other, 4_000)):
        with pytest.raises((OSError, EOFError)):
            carries(stage, number, "secret", size=size)
    assert again.client.add(port, "secret", limit_bytes=40_000) == b"ok"  # it begins anew
    assert not again.kept(port).with_suffix(".used").exists()
    carries(stage, port, "secret", size=15_000)
    assert again.client.remove(port) == b"ok"
    again.process.stop()
    assert [file.name for file in again.work.iterdir()] == [f".shadowsocks_{other}.used"]
    third = Manager(stage)
    assert third.client.ports() == [] and list(third.work.iterdir()) == []


def test_bytes_of_users_count_over_a_restart(stage: Stage) -> None:
    keys = {name: base64.b64encode(name.encode() * 8).decode() for name in ("ab", "cd", "ef")}
    method, port = "2022-blake3-aes-128-gcm", stage.port()
    users = [{"name": "a\n", "password": keys["ab"], "limit_bytes": 15_000}, {"name": "b", "password": keys["cd"]}]
    manager = Manager(stage, "--handshake-timeout", 1)
    assert manager.client.add(port, keys["ef"], method=method, users=users) == b"ok"
    for key in ("ab", "cd"):
        carries(stage, port, f"{keys['ef']}:{keys[key]}", method, 5_000)
    manager.process.stop()
    assert json.loads(manager.kept(port).with_suffix(".used").read_text()) == {"users": {"a\n": 10_000}}
    again = Manager(stage, "--handshake-timeout", 1)
    carries(stage, port, f"{keys['ef']}:{keys['ab']}", method, 2_500)
    carries(stage, port, f"{keys['ef']}:{keys['cd']}", method, 5_000)
    with pytest.raises((OSError, EOFError)):
        carries(stage, port, f"{keys['ef']}:{keys['ab']}", method, 5_000)
    again.kept(port).with_suffix(".used").write_text("{ half")
    again.process.kill()
    last = Manager(stage, "--handshake-timeout", 1)
    assert f"the bytes of port {port} count from zero" in last.process.output()
    carries(stage, port, f"{keys['ef']}:{keys['ab']}", method, 2_500)


def test_bytes_of_many_users_count_over_a_restart(stage: Stage) -> None:
    """Whose file is longer than a request."""
    port, key = stage.port(), base64.b64encode(bytes(16)).decode()
    users = [{"name": f"user {number:040}", "password": base64.b64encode(number.to_bytes(16, "big")).decode(),
              "limit_bytes": 1_000_000} for number in range(1, 2001)]
    path = stage.config(port_password={str(port): key}, users=users)
    argv = ("-c", path, "-m", "2022-blake3-aes-128-gcm")
    manager = Manager(stage, *argv)
    manager.process.stop()
    used = manager.kept(port).with_suffix(".used")
    used.write_text(json.dumps({"users": {user["name"]: 700_000 for user in users}}))
    again = Manager(stage, *argv)
    again.process.stop()
    assert set(json.loads(used.read_text())["users"].values()) == {700_000}


@root_only
def test_ports_come_back_to_a_user(stage: Stage) -> None:
    manager, port = Manager(stage, "-a", "nobody", udp=stage.port()), stage.port()
    assert manager.client.add(port, "p") == b"ok"
    assert manager.kept(port).stat().st_uid != 0
    manager.process.stop()
    again = Manager(stage, "-a", "nobody", udp=stage.port())
    assert [item["server_port"] for item in again.client.ports()] == [str(port)]
    assert "is not read" not in again.process.output()


def test_ports_of_the_configuration_come_first(stage: Stage) -> None:
    port, other = stage.port(), stage.port()
    path = stage.config(port_password={str(port): "one", str(other): "two"})
    manager = Manager(stage, "-c", path)
    assert {item["password"] for item in manager.client.ports()} == {"one", "two"}
    assert list(manager.work.iterdir()) == []
    assert manager.client.add(port, "panel") == b"ok"
    manager.process.stop()
    again = Manager(stage, "-c", path)
    assert {item["password"] for item in again.client.ports()} == {"one", "two"}


def test_a_socket_that_another_one_uses_is_left_alone(stage: Stage) -> None:
    manager = Manager(stage)
    second = Manager(stage, path=manager.path, wait=False)
    assert second.process.wait() == FATAL
    assert "Address already in use" in second.process.output()
    assert manager.client.ask(b"ping") == b"stat: {}"


# Users that may ask.


ASK = """
import os, socket, sys
os.setgid(65534); os.setuid(65534)
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(sys.argv[2])
sock.sendto(b'add: {"server_port":%s,"password":"p"}' % sys.argv[3].encode(), sys.argv[1])
"""


@root_only
def test_another_user_is_refused_even_where_the_mode_lets_it_in(stage: Stage) -> None:
    manager, port, public = Manager(stage), stage.port(), stage.keep(Folder()).path
    Path(manager.path).chmod(0o666)
    Path(manager.path).parent.chmod(0o755)
    public.chmod(0o777)
    subprocess.run([sys.executable, "-c", ASK, manager.path, str(public / "client"), str(port)], check=True, timeout=20)
    manager.wait_output("request of user 65534 refused")
    assert manager.client.ports() == []
    assert not procfs.listening(port)


# None of these becomes a request that opens a port by what garbled() does to it.
HARMLESS = [b"ping", b"list", b"add", b"add: x", b"add: {}", b"add: []", b'add: {"server_port":8388}',
            b'add: {"password":"p"}', b'add: {"server_port":8388,"password":""}', b'add: {"server_port":8388,"password":5}',
            b'add: {"server_port":"../../x","password":"p"}', b'remove: {"server_port":8388}', b"remove: {}",
            b'stat: {"8388":77}', b"stat: x", b"pong", b"\xff{"]


def garbled(chance: random.Random) -> bytes:
    message = bytearray(chance.choice(HARMLESS))
    kind = chance.randrange(8)
    if kind == 0:
        return chance.randbytes(chance.randrange(1, 300))
    if kind == 1:
        return bytes(message * chance.randrange(2, 60))
    if kind == 2:
        return bytes(message[: chance.randrange(1, len(message) + 1)])
    for _ in range(kind - 2):
        message[chance.randrange(len(message))] = chance.randrange(256)
    return bytes(message)


@pytest.mark.parametrize("over", ["a path", "UDP"])
def test_messages_that_have_gone_wrong_change_nothing(stage: Stage, over: str) -> None:
    """In full ten million: no file, no process, no port, no memory, and pings are answered."""
    manager, chance = Manager(stage, udp=stage.port() if over == "UDP" else 0), random.Random(1)
    family = socket.AF_INET if over == "UDP" else socket.AF_UNIX
    sender = stage.keep(socket.socket(family, socket.SOCK_DGRAM))
    sender.settimeout(10 * SLOWER)  # a path makes its sender wait until there is room

    def send(messages: int) -> None:
        for number in range(messages):
            sender.sendto(garbled(chance), manager.path)
            if number % 100 == 0:  # so that no packet of UDP is lost for want of room
                assert manager.client.ask(b"ping") == b"stat: {}"

    send(1000)
    before = procfs.rss_kib(manager.process.pid), procfs.fd_count(manager.process.pid)
    send(extent(4000, 5_000_000))
    after = procfs.rss_kib(manager.process.pid), procfs.fd_count(manager.process.pid)
    assert manager.client.ports() == [] and list(manager.work.iterdir()) == []
    assert procfs.children(manager.process.pid) == []
    assert after[1] == before[1] and (SANITIZED or after[0] <= before[0] + 256), (before, after)


def test_udp_beyond_loopback_is_refused(stage: Stage) -> None:
    process = stage.run(ours("ss-manager"), "--manager-address", "0.0.0.0:6001", "-D", stage.home / "ports")
    assert process.wait() == FATAL
    assert "everyone who can send a packet there could add a server" in process.output()


def test_with_a_key_sealed_requests_may_come_from_anywhere(stage: Stage) -> None:
    key, port, added = os.urandom(32), stage.port(), stage.port()
    path = stage.config(manager_key=base64.b64encode(key).decode())
    process = stage.run(ours("ss-manager"), "--manager-address", f"0.0.0.0:{port}", "-D", stage.home / "ports",
                        "-c", path, "-s", "127.0.0.1")
    udp.wait_bound(port, 10 * SLOWER)
    sock = stage.keep(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
    sock.connect(("127.0.0.1", port))
    sock.settimeout(10 * SLOWER)

    def ask(request: bytes) -> bytes:
        sock.send(request)
        return unseal(key, request, sock.recv(65536))

    def answers() -> bool:
        """Not to requests of the second in which it has started."""
        sock.send(seal(key, b"ping"))
        return bool(select.select([sock], [], [], 0.2)[0]) and bool(sock.recv(65536))

    procfs.eventually(answers, f"{process} answers", 10 * SLOWER)
    add = b'add: {"server_port":%d,"password":"p"}' % added
    once = seal(key, add)
    refused = {add: "not sealed with the key", seal(os.urandom(32), add): "not sealed with the key",
               seal(key, add, 40): "its time is more than 30 s away", seal(key, add, -40): "its time is more than"}
    for request, why in refused.items():
        sock.send(request)
        assert ask(seal(key, b"list")) == b"[\n]"  # and nothing else came
        assert f"request refused: {why}" in process.output()
    assert ask(once) == b"ok"
    assert ask(seal(key, b"remove: " + add.removeprefix(b"add: "))) == b"ok"
    sock.send(once)
    assert ask(seal(key, b"list")) == b"[\n]"
    assert "request refused: it has come before" in process.output()


def test_a_plugin_is_named_over_udp_only_if_the_configuration_has_it(stage: Stage) -> None:
    plugin, mark = str(stage.fake_plugin()), stage.home / "mark"
    foreign = stage.script("foreign", f"#!/bin/sh\ntouch {mark}\n")
    manager = Manager(stage, "--plugin", plugin, "--plugin-opts", "server", "--no-plugin-sandbox", udp=stage.port())
    one, other = stage.port(), stage.port()
    refusal = b"err: plugin, plugin_opts, acl: "
    assert manager.client.add(one, "p", plugin=str(foreign)).startswith(refusal)
    for options in ("server;say=x", "", {"server": ""}, {"say": "x"}):
        named = {"plugin": plugin} if options else {}
        answer = manager.client.add(one, "p", plugin_opts=options or "say=x", **named)
        assert answer.startswith(refusal), (options, answer)
    assert manager.client.add(one, "p", plugin=plugin, plugin_opts="server") == b"ok"
    assert manager.client.add(other, "p") == b"ok"
    assert procfs.listening(other) and len(manager.process.plugins()) == 2
    assert not mark.exists()


def test_no_list_is_read_for_a_user_of_udp(stage: Stage) -> None:
    secret, allowed = stage.home / "secret", stage.home / "allowed.acl"
    secret.write_text("[accept_all]\nthe secret (\n")
    allowed.write_text("[accept_all]\n")
    manager, port = Manager(stage, "--acl", allowed, udp=stage.port()), stage.port()
    answer = manager.client.add(port, "p", acl=str(secret))
    assert answer.startswith(b"err: plugin, plugin_opts, acl: ") and b"the secret" not in answer
    assert manager.client.add(port, "p", acl=str(allowed)) == b"ok"


# A process for each port.


def children(process: Process) -> list[int]:
    return [pid for pid in procfs.children(process.pid) if procfs.alive(pid)]


def test_each_port_may_be_a_process(stage: Stage) -> None:
    manager, port = Manager(stage, "--executable", ours("ss-server"), "--outbound", "all", "-u"), stage.port()
    assert manager.client.add(port, "secret") == b"ok"
    procfs.eventually(lambda: procfs.listening(port), "the child listens", 10 * SLOWER)
    carries(stage, port, "secret", size=50_000)
    (child,) = children(manager.process)
    assert b"secret" not in Path(f"/proc/{child}/cmdline").read_bytes()
    assert manager.client.add(port, "another") == b"ok"
    procfs.eventually(lambda: children(manager.process) not in ([], [child]) and procfs.listening(port),
                      "another child", 10 * SLOWER)
    carries(stage, port, "another")
    (child,) = children(manager.process)
    os.kill(child, signal.SIGKILL)
    procfs.eventually(lambda: children(manager.process) not in ([], [child]) and procfs.listening(port),
                      "a third child", 10 * SLOWER)
    assert manager.client.remove(port) == b"ok"
    procfs.eventually(lambda: children(manager.process) == [], "the child leaves", 10 * SLOWER)
    assert manager.client.add(port, "secret") == b"ok"
    procfs.eventually(lambda: procfs.listening(port), "the child listens", 10 * SLOWER)
    manager.process.kill()
    procfs.eventually(lambda: not procfs.listening(port), "no child outlives the manager", 10 * SLOWER)


def test_a_process_that_does_not_end_holds_up_no_request(stage: Stage) -> None:
    """Its port is gone at once, comes back behind it, and is the same to those who ask."""
    flag = stage.home / "stubborn"
    script = stage.script("server", f"#!{sys.executable}\nimport pathlib, signal\n"
                                    "signal.signal(signal.SIGTERM, lambda *_: None)\n"
                                    f"pathlib.Path('{flag}').touch()\nwhile True: signal.pause()\n")
    manager, port = Manager(stage, "--executable", script), stage.port()
    assert manager.client.add(port, "p") == b"ok"
    procfs.eventually(flag.exists, "the process runs", 10 * SLOWER)
    (child,) = children(manager.process)
    assert manager.client.remove(port) == b"ok"
    assert manager.client.ports() == [] and manager.client.traffic() == {}
    assert children(manager.process) == [child], "nobody has waited for it"
    assert not manager.kept(port).exists()
    assert manager.client.remove(port) == b"ok"
    assert manager.client.add(port, "q") == b"ok"
    assert [row["password"] for row in manager.client.ports()] == ["q"] and manager.kept(port).exists()
    procfs.eventually(lambda: children(manager.process) not in ([], [child]), "its successor", 20 * SLOWER)
    assert manager.client.remove(port) == b"ok"
    procfs.eventually(lambda: children(manager.process) == [], "the process is killed", 20 * SLOWER)
    assert manager.client.ports() == []


def test_a_process_that_cannot_run_is_tried_again_and_a_new_port_is_forgotten(stage: Stage) -> None:
    script, moved = stage.script("server", "#!/bin/sh\nexec sleep 1000\n"), stage.home / "moved"
    manager, port, other = Manager(stage, "--executable", script), stage.port(), stage.port()
    assert manager.client.add(port, "p") == b"ok"
    (child,) = children(manager.process)
    script.rename(moved)
    os.kill(child, signal.SIGKILL)
    manager.wait_output("starting it again")
    assert manager.client.add(port, "q").startswith(b"err: ")
    assert manager.client.add(other, "q").startswith(b"err: ")
    assert manager.kept(port).exists() and not manager.kept(other).exists()
    moved.rename(script)
    procfs.eventually(lambda: children(manager.process) != [], "the process runs", 20 * SLOWER)


def test_a_process_gets_all_that_a_manager_can_be_told(stage: Stage) -> None:
    port, acl, plugin = stage.port(), stage.home / "list.acl", stage.fake_plugin()
    acl.write_text("[accept_all]\n")
    path = stage.config(
        method=METHOD, timeout=60, mode="tcp_and_udp", fast_open=True,
        reuse_port=True, no_delay=True, ipv6_first=True, mtu=1400, nofile=1000, nameserver="127.0.0.1",
        local_ipv4_address="127.0.0.1", local_ipv6_address="::1", acl=str(acl), plugin=str(plugin),
        plugin_opts="server")
    script = stage.script("server", f'#!/bin/sh\necho "$#" >{stage.home}/count\nexec sleep 1000\n')
    more = [word for n in range(2, 11) for word in ("-s", f"127.0.0.{n}")]
    manager = Manager(stage, "-c", path, "-v", "-i", "lo", *more, "--executable", script)
    assert manager.client.add(port, "p") == b"ok"
    procfs.eventually(lambda: (stage.home / "count").exists() and (stage.home / "count").read_text() != "",
                      "the process runs", 10 * SLOWER)
    assert int((stage.home / "count").read_text()) > 48


# ss-server tells its manager.


def test_a_server_reports_its_bytes_as_shadowsocks_libev_does(stage: Stage) -> None:
    """But for a NUL at the end, which no manager needs."""
    servers = []
    for family, name in [(socket.AF_UNIX, str(stage.keep(Folder()).path / "manager")), (socket.AF_INET, ("127.0.0.1", 0))]:
        sock, port = stage.keep(socket.socket(family, socket.SOCK_DGRAM)), stage.port()
        sock.bind(name)
        sock.settimeout(10 * SLOWER)
        address = name if family == socket.AF_UNIX else f"127.0.0.1:{sock.getsockname()[1]}"
        server = stage.run(ours("ss-server"), "-s", "127.0.0.1", "-p", port, "-k", "secret", "-m", METHOD,
                           "--manager-address", address)
        stage.wait_listening(server, port)
        servers.append((sock, port))
    for _, port in servers:
        carries(stage, port, "secret", size=300)
    for sock, port in servers:
        assert sock.recv(1000) == b'stat: {"%d":%d}' % (port, 600 + HEADER)


# Counting.


def test_a_signal_logs_what_each_port_and_each_user_has_carried(stage: Stage) -> None:
    manager, port, method = Manager(stage, "-u"), stage.port(), "2022-blake3-aes-128-gcm"
    server, alice, bob = (base64.b64encode(os.urandom(16)).decode() for _ in range(3))
    users = [{"name": "alice", "password": alice}, {"name": "bob", "password": bob}]
    assert manager.client.add(port, server, method=method, users=users) == b"ok"
    carries(stage, port, f"{server}:{alice}", method, size=5000)
    near = client_of(stage, port, f"{server}:{bob}", method, mode="tcp_and_udp")
    stage.keep(udp.Client(near)).trade(stage.keep(udp.Echo()).address, b"x" * 700)
    os.kill(manager.process.pid, signal.SIGUSR1)
    for line in [f"port {port}: connections 1, failed 0, foreign 0, bytes up {5700 + HEADER}, down 5700, "
                 "packets up 1, down 1",
                 f"port {port}, user alice: connections 1, failed 0, foreign 0, bytes up 5000, down 5000, "
                 "packets up 0, down 0",
                 f"port {port}, user bob: connections 0, failed 0, foreign 0, bytes up 700, down 700, "
                 "packets up 1, down 1"]:
        manager.wait_output(f"traffic of {line}")
