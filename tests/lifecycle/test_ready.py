# SPDX-License-Identifier: Apache-2.0
"""Ports and readiness: users meet a plugin that listens, or nobody at all."""

from __future__ import annotations

import contextlib
import os
import re
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import procfs
from harness.processes import Process
from harness.programs import SLOWER
from harness.network import ip
from harness.stage import Stage
from life.hosted import HERE, ROLES, Hosted, echo_target, fake, is_free, trade
from life.workshop import Workshop

LATE = "listen-after=400"


def contact(stage: Stage, hosted: Hosted, results: list[str]) -> threading.Thread:
    """A client that comes now and says in results how it went."""
    target = echo_target(stage)
    hosted.come_up()

    def run() -> None:
        trade(hosted.dial(target), b"early")
        results.append("served")

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    return thread


# Early clients wait.


@pytest.mark.parametrize("opts", ["", LATE, "listen-after=1500"])
def test_early_clients_wait_in_the_backlog(stage: Stage, opts: str) -> None:
    hosted = Hosted(stage, "local", opts, peer=True)
    results: list[str] = []
    for thread in [contact(stage, hosted, results) for _ in range(8)]:
        thread.join(10 * SLOWER)
    assert results == ["served"] * 8


def test_a_server_listens_before_its_plugin_starts(stage: Stage) -> None:
    """The plugin's first act is a connection attempt to SS_LOCAL_*: somebody is there."""
    hosted = Hosted(stage, "server", "never-listen")
    port = int(procfs.environment(hosted.plugin())["SS_LOCAL_PORT"])
    assert procfs.listening(port)
    assert str(port) in hosted.says("tcp server listening at")


@pytest.mark.parametrize("role", ROLES)
def test_nobody_probes_a_plugin_with_connections(stage: Stage, role: str) -> None:
    """A plugin dials for users only."""
    behind = stage.listener()
    public = behind.address[1] if role == "local" else None
    hosted = Hosted(stage, role, LATE, public=public)
    plugin = hosted.ready()
    assert behind.accepts_nobody(0.3)
    sockets = [link for link in map(os.readlink, descriptor_paths(plugin)) if "socket:" in link]
    assert len(sockets) == 1


def descriptor_paths(pid: int) -> list[Path]:
    return list(Path(f"/proc/{pid}/fd").iterdir())


# READY=1.


@pytest.fixture
def notices(stage: Stage) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(f"\0lifecycle-{os.getpid()}-{time.monotonic_ns()}")
        sock.settimeout(10 * SLOWER)
        yield sock


def notify_env(notices: socket.socket) -> dict[str, str]:
    return {"NOTIFY_SOCKET": "@" + notices.getsockname()[1:].decode()}


@pytest.mark.parametrize("role", ROLES)
def test_the_supervisor_hears_of_readiness_after_the_plugin(stage: Stage, notices: socket.socket,
                                                            role: str) -> None:
    hosted = Hosted(stage, role, LATE, env=notify_env(notices))
    plugin = hosted.plugin()
    message = notices.recv(4096)
    assert procfs.listening(hosted.port_of(plugin))
    assert time.monotonic() - hosted.started >= 0.4
    assert b"READY=1" in message.split(b"\n")
    assert "NOTIFY_SOCKET" not in procfs.environment(plugin)


@pytest.mark.parametrize("role", ROLES)
def test_the_supervisor_hears_nothing_of_a_plugin_that_is_not_ready(
        stage: Stage, notices: socket.socket, role: str) -> None:
    hosted = Hosted(stage, role, "never-listen", "--plugin-ready", "0.5", env=notify_env(notices))
    hosted.fails()
    notices.setblocking(False)
    heard = b""
    while select.select([notices], [], [], 0)[0]:
        heard += notices.recv(4096)
    assert b"READY=1" not in heard


# The deadline.


@pytest.mark.parametrize("given", ["file", "option"])
@pytest.mark.parametrize("opts", ["never-listen", "listen-after=60000", "wrong-port"])
@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_does_not_listen_is_one_clear_error(stage: Stage, role: str, opts: str,
                                                          given: str) -> None:
    argv = ("--plugin-ready", "0.6") if given == "option" else ()
    conf = {} if argv else {"plugin_ready": 0.6}
    hosted = Hosted(stage, role, opts, *argv, plugin_ports="any", **conf)
    port = hosted.port_of(hosted.plugin())
    hosted.fails()
    seconds = time.monotonic() - hosted.started
    (line,) = hosted.lines("ERROR", "fakeplugin", str(port))
    assert re.search(r"fakeplugin\[\d+\] does not listen on port", line)
    assert seconds >= 0.6
    assert is_free(hosted.near) and is_free(hosted.public) and not hosted.family()


@pytest.mark.parametrize("role", ROLES)
def test_a_late_plugin_before_the_deadline_is_welcome(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "listen-after=1200", plugin_ready=5, peer=True)
    hosted.ready()
    hosted.works(echo_target(stage))
    assert not hosted.lines("ERROR")


@pytest.mark.parametrize("role", ROLES)
def test_waiting_costs_next_to_nothing(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "listen-after=60000", plugin_ready=60)
    stage.wait_listening(hosted.process, hosted.near if role == "local"
                         else int(procfs.environment(hosted.plugin())["SS_LOCAL_PORT"]))
    before = sum(procfs.cpu_seconds(pid) for pid in [hosted.process.pid, *hosted.family()])
    with pytest.raises(AssertionError, match="still running"):
        hosted.process.wait(2)
    after = sum(procfs.cpu_seconds(pid) for pid in [hosted.process.pid, *hosted.family()])
    assert after - before <= 0.1 * SLOWER
    hosted.stop()


# A listener of somebody else.


