# SPDX-License-Identifier: Apache-2.0
"""Addresses of programs made with ssp_main(): lists, both families, names."""

from __future__ import annotations

import socket

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.plugin import End, toy
from harness.programs import SLOWER
from harness.stage import Stage
from harness.targets import echo


def greets(stage: Stage, address: tuple[str, int]) -> bool:
    """True when a toy server there echoes."""
    sock = stage.connect(address)
    sock.sendall(b"TOY1hello")
    return read_exactly(sock, 5) == b"hello"


def server(stage: Stage, hosts: str, wait: bool = True) -> End:
    return End(stage, toy(), "server", stage.target(echo).address, (hosts, stage.port()), "mask=0",
               wait=wait)


@pytest.mark.parametrize("hosts", ["127.0.0.1|127.0.0.2", "127.0.0.2|127.0.0.1|127.0.0.1", "0.0.0.0",
                                   "127.0.0.1|localhost|127.0.0.2"])
def test_a_server_binds_every_address_of_the_list_once(stage: Stage, hosts: str) -> None:
    port = server(stage, hosts).listened[1]
    assert greets(stage, ("127.0.0.1", port)) and greets(stage, ("127.0.0.2", port))


@pytest.mark.parametrize("hosts", ["::|0.0.0.0", "0.0.0.0|::", "::", "[::]", "::1|127.0.0.1", "[::1]|127.0.0.1"])
def test_both_families_on_one_port_do_not_collide(stage: Stage, hosts: str) -> None:
    stage.port("::1")  # skips where there is no IPv6
    port = server(stage, hosts).listened[1]
    assert greets(stage, ("127.0.0.1", port)) and greets(stage, ("::1", port))


@pytest.mark.parametrize("hosts", ["127.0.0.1|", "|", "127.0.0.1||127.0.0.2", "[::1", "x" * 300])
def test_a_list_that_is_none_is_refused(stage: Stage, hosts: str) -> None:
    end = server(stage, hosts, wait=False)
    assert end.process.wait(15 * SLOWER) == 78
    assert "not an address and a port" in end.process.output() and end.notices() == []


def test_one_taken_address_of_a_list_is_an_error(stage: Stage) -> None:
    taken = stage.listener()
    end = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.2|127.0.0.1", taken.address[1]), wait=False)
    assert end.process.wait(15 * SLOWER) == 69
    assert f"127.0.0.1:{taken.address[1]}" in end.process.output() and end.notices() == []


def test_a_client_reaches_the_one_server_of_the_list_that_is_there(stage: Stage) -> None:
    public = server(stage, "127.0.0.7").listened
    hosts = "|".join(f"127.0.0.{n}" for n in range(3, 10))
    client = End(stage, toy(), "client", ("127.0.0.1", stage.port()), (hosts, public[1]), "mask=0")
    for _ in range(8):  # whichever comes first in turn
        sock = stage.connect(client.listened)
        sock.sendall(b"hello")
        assert read_exactly(sock, 5) == b"hello"


def test_a_client_spreads_its_connections_over_the_list(stage: Stage) -> None:
    backend = stage.listener()
    twin = stage.keep(socket.create_server(("127.0.0.2", backend.address[1])))
    client = End(stage, toy(), "client", ("127.0.0.1", stage.port()), ("127.0.0.1|127.0.0.2", backend.address[1]))
    twin.setblocking(False)
    backend.sock.setblocking(False)
    reached = set()

    def both() -> bool:
        stage.connect(client.listened).sendall(b"x")
        for name, sock in (("one", backend.sock), ("two", twin)):
            try:
                stage.keep(sock.accept()[0])
                reached.add(name)
            except BlockingIOError:
                pass
        return len(reached) == 2

    procfs.eventually(both, "both servers are dialled", 20 * SLOWER)


def test_64_hosts_are_no_problem(stage: Stage) -> None:
    hosts = "|".join(f"127.0.1.{n}" for n in range(1, 65))
    port = server(stage, hosts).listened[1]
    assert greets(stage, ("127.0.1.1", port)) and greets(stage, ("127.0.1.64", port))


def test_a_server_takes_names(stage: Stage) -> None:
    port = server(stage, "localhost").listened[1]
    assert greets(stage, ("127.0.0.1", port))


def test_a_client_takes_names(stage: Stage) -> None:
    public = server(stage, "127.0.0.1").listened
    client = End(stage, toy(), "client", ("localhost", stage.port()), ("localhost", public[1]),
                 "mask=0")
    sock = stage.connect(("127.0.0.1", client.listened[1]))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"
