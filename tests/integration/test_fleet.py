# SPDX-License-Identifier: Apache-2.0
"""Servers whose users, limits, traffic and salts are in one store, a real Redis, which may be away or lie."""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import urllib.request
from collections.abc import Callable

import pytest
from harness import procfs, udp
from harness.content import read_exactly, read_to_end
from harness.extent import extent
from harness.haproxy import Haproxy, listen
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.ss2022 import Keys, Request, read_chunk
from harness.stage import Stage
from harness.store import HERE, Store, Wire
from harness.targets import echo

METHOD = "2022-blake3-aes-128-gcm"
IDENTITY = bytes(range(100, 116))
USERS = {name: bytes([at]) * 16 for at, name in enumerate(["alice", "bob", "carol"], 1)}
PATIENCE = 20 * SLOWER
PASSWORD = "a-secret-of-the-store"


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def keys_of(name: str) -> Keys:
    return Keys(METHOD, USERS[name], [IDENTITY])


class Fleet:
    """Nodes on one public port of different addresses, as behind a balancer."""

    def __init__(self, stage: Stage, nodes: int = 3, store: Store | None = None, url: str = "",
                 **extra: object) -> None:
        self.stage = stage
        self.store = store or Store(stage)
        self.port = stage.port()
        self.target = stage.target(echo).address
        self.url = url or self.store.url
        self.nodes: dict[str, Process] = {}
        for number in range(1, nodes + 1):
            self.start(f"127.0.0.{number}", **extra)

    def start(self, host: str, **extra: object) -> Process:
        self.path = self.stage.config(server=host, server_port=self.port, method=METHOD, password=text(IDENTITY),
                                 users=[], store=self.url, handshake_timeout=1, **extra)
        process = self.nodes[host] = self.stage.run(ours("ss-server"), "-c", self.path)
        procfs.eventually(lambda: process.running and "running from" in process.output(),
                          f"{process} serves: {process.output()}", PATIENCE)
        return process

    def add(self, name: str, **limits: object) -> None:
        self.store.ask("HSET", f"fleet:users:{self.port}", name, json.dumps({"password": text(USERS[name]), **limits}))
        self.store.ask("INCR", "fleet:version")

    def connect(self, host: str, name: str, payload: bytes = b"hello") -> tuple[socket.socket, Request]:
        request = Request(keys_of(name), udp.header(self.target), payload)
        sock = self.stage.keep(socket.create_connection((host, self.port), PATIENCE))
        sock.sendall(request.head())
        return sock, request

    def serves(self, host: str, name: str, size: int = 5) -> bool:
        """One request of so many bytes each way."""
        sock, request = self.connect(host, name, b"x" * size)
        try:
            sock.shutdown(socket.SHUT_WR)  # a node that refuses waits for no more
            opener, got = request.response_head(lambda n: read_exactly(sock, n))
            while len(got) < size:
                got += read_chunk(opener, lambda n: read_exactly(sock, n))
            return got == b"x" * size
        except (EOFError, OSError):
            return False
        finally:
            sock.close()

    def eventually_serves(self, name: str) -> None:
        for host in self.nodes:
            procfs.eventually(lambda host=host: self.serves(host, name, 1), f"{name} is served by {host}", PATIENCE)

    def eventually_counts(self, name: str, each_way: int, *, for_good: bool = False) -> None:
        """Both directions are exact, and with for_good stay so when the next batch has been added."""
        want = {f"up:{name}": each_way, f"down:{name}": each_way}

        def counted() -> dict[str, int]:
            traffic = self.store.traffic(self.port)
            return {key: traffic.get(key, 0) for key in want}

        procfs.eventually(lambda: counted() == want, f"{want}, not {counted()}", PATIENCE)
        if for_good:
            rounds = self.store.calls("xread") + 5 * len(self.nodes)
            procfs.eventually(lambda: self.store.calls("xread") > rounds, "a second", PATIENCE)
            assert counted() == want

    def says(self, host: str, line: str) -> None:
        procfs.eventually(lambda: line in self.nodes[host].output(), f"{host} says {line!r}", PATIENCE)


@pytest.fixture
def fleet(stage: Stage) -> Fleet:
    return Fleet(stage)


def test_a_user_comes_goes_and_is_counted_everywhere(fleet: Fleet) -> None:
    assert not fleet.serves("127.0.0.1", "alice")
    fleet.add("alice")
    fleet.add("bob")
    fleet.eventually_serves("alice")
    before = 3 * 1
    for host in fleet.nodes:
        assert all(fleet.serves(host, "bob", 100) for _ in range(3))
        assert fleet.serves(host, "alice", 1000)
    fleet.eventually_counts("bob", 900)
    assert fleet.store.traffic(fleet.port)["up:alice"] >= 3000 + before
    fleet.store.ask("HDEL", f"fleet:users:{fleet.port}", "alice")
    fleet.store.ask("INCR", "fleet:version")
    for host in fleet.nodes:
        procfs.eventually(lambda host=host: not fleet.serves(host, "alice"), "alice is gone", PATIENCE)
        assert fleet.serves(host, "bob")


