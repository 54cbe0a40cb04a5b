# SPDX-License-Identifier: Apache-2.0
"""Real traffic through the whole chain, plain and through both obfs modes."""

from __future__ import annotations

import json
import socket
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import End, content, hash_exactly, read_exactly, read_to_end, sha256
from harness.extent import extent
from harness.programs import BIN, SANITIZED
from harness.stage import Chain, Stage, our_parts
from harness.targets import echo, hash_to_end, ledger, reset

MIB = 1024 * 1024
METHODS = ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305",
           "xchacha20-ietf-poly1305"]
KEPT_PIPES = 32  # descriptors of idle pipes that a program may keep for the next splice
GROWTH_KIB = 24 * 1024 if SANITIZED else 4 * 1024
STALLED_KIB = extent(GROWTH_KIB, 256)
STORM = extent(3000, 200_000)


@pytest.fixture(params=["none", "http", "tls", "inline:tls"])
def chain(request: pytest.FixtureRequest, stage: Stage) -> Chain:
    return stage.chain(our_parts(request.param))


def test_bulk_in_both_directions_at_once(stage: Stage, chain: Chain) -> None:
    size = 32 * MIB
    listener = stage.listener()
    client = chain.dial(listener.address)
    up, down = content(size, 1), content(size, 2)
    client.sendall(up[:1])
    far = listener.accept()
    with ThreadPoolExecutor(4) as pool:
        sent = [pool.submit(client.sendall, up[1:]), pool.submit(far.sendall, down)]
        hashes = [pool.submit(hash_exactly, far, size), pool.submit(hash_exactly, client, size)]
        assert [h.result(60) for h in hashes] == [sha256(up), sha256(down)]
        assert [s.result(60) for s in sent] == [None, None]


@pytest.mark.parametrize("method", METHODS)
def test_every_method(stage: Stage, method: str) -> None:
    target = stage.target(ledger)
    client = stage.chain(our_parts("none", method)).dial(target.address)
    up, down = content(3 * MIB, 3), content(3 * MIB, 4)
    client.sendall(b"PUT %d\n" % len(up) + up)
    assert read_exactly(client, 64).decode() == sha256(up)
    client.sendall(b"GET %d 4\n" % len(down))
    assert hash_exactly(client, len(down)) == sha256(down)


@pytest.mark.parametrize("size", [0, 1, 2, 1447, 16383, 16384, 65535, 65536, 300000, *extent([], [64 * MIB])])
def test_every_size_class_with_half_close(stage: Stage, chain: Chain, size: int) -> None:
    client = chain.dial(stage.target(hash_to_end).address)
    data = content(size, 5)
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    assert read_to_end(client) == (sha256(data).encode(), End.FIN)


def test_a_reply_after_the_clients_end_arrives(stage: Stage, chain: Chain) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"request")
    client.shutdown(socket.SHUT_WR)
    far = listener.accept()
    assert read_to_end(far) == (b"request", End.FIN)
    client.settimeout(0.3)
    assert read_to_end(client) == (b"", End.OPEN)
    client.settimeout(30)
    reply = content(2 * MIB, 6)
    threading.Thread(target=far.sendall, args=(reply,), daemon=True).start()
    assert hash_exactly(client, len(reply)) == sha256(reply)
    far.shutdown(socket.SHUT_WR)
    assert read_to_end(client) == (b"", End.FIN)


def test_a_request_after_the_targets_end_arrives(stage: Stage, chain: Chain) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"hello")
    far = listener.accept()
    assert read_exactly(far, 5) == b"hello"
    far.sendall(b"bye")
    far.shutdown(socket.SHUT_WR)
    assert read_to_end(client) == (b"bye", End.FIN)
    late = content(MIB, 7)
    client.sendall(late)
    assert hash_exactly(far, len(late)) == sha256(late)
    client.shutdown(socket.SHUT_WR)
    assert read_to_end(far) == (b"", End.FIN)


def test_a_server_that_speaks_first(stage: Stage, chain: Chain) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    far = listener.accept()
    far.sendall(b"220 ready\r\n")
    assert read_exactly(client, 11) == b"220 ready\r\n"
    client.sendall(b"QUIT\r\n")
    assert read_exactly(far, 6) == b"QUIT\r\n"


def test_a_reset_of_the_target_is_an_error_after_a_prefix(stage: Stage, chain: Chain) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    data = content(512 * 1024, 8)
    far.sendall(data)
    assert read_exactly(client, 1000) == data[:1000]
    reset(far)
    rest, end = read_to_end(client)
    assert end is End.RST
    assert data.startswith(data[:1000] + rest)


def test_a_reset_of_the_client_reaches_the_target(stage: Stage, chain: Chain) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    reset(client)
    assert read_to_end(far) == (b"", End.RST)


def _more_than_kernels_hold() -> int:
    """Each of the five connections of a chain fills two buffers that the kernel lets grow."""
    limits = [Path(f"/proc/sys/net/ipv4/tcp_{way}mem").read_text().split()[2] for way in "rw"]
    return 5 * sum(map(int, limits)) + 16 * MIB


