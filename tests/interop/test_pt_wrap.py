# SPDX-License-Identifier: Apache-2.0
"""pt-wrap over the transports of Debian, under our hosts and libev's; tor as the other parent of
the transport that the error paths are tried with.

PT_WRAP_SOAK in the environment is the number of seconds of traffic and churn (30 for each of two
transports).
"""

from __future__ import annotations

import json
import os
import pwd
import random
import shutil
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import procfs
from harness.content import content, hash_exactly, read_exactly, sha256
from harness.plugin import End
from harness.processes import Process
from harness.programs import SANITIZED, SLOWER, ours, peer
from harness.socks import Address
from harness.stage import Chain, Parts, Stage
from harness.targets import ledger
from mix import METHODS, carries_everything, program

FAKE = Path(__file__).resolve().parents[1] / "fakept" / "fakept.py"
SOAK_S = float(os.environ.get("PT_WRAP_SOAK", "30"))
KIB, MIB = 1 << 10, 1 << 20
MIXES = [("ours", "ours"), ("ours", "theirs"), ("theirs", "ours")]


@pytest.fixture
def state() -> Iterator[Path]:
    """A directory that plugins in the sandbox of our hosts can write to."""
    path = Path(tempfile.mkdtemp(prefix="pt-wrap-", dir="/tmp"))
    yield path
    shutil.rmtree(path)


def chain(stage: Stage, state: Path, transport: str, makers: tuple[str, str] = ("ours", "ours"),
          method: str = "aes-256-gcm", server_extra: str = "") -> Chain:
    """The client has nothing but what the server has written for it."""
    peer("obfs4proxy")
    plugin = str(ours("pt-wrap"))
    public, near = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    options = f"server;transport={transport};state={state / 'server'}{server_extra}"
    parts = Parts(program("ss-local", makers[0]), program("ss-server", makers[1]), method, plugin,
                  None, plugin, options)
    ours_at_server = {"plugin_user": pwd.getpwuid(os.getuid()).pw_name, "plugin_writable": str(state)} \
        if parts.ss_server.ours else {}
    server = stage.ss_server(parts, public[1], wait=False, **ours_at_server)
    file = state / "server" / "client-options"

    def ready() -> bool:
        assert server.running, server.output()
        return file.exists() and procfs.listening(public[1])

    procfs.eventually(ready, f"the transport of {server} listens:\n{server.output()}", 20 * SLOWER)
    for_client = Parts(parts.ss_local, parts.ss_server, method, plugin, file.read_text(), None, None)
    local = stage.ss_local(for_client, public, near[1], wait=False)

    def reachable() -> bool:
        assert local.running, local.output()
        ports = (procfs.environment(pid).get("SS_LOCAL_PORT", "0") for pid in local.plugins())
        return procfs.listening(near[1]) and any(procfs.listening(int(port)) for port in ports)

    procfs.eventually(reachable, f"{local} listens:\n{local.output()}", 20 * SLOWER)
    return Chain(stage, local, server, near, public)


@pytest.mark.parametrize("transport", ["obfs2", "obfs3", "obfs4"])
@pytest.mark.parametrize("method", METHODS)
def test_obfs4proxy_at_both_ends(stage: Stage, state: Path, transport: str, method: str) -> None:
    carries_everything(stage, chain(stage, state, transport, method=method))


@pytest.mark.parametrize("transport", ["obfs3", "obfs4"])
@pytest.mark.parametrize("makers", MIXES[1:])
def test_under_the_hosts_of_libev(stage: Stage, state: Path, makers: tuple[str, str],
                                  transport: str) -> None:
    carries_everything(stage, chain(stage, state, transport, makers))


@pytest.mark.parametrize("transport", ["obfs3", "obfs4"])
def test_obfs4proxy_tells_who_the_client_is(stage: Stage, state: Path, transport: str) -> None:
    whole = chain(stage, state, transport, server_extra=";ext-orport;v")
    carries_everything(stage, whole)
    procfs.eventually(lambda: "a client at 127.0.0.1:" in whole.server.output(), "the log has it")


def test_the_keys_of_a_server_stay(stage: Stage, state: Path) -> None:
    """The certificate is the same after a restart: who has it can go on."""
    first = chain(stage, state, "obfs4")
    options = (state / "server" / "client-options").read_text()
    cert = options.partition("cert=")[2].partition(";")[0]
    assert len(cert) == 70
    assert cert not in first.server.output() + first.local.output()
    for process in first.hosts:
        process.stop()
    (state / "server" / "client-options").unlink()
    carries_everything(stage, chain(stage, state, "obfs4"))
    assert (state / "server" / "client-options").read_text() == options


