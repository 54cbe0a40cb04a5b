# SPDX-License-Identifier: Apache-2.0
"""Every daemon and every pair of plugins over a bad network: each stream arrives whole, or ends by an
error behind a part of it; UDP loses packets and changes none.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from harness import procfs, socks, udp
from harness.content import CHUNK, content
from harness.extent import FULL
from harness.manager import Manager
from harness.programs import SLOWER, found, ours
from harness.routed import PORT, SERVER, SERVER_PORT, Routed
from harness.socks import Address
from harness.stage import PASSWORD, Parts, Stage
from harness.targets import echo
from harness.tunnel import written
from impair import Weather
from scenes import PLUGINS

HERE = "127.0.0.1"
SEED = os.environ.get("TORTURE_SEED", "1")
SIZE = (16 << 20) if FULL else 300_000
FLOWS = 8 if FULL else 2
STREAMS = {
    "slow": Weather(delay=0.02, jitter=0.02),
    "pieces": Weather(segment=900, jitter=0.0005, pause=0.01),
    "tiny": Weather(segment=7) if not FULL else Weather(segment=60),
    "narrow": Weather(rate=4 << 20, segment=1460),
}
PACKETS = Weather(loss=0.1, delay=0.005, jitter=0.01, reorder=0.25, duplicate=0.05)
Dial = Callable[[], socket.socket]
PAIRS = ["none", *(name for name in PLUGINS if name != "chain of programs")]


def relay(stage: Stage, kind: str, destination: Address, weather: Weather) -> Address:
    port = stage.port()
    process = stage.run(sys.executable, "-B", Path(__file__).with_name("impair.py"), kind, port,
                        f"{destination[0]}:{destination[1]}", SEED, *weather.words())
    procfs.eventually(lambda: "listens" in process.output(), f"{process} listens:\n{process.output()}", 20)
    return HERE, port


def parts(stage: Stage, name: str) -> Parts:
    daemons = ours("ss-local"), ours("ss-server"), "aes-256-gcm"
    if name == "none":
        return Parts(*daemons)
    (client, client_options), (server, server_options) = PLUGINS[name](stage)
    return Parts(*daemons, str(ours(client)), client_options, str(ours(server)), server_options)


def chain_over(stage: Stage, name: str, weather: Weather):  # noqa: ANN201
    made = stage.chain(parts(stage, name), lambda public: relay(stage, "TCP", public, weather),
                       **({"plugin_sandbox": False} if name == "pt-wrap" else {}))
    procfs.eventually(lambda: procfs.listening(made.public[1]), "the server's plugin listens", 20)
    return made


class Flow(threading.Thread):
    """Sends and receives at the same time; ends with what came and how it ended."""

    def __init__(self, dial: Dial, size: int, seed: int) -> None:
        super().__init__(daemon=True)
        self._dial, self.sent = dial, content(size, seed)
        self.got, self.clean, self.late = bytearray(), False, False

    def run(self) -> None:
        try:
            with self._dial() as sock:
                sock.settimeout(20 * SLOWER)
                sender = threading.Thread(target=self._send, args=(sock,), daemon=True)
                sender.start()
                while len(self.got) < len(self.sent) and (part := sock.recv(CHUNK)):
                    self.got += part
                self.clean = True
                sender.join()
        except TimeoutError:
            self.late = True
        except (OSError, EOFError):
            pass

    def _send(self, sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.sendall(self.sent)

    @property
    def whole(self) -> bool:
        return self.got == self.sent


def run_flows(proxy: Address, target: Address, size: int) -> list[Flow]:
    return run_flows_by(lambda: socks.dial(proxy, target), size)


def run_flows_by(dial: Dial, size: int) -> list[Flow]:
    flows = [Flow(dial, size, seed) for seed in range(FLOWS)]
    for flow in flows:
        flow.start()
    for flow in flows:
        flow.join(600)
    assert not any(flow.late or flow.is_alive() for flow in flows), "a stream stands still"
    assert all(flow.sent.startswith(bytes(flow.got)) for flow in flows), "wrong bytes"
    return flows


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("weather", STREAMS if FULL else ["pieces"])
def test_streams_arrive_whole(stage: Stage, pair: str, weather: str) -> None:
    chain = chain_over(stage, pair, STREAMS[weather])
    size = 100_000 if weather == "tiny" else SIZE
    flows = run_flows(chain.socks, stage.target(echo).address, size)
    assert all(flow.whole for flow in flows), [len(flow.got) for flow in flows]


@pytest.mark.parametrize("weather", ["slow", "tiny", "narrow"])
def test_daemons_in_any_weather(stage: Stage, weather: str) -> None:
    chain = chain_over(stage, "none", STREAMS[weather])
    flows = run_flows(chain.socks, stage.target(echo).address, 60_000 if weather == "tiny" else SIZE)
    assert all(flow.whole for flow in flows), [len(flow.got) for flow in flows]


def pass_whole(dial: Dial) -> None:
    flows = run_flows_by(dial, SIZE)
    assert all(flow.whole for flow in flows), [len(flow.got) for flow in flows]


def test_a_tunnel_in_pieces(stage: Stage) -> None:
    ends = replace(parts(stage, "none"), ss_local=ours("ss-tunnel"))
    chain = stage.chain(ends, lambda public: relay(stage, "TCP", public, STREAMS["pieces"]),
                        tunnel_address=written(stage.target(echo).address))
    pass_whole(lambda: socket.create_connection(chain.socks, socks.TIMEOUT))


def test_a_port_of_a_manager_in_pieces(stage: Stage) -> None:
    manager, public, near, target = Manager(stage), stage.port(), stage.port(), stage.target(echo).address
    assert manager.client.add(public, PASSWORD) == b"ok"
    stage.ss_local(parts(stage, "none"), relay(stage, "TCP", (HERE, public), STREAMS["pieces"]), near)
    pass_whole(lambda: socks.dial((HERE, near), target))


def test_a_transparent_proxy_in_pieces(stage: Stage, root: None) -> None:
    found("nft")
    net = Routed(stage)
    net.server(4)
    with net.router.entered():
        wire = relay(stage, "TCP", (SERVER[4], SERVER_PORT), STREAMS["pieces"])
    net.redir(4, server=HERE, server_port=wire[1])
    net.nftables("up", "-l", PORT)
    target = net.target(echo, 4).address
    pass_whole(lambda: net.connect(target))


# obfs4proxy and socat end their streams with a FIN when the other side is reset.
TELLING = ["none", "obfs http", "obfs tls", "tls-wrap", "chain"]
CUTS = [1, 2, 16, 49, 50, 51, 700, 1459, 1460, 16383, 16384, 100_000]


@pytest.mark.parametrize("pair", TELLING)
def test_a_cut_is_no_clean_end(stage: Stage, pair: str) -> None:
    """Both ends of the wire are reset after k bytes: the user gets a part and then an error."""
    target = stage.target(echo).address
    for k in CUTS if FULL else CUTS[3::4]:
        chain = chain_over(stage, pair, Weather(cut=k, segment=900))
        for flow in run_flows(chain.socks, target, 250_000):
            assert not flow.clean and not flow.whole, f"cut at {k}: clean after {len(flow.got)} bytes"
        for host in chain.hosts:
            host.stop()


def test_datagrams_are_lost_and_never_changed(stage: Stage) -> None:
    """Each answer is one of the packets that were sent; few more are lost than the network loses."""
    near, public = (HERE, stage.port()), (HERE, stage.port())
    target = stage.keep(udp.Echo()).address
    stage.ss_server(parts(stage, "none"), public[1], mode="udp_only", wait=False)
    udp.wait_bound(public[1])
    wire = relay(stage, "UDP", public, PACKETS)
    stage.ss_local(parts(stage, "none"), wire, near[1], mode="udp_only", wait=False)
    udp.wait_bound(near[1])
    client = stage.keep(udp.Client(near))
    sent = [content(40 + 7 * n % 1200, n) for n in range(2000 if FULL else 200)]
    got: list[bytes] = []

    def receive(patience: float) -> None:
        client.sock.settimeout(patience)
        with contextlib.suppress(TimeoutError):
            while True:
                source, payload = client.receive()
                assert source == target and payload in sent
                got.append(payload)

    for number, packet in enumerate(sent):
        client.send(target, packet)
        if number % 20 == 19:  # no more than sockets hold
            receive(0.05)
    receive(2.0 * SLOWER)
    assert len(set(got)) == len(got), "a duplicate of the network reached the user"
    assert len(got) > 0.6 * len(sent), f"{len(got)} of {len(sent)} came back"
