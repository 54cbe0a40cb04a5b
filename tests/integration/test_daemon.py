# SPDX-License-Identifier: Apache-2.0
"""-f: whoever starts a daemon learns what became of it, and the pid file says the truth."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import procfs
from harness.processes import Process
from harness.programs import SLOWER, ours
from harness.stage import SANDBOX, Stage

PROGRAMS = ["ss-local", "ss-server", "ss-tunnel", "ss-redir", "obfs-server"]
UNSANDBOXED = ["--no-plugin-sandbox"] if SANDBOX else []
CLOSED = 'exec "$0" "$@" <&- >&- 2>&-'


@pytest.fixture(params=PROGRAMS)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def words_of(name: str, port: int) -> list[object]:
    """A command line of that program which listens on port."""
    if name == "obfs-server":
        return ["-s", "127.0.0.1", "-p", port, "-r", "127.0.0.1:1", "--obfs", "http"]
    if name in ("ss-local", "ss-redir"):
        return ["-s", "127.0.0.1", "-p", 9, "-l", port, "-k", "word", *UNSANDBOXED]
    if name == "ss-tunnel":
        return [*words_of("ss-local", port), "-L", "127.0.0.1:9"]
    return ["-s", "127.0.0.1", "-p", port, "-k", "word", *UNSANDBOXED]


def start(stage: Stage, name: str, pid_file: object, *more: object, port: int | None = None) -> Process:
    words = words_of(name, port or stage.port())
    return stage.run(ours(name), *words, "-f", pid_file, *more)


def starts(stage: Stage, name: str, pid_file: Path, *more: object, port: int | None = None) -> int:
    """The pid of a daemon that has started."""
    starter = start(stage, name, pid_file, *more, port=port)
    assert starter.wait(15 * SLOWER) == 0, starter.output()
    assert starter.output() == ""
    return int(pid_file.read_text())


# A /dev of its own, with this socket for the log: mknod(2) is not for every container.
OWN_DEV = """
mount --rbind /dev "$1" && mount -t tmpfs none /dev && touch /dev/log && mount --bind "$2" /dev/log &&
for name in null zero full random urandom; do touch /dev/$name && mount --bind "$1/$name" /dev/$name || exit; done
shift 2 && exec "$@"
"""


class Syslog:
    """The reader of /dev/log, as syslogd and journald are."""

    def __init__(self, home: Path) -> None:
        self._dev, self._path = home / "dev", home / "log"
        self._dev.mkdir()
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        folder = os.open(home, os.O_PATH)
        self._name = f"/proc/self/fd/{folder}/log"  # a path of sun_path is short
        self._sock.bind(self._name)
        self._path.chmod(0o666)

    def words(self) -> list[object]:
        return ["unshare", "--mount", "sh", "-c", OWN_DEV, "sh", self._dev, self._path]

    def line(self) -> str:
        self._sock.settimeout(10 * SLOWER)
        return self._sock.recv(4096).decode()

    def says(self, pattern: str) -> str:
        while not re.fullmatch(pattern, line := self.line()):
            pass
        return line

    def fill(self) -> None:
        """From now on there is no room for a line."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock, contextlib.suppress(BlockingIOError):
            sock.setblocking(False)
            while True:
                sock.sendto(b"-", self._name)

    def close(self) -> None:
        self._sock.close()


@pytest.fixture
def syslog(root: None, stage: Stage) -> Iterator[Syslog]:
    with contextlib.closing(Syslog(stage.home)) as made:
        yield made


def ends(pid: int, number: int = signal.SIGTERM) -> None:
    os.kill(pid, number)
    procfs.eventually(lambda: not procfs.alive(pid), "the daemon ends", 10 * SLOWER)


def fails(starter: Process, reason: str) -> None:
    """The starter has the status of the child, and the reason; a plugin's own words may precede it."""
    assert starter.wait(15 * SLOWER) not in (0, None), starter.output()
    assert reason in starter.output().splitlines()[-1]


def test_the_starter_ends_when_clients_are_served(stage: Stage, name: str) -> None:
    port, pid_file = stage.port(), stage.home / "pid"
    pid = starts(stage, name, pid_file, port=port)
    assert procfs.listening(port)
    assert pid_file.read_bytes() == b"%d" % pid and pid_file.stat().st_mode & 0o777 == 0o644
    assert os.getsid(pid) == pid
    assert {os.readlink(f"/proc/{pid}/fd/{fd}") for fd in range(3)} == {"/dev/null"}
    ends(pid)
    assert not pid_file.exists()


