# SPDX-License-Identifier: Apache-2.0
"""The life of programs made with ssp_main(): signals, the drain, the host's death, lines for the host."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest
from harness import procfs
from harness.content import End as Ending
from harness.content import content, read_exactly, read_to_end
from harness.plugin import GREETING, End, home_file, pair, switches, toy
from harness.programs import SLOWER, Program, ours
from harness.stage import Stage
from harness.targets import echo

STOPS = [signal.SIGTERM, signal.SIGINT]
HARMLESS = [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2]


def lone(stage: Stage, options: str | None = None, **env: str | None) -> End:
    """A server whose backend echoes."""
    backend = stage.target(echo).address
    return End(stage, toy(), "server", backend, ("127.0.0.1", stage.port()), options, **env)


def talk(stage: Stage, end: End, text: bytes = b"hello", mask: int = 90):
    """A connection on the wire of a server that has just echoed."""
    sock = stage.connect(end.listened)
    sock.sendall(GREETING + bytes(byte ^ mask for byte in text))
    assert bytes(byte ^ mask for byte in read_exactly(sock, len(text))) == text
    return sock


# Signals.


@pytest.mark.parametrize("number", STOPS)
def test_it_stops_at_once_with_live_connections(stage: Stage, number: int) -> None:
    end = lone(stage)
    socks = [talk(stage, end) for _ in range(50)]
    assert end.process.stop(number, 1) == 0
    assert {read_to_end(sock)[1] for sock in socks} == {Ending.RST}


@pytest.mark.parametrize("number", STOPS)
def test_it_stops_while_it_starts(stage: Stage, number: int) -> None:
    """Its setup reads a pipe into which nobody writes."""
    pipe = stage.home / "pipe"
    os.mkfifo(pipe)
    end = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.1", stage.port()), f"mask-file={pipe}",
              wait=False)
    with pipe.open("wb"):  # once both ends are open
        for harmless in HARMLESS:
            end.signal(harmless)
        assert end.process.stop(number, 2) == 0
    assert end.notices() == []


@pytest.mark.parametrize("number", HARMLESS)
def test_other_signals_do_not_disturb_its_start(stage: Stage, number: int) -> None:
    """A system call of setup() that they interrupt goes on: here it reads a pipe."""
    pipe = stage.home / "pipe"
    os.mkfifo(pipe)
    end = End(stage, toy(), "server", stage.target(echo).address, ("127.0.0.1", stage.port()),
              f"mask-file={pipe}", wait=False)
    with pipe.open("wb") as mask:
        for _ in range(20):
            end.signal(number)
            procfs.eventually(lambda: not pending(end.pid), "the signal has come", 10 * SLOWER)
        mask.write(b"90")
    end.wait_notice("READY=1")
    talk(stage, end)


def pending(pid: int) -> bool:
    """Whether a signal has not been taken yet, or the process is still busy with one."""
    status = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    return any(int(status[kind], 16) for kind in ("SigPnd", "ShdPnd")) or "sleeping" not in status["State"]


@pytest.mark.parametrize("number", HARMLESS)
def test_other_signals_do_not_end_it(stage: Stage, number: int) -> None:
    end = lone(stage)
    sock = talk(stage, end)
    for _ in range(3):
        end.signal(number)
    sock.sendall(b"x")
    assert read_exactly(sock, 1) == b"x"
    talk(stage, end)


def test_hangup_reads_files_again_for_new_connections(stage: Stage) -> None:
    mask = home_file(stage, "mask", "1")
    end = lone(stage, f"mask-file={mask}")
    talk(stage, end, mask=1)
    mask.write_text("2")
    end.signal(signal.SIGHUP)
    end.wait_output("toy: reloaded")
    talk(stage, end, mask=2)
    mask.write_text("rubbish")
    end.signal(signal.SIGHUP)
    end.wait_output("reload of toy: mask-file")
    assert end.process.output().count("reloaded") == 1
    talk(stage, end, mask=2)


def test_hangup_of_a_plugin_without_files_says_so(stage: Stage) -> None:
    end = End(stage, ours("obfs-server"), "server", ("127.0.0.1", 1), ("127.0.0.1", stage.port()), "obfs=http")
    end.signal(signal.SIGHUP)
    end.wait_output("nothing to reload")


def test_usr1_writes_the_counters_to_the_log(stage: Stage) -> None:
    end = lone(stage)
    talk(stage, end).close()
    stage.connect(end.listened).sendall(b"GET / HTTP/1.0\r\n\r\n")

    def counted() -> bool:
        end.signal(signal.SIGUSR1)
        return "connections 2, live " in end.process.output() and "foreign 1" in end.process.output()

    procfs.eventually(counted, "the counters are in the log", 10 * SLOWER)


# The drain.


def test_live_connections_have_the_time_of_the_drain(stage: Stage) -> None:
    end = lone(stage, "drain=60")
    sock = talk(stage, end)
    end.signal(signal.SIGTERM)
    procfs.eventually(lambda: not procfs.listening(end.listened[1]), "it listens no more", 10 * SLOWER)
    sock.sendall(b"x")
    assert read_exactly(sock, 1) == b"x"
    sock.close()
    assert end.process.wait(15 * SLOWER) == 0


def test_a_drain_ends_when_its_time_is_over(stage: Stage) -> None:
    end = lone(stage, "drain=1")
    sock = talk(stage, end)
    end.signal(signal.SIGTERM)
    begun = time.monotonic()
    assert end.process.wait(20 * SLOWER) == 0
    assert time.monotonic() - begun > 0.8
    assert read_to_end(sock)[1] is Ending.RST


@pytest.mark.parametrize("number", STOPS)
def test_a_second_signal_ends_a_drain(stage: Stage, number: int) -> None:
    end = lone(stage, "drain=600")
    sock = talk(stage, end)
    end.signal(signal.SIGTERM)
    end.wait_output("live connections have 600 s")
    assert end.process.stop(number) == 0
    assert read_to_end(sock)[1] is Ending.RST


def test_a_drain_without_connections_ends_at_once(stage: Stage) -> None:
    assert lone(stage, "drain=600").process.stop() == 0


# The host.

HOST = """
import os, subprocess, sys, threading, time
def start():
    subprocess.Popen(sys.argv[1:], close_fds=False)
