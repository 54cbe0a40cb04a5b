# SPDX-License-Identifier: Apache-2.0
"""exec-wrap around tunnels that know nothing of SIP003: kcptun, stunnel and socat."""

from __future__ import annotations

import contextlib
import os
import signal
import ssl
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from harness import procfs
from harness.content import content, read_exactly
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Chain, Parts, Stage
from harness.targets import echo
from mix import carries_everything
from test_v2ray import certificate

HERE = "127.0.0.1"
TUNNELS = ["kcptun", "stunnel", "socat"]


@dataclass(frozen=True)
class Tunnel:
    """The options of both ends."""

    client: str
    server: str


def _kcptun(home: Path) -> Tunnel:
    shared = "--key 'a secret' --crypt aes-128 --mode fast3 --quiet"
    return Tunnel(f"cmd={peer('kcptun-client')} -l %L -r %R {shared}",
                  f"cmd={peer('kcptun-server')} -t %L -l %R {shared};ready=udp")


def _stunnel(home: Path) -> Tunnel:
    """stunnel takes a file only; a shell makes it one on standard input."""
    cert, key = certificate(home)
    program = peer("stunnel4")

    def end(*lines: str) -> str:
        text = "\\\\n".join(["foreground = yes", "pid =", "[ss]", *lines, ""])
        return f"cmd=sh -c 'printf \"{text}\" | exec {program} -fd 0';file={home}"

    return Tunnel(end("client = yes", "accept = %L", "connect = %R", f"CAfile = {cert}",
                      "verifyChain = yes", "checkHost = ex.test"),
                  end("accept = %R", "connect = %L", f"cert = {cert}", f"key = {key}"))


def _socat(home: Path) -> Tunnel:
    program = peer("socat")
    return Tunnel(f"cmd={program} TCP-LISTEN:%lp,bind=%lh,fork,reuseaddr TCP:%R",
                  f"cmd={program} TCP-LISTEN:%rp,bind=%rh,fork,reuseaddr TCP:%L")


def tunnel(stage: Stage, name: str) -> Tunnel:
    return {"kcptun": _kcptun, "stunnel": _stunnel, "socat": _socat}[name](stage.home)


def parts(stage: Stage, name: str) -> Parts:
    made, plugin = tunnel(stage, name), str(ours("exec-wrap"))
    return Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm",
                 plugin, made.client, plugin, made.server)


def wrap(stage: Stage, options: str | None, role: str, local: int, remote: int,
         host: str = HERE) -> Process:
    env = {"SS_LOCAL_HOST": host, "SS_LOCAL_PORT": str(local), "SS_REMOTE_HOST": host,
           "SS_REMOTE_PORT": str(remote), "SS_PLUGIN_ROLE": role, "SS_PLUGIN_OPTIONS": options}
    return stage.run(ours("exec-wrap"), env=env)


def says(process: Process, text: str) -> None:
    def is_said() -> bool:
        assert process.running or text in process.output(), process.output()
        return text in process.output()

    procfs.eventually(is_said, f"{text}:\n{process.output()}", 10 * SLOWER)


def pair(stage: Stage, name: str, host: str = HERE) -> tuple[Process, Process, int]:
    """Both ends on their own in front of an echo; returns where plain bytes go in."""
    made, near, wire = tunnel(stage, name), stage.port(host), stage.port(host)
    server = wrap(stage, made.server, "server", stage.target(echo, host).address[1], wire, host)
    client = wrap(stage, made.client, "client", near, wire, host)
    says(server, "is to listen")  # said when all is ready
    says(client, "is to listen")
    return client, server, near


def carries(stage: Stage, port: int, host: str = HERE) -> None:
    sock = stage.connect((host, port))
    data = content(300000)
    sock.sendall(data[:100000])
    assert read_exactly(sock, 100000) == data[:100000]
    sock.sendall(data[100000:200000])
    assert read_exactly(sock, 100000) == data[100000:200000]


def chain(stage: Stage, made: Parts) -> Chain:
    """The server's end of a tunnel need not listen for TCP: it is ready when it says so."""
    near, public = (HERE, stage.port()), (HERE, stage.port())
    server = stage.ss_server(made, public[1], wait=False, mode="tcp_only")
    says(server, "is to listen")
    local = stage.ss_local(made, public, near[1], mode="tcp_only")
    says(local, "is to listen")
    return Chain(stage, local, server, near, public)