def test_a_wrong_certificate_reaches_nobody(stage: Stage, state: Path) -> None:
    """obfs4 answers strangers nothing, so that this takes time."""
    whole = chain(stage, state, "obfs4")
    options = f"transport=obfs4;cert={'A' * 70};iat-mode=0;socks-timeout=2"
    near = ("127.0.0.1", stage.port())
    wrap = End(stage, ours("pt-wrap"), "client", near, whole.public, options)
    sock = stage.connect(near)
    sock.sendall(b"hello")
    with pytest.raises(ConnectionResetError):
        sock.recv(1)
    procfs.eventually(lambda: "handshake: timed out" in wrap.process.output(),
                      "the log says so")


@pytest.mark.skipif(SANITIZED, reason="a leak checker traces its own process, which a sandbox forbids")
@pytest.mark.parametrize("there", [True, False])
def test_a_state_that_the_sandbox_closes_is_explained(stage: Stage, there: bool) -> None:
    """Under our host a plugin may read what its options name, but not write there."""
    peer("obfs4proxy")
    closed, temporary = stage.home / "state", stage.home / "tmp"
    temporary.mkdir()
    if there:
        closed.mkdir()
    config = stage.config(server="127.0.0.1", server_port=stage.port(), password="x",
                          method="aes-256-gcm", plugin=str(ours("pt-wrap")),
                          plugin_opts=f"transport=obfs4;state={closed}", plugin_user="root")
    server = stage.run(ours("ss-server"), "-c", config, env={"TMPDIR": str(temporary)})
    procfs.eventually(lambda: "SMETHODS DONE" in server.output() or not server.running,
                      "it is decided", 20 * SLOWER)
    if "cannot restrict files" in server.output():
        pytest.skip("this kernel has no Landlock")
    assert server.wait(20 * SLOWER) == 255
    assert f"a plugin writes below TMPDIR ({temporary}/ss-plugin-" in server.output()
    assert "--no-plugin-sandbox" in server.output()
    assert not closed.exists() or list(closed.iterdir()) == []


# Traffic and churn.


def put_and_get(sock: socket.socket, size: int, seed: int) -> None:
    data = content(size, seed)
    sock.sendall(b"PUT %d\n" % size + data)
    assert read_exactly(sock, 64).decode() == sha256(data)
    sock.sendall(b"GET %d %d\n" % (size, seed))
    assert hash_exactly(sock, size) == sha256(data)


