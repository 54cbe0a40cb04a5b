# SPDX-License-Identifier: Apache-2.0
"""Several workers: connections are spread over threads, and nothing else is another."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from harness import procfs, socks, ss2022, udp
from harness.content import content, hash_exactly, read_exactly, sha256
from harness.manager import Folder
from harness.processes import Process
from harness.programs import SANITIZED, SLOWER, ours
from harness.reloaded import Reloaded
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo, reset

LOCAL = "127.0.0.1"
PATIENCE_S = 30 * SLOWER
MANY = 200 if SANITIZED else 1000
MIB = 1 << 20


@pytest.fixture(autouse=True)
def _many_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 4 * MANY)), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def scrape(metrics: int) -> str:
    with urllib.request.urlopen(f"http://{LOCAL}:{metrics}/metrics", timeout=PATIENCE_S) as answer:
        return str(answer.read().decode())


def loads(metrics: int) -> list[int]:
    """Connections of each worker; that of this request is not counted."""
    text = scrape(metrics)
    found = [int(n) for n in re.findall(r'^shadowplug_worker_connections\{worker="\d+"\} (\d+)$', text, re.M)]
    return [found[0] - 1, *found[1:]] if found else []


def pair(stage: Stage, workers: int, obfs: str = "none", method: str = "aes-256-gcm",
         **extra: Any) -> tuple[tuple[str, int], list[int], list[Process]]:
    """ss-local and ss-server with so many workers each: where the first is, and their metrics."""
    metrics, port, near = [stage.port(), stage.port()], stage.port(), stage.port()
    parts = our_parts(obfs, method)
    server = stage.ss_server(parts, port, workers=workers, metrics=metrics[1], nofile=8 * MANY, **extra)
    local = stage.ss_local(parts, (LOCAL, port), near, workers=workers, metrics=metrics[0], nofile=8 * MANY, **extra)
    assert [len(loads(at)) for at in metrics] == [workers, workers]
    return (LOCAL, near), metrics, [local, server]


@pytest.mark.parametrize("workers", [2, 4])
def test_a_thousand_connections_are_balanced(stage: Stage, workers: int) -> None:
    """Within 10 %, in the client and in the server; those that end make room where they were."""
    near, metrics, _ = pair(stage, workers)
    target = stage.listener(backlog=2 * MANY)
    held = [stage.keep(socks.dial(near, target.address, PATIENCE_S)) for _ in range(MANY)]

    def balanced(number: int) -> bool:
        found = [loads(at) for at in metrics]
        fair = number / workers
        return all(sum(each) == number and len(each) == workers and
                   all(0.9 * fair <= n <= 1.1 * fair for n in each) for each in found)

    procfs.eventually(lambda: balanced(MANY), f"{MANY} are balanced: {[loads(at) for at in metrics]}", PATIENCE_S)
    for sock in held[::workers]:  # all of one worker
        reset(sock)
    left = MANY - len(held[::workers])
    procfs.eventually(lambda: sum(loads(metrics[0])) == left, "they have ended", PATIENCE_S)
    more = [stage.keep(socks.dial(near, target.address, PATIENCE_S)) for _ in range(MANY - left)]
    assert len(more) == MANY - left
    procfs.eventually(lambda: balanced(MANY), "new ones are where the others were", PATIENCE_S)


@pytest.mark.parametrize(("obfs", "method"), [("none", "aes-256-gcm"), ("inline:tls", "aes-256-gcm"),
                                              ("none", "2022-blake3-aes-256-gcm")])
def test_every_worker_carries_both_ways(stage: Stage, obfs: str, method: str) -> None:
    word = {"password": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="} if method.startswith("2022") else {}
    near, _, processes = pair(stage, 3, obfs, method, **word)
    target, data = stage.target(echo).address, content(2 * MIB)

    def trade(_: int) -> str:
        with socks.dial(near, target, PATIENCE_S) as sock, ThreadPoolExecutor(1) as pool:
            sent = pool.submit(sock.sendall, data)
            digest = hash_exactly(sock, len(data))
            sent.result()
            return digest

    with ThreadPoolExecutor(6) as pool:
        assert set(pool.map(trade, range(12))) == {sha256(data)}
    for process in processes:
        os.kill(process.pid, signal.SIGTERM)
    assert [process.wait(PATIENCE_S) for process in processes] == [0, 0]


def test_a_reload_keeps_the_transfers_of_all_workers(stage: Stage) -> None:
    """Connections go on in each of them, new ones are served all the time, and the counters go on."""
    port, metrics, near = stage.port(), stage.port(), (LOCAL, stage.port())
    server = Reloaded(stage, "ss-server", server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm",
                      workers=3, metrics=metrics)
    stage.wait_listening(server.process, port)
    local = Reloaded(stage, "ss-local", server=LOCAL, server_port=port, local_port=near[1], password=PASSWORD,
                     method="aes-256-gcm", workers=2)
    stage.wait_listening(local.process, near[1])
    target = stage.target(echo).address
    running = [stage.keep(socks.dial(near, target, PATIENCE_S)) for _ in range(9)]
    for turn in range(4):
        for end in (server, local):
            end.change(timeout=100 + turn)
        for sock in running:
            sock.sendall(content(64 * 1024))
            assert read_exactly(sock, 64 * 1024) == content(64 * 1024)
        with socks.dial(near, target, PATIENCE_S) as sock:
            sock.sendall(b"new")
            assert read_exactly(sock, 3) == b"new"
    assert f'shadowplug_connections_total{{port="{port}"}} 13\n' in scrape(metrics)
    server.change(password="another one of the tests")
    for sock in running:
        with pytest.raises((OSError, EOFError)):
            sock.sendall(b"x")
            read_exactly(sock, 1)


def test_a_replay_is_seen_by_every_worker(stage: Stage) -> None:
    port, metrics, method = stage.port(), stage.port(), "2022-blake3-aes-128-gcm"
    keys = ss2022.Keys(method, bytes(16))
    stage.ss_server(our_parts(method=method), port, password=keys.text, workers=4, metrics=metrics)
    flight = ss2022.Request(keys, socks.request(stage.target(echo).address)[3:], b"hello").head()

    def sends() -> socket.socket:
        sock = stage.connect((LOCAL, port))
        sock.sendall(flight)
        return sock

    assert sends().recv(1)
    again = [sends() for _ in range(8)]
    procfs.eventually(lambda: f'shadowplug_replays_total{{port="{port}"}} {len(again)}\n' in scrape(metrics),
                      "each is refused", PATIENCE_S)


def test_a_takeover_loses_no_connection_and_drains_all_workers(stage: Stage) -> None:
    control, port, near = str(stage.keep(Folder()).path / "c"), stage.port(), (LOCAL, stage.port())
    path = stage.config(server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm", workers=3, control=control)
    path.chmod(0o600)
    old = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(old, port)
    stage.ss_local(our_parts(), (LOCAL, port), near[1])
    target = stage.target(echo).address
    running = [stage.keep(socks.dial(near, target, PATIENCE_S)) for _ in range(6)]
    for sock in running:
        sock.sendall(b"a")
        assert read_exactly(sock, 1) == b"a"

    def asks(_: int) -> bool:
        with socks.dial(near, target, PATIENCE_S) as sock:
            sock.sendall(b"hello")
            return read_exactly(sock, 5) == b"hello"

    with ThreadPoolExecutor(4) as pool:
        answers = pool.map(asks, range(200))
        new = stage.run(ours("ss-server"), "-c", path, "--take-over")
        procfs.eventually(lambda: "this one serves in its place" in new.output(), "it takes over", PATIENCE_S)
        assert all(answers)
    for sock in running:
        sock.sendall(b"b")
        assert read_exactly(sock, 1) == b"b"
    assert old.running
    for sock in running:
        sock.close()
    assert old.wait(PATIENCE_S) == 0


def test_packets_of_a_client_end_with_its_connection(stage: Stage) -> None:
    """The connection may be another worker's than the packets."""
    near, _, _ = pair(stage, 3, mode="tcp_and_udp")
    target = stage.keep(udp.Echo())
    clients = [stage.keep(udp.Client(near)) for _ in range(6)]
    for client in clients:
        client.trade(target.address, b"hello")
    for client in clients[:3]:
        client.hang_up()
    for client in clients[3:]:
        client.trade(target.address, b"again")
    for client in clients[:3]:
        client.send(target.address, b"late")
        assert client.hears_nothing()