@pytest.mark.parametrize("name", TUNNELS)
def test_under_our_hosts(stage: Stage, name: str) -> None:
    carries_everything(stage, chain(stage, parts(stage, name)))


@pytest.mark.parametrize("name", ["socat", "stunnel"])
def test_under_foreign_hosts(stage: Stage, name: str) -> None:
    """They do not tell the role, and do not wait until a plugin is ready."""
    made = parts(stage, name)
    theirs = replace(made, ss_local=peer("ss-local"), ss_server=peer("ss-server"),
                     client_opts=f"{made.client_opts};client",
                     server_opts=f"server;{made.server_opts}")
    carries_everything(stage, stage.chain(theirs))


@pytest.mark.parametrize("name", TUNNELS)
def test_on_its_own(stage: Stage, name: str) -> None:
    client, server, near = pair(stage, name)
    carries(stage, near)
    for process in (client, server):
        assert process.stop() == 0, process.output()


def test_ipv6(stage: Stage) -> None:
    """In brackets where an address is one word."""
    _, _, near = pair(stage, "kcptun", "::1")
    carries(stage, near, "::1")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
@pytest.mark.parametrize("name", TUNNELS)
def test_nothing_is_left(stage: Stage, name: str, number: signal.Signals) -> None:
    """The stage fails for any process that stays."""
    client, server, near = pair(stage, name)
    carries(stage, near)
    families = [pid for process in (client, server) for pid in procfs.descendants(process.pid)]
    assert len(families) >= 4  # a guardian and a command each
    for process in (client, server):
        status = process.stop(number, 1)
        assert status == (-number if number == signal.SIGKILL else 0)
    procfs.eventually(lambda: not any(map(procfs.alive, families)), "all are gone", 2 * SLOWER)


@pytest.mark.parametrize("name", TUNNELS)
def test_the_death_of_the_command_is_ours(stage: Stage, name: str) -> None:
    client, _, _ = pair(stage, name)
    os.kill(client.plugins()[0], signal.SIGKILL)
    assert client.wait(15 * SLOWER) == 70
    assert "was ended by signal 9" in client.output()


def test_the_host_is_told_of_it(stage: Stage) -> None:
    """ss-local ends as with any plugin that dies."""
    local = chain(stage, parts(stage, "socat")).local
    local.expected_end = True
    os.kill(procfs.programs_below(local.plugins()[0])[0], signal.SIGKILL)
    assert local.wait(15 * SLOWER) == 255
    assert "exec-wrap" in local.output() and "was ended by signal 9" in local.output()


@pytest.mark.parametrize("name", TUNNELS)
def test_a_killed_host_takes_everything_along(stage: Stage, name: str) -> None:
    made = chain(stage, parts(stage, name))
    below = [pid for host in made.hosts for pid in procfs.descendants(host.pid)]
    for host in made.hosts:
        host.kill()
    procfs.eventually(lambda: not any(map(procfs.alive, below)), "all are gone", 2 * SLOWER)


@pytest.mark.parametrize(("hup", "lives"), [("", True), (";hup=ignore", True), (";hup=pass", False)])
def test_sighup_ends_a_command_that_does_not_know_it(stage: Stage, hup: str, lives: bool) -> None:
    """Hence it has to be asked for."""
    near = stage.port()
    process = wrap(stage, tunnel(stage, "socat").client + hup, "client", near,
                   stage.target(echo).address[1])
    says(process, "is to listen")
    os.kill(process.pid, signal.SIGHUP)
    if lives:
        carries(stage, near)
        assert process.stop() == 0
    else:
        assert process.wait(15 * SLOWER) != 0
        assert "socat" in process.output()


