# SPDX-License-Identifier: Apache-2.0
"""The control socket of programs made with ssp_main(): what it says, and whose file it is.

Sockets are in the home of the stage, where the programs run, and are named relative to it: a path
there may be longer than the address of a socket.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pwd
import signal
import socket
import stat
import tempfile
import time
from pathlib import Path

import pytest
from harness import procfs
from harness.content import read_exactly
from harness.plugin import GREETING, End, toy
from harness.programs import SANITIZED, SLOWER, ours
from harness.stage import Parts, Stage
from harness.targets import echo

NAME = "control.sock"
CONFIG, UNAVAIL = 78, 69
LOCK_PATIENCE = 0.9  # seconds that a plugin waits for the lock, nearly


def start(stage: Stage, path: object = NAME, options: str = "", wait: bool = True) -> End:
    """A server whose backend echoes."""
    return End(stage, toy(), "server", stage.target(echo).address, ("127.0.0.1", stage.port()),
               f"control={path}{options}", wait=wait)


def reach(directory: Path, name: str) -> socket.socket:
    """Connected to the socket of that name."""
    where = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        sock = socket.socket(socket.AF_UNIX)
        sock.connect(f"/proc/self/fd/{where}/{name}")  # waits where many others do
        sock.settimeout(10 * SLOWER)
        return sock
    finally:
        os.close(where)


def listen(stage: Stage, name: str, kind: int = socket.SOCK_STREAM) -> socket.socket:
    """Somebody else's socket."""
    where = os.open(stage.home, os.O_PATH | os.O_DIRECTORY)
    try:
        sock = stage.keep(socket.socket(socket.AF_UNIX, kind))
        sock.bind(f"/proc/self/fd/{where}/{name}")
        if kind == socket.SOCK_STREAM:
            sock.listen(1)
        return sock
    finally:
        os.close(where)


def ask(stage: Stage, name: str = NAME) -> list[str]:
    answer = b""
    with reach(stage.home, name) as sock:
        while part := sock.recv(4096):
            answer += part
    return answer.decode().splitlines()


def stats(line: str) -> dict[str, int]:
    pairs = (item.split("=") for item in line.removeprefix("STATS=").split())
    return {key: int(value) for key, value in pairs}


def identity(path: Path) -> tuple[int, int, int]:
    found = path.lstat()
    return found.st_ino, found.st_mode, found.st_size


def talk(stage: Stage, end: End) -> socket.socket:
    sock = stage.connect(end.listened)
    sock.sendall(GREETING + bytes(byte ^ 90 for byte in b"hello"))
    read_exactly(sock, 5)
    return sock


# Its words.


def test_it_says_what_a_host_hears(stage: Stage) -> None:
    end = start(stage)
    talk(stage, end)
    end.wait_notice("STATS=conns=1 live=1 ")
    notices = end.notices()
    assert ask(stage) == [*notices[:2], notices[-1]]
    assert [line.split("=")[0] for line in notices[:2]] == ["STATUS", "READY"]


def test_the_counters_are_those_of_the_moment(stage: Stage) -> None:
    end = start(stage)
    for live in range(3):
        assert stats(ask(stage)[-1]) == {"conns": live, "live": live, "up": 5 * live, "down": 5 * live,
                                         "foreign": 0, "fail": 0,
                                         "wire-up": (len(GREETING) + 5) * live, "wire-down": 5 * live}
        talk(stage, end)


def test_it_works_without_a_host(stage: Stage) -> None:
    public = stage.port()
    process = stage.run(toy(), "--server", "-l", f"127.0.0.1:{public}", "-r", "127.0.0.1:9", "--control", NAME)
    stage.wait_listening(process, public)
    procfs.eventually((stage.home / NAME).is_socket, "the socket is there", 10 * SLOWER)
    assert ask(stage)[1] == "READY=1"


def test_only_its_user_may_connect(stage: Stage) -> None:
    start(stage)
    found = (stage.home / NAME).stat()
    assert stat.S_IMODE(found.st_mode) == 0o600 and found.st_uid == os.geteuid()


def test_a_question_does_not_spoil_the_answer(stage: Stage) -> None:
    """Bytes that nobody has read would turn the end into a reset."""
    end = start(stage)
    end.signal(signal.SIGSTOP)
    with reach(stage.home, NAME) as sock:
        sock.sendall(b"stats\n")
        end.signal(signal.SIGCONT)
        answer = b""
        while part := sock.recv(4096):
            answer += part
    assert answer.splitlines()[1] == b"READY=1"


