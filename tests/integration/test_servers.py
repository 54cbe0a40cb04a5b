# SPDX-License-Identifier: Apache-2.0
"""One listener, many servers: methods, plugins and modes of their own, and servers that die."""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from harness import procfs, socks, udp
from harness.content import content, read_exactly
from harness.extent import extent
from harness.origin import Origin
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo

METHODS = ["aes-256-gcm", "2022-blake3-aes-128-gcm", "chacha20-ietf-poly1305"]
KEY = "AAECAwQFBgcICQoLDA0ODw=="
FATAL = 255
CLIENTS = 6  # of a load
Ask = Callable[[], bool]
Door = Callable[[Stage, int], Callable[[], Ask]]


def entry(port: int, method: str = "aes-256-gcm", **extra: object) -> dict[str, object]:
    password = KEY if method.startswith("2022") else PASSWORD
    return {"server": "127.0.0.1", "server_port": port, "method": method, "password": password, **extra}


def serve(stage: Stage, row: dict[str, object], *argv: object) -> Process:
    process = stage.run(ours("ss-server"), "-c", stage.config(**row, timeout=60), *argv)
    stage.wait_listening(process, int(str(row["server_port"])))
    return process


def client(stage: Stage, rows: list[dict[str, object]], *argv: object, **extra: object) -> tuple[Process, int]:
    port = stage.port()
    local = stage.run(ours("ss-local"), "-c", stage.config(servers=rows, local_port=port, **extra), *argv)
    stage.wait_listening(local, port)
    return local, port


def asks(port: int, target: tuple[str, int], text: bytes = b"hello") -> bool:
    try:
        with socks.dial(("127.0.0.1", port), target) as sock:
            sock.sendall(text)
            return read_exactly(sock, len(text)) == text
    except (OSError, EOFError, AssertionError):
        return False


def over_socks(stage: Stage, port: int) -> Callable[[], Ask]:
    """Each request has a connection of its own."""
    target = stage.target(echo).address
    return lambda: lambda: asks(port, target)


def over_http(stage: Stage, port: int) -> Callable[[], Ask]:
    """A client keeps its connection, behind an answer of the proxy, too."""
    url = stage.keep(Origin()).url("/content/2000/1")

    def client() -> Ask:
        near = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

        def ask() -> bool:
            try:
                near.request("GET", url)
                return near.getresponse().read() == content(2000, 1)
            except (OSError, http.client.HTTPException):
                near.close()
                return False

        return ask

    return client


