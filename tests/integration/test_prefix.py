# SPDX-License-Identifier: Apache-2.0
"""Salts of a client that begin with the prefix of an access key: the server serves them as any other."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from harness import socks
from harness.content import End, content, read_exactly
from harness.prober import Probe, probe_all
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, SANDBOX, Stage, our_parts
from harness.targets import echo

LOCAL = "127.0.0.1"
KEYS = {"2022-blake3-aes-128-gcm": "AAECAwQFBgcICQoLDA0ODw==",
        "2022-blake3-aes-256-gcm": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}
METHODS = ["aes-128-gcm", "chacha20-ietf-poly1305", *KEYS]
# A request of HTTP, an answer, a record of TLS, the words of SSH: as many bytes as the shortest salt leaves.
PREFIXES = [b"POST /a ", b"HTTP/1.1", b"\x16\x03\x01\x02\x00\x01\x01\xfc", b"SSH-2.0-"]
CONNECTIONS = 8
DEADLINE = 2.0


@pytest.mark.parametrize(("obfs", "method"), [*(("none", m) for m in METHODS), ("http", METHODS[0]), ("tls", METHODS[2])])
def test_a_server_serves_salts_that_begin_alike(stage: Stage, obfs: str, method: str) -> None:
    parts, password = our_parts(obfs, method), KEYS.get(method, PASSWORD)
    public, target = (LOCAL, stage.port()), stage.target(echo).address
    server = stage.ss_server(parts, public[1], password=password, handshake_timeout=int(DEADLINE))
    relay = stage.relay(public)
    nears = []
    for prefix in PREFIXES if obfs == "none" else PREFIXES[:1]:
        near = (LOCAL, stage.port())
        entry = {"server": LOCAL, "server_port": relay.address[1], "method": method, "password": password,
                 "prefix": prefix.decode("latin-1"), "plugin": parts.client_plugin, "plugin_opts": parts.client_opts}
        local = stage.run(ours("ss-local"), "-c", stage.config(
            servers=[{k: v for k, v in entry.items() if v is not None}], local_port=near[1], **SANDBOX))
        stage.wait_listening(local, near[1])
        if obfs != "none":
            stage.wait_plugin(local, "SS_LOCAL_PORT")
        nears.append(near)
    data = content(3000)
    for near in nears:
        for _ in range(CONNECTIONS):
            with socks.dial(near, target) as sock:
                sock.sendall(data)
                assert read_exactly(sock, len(data)) == data
    assert "repeat salt" not in server.output() and "authentication" not in server.output()
    if obfs == "none":
        said = Counter(bytes(wire.up[:8]) for wire in relay.wires)
        assert said == Counter({prefix: CONNECTIONS for prefix in PREFIXES})


@pytest.mark.parametrize("method", METHODS[::2])
def test_what_has_only_the_prefix_is_drained_as_anything(stage: Stage, method: str) -> None:
    """A prefix opens nothing: real requests and garbage behind one end as any probe does."""
    public, target = (LOCAL, stage.port()), stage.target(echo)
    server = stage.ss_server(our_parts("none", method), public[1], password=KEYS.get(method, PASSWORD),
                             handshake_timeout=int(DEADLINE))
    noise = random.Random(7)
    probes = [Probe(prefix + noise.randbytes(n)) for prefix in PREFIXES for n in (0, 1, 24, 50, 300)]
    probes.append(Probe(b"POST /a HTTP/1.1\r\nHost: example.com\r\n\r\n"))
    reactions = probe_all(public, probes, DEADLINE + 10 * SLOWER)
    assert {(r.end, r.answer) for r in reactions} == {(End.FIN, b"")}
    assert min(r.seconds for r in reactions) > DEADLINE - 0.1
    assert target.accepted == 0 and server.running