def test_clients_that_do_not_read_or_leave_at_once_cost_nothing(stage: Stage) -> None:
    end = start(stage)
    before = len(os.listdir(f"/proc/{end.pid}/fd"))
    silent = [stage.keep(reach(stage.home, NAME)) for _ in range(200)]
    for _ in range(200):
        reach(stage.home, NAME).close()
    talk(stage, end).close()
    assert ask(stage)[1] == "READY=1"
    end.wait_notice("STATS=conns=1 live=0 ")
    assert len(os.listdir(f"/proc/{end.pid}/fd")) == before
    assert {sock.recv(7) for sock in silent} == {b"STATUS="}


def test_a_draining_plugin_is_not_ready_and_still_counts(stage: Stage) -> None:
    end = start(stage, options=";drain=600")
    sock = talk(stage, end)
    end.signal(signal.SIGTERM)
    end.wait_output("live connections have 600 s")
    (line,) = ask(stage)
    assert stats(line)["live"] == 1
    sock.close()
    assert end.process.wait(15 * SLOWER) == 0
    assert not (stage.home / NAME).exists()


# Whose file it is.


def test_the_file_is_gone_at_the_end(stage: Stage) -> None:
    end = start(stage)
    assert (stage.home / NAME).is_socket()
    assert end.process.stop() == 0
    assert not (stage.home / NAME).exists()


def test_the_socket_of_a_dead_process_is_replaced(stage: Stage) -> None:
    end = start(stage)
    end.process.kill()
    with pytest.raises(ConnectionRefusedError):
        reach(stage.home, NAME)
    start(stage)
    assert ask(stage)[1] == "READY=1"


def refused(stage: Stage, path: object = NAME, status: int = UNAVAIL) -> str:
    end = start(stage, path, wait=False)
    assert end.process.wait(15 * SLOWER) == status, end.process.output()
    assert end.notices() == [], "it was never ready"
    (line,) = end.process.output().splitlines()
    assert line.startswith(f'toy: option control: "{str(path)[:100]}')
    return line.rsplit('": ')[-1]


def test_the_socket_of_a_live_process_is_left_alone(stage: Stage) -> None:
    first = start(stage)
    before = identity(stage.home / NAME)
    assert refused(stage) == "another process listens on it"
    assert identity(stage.home / NAME) == before and ask(stage)[1] == "READY=1"
    first.signal(signal.SIGSTOP)  # one that does not accept lives, too
    full = [stage.keep(reach(stage.home, NAME)) for _ in range(4)]
    assert refused(stage) == "another process listens on it"
    first.signal(signal.SIGCONT)
    assert {sock.recv(7) for sock in full} == {b"STATUS="}


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM, socket.SOCK_SEQPACKET])
def test_a_socket_of_others_is_left_alone(stage: Stage, kind: int) -> None:
    sock = listen(stage, NAME, kind)
    if kind == socket.SOCK_SEQPACKET:
        sock.listen(1)
    before = identity(stage.home / NAME)
    assert refused(stage) in ("another process listens on it", os.strerror(errno.EPROTOTYPE))
    assert identity(stage.home / NAME) == before


@pytest.mark.parametrize("kind", ["file", "directory", "pipe", "link", "dangling link", "link to a dead socket"])
def test_what_is_no_socket_is_left_alone(stage: Stage, kind: str) -> None:
    path, dead = stage.home / NAME, stage.home / "dead"
    listen(stage, dead.name).close()
    {"file": lambda: path.write_text("precious"), "directory": path.mkdir, "pipe": lambda: os.mkfifo(path),
     "link": lambda: path.symlink_to("/etc/passwd"), "dangling link": lambda: path.symlink_to("nowhere"),
     "link to a dead socket": lambda: path.symlink_to(dead)}[kind]()
    before = identity(path)
    assert refused(stage) == "the file exists and is not a socket"
    assert identity(path) == before and dead.is_socket()


@pytest.mark.parametrize("path", ["", "x" * 108, "x" * 5000], ids=["empty", "108", "5000"])
def test_a_path_that_no_socket_can_have_is_a_wrong_option(stage: Stage, path: str) -> None:
    assert refused(stage, path, CONFIG) == "the path of a socket has 1 to 107 bytes"
    check = stage.run(toy(), "--check", "-s", "127.0.0.1", "-p", "1", "-l", "1", "--control", path)
    assert check.wait(15 * SLOWER) == CONFIG


def test_the_longest_path_works(stage: Stage) -> None:
    start(stage, f"{'./' * 47}control.sock1")
    assert ask(stage, "control.sock1")[1] == "READY=1"