def test_pages_come_from_any_worker(stage: Stage) -> None:
    near, _, _ = pair(stage, 3)
    pages = [urllib.request.urlopen(f"http://{LOCAL}:{near[1]}{path}", timeout=PATIENCE_S).read()
             for path in ("/", "/proxy.pac") * 6]
    assert all(b"<!DOCTYPE html>" in page for page in pages[::2])
    assert all(b"FindProxyForURL" in page for page in pages[1::2])


def test_each_connection_of_any_worker_is_a_line(stage: Stage) -> None:
    """In the access log, which has a thread of its own, with the client that a balancer names."""
    file, port, number = stage.keep(Folder()).path / "access", stage.port(), 60
    stage.ss_server(our_parts(), port, workers=3, access_log=str(file), proxy_protocol=True,
                    proxy_protocol_from=LOCAL)

    def probe(source: int) -> None:
        with stage.connect((LOCAL, port)) as sock:
            sock.sendall(b"PROXY TCP4 192.0.2.%d 192.0.2.200 4711 8388\r\n" % source + bytes(300))

    with ThreadPoolExecutor(6) as pool:
        assert len(list(pool.map(probe, range(number)))) == number
    procfs.eventually(lambda: file.exists() and len(file.read_text().splitlines()) == number, f"{number} lines", PATIENCE_S)
    told = re.findall(r" tcp 192\.0\.2\.(\d+):4711 ", file.read_text())
    assert sorted(map(int, told)) == list(range(number))


