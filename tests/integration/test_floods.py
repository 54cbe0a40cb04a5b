# SPDX-License-Identifier: Apache-2.0
"""Peers that make the log grow: a bounded number of lines, and none of them lost without a word."""

from __future__ import annotations

import re
import socket
import threading

from harness import procfs, socks
from harness.network import ip
from harness.programs import SLOWER
from harness.stage import Stage, our_parts

PROBES = 3000
BURST, PER_SECOND = 50, 10
HANDSHAKE = re.compile(r"failed to handshake with (\S+): ")
MORE = re.compile(r"(\d+) more (handshakes|connections) that failed")


def lines_of(text: str, pattern: re.Pattern[str]) -> list[re.Match[str]]:
    return [match for line in text.splitlines() if (match := pattern.search(line))]


def flood(port: int, source: str, count: int) -> None:
    for _ in range(count):
        with socket.create_connection((source, port), 10 * SLOWER, (source, 0)) as sock:
            sock.sendall(b"\0" * 300)


def test_a_flood_of_probes_is_a_line_for_each_source_and_a_number(network: None, stage: Stage) -> None:
    """fail2ban needs the source; the rest is a number."""
    sources, port = ["192.0.2.1", "192.0.2.2", "192.0.2.3"], 8388
    for source in sources:
        ip("addr", "add", f"{source}/32", "dev", "lo")
    server = stage.ss_server(our_parts(), port, "--handshakes-per-ip", "100000", host="0.0.0.0")
    threads = [threading.Thread(target=flood, args=(port, source, PROBES // 3)) for source in sources]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    def counted() -> int:
        text = server.output()
        return len(lines_of(text, HANDSHAKE)) + sum(int(m[1]) for m in lines_of(text, MORE))

    procfs.eventually(lambda: counted() == PROBES, f"all are counted: {counted()}", 20 * SLOWER)
    named = lines_of(server.output(), HANDSHAKE)
    assert {match[1] for match in named} == set(sources)
    assert len(named) <= 3 * len(sources) * SLOWER, "one line for each source in 10 seconds"


def test_a_flood_of_failing_dials_is_a_burst_and_a_number(stage: Stage) -> None:
    chain, nowhere = stage.chain(our_parts()), ("127.0.0.1", stage.port())
    dials = 1000
    for _ in range(dials):
        socks.dial(chain.socks, nowhere).close()

    def counted() -> int:
        text = chain.server.output()
        refused = [line for line in text.splitlines() if "dial " in line]
        return len(refused) + sum(int(m[1]) for m in lines_of(text, MORE))

    procfs.eventually(lambda: counted() == dials, "all are counted", 20 * SLOWER)
    assert len([line for line in chain.server.output().splitlines() if "dial " in line]) < dials // 2