thread = threading.Thread(target=start)
thread.start()
thread.join()
print("started", flush=True)
time.sleep(600)
"""


def test_it_outlives_the_thread_that_started_it(stage: Stage) -> None:
    ends, threads = [], []
    go = threading.Event()

    def start() -> None:
        threads.append(threading.get_native_id())
        ends.append(lone(stage))
        go.wait()

    thread = threading.Thread(target=start)
    thread.start()
    procfs.eventually(lambda: ends, "the plugin runs", 20 * SLOWER)
    go.set()
    thread.join()
    procfs.eventually(lambda: not os.path.exists(f"/proc/self/task/{threads[0]}"), "the thread is gone")
    ends[0].signal(signal.SIGUSR1)  # it comes behind what the kernel sent for the thread
    ends[0].wait_output("connections 0")
    talk(stage, ends[0])


@pytest.mark.parametrize("program", [toy(), ours("obfs-local"), ours("obfs-server")], ids=lambda p: p.name)
def test_it_ends_with_its_host_though_the_thread_that_started_it_has_ended_before(
        stage: Stage, program: Program) -> None:
    near, public = stage.port(), stage.port()
    role = "server" if program.name == "obfs-server" else "client"
    env = {"SS_LOCAL_HOST": "127.0.0.1", "SS_LOCAL_PORT": str(near), "SS_REMOTE_HOST": "127.0.0.1",
           "SS_REMOTE_PORT": str(public), "SS_PLUGIN_OPTIONS": "obfs=http", "SS_PLUGIN_ROLE": role}
    host = stage.run(sys.executable, "-c", HOST, program, env=env)
    stage.wait_listening(host, public if role == "server" else near)
    (plugin,) = host.plugins()
    host.kill()
    procfs.eventually(lambda: not procfs.alive(plugin), "the plugin noticed", 2 * SLOWER)


def test_the_end_of_input_matters_only_when_the_host_says_so(stage: Stage) -> None:
    """stdin is /dev/null, whose end is there at once."""
    end = lone(stage, SS_EXIT_ON_STDIN_CLOSE="0")
    talk(stage, end)
    ended = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.1", stage.port()), wait=False,
                SS_EXIT_ON_STDIN_CLOSE="1")
    assert ended.process.wait(15 * SLOWER) == 0
    assert "input" not in ended.process.output() and "[warn]" not in ended.process.output()


def test_an_input_that_cannot_be_watched_is_an_error(stage: Stage) -> None:
    """Such as a directory, which has no end."""
    env = {"SS_LOCAL_HOST": "127.0.0.1", "SS_LOCAL_PORT": "1", "SS_REMOTE_HOST": "127.0.0.1",
           "SS_REMOTE_PORT": str(stage.port()), "SS_PLUGIN_ROLE": "server", "SS_EXIT_ON_STDIN_CLOSE": "1"}
    process = stage.run("/bin/sh", "-c", f'exec "$0" <{stage.home}', toy(), env=env)
    assert process.wait(15 * SLOWER) == 71
    assert "standard input: Operation not permitted" in process.output()


# In the background.


def background(stage: Stage, *words: object) -> tuple[int, int]:
    """The pid of a plugin in the background, which the test ends, and its port."""
    near, pid_file = stage.port(), stage.home / "pid"
    started = stage.run(toy(), "-l", f"127.0.0.1:{near}", "-r", "127.0.0.1:1", "-f", "pid", *words)
    assert started.wait(15 * SLOWER) == 0 and started.output() == ""
    procfs.eventually(lambda: procfs.listening(near), "it listens", 10 * SLOWER)
    return int(pid_file.read_text()), near


def end_background(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    procfs.eventually(lambda: not procfs.alive(pid), "it ends", 10 * SLOWER)


def test_in_the_background_it_has_a_session_and_nobodys_terminal(stage: Stage) -> None:
    pid, _ = background(stage)
    assert os.getsid(pid) == pid
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    end_background(pid)


def test_paths_count_from_the_same_directory_in_the_background(stage: Stage) -> None:
    pid, _ = background(stage, "--control", "control.sock")
    procfs.eventually((stage.home / "control.sock").is_socket, "the socket is there", 10 * SLOWER)
    end_background(pid)
    assert not (stage.home / "control.sock").exists()


@pytest.mark.parametrize(("words", "status", "reason"), [
    (["-r", "127.0.0.1:1", "-f", "/nonexistent/pid"], 71, "pid file /nonexistent/pid: No such file"),
    (["-r", "nowhere.invalid:1", "-f", "pid", "--b", "name"], 78, "option b: name is not a numeric address")])
def test_what_keeps_it_from_the_background_is_told(stage: Stage, words: list[str], status: int,
                                                   reason: str) -> None:
    process = stage.run(toy(), "--server", "-l", f"127.0.0.1:{stage.port()}", *words)
    assert process.wait(15 * SLOWER) == status
    assert reason in process.output()


# Lines for the host.


def test_ready_comes_when_it_listens_and_status_says_where(stage: Stage) -> None:
    client, server = pair(stage, stage.target(echo).address)
    for end, role in ((client, "client"), (server, "server")):
        assert procfs.listening(end.listened[1])
        assert end.notices()[:2] == [
            f"STATUS={role} listening at 127.0.0.1:{end.listened[1]}, forwarding to "
            f"127.0.0.1:{server.listened[1] if role == 'client' else end.notices()[0].rsplit(':', 1)[1]}",
            "READY=1"]


def test_statistics_come_while_something_changes_and_at_the_end(stage: Stage) -> None:
    end = lone(stage)
    sock = talk(stage, end, b"0123456789")
    end.wait_notice("STATS=conns=1 live=1 ")
    assert end.stats() == {"conns": 1, "live": 1, "up": 10, "down": 10, "foreign": 0, "fail": 0,
                           "wire-up": len(GREETING) + 10, "wire-down": 10}
    sock.close()
    end.wait_notice("STATS=conns=1 live=0 ")
    before = len(end.notices())
    talk(stage, end)
    assert end.process.stop() == 0
    assert len(end.notices()) > before and end.stats()["conns"] == 2


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_statistics_count_plain_bytes_at_both_ends(stage: Stage, mode: str) -> None:
    near, public = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    server = End(stage, ours("obfs-server"), "server", stage.target(echo).address, public, f"obfs={mode}")
    client = End(stage, ours("obfs-local"), "client", near, public, f"obfs={mode}")
    sock = stage.connect(near)
    for size in (7, 100_000, 1):
        sock.sendall(content(size))
        read_exactly(sock, size)
    sock.close()
    for end in (client, server):
        end.wait_notice("STATS=conns=1 live=0 up=100008 down=100008 ")


def test_an_idle_plugin_sleeps(stage: Stage) -> None:
    """Neither statistics nor timers: its thread is not woken a single time."""
    end = lone(stage)
    talk(stage, end).close()
    end.wait_notice("STATS=conns=1 live=0 ")
    time.sleep(2)  # the wait is what is measured, not a wait for something
    before, lines = switches(end.pid), len(end.notices())
    time.sleep(3)
    assert switches(end.pid) == before and len(end.notices()) == lines


def test_a_plugin_whose_host_has_stopped_reading_sleeps_as_well(stage: Stage) -> None:
    pipe = stage.home / "pipe"
    os.mkfifo(pipe)
    backend, public = stage.target(echo).address, stage.port()
    env = {"SS_LOCAL_HOST": backend[0], "SS_LOCAL_PORT": str(backend[1]), "SS_REMOTE_HOST": "127.0.0.1",
           "SS_REMOTE_PORT": str(public), "SS_PLUGIN_ROLE": "server", "SS_PLUGIN_NOTIFY_FD": "9"}
    process = stage.run("/bin/sh", "-c", f'exec "$0" 9>{pipe}', toy(), env=env)
    with pipe.open() as lines:
        assert lines.readline().startswith("STATUS=") and lines.readline() == "READY=1\n"
    sock = stage.connect(("127.0.0.1", public))
    sock.sendall(GREETING + bytes(byte ^ 90 for byte in b"hello"))
    read_exactly(sock, 5)
    sock.close()
    time.sleep(3)  # the wait is what is measured, not a wait for something
    before = switches(process.pid)
    time.sleep(3)
    assert switches(process.pid) == before


def test_without_a_descriptor_nothing_is_told(stage: Stage) -> None:
    end = End(stage, toy(), "server", stage.target(echo).address, ("127.0.0.1", stage.port()), wait=False,
              SS_PLUGIN_NOTIFY_FD=None)
    stage.wait_listening(end.process, end.listened[1])
    talk(stage, end)
    assert end.process.stop() == 0 and end.notices() == []
