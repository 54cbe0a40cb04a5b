# SPDX-License-Identifier: Apache-2.0
"""Both daemons and every pair of plugins over a network that loses IP packets: TCP sends them again, and
what arrives is what was sent, to the end of each direction.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import End, content, read_exactly, read_to_end, sha256
from harness.extent import FULL, extent
from harness.network import ip
from harness.programs import SLOWER
from harness.socks import Address
from harness.stage import Stage
from harness.targets import echo
from lossy import FAR, NEAR, Losses
from test_network import PAIRS, SEED, TELLING, parts, run_flows

HERE = "127.0.0.1"
SIZE = extent(200_000, 4 << 20)
NETWORKS = {
    "bad": Losses(loss=0.05, duplicate=0.05, damage=0.01, reorder=0.25, delay=0.004, jitter=0.004),
    "far": Losses(loss=0.01, delay=0.15, jitter=0.05),
    "narrow": Losses(loss=0.01, delay=0.002, mtu=576),
    "worse": Losses(loss=0.2, delay=0.002),
}
pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not Path("/dev/net/tun").exists(),
                                reason="a tunnel device is needed")


def over(stage: Stage, pair: str, losses: Losses) -> Address:
    """The SOCKS address of a chain whose wire is the lossy network."""
    network = stage.run(sys.executable, "-B", Path(__file__).with_name("lossy.py"), "lossy0", SEED, *losses.words())
    procfs.eventually(lambda: "stands" in network.output(), f"the device stands: {network.output()}", 20)
    ip("addr", "add", f"{NEAR}/30", "dev", "lossy0")
    ip("link", "set", "lossy0", "mtu", str(losses.mtu), "up")
    made, port, near = parts(stage, pair), stage.port(), (HERE, stage.port())
    more = {"plugin_sandbox": False} if pair == "pt-wrap" else {}
    stage.ss_server(made, port, host=NEAR, **more)
    procfs.eventually(lambda: procfs.listening(port), "the server's plugin listens", 20 * SLOWER)
    stage.ss_local(made, (FAR, port), near[1], **more)
    return near


@pytest.mark.parametrize("network", NETWORKS if FULL else ["bad"])
@pytest.mark.parametrize("pair", PAIRS if FULL else ["none", "tls-wrap"])
def test_streams_arrive_whole(stage: Stage, pair: str, network: str) -> None:
    near = over(stage, pair, NETWORKS[network])
    flows = run_flows(near, stage.target(echo).address, SIZE // 8 if network in ("far", "worse") else SIZE)
    assert all(flow.whole for flow in flows), [len(flow.got) for flow in flows]


@pytest.mark.parametrize("pair", TELLING if FULL else ["obfs http"])
def test_each_direction_ends_alone(stage: Stage, pair: str) -> None:
    """A request to its end, then an answer to its end; and the other way round."""
    near, listener = over(stage, pair, NETWORKS["bad"]), stage.listener()
    up, down = content(SIZE, 1), content(SIZE, 2)
    for first in ("client", "target"):
        client = stage.keep(socks.dial(near, listener.address, 60 * SLOWER))
        client.sendall(b"x")
        target = listener.accept()
        assert read_exactly(target, 1) == b"x"
        one, other = (client, target) if first == "client" else (target, client)
        for sender, receiver, data in ((one, other, up), (other, one, down)):
            receiver.settimeout(60 * SLOWER)
            source = threading.Thread(target=sender.sendall, args=(data,), daemon=True)
            source.start()
            got = read_exactly(receiver, len(data))
            source.join()
            sender.shutdown(socket.SHUT_WR)
            assert sha256(got) == sha256(data) and read_to_end(receiver) == (b"", End.FIN)