@pytest.mark.parametrize(("path", "error"), [
    ("nowhere/control.sock", errno.ENOENT), ("plain-file/control.sock", errno.ENOTDIR),
    ("/proc/control.sock", None)])
def test_a_directory_that_takes_no_socket_is_named(stage: Stage, path: str, error: int | None) -> None:
    (stage.home / "plain-file").touch()
    reason = refused(stage, path)
    assert error is None or reason == os.strerror(error)


def test_a_file_that_has_taken_its_place_stays(stage: Stage) -> None:
    end = start(stage)
    (stage.home / NAME).unlink()
    (stage.home / NAME).write_text("somebody else's")
    assert end.process.stop() == 0
    assert (stage.home / NAME).read_text() == "somebody else's"


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_start_at_once_one_gets_the_path(stage: Stage, stale: bool) -> None:
    """As the plugins of one host do, with the same options."""
    for turn in range(3):
        name = f"{turn}.sock"
        if stale:
            listen(stage, name).close()
        ends = [start(stage, name, wait=False) for _ in range(8)]

        def settled(ends: list[End] = ends) -> bool:
            return sum(end.process.running for end in ends) == 1 and \
                any("READY=1" in end.notices() for end in ends)

        procfs.eventually(settled, "one is left", 20 * SLOWER)
        assert ask(stage, name)[1] == "READY=1"
        for end in ends:
            if end.process.running:
                assert end.process.stop() == 0
            else:
                assert end.process.wait(0) == UNAVAIL
                assert "another process listens on it" in end.process.output()


def test_a_socket_that_is_about_to_listen_is_not_taken_for_a_dead_one(stage: Stage) -> None:
    """Its owner holds the lock, for which the plugin waits a second; who tests it may be too late."""
    for turn in range(20):
        where, name = os.open(stage.home, os.O_RDONLY | os.O_DIRECTORY), f"{turn}.sock"
        fcntl.flock(where, fcntl.LOCK_EX)
        begun = time.monotonic()
        sock = stage.keep(socket.socket(socket.AF_UNIX))
        sock.bind(f"/proc/self/fd/{where}/{name}")
        end = start(stage, name, wait=False)
        stage.wait_listening(end.process, end.listened[1])
        sock.listen(1)
        late = time.monotonic() - begun > LOCK_PATIENCE
        os.close(where)
        if late:
            end.process.kill()
            continue
        assert end.process.wait(15 * SLOWER) == UNAVAIL
        assert "another process listens on it" in end.process.output()
        return
    pytest.skip("this machine is too busy")


def test_a_directory_that_others_have_locked_keeps_nobody_from_starting(stage: Stage) -> None:
    where = os.open(stage.home, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(where, fcntl.LOCK_EX)
        start(stage)
    finally:
        os.close(where)
    assert ask(stage)[1] == "READY=1"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes others")
def test_the_socket_belongs_to_the_user_that_the_plugin_becomes(stage: Stage) -> None:
    nobody = pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory(dir="/tmp") as directory:
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
        end = start(stage, f"{directory}/{NAME}", ";a=nobody")
        assert Path(directory, NAME).stat().st_uid == nobody.pw_uid
        assert end.process.stop() == 0
        assert not os.listdir(directory)


# Under our hosts.


@pytest.mark.skipif(SANITIZED, reason="a leak checker traces its own process, which a sandbox forbids")
@pytest.mark.parametrize("inside", [True, False])
def test_the_sandbox_of_a_host_allows_what_may_be_written(stage: Stage, inside: bool) -> None:
    """Elsewhere the plugin cannot make it: the host says why it has ended."""
    temporary = stage.home / "tmp"
    temporary.mkdir()
    parts = Parts(ours("ss-local"), ours("ss-server"), server_plugin=str(ours("obfs-server")),
                  server_opts=f"obfs=http;control={'tmp' if inside else '.'}/{NAME}")
    config = stage.config(server="127.0.0.1", server_port=stage.port(), password="x", method=parts.method,
                          plugin=parts.server_plugin, plugin_opts=parts.server_opts,
                          plugin_user=pwd.getpwuid(os.getuid()).pw_name, plugin_writable=str(temporary))
    server = stage.run(parts.ss_server, "-c", config)
    path = temporary / NAME if inside else stage.home / NAME
    procfs.eventually(lambda: path.is_socket() or not server.running, "it is decided", 10 * SLOWER)
    if "cannot restrict files" in server.output():
        pytest.skip("this kernel has no Landlock")
    if inside:
        assert ask(stage, f"tmp/{NAME}")[1] == "READY=1"
    else:
        assert server.wait(20 * SLOWER) == 255
        assert f'"./{NAME}": Permission denied' in server.output()