def test_a_limit_is_one_of_the_whole_fleet(fleet: Fleet) -> None:
    fleet.add("alice", limit_bytes=100000)
    fleet.add("bob")
    fleet.eventually_serves("alice")
    assert fleet.serves("127.0.0.1", "alice", 60000)
    for host in fleet.nodes:
        procfs.eventually(lambda host=host: not fleet.serves(host, "alice", 1), f"{host} refuses", PATIENCE)
        assert fleet.serves(host, "bob")
    fleet.store.ask("DEL", f"fleet:traffic:{fleet.port}")
    fleet.store.ask("INCR", "fleet:version")
    fleet.eventually_serves("alice")


def test_a_recording_is_refused_by_every_node(fleet: Fleet) -> None:
    fleet.add("alice")
    fleet.eventually_serves("alice")
    request = Request(keys_of("alice"), udp.header(fleet.target), b"once")
    head = request.head()
    sock = fleet.stage.connect(("127.0.0.1", fleet.port))
    sock.sendall(head)
    assert request.response_head(lambda n: read_exactly(sock, n))[1] == b"once"
    rounds = fleet.store.calls("xread") + 4 * len(fleet.nodes)
    procfs.eventually(lambda: fleet.store.calls("xread") > rounds, "all nodes have read", PATIENCE)
    again = [fleet.stage.connect((host, fleet.port)) for host in fleet.nodes]
    for sock in again:
        sock.sendall(head)
    assert [read_to_end(sock)[0] for sock in again] == [b""] * 3


def test_without_its_store_a_node_serves_on(fleet: Fleet) -> None:
    """Nothing fails, nothing is lost, nothing is counted twice."""
    fleet.add("bob")
    fleet.add("carol")
    fleet.eventually_serves("carol")
    assert fleet.serves("127.0.0.1", "bob", 10)
    fleet.store.kill()
    requests = extent(60, 10000)
    hosts = list(fleet.nodes)
    failed = [at for at in range(requests) if not fleet.serves(hosts[at % 3], "bob", 100)]
    assert failed == []
    fleet.says("127.0.0.1", "users and limits stay as they are, traffic is added later")
    fleet.store.start()
    fleet.says("127.0.0.1", "store: it is there again")
    fleet.eventually_counts("bob", 10 + 100 * requests, for_good=True)


def test_a_store_on_a_socket_of_this_machine(stage: Stage) -> None:
    store = Store(stage)
    fleet = Fleet(stage, 1, store, f"unix:{store.path}?prefix=fleet")
    fleet.add("alice")
    fleet.add("bob")
    fleet.eventually_serves("bob")
    assert fleet.serves("127.0.0.1", "alice", 700)
    fleet.eventually_counts("alice", 700)
    store.kill()
    fleet.says("127.0.0.1", "traffic is added later")
    assert fleet.serves("127.0.0.1", "alice", 100)
    store.start()
    fleet.eventually_counts("alice", 800)


def test_metrics_tell_of_the_store(stage: Stage) -> None:
    fleet = Fleet(stage, 0)
    port = stage.port()
    fleet.start(HERE, metrics=port)

    def of_store() -> dict[str, float]:
        with urllib.request.urlopen(f"http://{HERE}:{port}/metrics", timeout=PATIENCE) as answer:
            samples = re.findall(r"^shadowplug_store_(\w+) ([0-9.]+)$", answer.read().decode(), re.MULTILINE)
        return {name: float(value) for name, value in samples}

    before = of_store()
    assert before["up"] == 1 and before["errors_total"] == 0 and before["age_seconds"] < PATIENCE
    procfs.eventually(lambda: of_store()["commands_total"] > before["commands_total"] > 0, "it exchanges", PATIENCE)
    fleet.store.kill()
    procfs.eventually(lambda: of_store()["up"] == 0 and of_store()["errors_total"] >= 2, "it is away", PATIENCE)
    age = of_store()["age_seconds"]
    procfs.eventually(lambda: of_store()["age_seconds"] > age, "the copy grows old", PATIENCE)
    old = of_store()
    fleet.store.start()
    procfs.eventually(lambda: of_store()["up"] == 1 and of_store()["age_seconds"] < old["age_seconds"],
                      "it is there again", PATIENCE)
    assert of_store()["errors_total"] >= old["errors_total"]


def test_a_node_starts_without_its_store(stage: Stage) -> None:
    store = Store(stage)
    store.kill()
    fleet = Fleet(stage, 1, store)
    fleet.says("127.0.0.1", "store: connect: Connection refused")
    store.start()
    fleet.add("alice")
    fleet.eventually_serves("alice")