@pytest.mark.parametrize(("values", "other"), [
    ({"limit_rate": "1M"}, "limit_rate"),
    ({"limit_bytes": "1G"}, "limit_bytes"),
    ({"mode": "udp_only"}, "mode udp_only"),
    ({"plugin": "obfs-server"}, "plugin"),
    ({"store": "redis://127.0.0.1:1"}, "store"),
    ({"method": "2022-blake3-aes-128-gcm", "password": "AAECAwQFBgcICQoLDA0ODw==",
      "users": [{"name": "a", "password": "EBESExQVFhcYGRobHB0eHw==", "limit_rate": "1M"}]}, "the limits of users"),
])
def test_what_excludes_workers_is_named_at_the_start(stage: Stage, values: dict[str, Any], other: str) -> None:
    path = stage.config(server=LOCAL, server_port=stage.port(), workers=2,
                        **{"password": PASSWORD, "method": "aes-256-gcm", **values})
    for argv, status in (((), 255), (("--check",), 1)):
        process = stage.run(ours("ss-server"), "-c", path, *argv)
        assert process.wait(PATIENCE_S) == status
        lines = [line for line in process.output().splitlines() if "exclude each other" in line]
        assert len(lines) == 1
        assert f"workers 2 and {other} exclude each other" in lines[0]


def test_a_reload_that_excludes_them_is_refused(stage: Stage) -> None:
    port = stage.port()
    server = Reloaded(stage, "ss-server", server=LOCAL, server_port=port, password=PASSWORD, method="aes-256-gcm", workers=2)
    stage.wait_listening(server.process, port)
    assert "workers 2 and limit_rate exclude each other" in server.refuse(limit_rate="1M")
    assert "workers" in server.refuse(workers=3)


def test_zero_is_a_worker_for_each_cpu(stage: Stage) -> None:
    metrics, cpus = stage.port(), len(os.sched_getaffinity(0))
    stage.ss_server(our_parts(), stage.port(), "--workers", 0, metrics=metrics)
    assert len(loads(metrics)) == (min(cpus, 64) if cpus > 1 else 0)
    dump = stage.run(ours("ss-server"), "-c", stage.config(server_port=1, password="x"), "--workers", 3, "--dump-config")
    assert dump.wait(PATIENCE_S) == 0
    assert '"workers": 3' in dump.output()