def test_sighup_is_passed_on(stage: Stage) -> None:
    """stunnel reads its configuration and its certificate again, and goes on."""
    cert, key = certificate(stage.home)
    wire, config = stage.port(), stage.home / "stunnel.conf"
    backend = stage.target(echo).address[1]
    config.write_text(f"foreground = yes\npid =\n[ss]\naccept = {HERE}:{wire}\n"
                      f"connect = {HERE}:{backend}\ncert = {cert}\nkey = {key}\n")
    process = wrap(stage, f"cmd={peer('stunnel4')} {config};hup=pass", "server", backend, wire)
    says(process, "is to listen")
    trusting = ssl.create_default_context()
    trusting.check_hostname, trusting.verify_mode = False, ssl.CERT_NONE

    def carries_tls() -> None:
        """The process that carries has set up its signals."""
        with trusting.wrap_socket(stage.connect((HERE, wire))) as sock:
            sock.sendall(b"hello")
            assert read_exactly(sock, 5) == b"hello"

    def carries_tls_again() -> bool:
        """It listens anew behind its message: a connection until then may be reset."""
        with contextlib.suppress(OSError, EOFError):
            carries_tls()
            return True
        return False

    carries_tls()
    says(process, "Configuration successful")
    read = process.output().count("Configuration successful")
    os.kill(process.pid, signal.SIGHUP)
    procfs.eventually(lambda: process.output().count("Configuration successful") > read,
                      f"it is read again:\n{process.output()}", 10 * SLOWER)
    procfs.eventually(carries_tls_again, f"it goes on:\n{process.output()}", 10 * SLOWER)
    assert process.stop() == 0


@pytest.mark.parametrize(("options", "what"), [
    (None, "option cmd is missing"),
    ("ready=tcp;start=3", "option cmd is missing"),
    ("cmd", "the command is empty"),
    ("cmd= ", "the command is empty"),
    ("cmd=sleep 60;=x", "SS_PLUGIN_OPTIONS: malformed at byte 13"),
    ("cmd=sleep 60\\", "SS_PLUGIN_OPTIONS: malformed at byte 12"),
    ("cmd=sleep '60;ready=none", "the quote ' at byte 6 has no end"),
    ("cmd=sleep 60\\\\", "the backslash at byte 8 has no character behind it"),
    ("cmd=sleep %p", "unknown placeholder %p at byte 6"),
    ("cmd=sleep %", "unknown placeholder % at byte 6"),
    ("cmd=no-such-program 60", "no-such-program: No such file or directory in PATH"),
    ("cmd=/etc/passwd", "/etc/passwd: Permission denied"),
    ("cmd=sleep 60;ready=soon", 'ready is "soon"'),
    ("cmd=sleep 60;start=0", 'start is "0"'),
    ("cmd=sleep 60;hup", 'hup is ""'),
])
def test_it_is_refused_before_anything_starts(stage: Stage, options: str | None, what: str) -> None:
    near = stage.port()
    process = wrap(stage, options, "client", near, stage.port())
    assert process.wait(15 * SLOWER) == 78
    assert what in process.output()
    assert process.output().count("\n") == 1
    assert not procfs.listening(near)


@pytest.mark.parametrize(("name", "value"), [("SS_LOCAL_HOST", "|"), ("SS_REMOTE_HOST", "|h"),
                                             ("SS_LOCAL_PORT", "0"), ("SS_REMOTE_PORT", "65536")])
def test_an_address_that_is_none(stage: Stage, name: str, value: str) -> None:
    env = {"SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": "1", "SS_REMOTE_HOST": HERE,
           "SS_REMOTE_PORT": "2", "SS_PLUGIN_OPTIONS": "cmd=sleep 60", name: value}
    process = stage.run(ours("exec-wrap"), env=env)
    assert process.wait(15 * SLOWER) == 78
    assert f"{name}" in process.output() and f'"{value}"' in process.output()


def test_a_command_that_never_listens_is_late(stage: Stage) -> None:
    process = wrap(stage, "cmd=sleep 60;start=1", "client", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) == 71
    assert "does not listen on port" in process.output()


def test_a_command_that_does_not_want_to_end_is_killed(stage: Stage) -> None:
    """It would never end by itself."""
    options = "cmd=sh -c 'trap : TERM\\; while :\\; do sleep 60\\; done';ready=none"
    process = wrap(stage, options, "client", stage.port(), stage.port())
    says(process, "is to listen")
    assert process.stop(signal.SIGTERM, 10 * SLOWER) == 0


def test_a_command_that_fails_has_the_last_word(stage: Stage) -> None:
    """The port is taken."""
    taken, made = stage.listener(), tunnel(stage, "socat")
    process = wrap(stage, made.client.replace(",reuseaddr", ""), "client", taken.address[1],
                   stage.port())
    assert process.wait(15 * SLOWER) == 1
    assert "Address already in use" in process.output().splitlines()[-1]


def test_kcptun_says_what_it_does_not_know(stage: Stage) -> None:
    options = f"cmd={peer('kcptun-client')} -l %L -r %R --no-such-option"
    process = wrap(stage, options, "client", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) != 0
    assert "no-such-option" in process.output()
