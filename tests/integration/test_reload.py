# SPDX-License-Identifier: Apache-2.0
"""SIGHUP: a program goes on with its configuration as it is now, and nobody notices who is not concerned."""

from __future__ import annotations

import base64
import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from harness import procfs, socks, udp
from harness.content import content, read_exactly, read_to_end
from harness.extent import FULL, extent
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.reloaded import Reloaded
from harness.stage import PASSWORD, SANDBOX, Stage, our_parts
from harness.targets import echo

LOCAL = "127.0.0.1"
METHOD = "2022-blake3-aes-128-gcm"
REQUESTS, CLIENTS = 1000, 4
MIB = 1 << 20


def key(number: int) -> str:
    return base64.b64encode(bytes([number]) * 16).decode()


def user(name: str, number: int) -> dict[str, str]:
    return {"name": name, "password": key(number)}


ALICE, BOB, CAROL = user("alice", 2), user("bob", 3), user("carol", 4)


def server(stage: Stage, port: int, **values: Any) -> Reloaded:
    reloaded = Reloaded(stage, "ss-server", server=LOCAL, server_port=port,
                        **{"password": PASSWORD, "method": "aes-256-gcm", **values})
    stage.wait_listening(reloaded.process, port)
    return reloaded


def server_of(stage: Stage, port: int, *users: dict[str, str], **values: Any) -> Reloaded:
    return server(stage, port, users=list(users), **{"method": METHOD, "password": key(1), **values})


def client_of(stage: Stage, port: int, who: dict[str, str]) -> tuple[str, int]:
    near = stage.port()
    local = stage.run(ours("ss-local"), "-c", stage.config(
        server=LOCAL, server_port=port, local_port=near, method=METHOD, password=f"{key(1)}:{who['password']}"))
    stage.wait_listening(local, near)
    return LOCAL, near


def says(sock: socket.socket, text: bytes = b"hello") -> bool:
    try:
        sock.sendall(text)
        return read_exactly(sock, len(text)) == text
    except (OSError, EOFError):
        return False


def asks(near: tuple[str, int], target: tuple[str, int], timeout: float = socks.TIMEOUT) -> bool:
    try:
        with socks.dial(near, target, timeout) as sock:
            return says(sock)
    except (OSError, EOFError, AssertionError):
        return False


def traffic(process: Process, whose: str) -> int:
    """The bytes of a user since the start."""
    pattern = rf"traffic of port \d+, user {whose}: .*bytes up (\d+)"
    before = len(re.findall(pattern, process.output()))
    os.kill(process.pid, signal.SIGUSR1)
    procfs.eventually(lambda: len(re.findall(pattern, process.output())) > before, "counters", 10 * SLOWER)
    return int(re.findall(pattern, process.output())[-1])


# ---- users ----


def test_users_come_and_go_without_the_others(stage: Stage) -> None:
    port, target = stage.port(), stage.target(echo).address
    at = server_of(stage, port, ALICE, BOB)
    alice, bob, carol = (client_of(stage, port, who) for who in (ALICE, BOB, CAROL))
    kept, gone = stage.keep(socks.dial(alice, target)), stage.keep(socks.dial(bob, target))
    assert says(kept) and says(gone)
    line = at.change(users=[ALICE, CAROL])
    assert line.endswith("ports added: 0, changed: 0, removed: 0; users added: 1, removed: 1")
    assert says(kept) and asks(carol, target) and asks(alice, target)
    gone.settimeout(0.3)
    assert not says(gone, b"more")
    assert traffic(at.process, "alice") == 3 * len(b"hello")


def test_counters_and_connections_go_on_when_other_settings_change(stage: Stage) -> None:
    port, target = stage.port(), stage.target(echo).address
    at = server_of(stage, port, ALICE, BOB, mode="tcp_and_udp")
    alice = client_of(stage, port, ALICE)
    kept = stage.keep(socks.dial(alice, target))
    assert says(kept)
    for timeout in (70, 80, 90):
        assert "changed: 1" in at.change(timeout=timeout, users=[ALICE, user(f"user{timeout}", timeout)])
        assert says(kept) and asks(alice, target)
    assert traffic(at.process, "alice") == 7 * len(b"hello")
    assert "users added: 0, removed: 0" in at.change()