class Soak:
    """Connections of all sizes from several threads, some of them left in the middle."""

    def __init__(self, whole: Chain, target: Address) -> None:
        self.whole, self.target, self.done = whole, target, 0
        self.failures: list[str] = []
        self.end = time.monotonic() + SOAK_S

    def run(self) -> None:
        threads = [threading.Thread(target=self._work, args=(seed,)) for seed in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SOAK_S + 120)
            assert not thread.is_alive()
        assert not self.failures, self.failures[:3]

    def _work(self, seed: int) -> None:
        chance = random.Random(seed)
        try:
            while time.monotonic() < self.end and not self.failures:
                self._one(chance)
        except (OSError, AssertionError) as error:
            self.failures.append(repr(error))

    def _one(self, chance: random.Random) -> None:
        size = chance.choice([1, 100, KIB, 20 * KIB, 300 * KIB, 2 * MIB])
        sock = self.whole.dial(self.target, 60)
        try:
            if chance.random() < 0.2:
                sock.sendall(b"PUT %d\n" % size + bytes(size // 2))
            else:
                put_and_get(sock, size, chance.randrange(1000))
                self.done += 1
        finally:
            sock.close()


def ours_of(host: Process) -> list[int]:
    """Our own processes below a host, without the transport program."""
    name = os.fsencode(ours("pt-wrap").path)
    below = procfs.descendants(host.pid)
    return [pid for pid in below if Path(f"/proc/{pid}/exe").readlink() == Path(os.fsdecode(name))]


@pytest.mark.parametrize("transport", ["obfs4", "obfs3"])
def test_bulk_and_churn(stage: Stage, state: Path, transport: str) -> None:
    whole = chain(stage, state, transport, server_extra=";ext-orport")
    target = stage.target(ledger).address
    put_and_get(whole.dial(target), MIB, 1)
    pids = [pid for host in whole.hosts for pid in ours_of(host)]
    assert pids

    def descriptors() -> dict[int, int]:
        return {pid: procfs.fd_count(pid) for pid in pids}

    before, rss = descriptors(), {pid: procfs.rss_kib(pid) for pid in pids}
    soak = Soak(whole, target)
    soak.run()
    assert soak.done > 5
    for sock in list(stage._open):
        if isinstance(sock, socket.socket):
            sock.close()

    def back() -> bool:
        return all(now <= before[pid] + 3 for pid, now in descriptors().items())

    procfs.eventually(back, f"descriptors as before: {before}, {descriptors()}", 60 * SLOWER)
    grown = {pid: procfs.rss_kib(pid) - rss[pid] for pid in pids}
    assert SANITIZED or all(kib < 8192 for kib in grown.values()), grown


# Other transports, another parent.


def test_snowflake_starts(stage: Stage) -> None:
    """Its broker is nowhere: it goes as far as it can without one."""
    line = f"{peer('snowflake-client')} -url http://127.0.0.1:9/ -ice stun:127.0.0.1:9"
    near = ("127.0.0.1", stage.port())
    wrap = End(stage, ours("pt-wrap"), "client", near, ("192.0.2.3", 80),
               f"transport=snowflake;exec={line}")
    assert "CMETHODS DONE" in wrap.process.output()
    assert procfs.listening(near[1])
    assert wrap.process.stop() == 0


def facts(file: Path, key: str) -> list[dict[str, object]]:
    text = file.read_text() if file.exists() else ""
    told = [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]
    return [fact for fact in told if key in fact]


def tor(stage: Stage, *lines: str) -> Process:
    """Whatever it is asked for, it reaches nothing but this machine."""
    torrc = stage.home / "torrc"
    common = [f"DataDirectory {stage.home / 'tor'}", "SocksPort 0", "Log info stdout"]
    torrc.write_text("\n".join([*common, *lines, ""]))
    return stage.run(peer("tor"), "-f", torrc, "--defaults-torrc", "/dev/null")


def test_tor_asks_for_a_connection_as_we_do(stage: Stage) -> None:
    """tor starts no transport under DisableNetwork; with a bridge on loopback it needs none."""
    file, dead = stage.home / "told", stage.port()
    bridge = f"fake 127.0.0.1:{dead} key=a\\,b;c other=1"
    run = f"{sys.executable} -B {FAKE} good {file}"
    tor(stage, "UseBridges 1", f"Bridge {bridge}", f"ClientTransportPlugin fake exec {run}")
    procfs.eventually(lambda: facts(file, "user"), "tor connects", 60 * SLOWER)
    theirs = facts(file, "user")[0]
    assert theirs["methods"] == [0, 2]

    ours_file = stage.home / "told-ours"
    near = ("127.0.0.1", stage.port())
    options = f"exec={run.replace(str(file), str(ours_file))};bridge={bridge}"
    escaped = options.replace("\\", "\\\\").replace("b;c", "b\\;c")
    End(stage, ours("pt-wrap"), "client", near, ("127.0.0.1", dead), escaped)
    stage.connect(near).sendall(b"hello")
    procfs.eventually(lambda: facts(ours_file, "user"), "we connect")
    mine = facts(ours_file, "user")[0]
    for key in ("version", "user", "password", "kind", "host", "port"):
        assert mine[key] == theirs[key], key
    environment = [facts(f, "environment")[0]["environment"] for f in (file, ours_file)]
    assert set(environment[0]) == set(environment[1])


def test_tor_speaks_the_extended_orport_that_we_speak(stage: Stage) -> None:
    """The same transport is content with both ends."""
    file, public, orport = stage.home / "told", stage.port(), stage.port()
    run = f"{sys.executable} -B {FAKE} good {file}"
    tor(stage, f"ORPort 127.0.0.1:{orport}", "ExtORPort auto", "BridgeRelay 1",
        "PublishServerDescriptor 0", "AssumeReachable 1", "ExitRelay 0", "Address 127.0.0.1",
        "UseBridges 0", "DirAuthority dead orport=9 127.0.0.1:9 " + "0" * 40,
        f"ServerTransportPlugin fake exec {run}",
        f"ServerTransportListenAddr fake 127.0.0.1:{public}",
        "ServerTransportOptions fake key=a:b other=1")
    procfs.eventually(lambda: procfs.listening(public), "tor starts it", 60 * SLOWER)
    stage.connect(("127.0.0.1", public)).sendall(b"hello")
    procfs.eventually(lambda: facts(file, "known"), "it says who the client is", 30 * SLOWER)
    assert facts(file, "known")[0]["known"] == 1
    told = facts(file, "environment")[0]["environment"]
    assert told["TOR_PT_SERVER_TRANSPORT_OPTIONS"] == "fake:key=a\\:b;fake:other=1"
    cookie = Path(told["TOR_PT_AUTH_COOKIE_FILE"]).read_bytes()
    assert len(cookie) == 64