def stranger(stage: Stage, port: int) -> Process:
    """Another process takes the port, as another user if it can."""
    become = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    process = stage.run(*(become if os.geteuid() == 0 else ()), fake(), f"steal={HERE}:{port}",
                        "report")
    procfs.eventually(lambda: procfs.listening(port), "the stranger listens")
    process.expected_end = True
    return process


def connections_of(process: Process) -> int:
    links = [os.readlink(path) for path in descriptor_paths(process.pid)]
    return len([link for link in links if link.startswith("socket:")]) - 1


def test_a_strangers_listener_is_never_used(stage: Stage, workshop: Workshop) -> None:
    """The port is taken before the plugin listens: it gets another one, and users wait for it."""
    mark, real = stage.home / "started-once", workshop.copy()
    plugin = workshop.script("late", f"test -e {mark} && exec {real}", f"touch {mark}", "exec sleep 60")
    hosted = Hosted(stage, "local", plugin=plugin, peer=True, writes=True)
    results: list[str] = []
    waiting = contact(stage, hosted, results)
    first = hosted.plugin()
    thief = stranger(stage, hosted.port_of(first))
    second = hosted.ready(other_than=first)
    waiting.join(10 * SLOWER)
    assert results == ["served"] and connections_of(thief) == 0
    assert hosted.port_of(second) != 0 and not procfs.alive(first)


def test_three_lost_ports_are_enough(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "never-listen", plugin_ready=6)
    plugins, thieves = [0], []
    for _ in range(4):
        plugins.append(hosted.plugin(other_than=plugins[-1]))
        thieves.append(stranger(stage, hosted.port_of(plugins[-1])))
    output = hosted.fails(15)
    ports = {re.search(r"port (\d+)", line)[1] for line in hosted.lines("ERROR", "fakeplugin")}
    assert len(set(plugins)) == 5 and ports, output
    assert [connections_of(thief) for thief in thieves] == [0] * 4


def test_a_loopback_without_addresses_is_said_at_once(network: None, stage: Stage) -> None:
    Path("/proc/sys/net/ipv6/conf/lo/disable_ipv6").write_text("1")
    ip("addr", "add", "127.9.9.9/32", "dev", "lo")
    ip("addr", "del", "127.0.0.1/8", "dev", "lo")
    hosted = Hosted(stage, "local", server="2001:db8::1", plugin_ready=60, local_address="127.9.9.9",
                    public=8388, near=1080)
    assert "start plugin fakeplugin: Cannot assign requested address" in hosted.fails()


def test_a_server_says_who_has_the_port(stage: Stage) -> None:
    behind = stage.listener()
    hosted = Hosted(stage, "server", public=behind.address[1])
    output = hosted.fails()
    assert re.search(rf"ERROR: .*\b{os.getpid()}\b", output), output


@pytest.mark.parametrize("starts", [1, 3, 4])
def test_address_in_use_is_tried_three_times_more(stage: Stage, starts: int) -> None:
    counter = stage.home / "starts"
    hosted = Hosted(stage, "local", f"eaddrinuse={starts};counter={counter}", peer=True, writes=True)
    if starts <= 3:
        hosted.works(echo_target(stage))
    else:
        assert "address already in use" in hosted.fails()
    assert int(counter.read_text()) == min(starts + 1, 4)


def test_a_server_does_not_retry_its_only_port(stage: Stage) -> None:
    counter = stage.home / "starts"
    hosted = Hosted(stage, "server", f"eaddrinuse=1;counter={counter}", writes=True)
    assert "address already in use" in hosted.fails()
    assert int(counter.read_text()) == 1


# A listening socket instead of a port.


def test_a_plugin_that_takes_a_socket_gets_one(stage: Stage, workshop: Workshop) -> None:
    hosted = Hosted(stage, "local", "use-listen-fds;report", plugin=workshop.socket_taker(),
                    peer=True)
    got = hosted.ask()
    assert got.env["LISTEN_FDS"] == "1" and int(got.env["LISTEN_PID"]) == got.raw["pid"]
    assert set(got.descriptors) == {0, 1, 2, 3, got.notify_fd}
    assert got.descriptors[3].startswith("socket:")
    hosted.works(echo_target(stage))


def test_no_other_plugin_gets_one(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "use-listen-fds")
    assert "LISTEN_FDS" in hosted.fails()


def test_a_plugin_on_all_addresses_works(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "bind-any", peer=True, plugin_exposed=True)
    hosted.works(echo_target(stage))


# Without a /proc of our own.

HIDDEN = ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none /proc && exec "$@"', "sh")
OTHER = ("unshare", "--pid", "--fork", "--kill-child")


def strays() -> Iterator[int]:
    """Fake plugins that no host has: a process that was forked late comes to the tests."""
    return (pid for pid in procfs.children(os.getpid()) if "SS_REMOTE_PORT" in procfs.environment(pid))


@pytest.mark.parametrize("wrap", [HIDDEN, OTHER], ids=["hidden", "of another namespace"])
@pytest.mark.parametrize("role", ROLES)
def test_a_proc_that_is_of_no_use(stage: Stage, root: None, role: str, wrap: tuple[str, ...]) -> None:
    """Whose a socket is cannot be told then: one line says so, and the port alone counts."""
    hosted = Hosted(stage, role, "fork-grandchild", peer=True, wrap=wrap, plugin_restart="on-failure")
    hosted.works(echo_target(stage))
    hosted.says("mount the /proc of this PID namespace")
    first = hosted.ready()
    before = hosted.family()
    os.kill(first, signal.SIGKILL)
    hosted.ready(other_than=first)
    assert len(hosted.lines("mount the /proc of this PID namespace")) == 1
    left = {*before, *hosted.family()}
    hosted.process.kill()
    for pid in [*left, *strays()]:  # what is detached cannot be found by the host
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