def test_a_node_that_dies_has_counted_all_but_the_last_second(fleet: Fleet) -> None:
    fleet.add("bob")
    fleet.add("carol")
    fleet.eventually_serves("carol")
    assert fleet.serves("127.0.0.1", "bob", 1000)
    fleet.eventually_counts("bob", 1000)
    sock, request = fleet.connect("127.0.0.1", "bob", b"x" * 500)
    request.response_head(lambda n: read_exactly(sock, n))
    fleet.nodes["127.0.0.1"].kill()
    assert all(fleet.serves(host, "bob", 250) for host in ("127.0.0.2", "127.0.0.3"))
    del fleet.nodes["127.0.0.1"]
    procfs.eventually(lambda: fleet.store.traffic(fleet.port)["up:bob"] >= 1500, "the others are counted", PATIENCE)
    assert fleet.store.traffic(fleet.port)["up:bob"] in (1500, 2000)
    fleet.start("127.0.0.1")
    assert fleet.serves("127.0.0.1", "bob", 1)


def test_behind_a_balancer_the_death_of_a_node_is_not_seen(stage: Stage) -> None:
    """HAProxy, Redis and three nodes: once the death is noticed, every request is served, and the client's address told."""
    fleet = Fleet(stage, proxy_protocol=True)
    public = (HERE, stage.port())
    Haproxy(stage, listen(public, [(host, fleet.port) for host in fleet.nodes],
                          "send-proxy-v2 check check-send-proxy inter 50ms fall 1"), [public[1]])
    fleet.add("alice")
    fleet.port, nodes = public[1], fleet.nodes
    procfs.eventually(lambda: all(fleet.serves(HERE, "alice") for _ in range(9)), "all nodes serve", PATIENCE)
    stage.keep(socket.create_connection(public, 10, ("127.0.0.77", 0))).sendall(b"x" * 400)
    procfs.eventually(lambda: any("failed to handshake with 127.0.0.77" in node.output() for node in nodes.values()),
                      "the address of the client is told", PATIENCE)
    nodes["127.0.0.2"].kill()
    procfs.eventually(lambda: all(fleet.serves(HERE, "alice") for _ in range(9)), "the death is noticed", PATIENCE)
    assert [at for at in range(30) if not fleet.serves(HERE, "alice")] == []


def test_a_node_that_ends_has_counted_all(stage: Stage) -> None:
    fleet = Fleet(stage, 1)
    fleet.add("bob")
    fleet.add("carol")
    fleet.eventually_serves("carol")
    assert fleet.serves("127.0.0.1", "bob", 3000)
    assert fleet.nodes["127.0.0.1"].stop() == 0
    assert fleet.store.traffic(fleet.port)["down:bob"] == 3000


def test_a_reload_leaves_the_users_of_the_store(stage: Stage) -> None:
    """And a port that it brings has its users at once, not with the next reading of all."""
    fleet, second = Fleet(stage, 0), stage.port()
    node = fleet.start(HERE)
    fleet.add("alice")
    fleet.eventually_serves("alice")
    sock, request = fleet.connect(HERE, "alice", b"first")
    opener, _ = request.response_head(lambda n: read_exactly(sock, n))
    values = json.loads(fleet.path.read_text())
    row = {key: values.pop(key) for key in ("server", "server_port", "method", "password", "users")}
    fleet.store.ask("HSET", f"fleet:users:{second}", "bob", json.dumps({"password": text(USERS["bob"])}))
    fleet.path.write_text(json.dumps({**values, "servers": [row, {**row, "server_port": second}]}))
    os.kill(node.pid, 1)
    fleet.says(HERE, "reload of")
    sock.sendall(request.chunk(b"second"))
    assert read_chunk(opener, lambda n: read_exactly(sock, n)) == b"second"
    assert fleet.serves(HERE, "alice")
    fleet.says(HERE, f"users of port {second}: added 1")
    fleet.port = second
    assert fleet.serves(HERE, "bob")


# A store that lies.

Spoil = Callable[[bytes, bytes], "bytes | None"]


def cut_behind_batches() -> Spoil:
    """The store has added, and the node does not hear of it."""
    left = [2]

    def spoil(asked: bytes, answer: bytes) -> bytes | None:
        if b"EVAL" in asked and left[0] > 0:
            left[0] -= 1
            return None
        return answer

    return spoil


def spoil_for(times: int, change: Callable[[bytes], bytes | None]) -> Spoil:
    left = [times]

    def spoil(asked: bytes, answer: bytes) -> bytes | None:
        left[0] -= 1
        return change(answer) if left[0] >= 0 else answer

    return spoil


