# SPDX-License-Identifier: Apache-2.0
"""A plugin that turns against its host, by plain calls: nothing that it tries reaches anything."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.programs import SANITIZED, ours
from harness.stage import PASSWORD, Stage
from life.hosted import ROLES, Hosted
from life.workshop import Workshop

OWN = range(61184, 65520)

# Each line of its output is an attempt and an errno; 0 is a success.
ATTACK = r'''
import ctypes, os, platform, resource, signal, socket, sys
IOPRIO_SET = {"x86_64": 251}.get(platform.machine(), 30)
libc = ctypes.CDLL(None, use_errno=True)
guardian = int(sys.argv[1])
host = int(open(f"/proc/{guardian}/stat").read().rsplit(")", 1)[1].split()[1])

def say(name, error):
    print("attempt", name, error, flush=True)

def attempt(name, act):
    try:
        act()
    except OSError as error:
        say(name, error.errno)
    else:
        say(name, 0)

def call(name, function, *arguments):
    ctypes.set_errno(0)
    say(name, 0 if getattr(libc, function)(*arguments) != -1 else ctypes.get_errno())

for who, pid in (("host", host), ("guardian", guardian)):
    attempt(f"{who}-prlimit", lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1)))
    attempt(f"{who}-affinity", lambda: os.sched_setaffinity(pid, {0}))
    attempt(f"{who}-scheduler", lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0)))
    attempt(f"{who}-priority", lambda: os.setpriority(os.PRIO_PROCESS, pid, 19))
    attempt(f"{who}-kill", lambda: os.kill(pid, signal.SIGSTOP))
    # A group whose leader is outside of the PID namespace reads as 0, which is the caller's own.
    attempt(f"{who}-group", lambda: os.killpg(os.getpgid(pid) or pid, signal.SIGSTOP))
    call(f"{who}-ioprio", "syscall", IOPRIO_SET, 1, pid, 0)
    call(f"{who}-ptrace", "ptrace", 16, pid, 0, 0)
    call(f"{who}-pidfd", "syscall", 434, pid, 0)
    for file in ("mem", "environ", "maps", "fd/0"):
        attempt(f"{who}-{file}", lambda: open(f"/proc/{pid}/{file}", "rb").read(1))
for path in sys.argv[2:]:
    attempt(f"read {path}", lambda: open(path, "rb").read(1))
for name in ("host.file", "core"):
    attempt("write-beside", lambda: open(f"/proc/{host}/cwd/{name}", "w"))
for kind, protocol in (("tcp", 0), ("mptcp", 262)):
    attempt(f"bind-{kind}", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol).bind(("127.0.0.1", 2)))
    attempt(f"connect-{kind}", lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM, protocol).connect(("127.0.0.1", 9)))
attempt("connect-by-send", lambda: socket.socket().sendto(b"x", 0x20000000, ("127.0.0.1", 9)))
print("cwd", os.getcwd(), os.environ["TMPDIR"], oct(os.stat(os.environ["TMPDIR"]).st_mode & 0o777), flush=True)
print("limits", *(resource.getrlimit(getattr(resource, "RLIMIT_" + name))[1] for name in ("CORE", "NOFILE", "FSIZE", "NPROC")), flush=True)
print("done", flush=True)
'''


@pytest.fixture(autouse=True)
def sandbox() -> None:
    """A build with a leak checker, which traces itself, has none."""
    if SANITIZED:
        pytest.skip("a leak checker cannot run in the sandbox")


@pytest.fixture
def far() -> Iterator[Path]:
    path = Path("/var/lib/hostile-test")
    path.mkdir(exist_ok=True)
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


def attacked(stage: Stage, workshop: Workshop, role: str, read: list[Path], opts: str | None = None,
             **conf: object) -> Hosted:
    workshop.copy()
    workshop.write("attack.py", ATTACK.encode(), 0o644)
    plugin = workshop.script("attacker", f"/usr/bin/python3 -I {workshop.path}/attack.py $PPID {' '.join(map(str, read))}",
                             f"exec {workshop.path}/fakeplugin")
    hosted = Hosted(stage, role, opts, plugin=plugin, **conf)
    hosted.says("done", within=20)
    hosted.ready()
    return hosted


def attempts(hosted: Hosted) -> dict[str, int]:
    words = [text.rsplit(" ", 1) for _, text in hosted.said_by_plugin() if text.startswith("attempt ")]
    return {name.removeprefix("attempt "): int(error) for name, error in words}


def said(hosted: Hosted, word: str) -> list[str]:
    (line,) = [text for _, text in hosted.said_by_plugin() if text.startswith(f"{word} ")]
    return line.split()[1:]


@pytest.mark.parametrize("conf", [{}, {"user": "nobody"}, {"plugin_user": "root"}])
@pytest.mark.parametrize("role", ROLES)
def test_nothing_that_a_plugin_tries_works(stage: Stage, workshop: Workshop, far: Path, root: None, role: str,
                                           conf: dict[str, str]) -> None:
    """Not against its host, of another user or of the same, and not against files and ports."""
    secret = far / "config.json"
    secret.write_text("x")
    hosted = attacked(stage, workshop, role, [secret, Path("/etc/shadow"), Path("/etc/fstab")],
                      plugin_restart="on-failure", **conf)
    tried = attempts(hosted)
    assert len(tried) > 30 and not [name for name, error in tried.items() if error == 0], tried
    cwd, tmp, mode = said(hosted, "cwd")
    assert cwd == tmp != os.getcwd() and mode == "0o700" and Path(tmp).is_dir()
    core, files, size, threads = map(int, said(hosted, "limits"))
    assert core == 0 and 0 < files <= 65536 and size == 1 << 30
    assert conf or threads == 1024
    assert hosted.stop() < 3
    assert not Path(tmp).exists()


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_of_root_has_a_user_of_its_own(stage: Stage, root: None, role: str) -> None:
    one, other = (Hosted(stage, role, "report").ask() for _ in range(2))
    uids = [report.ids("Uid") for report in (one, other)]
    assert all(uid <= set(OWN) and len(uid) == 1 for uid in uids) and uids[0] != uids[1]
    assert one.ids("Gid") == one.ids("Uid") and one.status["Groups"] == ""
    assert {one.capabilities(kind) for kind in ("Inh", "Prm", "Eff", "Amb")} == {0}


@pytest.mark.parametrize("named", ["file", "directory", "neighbour"])
@pytest.mark.parametrize("conf", [{}, {"user": "nobody"}, {"plugin_user": "root"}])
def test_the_configuration_is_never_readable(stage: Stage, workshop: Workshop, far: Path, root: None,
                                             conf: dict[str, str], named: str) -> None:
    """Whatever the options name, and whoever may read it; its neighbours are, as ever."""
    (far / "cert.pem").write_text("certificate")
    here = far / "config.json"
    opts = f"x={ {'file': here, 'directory': f'{far}/', 'neighbour': far / 'cert.pem'}[named] }"
    config = stage.config
    stage.config = lambda **values: here if here.write_text(config(**values).read_text()) else here  # type: ignore
    hosted = attacked(stage, workshop, "server", [here, far / "cert.pem"], opts, **conf)
    tried = attempts(hosted)
    assert PASSWORD in here.read_text() and tried[f"read {here}"] != 0
    assert named == "file" or tried[f"read {far / 'cert.pem'}"] == 0, hosted.process.output()


def test_what_only_root_reads_is_handed_over(stage: Stage, workshop: Workshop, far: Path, root: None) -> None:
    """That file, and no other; one line says how, and what the alternative is."""
    key, other = far / "a" / "key.pem", Path("/etc/shadow")
    key.parent.mkdir(mode=0o700)
    key.write_text("key")
    key.chmod(0o600)
    tried = attempts(hosted := attacked(stage, workshop, "server", [key, other], f"key={key}"))
    assert tried[f"read {key}"] == 0 and tried[f"read {other}"] != 0
    assert hosted.lines("CAP_DAC_READ_SEARCH", "plugin_user")


def test_a_plugin_passes_on_what_it_was_handed(stage: Stage, far: Path, root: None) -> None:
    """It hosts a program where only root may look for one."""
    private = far / "bin"
    private.mkdir(mode=0o700)
    chain, obfs = (shutil.copy(ours(name).path, private) for name in ("chain", "obfs-local"))
    hosted = Hosted(stage, "local", f"1={obfs};1.obfs=http", plugin=Path(chain))
    hosted.says("CAP_DAC_READ_SEARCH")
    hosted.ready()


def test_what_may_be_changed_belongs_to_a_named_user(stage: Stage, far: Path, root: None) -> None:
    log = Hosted(stage, "server", plugin_writable=str(far)).fails()
    assert "plugin_user" in log and str(far) in log
    shutil.chown(far, "nobody")
    Hosted(stage, "server", plugin_writable=str(far), plugin_user="nobody").ready()


# Relays for everybody.


def listener(workshop: Workshop, host: str) -> Path:
    workshop.write("listen.py", f"""