def test_a_user_with_another_key_is_another_client(stage: Stage) -> None:
    port, target = stage.port(), stage.target(echo).address
    at = server_of(stage, port, ALICE, BOB)
    old, new = client_of(stage, port, ALICE), client_of(stage, port, user("alice", 9))
    assert asks(old, target)
    assert "users added: 1, removed: 1" in at.change(users=[user("alice", 9), BOB])
    assert asks(new, target)
    assert traffic(at.process, "alice") == 2 * len(b"hello")


def test_many_users(stage: Stage) -> None:
    """In full, 10,000 users within 100 ms, while a byte takes at most 5 ms to come back."""
    many, turns = extent(1000, 10000), extent(1, 10)
    port, target = stage.port(), stage.target(echo).address

    def users(first: int) -> list[dict[str, str]]:
        return [{"name": f"user{n}", "password": base64.b64encode(n.to_bytes(16, "big")).decode()}
                for n in range(first, first + many)]

    at = server_of(stage, port, *users(1))
    near = client_of(stage, port, users(1)[-1])
    kept = stage.keep(socks.dial(near, target))
    assert says(kept)
    times, waits = [], []
    for turn in range(turns):
        at.write(users=users(2 + turn))
        before, begun, worst = len(at.told()), time.monotonic(), 0.0
        os.kill(at.process.pid, signal.SIGHUP)
        while len(at.told()) == before:
            asked = time.monotonic()
            assert says(kept)
            worst = max(worst, time.monotonic() - asked)
        times.append(time.monotonic() - begun)
        waits.append(worst)
    assert at.told()[-1].endswith("users added: 1, removed: 1")
    if FULL:
        assert min(times) < 0.1 and min(waits) < 0.005, (times, waits)


# ---- under load ----