def test_the_starter_waits_for_the_plugin(stage: Stage) -> None:
    port, pid_file = stage.port(), stage.home / "pid"
    pid = starts(stage, "ss-server", pid_file, "--plugin", ours("obfs-server"), "--plugin-opts", "obfs=http",
                 port=port)
    assert procfs.listening(port)
    ends(pid)
    assert not pid_file.exists()


def test_a_daemon_that_goes_on_trying_has_started(stage: Stage) -> None:
    starter = start(stage, "ss-server", "pid", "--plugin", "false", "--plugin-restart", "on-failure")
    assert starter.wait(15 * SLOWER) == 0
    assert "plugin service exit unexpectedly" in starter.output()
    ends(int((stage.home / "pid").read_text()))


REASONS = {
    "no such plugin": (["--plugin", "no-such-plugin"], "no-such-plugin"),
    "options refused": (["--plugin", "obfs", "--plugin-opts", "obfs=ftp"], "is not one of http|tls"),
    "dead plugin": (["--plugin", "false"], "exited with status 1"),
    "no such user": (["-a", "no-such-user"], "user no-such-user: no such user"),
    "acl": (["--acl", "list"], "acl list: No such file or directory"),
}


@pytest.mark.parametrize("case", REASONS)
@pytest.mark.parametrize("name", ["ss-local", "ss-server"])
def test_the_reason_is_told(stage: Stage, name: str, case: str) -> None:
    words, reason = REASONS[case]
    obfs = str(ours("obfs-local" if name == "ss-local" else "obfs-server"))
    fails(start(stage, name, "pid", *[obfs if word == "obfs" else word for word in words]), reason)
    assert not (stage.home / "pid").exists()


def test_an_unreadable_certificate_is_told(stage: Stage) -> None:
    fails(start(stage, "ss-server", "pid", "--plugin", ours("tls-wrap"), "--plugin-opts",
                "cert=/no/such.pem;key=/no/such.key"), "/no/such.")
    assert not (stage.home / "pid").exists()


def test_a_taken_port_is_told(stage: Stage, name: str) -> None:
    fails(start(stage, name, "pid", port=stage.listener().address[1]), "in use")
    assert not (stage.home / "pid").exists()


def test_a_pid_file_that_cannot_be_written_is_told(stage: Stage, name: str) -> None:
    target = stage.home / "target"
    (stage.home / "link").symlink_to(target)
    (stage.home / "config.json").write_text("{}")
    (stage.home / "second").write_text("1")
    os.link(stage.home / "second", stage.home / "first")
    os.mkfifo(stage.home / "fifo")
    for pid_file, reason in [("no/pid", "No such file or directory"), ("link", "a symbolic link"),
                             ("/dev/full", "No space left on device"), (stage.home, "Is a directory"),
                             ("config.json", "the file holds something else"), ("first", "the file has another name"),
                             ("fifo", "not a regular file")]:
        fails(start(stage, name, pid_file), f"pid file {pid_file}: {reason}")
    assert not target.exists()
    assert (stage.home / "config.json").read_text() == "{}" and (stage.home / "second").read_text() == "1"


def test_two_daemons_do_not_share_a_pid_file(stage: Stage, name: str) -> None:
    pid_file = stage.home / "pid"
    pid = starts(stage, name, pid_file)
    fails(start(stage, name, "pid"), f"process {pid} runs with it")
    assert pid_file.read_text() == str(pid)
    ends(pid)


def test_the_pid_file_of_a_dead_process_is_taken_over(stage: Stage, name: str) -> None:
    pid_file = stage.home / "pid"
    first = starts(stage, name, pid_file)
    ends(first, signal.SIGKILL)
    assert pid_file.read_text() == str(first)
    pid_file.write_text("123456789\n")
    second = starts(stage, name, pid_file)
    assert second != first and procfs.alive(second)
    ends(second)
    assert not pid_file.exists()


def test_the_file_of_another_daemon_is_not_removed(stage: Stage, name: str) -> None:
    pid_file = stage.home / "pid"
    first = starts(stage, name, pid_file)
    pid_file.rename(stage.home / "old")
    second = starts(stage, name, pid_file)
    ends(first)
    assert pid_file.read_text() == str(second)
    ends(second)