def _push_until_stuck(sock: socket.socket, data: bytes, patience: float) -> int:
    """Sends until nothing is accepted any more for patience seconds; returns the bytes accepted."""
    sock.settimeout(patience)
    sent = 0
    try:
        while sent < len(data):
            sent += sock.send(data[sent : sent + 256 * 1024])
    except TimeoutError:
        pass
    sock.settimeout(60)
    return sent


@pytest.mark.parametrize("part", ["client", "server"])
@pytest.mark.parametrize("mode", ["http", "tls"])
def test_a_killed_plugin_is_an_error_after_a_prefix(stage: Stage, mode: str, part: str) -> None:
    """The chain is full: an end between two chunks of the cipher would be a clean one for anybody."""
    chain = stage.chain(our_parts(mode))
    host = chain.local if part == "client" else chain.server
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    data = content(_more_than_kernels_hold(), 9)
    assert _push_until_stuck(far, data, 0.5) < len(data)
    host.kill_plugin()
    got, end = read_to_end(client)
    assert end is End.RST
    assert data.startswith(got)
    assert host.wait() == 255
    assert "plugin" in host.output()


@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_stalled_reader_stalls_the_sender(stage: Stage, chain: Chain, direction: str) -> None:
    listener = stage.listener()
    client = chain.dial(listener.address)
    client.sendall(b"x")
    far = listener.accept()
    assert read_exactly(far, 1) == b"x"
    sender, reader = (client, far) if direction == "up" else (far, client)
    base = {pid: procfs.rss_kib(pid) for pid in chain.pids()}
    data = content(extent(_more_than_kernels_hold(), 1024 * MIB), 10)
    sent = _push_until_stuck(sender, data, extent(1.0, 30.0))
    assert sent < len(data), "nobody stopped the sender"
    grown = {pid: procfs.rss_kib(pid) - kib for pid, kib in base.items()}
    assert max(grown.values()) < STALLED_KIB, f"KiB by process: {grown}"
    data = data[: extent(sent + MIB, len(data))]
    digest: list[str] = []
    thread = threading.Thread(target=lambda: digest.append(hash_exactly(reader, len(data))))
    thread.start()
    sender.sendall(data[sent:])
    thread.join(120)
    assert digest == [sha256(data)]


def _one_of_many(chain: Chain, target: socks.Address, number: int) -> str:
    data = content(10_000 + 997 * number, number)
    with socks.dial(chain.socks, target, 60) as sock:
        thread = threading.Thread(target=sock.sendall, args=(data,), daemon=True)
        thread.start()
        digest = hash_exactly(sock, len(data))
        thread.join()
    return "ok" if digest == sha256(data) else f"connection {number} got other bytes"


def test_two_hundred_connections_do_not_mix(stage: Stage, chain: Chain) -> None:
    target = stage.target(echo)
    with ThreadPoolExecutor(200) as pool:
        results = pool.map(lambda n: _one_of_many(chain, target.address, n), range(200))
    assert set(results) == {"ok"}


def _many_short(chain: Chain, target: socks.Address, count: int) -> None:
    with ThreadPoolExecutor(16) as pool:
        results = pool.map(lambda n: _one_of_many(chain, target, n % 50), range(count))
    assert set(results) == {"ok"}


def sockets_of(pids: list[int]) -> list[int]:
    return [procfs.socket_count(pid) for pid in pids]


def fds_of(pids: list[int]) -> list[int]:
    return [procfs.fd_count(pid) for pid in pids]


def test_short_connections_leave_nothing_behind(stage: Stage, chain: Chain) -> None:
    target = stage.target(echo)
    pids = chain.pids()
    idle, fds = sockets_of(pids), fds_of(pids)
    _many_short(chain, target.address, 200)
    warm = {pid: procfs.rss_kib(pid) for pid in pids}
    _many_short(chain, target.address, 400)
    procfs.eventually(lambda: sockets_of(pids) == idle, "all sockets closed again")
    more = [now - then for now, then in zip(fds_of(pids), fds)]
    assert max(more) <= KEPT_PIPES, f"more files open than before: {more}"
    grown = {pid: procfs.rss_kib(pid) - kib for pid, kib in warm.items()}
    assert max(grown.values()) < GROWTH_KIB, f"KiB by process: {grown}"


def _listen_overflows() -> int:
    """Connections that this network has refused since no one accepted them."""
    names, values = [row.split() for row in Path("/proc/net/netstat").read_text().splitlines() if row.startswith("TcpExt")]
    return int(values[names.index("ListenOverflows")])


@pytest.mark.parametrize("mode", ["none", "http"])
def test_a_storm_of_short_connections_loses_none(network: None, stage: Stage, mode: str) -> None:
    """512 at a time, each with a request and its answer; every descriptor comes back."""
    chain = stage.chain(our_parts(mode), nofile=8192)
    pids = chain.pids()
    idle = sockets_of(pids)
    ran = subprocess.run([BIN.parent / "tests" / "loadgen", "rate", "--via", f"127.0.0.1:{chain.socks[1]}",
                          "--count", str(STORM), "--parallel", "512", "--limit-ms", "600000"],
                         capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["connections"] >= STORM * 0.9, ran.stdout  # the first tenth warms up
    assert _listen_overflows() == 0
    procfs.eventually(lambda: sockets_of(pids) == idle, "all sockets closed again")