def download(stage: Stage, near: tuple[str, int], size: int) -> tuple[threading.Thread, list[bytes]]:
    """Begins one that waits in the middle for go_on()."""
    got: list[bytes] = []
    data = content(size)

    def serve(sock: socket.socket) -> None:
        sock.sendall(data)

    sock = stage.keep(socks.dial(near, stage.target(serve).address, 60 * SLOWER))
    got.append(read_exactly(sock, size // 4))
    thread = threading.Thread(target=lambda: got.append(read_to_end(sock)[0]))
    return thread, got


def test_no_request_of_a_thousand_is_lost(stage: Stage) -> None:
    port, near_port, target = stage.port(), stage.port(), stage.target(echo).address
    at = server_of(stage, port, ALICE, BOB)
    local = Reloaded(stage, "ss-local", server=LOCAL, server_port=port, local_port=near_port, method=METHOD,
                     password=f"{key(1)}:{ALICE['password']}")
    stage.wait_listening(local.process, near_port)
    near = (LOCAL, near_port)
    thread, got = download(stage, near, 16 * MIB)
    descriptors = [procfs.fd_count(p.process.pid) for p in (at, local)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = [pool.submit(asks, near, target) for _ in range(REQUESTS)]
        for turn in range(10):
            at.change(users=[ALICE, BOB if turn % 2 else CAROL], timeout=60 + turn // 3)
            local.change(timeout=60 + turn)
        assert sum(not answer.result() for answer in answers) == 0
    thread.start()
    thread.join()
    assert b"".join(got) == content(16 * MIB)
    for p, before in zip((at, local), descriptors, strict=True):
        procfs.eventually(lambda p=p, before=before: procfs.fd_count(p.process.pid) <= before, "descriptors", 20 * SLOWER)


# ---- mistakes ----


@pytest.mark.parametrize(("values", "reason"), [
    ({"users": [ALICE, user("alice", 5)]}, 'two users are named "alice"'),
    ({"users": [ALICE, {"name": "bob", "password": "AAAA"}]}, "wrong length: 3 bytes"),
    ({"method": "rc4-md5"}, "method"),
    ({"timeout": "soon"}, "timeout"),
    ({"plugin": "obfs-server"}, "plugin needs a new plugin: restart the program"),
    ({"mode": "tcp_and_udp"}, "mode belongs to the socket that listens: restart the program"),
    ({"nofile": 999}, "nofile can be changed at the start only: restart the program"),
    ({"acl": "/proc/nonexistent"}, "acl /proc/nonexistent: No such file"),
    ({"server_port": 1}, "listen"),
])
def test_a_mistake_changes_nothing_and_is_one_line(stage: Stage, values: dict[str, Any], reason: str) -> None:
    port, target = stage.port(), stage.target(echo).address
    taken = stage.keep(socket.create_server((LOCAL, 0)))
    at = server_of(stage, port, ALICE)
    near = client_of(stage, port, ALICE)
    kept = stage.keep(socks.dial(near, target))
    assert says(kept)
    descriptors, lines = procfs.fd_count(at.process.pid), at.process.output().count("ERROR")
    if "server_port" in values:
        values = {"server_port": taken.getsockname()[1]}
    line = at.refuse(**values)
    assert reason in line
    assert at.process.output().count("ERROR") == lines + 1
    assert says(kept) and asks(near, target)
    procfs.eventually(lambda: procfs.fd_count(at.process.pid) == descriptors, "descriptors", 10 * SLOWER)
    at.change(users=[ALICE, BOB])
    assert asks(near, target)


def test_a_file_that_is_no_json_changes_nothing(stage: Stage) -> None:
    at = server(stage, stage.port())
    at.path.write_text('{"server": ')
    assert "not valid JSON" in at.hang_up()
    at.path.unlink()
    assert "cannot read the configuration: No such file" in at.hang_up()
    at.change()


@pytest.mark.skipif(os.geteuid() != 0, reason="gives its user up")
def test_a_file_that_the_user_may_not_read(stage: Stage) -> None:
    at = server(stage, stage.port(), user="nobody")
    assert re.search(r"Permission denied for user \d+ \(chgrp", at.refuse(timeout=61))


def test_a_password_of_the_command_line_is_not_kept(stage: Stage) -> None:
    """Changes that need it are refused; the access list is read all the same."""
    rules = stage.home / "rules.acl"
    rules.write_text("[outbound_block_list]\n192.0.2.1\n")
    at = Reloaded(stage, "ss-server", "-k", PASSWORD, server=LOCAL, server_port=(port := stage.port()),
                  method="aes-256-gcm", acl=str(rules))
    stage.wait_listening(at.process, port)
    rules.write_text("[outbound_block_list]\n192.0.2.1\n192.0.2.2\n")
    assert "the command line had a password" in at.hang_up()
    procfs.eventually(lambda: ": 2 rules" in at.process.output(), "the rules are read", 10 * SLOWER)


def test_a_terminal_that_is_closed_ends_the_program(stage: Stage) -> None:
    port = stage.port()
    path = stage.config(server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm", **SANDBOX)
    near, far = os.openpty()
    with subprocess.Popen([str(ours("ss-server")), "-c", str(path)], stdin=far, stdout=far, stderr=far,
                          start_new_session=True) as process:
        os.close(far)
        try:
            procfs.eventually(lambda: procfs.listening(port), "the server listens", 10 * SLOWER)
            os.close(near)
            process.send_signal(signal.SIGHUP)
            assert process.wait(10 * SLOWER) == 0
        finally:
            process.kill()


# ---- servers of one process ----


def test_ports_come_and_go(stage: Stage) -> None:
    first, second, third = (stage.port() for _ in range(3))
    target = stage.target(echo).address

    def row(port: int, password: str = PASSWORD) -> dict[str, object]:
        return {"server": LOCAL, "server_port": port, "password": password, "method": "aes-256-gcm"}

    at = Reloaded(stage, "ss-server", servers=[row(first), row(second)])
    stage.wait_listening(at.process, second)
    nears = []
    for port in (first, second, third):
        local = stage.ss_local(our_parts(), (LOCAL, port), near := stage.port())
        stage.wait_listening(local, near)
        nears.append((LOCAL, near))
    kept, gone = (stage.keep(socks.dial(near, target)) for near in nears[:2])
    assert says(kept) and says(gone)
    assert "ports added: 1, changed: 0, removed: 1;" in at.change(servers=[row(third), row(first)])
    assert says(kept) and asks(nears[2], target) and not says(gone)
    assert not procfs.listening(second)
    assert "ports added: 0, changed: 1, removed: 0;" in at.change(servers=[row(third, "another"), row(first)])
    assert says(kept) and not asks(nears[2], target, 0.5) and asks(nears[0], target)


# ---- plugins ----


@pytest.mark.parametrize("password", [PASSWORD, "another password"])
def test_a_plugin_goes_on(stage: Stage, password: str) -> None:
    port, target = stage.port(), stage.target(echo).address
    parts = our_parts("http")
    at = server(stage, port, plugin=parts.server_plugin, plugin_opts=parts.server_opts)
    stage.wait_plugin(at.process, "SS_REMOTE_PORT")
    near = (LOCAL, stage.port())
    stage.ss_local(parts, (LOCAL, port), near[1])
    kept = stage.keep(socks.dial(near, target))
    assert says(kept)
    plugins = at.process.plugins()
    at.change(timeout=77, password=password)
    same = password == PASSWORD
    assert says(kept) == same
    assert asks(near, target, socks.TIMEOUT if same else 0.5) == same
    assert at.process.plugins() == plugins
    assert "plugin_opts needs a new plugin" in at.refuse(plugin_opts="obfs=tls")
    assert at.process.plugins() == plugins


@pytest.mark.parametrize("which", ["configuration", "acl", "password_file"])
def test_a_pipe_holds_up_neither_the_program_nor_its_end(stage: Stage, which: str) -> None:
    files = {name: stage.home / name for name in ("acl", "password_file")}
    files["acl"].write_text("10.0.0.0/8\n")
    files["password_file"].write_text(PASSWORD)
    files["password_file"].chmod(0o600)
    port = stage.port()
    at = server(stage, port, password=None, **{name: str(path) for name, path in files.items()})
    files["configuration"] = at.path
    files[which].unlink()
    os.mkfifo(files[which])
    line = at.hang_up()
    assert "a pipe" in line and line.endswith("the previous configuration stays in use")
    assert at.process.stop() == 0


def limited(stage: Stage, of_user: bool, **limits: Any) -> tuple[Reloaded, tuple[str, int], Callable[..., object]]:
    """A server, a client of it, and the change of the limits."""
    port = stage.port()
    if of_user:
        at = server_of(stage, port, {**ALICE, **limits})
        near = client_of(stage, port, ALICE)
        return at, near, lambda timeout=None, **fresh: at.change(timeout=timeout, users=[{**ALICE, **fresh}])
    at = server(stage, port, **limits)
    near = (LOCAL, stage.port())
    stage.wait_listening(stage.ss_local(our_parts(), (LOCAL, port), near[1]), near[1])
    return at, near, lambda **fresh: at.change(**fresh)


@pytest.mark.parametrize("of_user", [False, True], ids=["port", "user"])
@pytest.mark.parametrize("rate", [0, "100M"])
@pytest.mark.parametrize("beside", [{}, {"timeout": 77}], ids=["alone", "beside"])
def test_a_connection_that_waits_does_so_at_the_new_rate(stage: Stage, of_user: bool, rate: object,
                                                         beside: dict[str, int]) -> None:
    """At the old one, it would wait for minutes; beside another setting, what serves is replaced."""
    _, near, limit = limited(stage, of_user, limit_rate=100)
    text, some = os.urandom(60000), threading.Event()

    def serve(sock: socket.socket) -> None:
        while part := sock.recv(65536):
            if len(part) > 1000:
                some.set()
            sock.sendall(part)

    sock = stage.keep(socks.dial(near, stage.target(serve).address))
    assert says(sock)
    sock.sendall(text)
    assert some.wait(20 * SLOWER)
    limit(limit_rate=rate, **beside)
    assert read_exactly(sock, len(text)) == text


@pytest.mark.parametrize("of_user", [False, True], ids=["port", "user"])
def test_a_new_limit_holds_for_connections_that_stand(stage: Stage, of_user: bool) -> None:
    _, near, limit = limited(stage, of_user)
    sock = stage.keep(socks.dial(near, stage.target(echo).address))
    assert says(sock)
    limit(limit_rate="40K")
    began = time.monotonic()
    assert all(says(sock, os.urandom(10000)) for _ in range(6))
    assert time.monotonic() - began > 1


def test_connections_of_before_and_after_share_one_rate_and_one_number_of_bytes(stage: Stage) -> None:
    """Each reload changes the limits and another setting."""
    _, near, limit = limited(stage, False, limit_rate="100M", handshake_timeout=1)
    target, part = stage.target(echo).address, os.urandom(20000)
    clients = []
    for number in (1, 2, 3):
        clients.append(stage.keep(socks.dial(near, target)))
        assert says(clients[-1])
        limit(limit_rate="200K", timeout=70 + number)
    began = time.monotonic()
    for sock in clients:
        sock.sendall(part)
    assert all(read_exactly(sock, len(part)) == part for sock in clients)
    assert time.monotonic() - began > 2 * len(part) * len(clients) / 204800 * 0.9 - 0.1
    limit(limit_rate=0, limit_bytes=200000, timeout=99)
    assert sum(says(sock, part) for sock in clients) <= 2, "120,000 bytes were used"
    assert not says(clients[0], part) and not asks(near, target)


# ---- clients ----


def test_a_client_changes_its_servers(stage: Stage) -> None:
    ports, target = [stage.port(), stage.port()], stage.target(echo).address
    servers = [server(stage, port) for port in ports]
    near = (LOCAL, stage.port())

    def rows(*which: int, method: str = "aes-256-gcm") -> list[dict[str, object]]:
        return [{"server": LOCAL, "server_port": ports[i], "password": PASSWORD, "method": method} for i in which]

    local = Reloaded(stage, "ss-local", servers=rows(0), local_port=near[1])
    stage.wait_listening(local.process, near[1])
    kept = stage.keep(socks.dial(near, target))
    assert says(kept)
    local.change(servers=rows(1))
    assert says(kept) and asks(near, target)
    kept.close()
    servers[1].change(method="chacha20-ietf-poly1305")
    assert not asks(near, target, 0.5)
    local.change(servers=rows(1, method="chacha20-ietf-poly1305"))
    assert asks(near, target)
    servers[0].change(method="chacha20-ietf-poly1305")
    local.change(servers=rows(0, 1, method="chacha20-ietf-poly1305"))
    assert asks(near, target)


def test_listeners_of_a_client_come_and_go(stage: Stage) -> None:
    port, target = stage.port(), stage.target(echo).address
    server(stage, port)
    first, second = stage.port(), stage.port()

    def entries(*at: int) -> list[dict[str, object]]:
        return [{"local_address": LOCAL, "local_port": number} for number in at]

    local = Reloaded(stage, "ss-local", server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm",
                     locals=entries(first))
    stage.wait_listening(local.process, first)
    kept = stage.keep(socks.dial((LOCAL, first), target))
    assert says(kept)
    assert "ports added: 1, changed: 0, removed: 1;" in local.change(locals=entries(second))
    assert says(kept) and asks((LOCAL, second), target) and not procfs.listening(first)
    kept.close()
    assert asks((LOCAL, second), target)


def test_udp_goes_on_with_other_settings(stage: Stage) -> None:
    port, target = stage.port(), stage.keep(udp.Echo()).address
    at = server(stage, port, mode="tcp_and_udp")
    near = (LOCAL, stage.port())
    local = stage.ss_local(our_parts(), (LOCAL, port), near[1], mode="tcp_and_udp")
    stage.wait_listening(local, near[1])
    client = stage.keep(udp.Client(near))
    client.trade(target, b"before")
    at.change(timeout=77)
    client.trade(target, b"after")