LIES: dict[str, Callable[[], Spoil]] = {
    "added and cut": cut_behind_batches,
    "half answers": lambda: spoil_for(2, lambda answer: answer[: len(answer) // 2]),
    "garbage": lambda: spoil_for(2, lambda answer: b"\x00\xffgarbage\r\n" * 9),
    "errors": lambda: spoil_for(2, lambda answer: b"-ERR no\r\n"),
    "numbers": lambda: spoil_for(2, lambda answer: b":9223372036854775807\r\n"),
    "empty lists": lambda: spoil_for(2, lambda answer: b"*0\r\n"),
    "huge lengths": lambda: spoil_for(2, lambda answer: b"$9223372036854775807\r\n"),
    "many elements": lambda: spoil_for(2, lambda answer: b"*10000000\r\n"),
}


def test_a_store_that_lies_costs_nothing(stage: Stage) -> None:
    """Each node has a lie of its own, all at once."""
    lies = extent(["added and cut", "half answers", "errors"], list(LIES))
    fleet, wires = Fleet(stage, 0), {}
    for number, lie in enumerate(lies, 1):
        wires[lie] = stage.keep(Wire(fleet.store.address, lambda asked, answer: answer))
        fleet.url = f"redis://{HERE}:{wires[lie].address[1]}/0?prefix=fleet"
        fleet.start(f"127.0.0.{number}")
    fleet.add("bob")
    fleet.add("carol")
    fleet.eventually_serves("carol")
    for lie, wire in wires.items():
        wire.spoil = LIES[lie]()
    for host in fleet.nodes:
        assert all(fleet.serves(host, "bob", 100) for _ in range(5))
    for host in fleet.nodes:
        fleet.says(host, "ERROR: store: ")
        assert fleet.serves(host, "bob", 100)
    fleet.eventually_counts("bob", 600 * len(lies), for_good=True)
    fleet.add("alice")
    fleet.eventually_serves("alice")
    assert all(node.running for node in fleet.nodes.values())


def test_values_of_other_types_are_told_and_lose_nobody(stage: Stage) -> None:
    fleet = Fleet(stage, 1)
    store, host = fleet.store, "127.0.0.1"
    fleet.add("alice")
    fleet.add("bob")
    fleet.eventually_serves("bob")
    users, traffic = f"fleet:users:{fleet.port}", f"fleet:traffic:{fleet.port}"
    store.ask("HSET", users, "bob", "{", "dave", '{"password": 1}')
    store.ask("INCR", "fleet:version")
    fleet.says(host, "the users that are served stay as they are")
    assert fleet.serves(host, "bob"), "an entry that cannot be read leaves its user"
    for lies in ([("DEL", users)], [("SET", users, "x"), ("SET", "fleet:salts", "x")], [("RPUSH", "fleet:version", "x")]):
        for lie in lies:
            store.ask("DEL", lie[1])
            store.ask(*lie)
        if lies[0][1] == users:
            store.ask("INCR", "fleet:version")
        rounds = store.calls("get") + 2
        procfs.eventually(lambda rounds=rounds: store.calls("get") > rounds, "it was read", PATIENCE)
        assert fleet.serves(host, "bob") and fleet.serves(host, "alice")
    store.ask("DEL", users, "fleet:salts", "fleet:version")
    fleet.says(host, "WRONGTYPE")
    store.ask("DEL", traffic)
    store.ask("HSET", traffic, "up:alice", "x", "down:alice", 9223372036854775800)
    assert fleet.serves(host, "alice", 50)
    fleet.says(host, "a counter of the store is no number that can grow")
    store.ask("HDEL", traffic, "up:alice", "down:alice")
    procfs.eventually(lambda: store.traffic(fleet.port).get("down:alice", 0) >= 50, "what was refused came", PATIENCE)
    assert store.traffic(fleet.port)["up:alice"] == store.traffic(fleet.port)["down:alice"]


def test_secrets_are_in_no_line(stage: Stage) -> None:
    store = Store(stage, PASSWORD)
    fleet = Fleet(stage, 2, store)
    fleet.add("alice")
    fleet.eventually_serves("alice")
    fleet.url = store.url.replace(PASSWORD, "another-secret")
    wrong = fleet.start("127.0.0.9")
    fleet.says("127.0.0.9", "store: AUTH: WRONGPASS")
    for node in (*fleet.nodes.values(), wrong):
        for secret in (PASSWORD, "another-secret", text(USERS["alice"])):
            assert secret not in node.output()


@pytest.mark.parametrize("url", ["rediss://h", "redis://", "redis://pw@h", "http://h", "unix:x"])
def test_a_wrong_place_is_told(stage: Stage, url: str) -> None:
    path = stage.config(server=HERE, server_port=stage.port(), method=METHOD, password=text(IDENTITY), users=[],
                        store=url)
    process = stage.run(ours("ss-server"), "-c", path)
    assert process.wait(10 * SLOWER) != 0
    assert "store: " in process.output()