import os, socket, time
s = socket.create_server(({host!r}, int(os.environ["SS_LOCAL_PORT"])))
time.sleep(1000)
""".encode(), 0o644)
    return workshop.script("relay", f"exec /usr/bin/python3 -I {workshop.path}/listen.py")


def test_a_client_plugin_for_everybody_is_refused(stage: Stage, workshop: Workshop) -> None:
    log = Hosted(stage, "local", plugin=listener(workshop, "0.0.0.0"), plugin_restart="on-failure").fails()
    assert "listens beyond loopback" in log and "plugin_exposed" in log


@pytest.mark.parametrize("given", ["file", "option"])
def test_a_client_plugin_for_everybody_can_be_allowed(stage: Stage, workshop: Workshop, given: str) -> None:
    argv = ("--plugin-exposed",) if given == "option" else ()
    hosted = Hosted(stage, "local", None, *argv, plugin=listener(workshop, "0.0.0.0"),
                    **({} if argv else {"plugin_exposed": True}))
    hosted.says("listens beyond loopback", "allows")
    hosted.ready()


def test_a_client_plugin_on_loopback_is_not_named(stage: Stage, workshop: Workshop) -> None:
    hosted = Hosted(stage, "local", plugin=listener(workshop, "127.0.0.1"))
    hosted.ready()
    assert not hosted.lines("beyond loopback")


def test_a_foreign_listener_on_the_same_port_of_another_address_is_not_the_plugin(stage: Stage,
                                                                                  workshop: Workshop) -> None:
    """A look that finds the plugin going on has been at its port since the stop."""
    hosted = Hosted(stage, "local", plugin=listener(workshop, "127.0.0.1"))
    pid = hosted.ready()
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    port = next(int(entry.split(b"=")[1]) for entry in environment if entry.startswith(b"SS_LOCAL_PORT="))
    with socket.socket(socket.AF_INET6) as other:
        other.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        other.bind(("::", port))
        other.listen()
        os.kill(pid, signal.SIGSTOP)
        hosted.says("is stopped")
        os.kill(pid, signal.SIGCONT)
        hosted.says("goes on")
    assert not hosted.lines("beyond loopback")


# Ports.


@pytest.mark.parametrize("given", ["options", "plugin_ports", "any"])
def test_ports_that_are_named_are_open(stage: Stage, workshop: Workshop, root: None, given: str) -> None:
    port = stage.port()
    workshop.copy()
    workshop.write("second.py", f"""
import socket
try:
    socket.create_server(("127.0.0.1", {port}))
    print("opened", flush=True)
except OSError as error:
    print("refused", error.errno, flush=True)
""".encode(), 0o644)
    plugin = workshop.script("second", f"/usr/bin/python3 -I {workshop.path}/second.py",
                             f"exec {workshop.path}/fakeplugin")
    extra = {"options": {"opts": f"x=127.0.0.1:{port}"}, "plugin_ports": {"plugin_ports": str(port)},
             "any": {"plugin_ports": "any"}}[given]
    Hosted(stage, "local", plugin=plugin).says("refused 13")
    Hosted(stage, "local", plugin=plugin, **extra).says("opened")


def test_ports_are_numbers(stage: Stage) -> None:
    assert "plugin_ports" in Hosted(stage, "server", plugin_ports="http").fails()