@dataclass
class Load:
    """Clients that ask without a pause; each failure with the time when its request began."""
    client: Callable[[], Ask]
    done: int = 0
    failed: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._lock, self._stop = threading.Lock(), threading.Event()
        self._threads = [threading.Thread(target=self._ask, daemon=True) for _ in range(CLIENTS)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        ask = self.client()
        while not self._stop.is_set():
            begun = time.monotonic()
            good = ask()
            with self._lock:
                self.done += 1
                if not good:
                    self.failed.append(begun)

    def more(self, n: int) -> None:
        wanted = self.done + n
        procfs.eventually(lambda: self.done >= wanted, f"{n} more requests", 60 * SLOWER)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("door", [over_socks, over_http])
def test_no_request_is_lost_that_can_go_elsewhere(stage: Stage, door: Door) -> None:
    """Servers die under load, one after the other.  A request that begins once a server is gone is
    answered by another; only one that the dead server had already may be lost."""
    rounds, many = extent((4, 50), (20, 250))
    rows = [entry(stage.port(), method) for method in METHODS]
    servers = [serve(stage, row) for row in rows]
    _, port = client(stage, rows)
    load = Load(door(stage, port))
    deaths: list[tuple[float, float]] = []
    for round_ in range(rounds):
        load.more(many)
        victim = round_ % len(servers)
        begun = time.monotonic()
        servers[victim].kill()
        deaths.append((begun, time.monotonic()))
        load.more(many)
        servers[victim] = serve(stage, rows[victim])
    load.stop()
    assert load.done >= 2 * many * rounds
    # A request takes less than a second before a death; later ones have no excuse.
    unexplained = [at for at in load.failed if not any(begun - 1 < at < end for begun, end in deaths)]
    assert unexplained == [] and len(load.failed) <= len(deaths) * CLIENTS


def test_a_dead_server_is_not_asked_for_every_request(stage: Stage) -> None:
    target = stage.target(echo).address
    dead, alive = stage.listener(), entry(stage.port())
    serve(stage, alive)
    dead.sock.close()
    local, port = client(stage, [entry(dead.address[1]), alive], "-v")
    for _ in range(60):
        assert asks(port, target)
    dials = local.output().count(f"dial 127.0.0.1:{dead.address[1]}: Connection refused")
    assert 1 <= dials < 30  # by chance, about 1 + 59/21


def test_a_server_that_comes_back_is_found(stage: Stage) -> None:
    target = stage.target(echo).address
    rows = [entry(stage.port()), entry(stage.port(), METHODS[1])]
    first = serve(stage, rows[0])
    _, port = client(stage, rows)
    assert asks(port, target)
    first.kill()
    assert not asks(port, target)
    serve(stage, rows[1])
    assert asks(port, target)


def test_each_server_has_one_plugin_however_many_listeners(stage: Stage) -> None:
    target = stage.target(echo).address
    public = [stage.port(), stage.port()]
    stage.ss_server(our_parts("http"), public[0])
    stage.ss_server(our_parts("tls"), public[1])
    plugin = {"plugin": str(ours("obfs-local"))}
    rows = [entry(public[0], **plugin, plugin_opts="obfs=http"), entry(public[1], **plugin, plugin_opts="obfs=tls")]
    ports = [stage.port(), stage.port()]
    local = stage.run(ours("ss-local"), "-c", stage.config(
        servers=rows, plugin_sandbox=False, locals=[{"local_port": port} for port in ports]))
    for port in ports:
        stage.wait_listening(local, port)
        assert asks(port, target)
    procfs.eventually(lambda: len(local.plugins()) == len(rows), "each server has a plugin", 10 * SLOWER)
    for port in ports:
        assert asks(port, target)


def test_a_server_whose_plugin_fails_is_left_out(stage: Stage) -> None:
    target = stage.target(echo).address
    good = entry(stage.port())
    serve(stage, good)
    for plugin in ("no-such-plugin", "/bin/false"):
        local, port = client(stage, [entry(9, plugin=plugin), good], plugin_sandbox=False)
        assert asks(port, target)
        procfs.eventually(lambda: "127.0.0.1:9 is left out" in local.output(), "it is told", 10 * SLOWER)
    local = stage.run(ours("ss-local"), "-c", stage.config(
        servers=[entry(9, plugin="/bin/false"), entry(10, plugin="/bin/false")], plugin_sandbox=False,
        local_port=stage.port()))
    assert local.wait() == FATAL


@pytest.mark.parametrize("methods", [METHODS[:2], METHODS[1:]])
def test_packets_go_to_a_server_that_takes_them(stage: Stage, methods: list[str]) -> None:
    rows = [entry(stage.port(), methods[0], mode="tcp_only"), entry(stage.port(), methods[1], mode="udp_only")]
    for row in rows:
        serve(stage, {**row, "mode": "tcp_and_udp"})
    _, port = client(stage, rows)
    assert asks(port, stage.target(echo).address)
    user, far = stage.keep(udp.Client(("127.0.0.1", port))), stage.keep(udp.Echo())
    for text in (b"one", b"two"):
        user.trade(far.address, text)


def test_addresses_of_one_server_are_spread_and_survive_a_death(stage: Stage) -> None:
    """The array of shadowsocks-libev: one secret, several addresses."""
    target = stage.target(echo).address
    port = stage.port()
    servers = [stage.ss_server(our_parts(), port, host=host) for host in ("127.0.0.1", "127.0.0.2")]
    local = stage.run(ours("ss-local"), "-c", stage.config(
        server=["127.0.0.1", "127.0.0.2"], server_port=port, password=PASSWORD, method="aes-256-gcm",
        local_port=(listening := stage.port())))
    stage.wait_listening(local, listening)
    assert all(asks(listening, target) for _ in range(10))
    servers[0].kill()
    assert all(asks(listening, target) for _ in range(30))