def test_no_daemon_is_left_when_the_starter_was_killed(stage: Stage) -> None:
    """Its plugin listens only when the starter is gone."""
    mark, pid_file = stage.home / "go", stage.home / "pid"
    starter = start(stage, "ss-server", pid_file, "--no-plugin-sandbox", "--plugin", stage.fake_plugin(),
                    "--plugin-opts", f"server;wait-for={mark}")
    procfs.eventually(lambda: pid_file.exists() and pid_file.read_text(), "the child runs", 10 * SLOWER)
    pid = int(pid_file.read_text())
    starter.kill()
    mark.touch()
    procfs.eventually(lambda: not procfs.alive(pid), "the daemon ends", 20 * SLOWER)
    assert not pid_file.exists()


@pytest.mark.parametrize("name", [*PROGRAMS, "obfs-local"])
def test_without_descriptors_0_to_2_the_log_goes_nowhere(stage: Stage, name: str) -> None:
    """Not into the first file that the program opens, which may be the pipe of its loop."""
    port = stage.port()
    words = words_of(name, port) if name != "obfs-local" else [
        "-s", "127.0.0.1", "-p", 9, "-l", port, "--obfs", "http"]
    process = stage.run("/bin/sh", "-c", CLOSED, ours(name), *words)
    procfs.eventually(lambda: procfs.listening(port), "it listens", 10 * SLOWER)
    for fd in range(3):
        assert os.readlink(f"/proc/{process.pid}/fd/{fd}") == "/dev/null"
    with contextlib.suppress(ConnectionError):  # a tunnel whose server refuses may be faster
        stage.connect(("127.0.0.1", port)).sendall(b"\0")
    assert process.stop() == 0


@pytest.mark.parametrize("name", ["ss-local", "ss-server"])
def test_the_limit_of_open_files_is_set(stage: Stage, name: str) -> None:
    """Also one below the usual."""
    for limit in (200, 2048):
        port = stage.port()
        process = stage.run(ours(name), *words_of(name, port), "-n", limit)
        stage.wait_listening(process, port)
        (line,) = [line for line in Path(f"/proc/{process.pid}/limits").read_text().splitlines()
                   if line.startswith("Max open files")]
        assert line.split()[3:5] == [str(limit), str(limit)]
        assert process.stop() == 0


@pytest.mark.parametrize("name", ["ss-server", "obfs-server"])
def test_a_daemon_logs_to_syslog(stage: Stage, syslog: Syslog, name: str) -> None:
    """As the facility daemon, with the level, the time, the name and the process."""
    pid_file = stage.home / "pid"
    starter = stage.run(*syslog.words(), ours(name), *words_of(name, stage.port()), "-f", pid_file)
    assert starter.wait(15 * SLOWER) == 0, starter.output()
    pid = int(pid_file.read_text())
    stamp = r"[A-Z][a-z]{2} [ 123]\d \d\d:\d\d:\d\d"
    syslog.says(rf"<30>{stamp} {name}\[{pid}\]: .*listening at .*")
    ends(pid)


def test_an_error_of_a_daemon_goes_to_syslog_too(stage: Stage, syslog: Syslog) -> None:
    port = stage.listener().address[1]
    starter = stage.run(*syslog.words(), ours("ss-server"), *words_of("ss-server", port), "-f", stage.home / "pid")
    fails(starter, "in use")
    syslog.says(r"<27>.* ss-server\[\d+\]: .*in use.*")


def test_a_reader_of_syslog_that_stands_still_holds_up_no_daemon(stage: Stage, syslog: Syslog) -> None:
    """Its lines are counted, and the number is told once there is room."""
    port, pid_file = stage.port(), stage.home / "pid"
    starter = stage.run(*syslog.words(), ours("ss-local"), *words_of("ss-local", port), "-f", pid_file)
    assert starter.wait(15 * SLOWER) == 0, starter.output()
    pid = int(pid_file.read_text())
    syslog.fill()
    for _ in range(2):  # answers show that the line before them is lost by now
        os.kill(pid, signal.SIGUSR1)
        with stage.connect(("127.0.0.1", port)) as sock:
            sock.sendall(b"\5\1\0")
            assert sock.recv(2) == b"\5\0"
    syslog.says("-")
    os.kill(pid, signal.SIGUSR1)
    syslog.says(r"<30>.*: \d+ log lines dropped")
    ends(pid)


def test_a_log_that_may_not_grow_costs_lines_only(stage: Stage) -> None:
    """`ulimit -f` ends a program by SIGXFSZ that does not ignore it."""
    port = stage.port()
    process = stage.run("sh", "-c", 'ulimit -f 0; exec "$0" "$@" >log 2>&1', ours("ss-server"),
                        *words_of("ss-server", port))
    stage.wait_listening(process, port)
    assert process.stop() == 0
    assert not (stage.home / "log").read_text()
