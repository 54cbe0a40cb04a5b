# SPDX-License-Identifier: Apache-2.0
"""pt-wrap over a transport that disguises nothing: what it is told, and every way it can fail."""

from __future__ import annotations

import json
import os
import signal
import struct
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import procfs
from harness.content import End as Ending
from harness.content import content, hash_exactly, read_exactly, read_to_end, sha256
from harness.plugin import End
from harness.programs import SLOWER, ours
from harness.socks import Address
from harness.stage import Stage
from harness.targets import echo

FAKE = Path(__file__).resolve().parents[1] / "fakept" / "fakept.py"
CONFIG, BUG, OS, UNAVAIL, USAGE = 78, 70, 71, 69, 64
MIB = 1 << 20


class Wrap:
    """One end, with the fake transport; told() is what that has written down."""

    def __init__(self, stage: Stage, role: str, local: Address, remote: Address, more: str = "",
                 conduct: str = "good", wait: bool = True, **env: str | None) -> None:
        self.stage = stage
        number = len(list(stage.home.iterdir()))
        self.file, self.state = stage.home / f"told-{number}", stage.home / f"state-{number}"
        exec_line = f"{sys.executable} -B '{FAKE}' {conduct} {self.file}"
        options = f"transport=fake;exec={exec_line};state={self.state};{more}"
        self.end = End(stage, ours("pt-wrap"), role, local, remote, options, wait=wait, **env)

    def told(self) -> list[dict[str, Any]]:
        text = self.file.read_text() if self.file.exists() else ""
        return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]

    def fact(self, key: str) -> Any:
        procfs.eventually(lambda: any(key in told for told in self.told()), f"{key}: {self.output()}")
        return next(told for told in self.told() if key in told)

    def output(self) -> str:
        return self.end.process.output()

    def fails(self, status: int, words: str, within: float = 10) -> None:
        assert self.end.process.wait(within * SLOWER) == status, self.output()
        assert words in self.output()
        assert "READY=1" not in self.end.notices()


def client(stage: Stage, more: str = "", conduct: str = "good", remote: Address | None = None,
           wait: bool = True, **env: str | None) -> Wrap:
    remote = remote or stage.target(echo).address
    return Wrap(stage, "client", ("127.0.0.1", stage.port()), remote, more, conduct, wait, **env)


def server(stage: Stage, more: str = "", conduct: str = "good", local: Address | None = None,
           wait: bool = True, **env: str | None) -> Wrap:
    local = local or stage.target(echo).address
    return Wrap(stage, "server", local, ("127.0.0.1", stage.port()), more, conduct, wait, **env)


def echoes(stage: Stage, address: Address, text: bytes = b"hello") -> None:
    sock = stage.connect(address)
    sock.sendall(text)
    assert read_exactly(sock, len(text)) == text
    sock.close()


# News for the transport.


def test_a_client_is_told_what_the_protocol_says(stage: Stage) -> None:
    wrap = client(stage, "proxy=socks5://127.0.0.1:1;bind-v4=127.0.0.1;bind-v6=::1",
                  TOR_PT_ORPORT="127.0.0.1:1", TOR_PT_SERVER_TRANSPORTS="evil")
    told = wrap.fact("environment")["environment"]
    assert told == {"TOR_PT_MANAGED_TRANSPORT_VER": "1", "TOR_PT_EXIT_ON_STDIN_CLOSE": "1",
                    "TOR_PT_STATE_LOCATION": str(wrap.state), "TOR_PT_CLIENT_TRANSPORTS": "fake",
                    "TOR_PT_PROXY": "socks5://127.0.0.1:1",
                    "TOR_PT_OUTBOUND_BIND_ADDRESS_V4": "127.0.0.1",
                    "TOR_PT_OUTBOUND_BIND_ADDRESS_V6": "[::1]"}
    assert wrap.state.stat().st_mode & 0o777 == 0o700


def test_a_server_is_told_what_the_protocol_says(stage: Stage) -> None:
    local = stage.target(echo).address
    wrap = server(stage, "iat-mode=1;od\\=d=a:b\\;c\\\\d=e", local=local)
    told = wrap.fact("environment")["environment"]
    host, port = wrap.end.listened
    assert told == {"TOR_PT_MANAGED_TRANSPORT_VER": "1", "TOR_PT_EXIT_ON_STDIN_CLOSE": "1",
                    "TOR_PT_STATE_LOCATION": str(wrap.state), "TOR_PT_SERVER_TRANSPORTS": "fake",
                    "TOR_PT_SERVER_BINDADDR": f"fake-{host}:{port}",
                    "TOR_PT_ORPORT": f"127.0.0.1:{local[1]}", "TOR_PT_EXTENDED_SERVER_PORT": "",
                    "TOR_PT_SERVER_TRANSPORT_OPTIONS":
                        "fake:iat-mode=1;fake:od\\=d=a\\:b\\;c\\\\d=e"}
    echoes(stage, wrap.end.listened)


@pytest.mark.parametrize(("hosts", "bound"), [("::1", "[::1]"), ("[::1]", "[::1]"),
                                              ("::|0.0.0.0", "[::]"), ("localhost", None)])
def test_a_server_binds_what_its_host_says(stage: Stage, hosts: str, bound: str | None) -> None:
    port = stage.port("::1")
    wrap = Wrap(stage, "server", stage.target(echo).address, (hosts, port))
    told = wrap.fact("environment")["environment"]["TOR_PT_SERVER_BINDADDR"]
    assert told in ([f"fake-{bound}:{port}"] if bound
                    else [f"fake-127.0.0.1:{port}", f"fake-[::1]:{port}"])


def test_a_server_tells_its_clients_options_and_no_log(stage: Stage) -> None:
    wrap = server(stage)
    expected = "transport=fake;key=a,b\\\\c\\;d;other=se\\=cret"
    assert wrap.end.wait_notice("CLIENT-OPTIONS=") == f"CLIENT-OPTIONS={expected}"
    file = wrap.state / "client-options"
    assert file.read_text() == expected
    assert file.stat().st_mode & 0o777 == 0o600
    assert str(file) in wrap.output()
    assert "ARGS:(not logged)" in wrap.output()
    assert "cret" not in wrap.output()


def test_a_long_line_is_no_less_secret(stage: Stage) -> None:
    """It comes in pieces, of which the first one alone is known by its words."""
    wrap = server(stage, conduct="long-args", wait=False)
    wrap.fails(CONFIG, "listens on port 9")
    assert "more of a long line, not logged" in wrap.output()
    assert "sesame" not in wrap.output()


# The way through.


@pytest.mark.parametrize("conduct", ["good", "named", "socks4"])
@pytest.mark.parametrize("more", ["", "key=va=l\\;ue;flag", f"long={'x' * 300}"])
def test_a_client_connects_step_by_step(stage: Stage, conduct: str, more: str) -> None:
    wrap = client(stage, more, conduct)
    sock = stage.connect(wrap.end.listened)
    data = content(MIB, 3)
    sock.sendall(data[:10])
    assert read_exactly(sock, 10) == data[:10]
    for at in range(0, MIB, MIB // 8):
        sock.sendall(data[at : at + MIB // 8])
        assert hash_exactly(sock, MIB // 8) == sha256(data[at : at + MIB // 8])
    asked = wrap.fact("user" if conduct == "socks4" else "methods")
    args = {"": "", "key": "key=va\\=l\\;ue;flag=1"}.get(more[:3], more)
    if conduct == "socks4":
        assert asked["user"] == args
    else:
        assert asked["methods"] == ([2] if args else [0])
        assert asked["user"] == args[:255]
        assert asked["password"] == (args[255:] or "\0" if args else "")
    assert not any("pipelined" in told for told in wrap.told())


@pytest.mark.parametrize(("host", "kind"), [("localhost", 3), ("::1", 4), ("127.0.0.1", 1)])
def test_the_server_is_asked_for_as_it_was_given(stage: Stage, host: str, kind: int) -> None:
    address = stage.target(echo, "::1" if kind == 4 else "127.0.0.1").address
    wrap = client(stage, remote=(host, address[1]))
    echoes(stage, wrap.end.listened)
    assert (wrap.fact("kind")["kind"], wrap.fact("kind")["host"]) == (kind, host)


def test_of_several_servers_the_next_follows_one_that_fails(stage: Stage) -> None:
    port = stage.target(echo).address[1]
    wrap = client(stage, remote=("127.0.0.2|127.0.0.1", port))
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_to_end(sock)[0] == b""
    for _ in range(3):
        echoes(stage, wrap.end.listened)


def test_a_bridge_line_is_enough(stage: Stage) -> None:
    fingerprint = "0123456789ABCDEF0123456789abcdef01234567"
    line = f"Bridge fake 192.0.2.1:443 {fingerprint} key=one mode=2"
    wrap = client(stage, f"bridge={line};mode=3")
    echoes(stage, wrap.end.listened)
    assert wrap.fact("user")["user"] == "key=one;mode=3"
    assert "another address" in wrap.output()


@pytest.mark.parametrize(("conduct", "words"), [
    ("refuse-args", "refuses its arguments"), ("unreachable", "host unreachable"),
    ("refuse", "connection refused")])
def test_a_refusal_reaches_the_user_and_the_log(stage: Stage, conduct: str, words: str) -> None:
    wrap = client(stage, "key=value", conduct)
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_to_end(sock) == (b"", Ending.RST)
    procfs.eventually(lambda: words in wrap.output(), words)
    assert "value" not in wrap.output()


def test_a_handshake_has_a_deadline(stage: Stage) -> None:
    wrap = client(stage, "socks-timeout=1", "hang")
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_to_end(sock) == (b"", Ending.RST)
    procfs.eventually(lambda: "handshake: timed out" in wrap.output(), "the log says so")


def test_a_server_that_says_nothing_is_left_for_the_next_one(stage: Stage) -> None:
    """Though the transport has said at once that the connection stands."""
    host, port = stage.target(echo).address
    wrap = client(stage, "socks-timeout=1", "mute", remote=(f"127.0.0.2|{host}", port))
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_to_end(sock) == (b"", Ending.RST)
    procfs.eventually(lambda: "handshake: timed out" in wrap.output(), "the log says so")
    echoes(stage, wrap.end.listened)
    assert [told["host"] for told in wrap.told() if "host" in told] == ["127.0.0.2", host]


def test_connect_and_close_dials_nothing(stage: Stage) -> None:
    wrap = client(stage)
    stage.connect(wrap.end.listened).close()
    echoes(stage, wrap.end.listened)
    assert sum("kind" in told for told in wrap.told()) == 1


# ext-orport.


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_client_address_reaches_log_and_host(stage: Stage, host: str) -> None:
    local, port = stage.target(echo).address, stage.port(host)
    wrap = Wrap(stage, "server", local, (host, port), "ext-orport;proxy-protocol;v")
    sock = stage.connect((host, port))
    sock.sendall(b"hello")
    size = 4 if host == "127.0.0.1" else 16
    header = read_exactly(sock, 16)
    assert header[:12] == b"\r\n\r\n\0\r\nQUIT\n"
    assert header[12:] == bytes((0x21, 0x11 if size == 4 else 0x21, 0, 2 * size + 4))
    ends = read_exactly(sock, 2 * size + 4)
    assert struct.unpack("!HH", ends[-4:]) == (sock.getsockname()[1], port)
    assert ends[:size] == ends[size : 2 * size]
    assert read_exactly(sock, 5) == b"hello"
    shown = f"{host}:{sock.getsockname()[1]}" if size == 4 else f"[{host}]:{sock.getsockname()[1]}"
    procfs.eventually(lambda: f"a client at {shown}" in wrap.output(), "the log has it")
    told = wrap.fact("environment")["environment"]
    cookie = Path(told["TOR_PT_AUTH_COOKIE_FILE"])
    assert cookie.stat().st_mode & 0o777 == 0o600
    assert wrap.end.process.stop() == 0
    assert not cookie.exists()


def test_without_v_no_client_is_logged(stage: Stage) -> None:
    wrap = server(stage, "ext-orport")
    echoes(stage, wrap.end.listened)
    assert wrap.fact("known")["known"] == 1
    assert "a client at" not in wrap.output()


def test_who_does_not_know_the_cookie_is_refused(stage: Stage) -> None:
    wrap = server(stage, "ext-orport", "wrong-proof")
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_to_end(sock)[0] == b""
    assert wrap.fact("known")["known"] == 0
    procfs.eventually(lambda: "does not know the cookie" in wrap.output(), "the log says so")


@pytest.mark.parametrize("end", [client, server])
def test_a_transport_that_never_stops_talking_works(stage: Stage, end: Any) -> None:
    """Its words to the point are found in the noise, before and while it serves."""
    wrap = end(stage, conduct="flood")
    for _ in range(3):
        echoes(stage, wrap.end.listened, content(100000))
    assert wrap.end.process.stop(within=5 * SLOWER) == 0


# How it fails.

BOTH = [
    ("version-error", CONFIG, "VERSION-ERROR no-version"),
    ("env-error", CONFIG, "ENV-ERROR no state for today"),
    ("other-version", CONFIG, "which is not supported"),
    ("method-error", CONFIG, "METHOD-ERROR the stars are wrong"),
    ("in-use", UNAVAIL, "address already in use"),
    ("nothing-done", CONFIG, "has no transport fake"),
    ("bad-method", CONFIG, "but "),
    ("other-role", CONFIG, "the other role's"),
    ("no-version", CONFIG, "out of order"),
    ("exit", CONFIG, "ended and has not offered fake"),
    ("crash", BUG, "ended and has not offered fake"),
]


@pytest.mark.parametrize(("conduct", "status", "words"), BOTH, ids=[row[0] for row in BOTH])
@pytest.mark.parametrize("end", [client, server])
def test_what_the_transport_says_is_the_reason(stage: Stage, end: Any, conduct: str, status: int,
                                               words: str) -> None:
    end(stage, conduct=conduct, wait=False).fails(status, words)


@pytest.mark.parametrize(("conduct", "words"), [
    ("proxy-error", "PROXY-ERROR no such proxy"), ("proxy-ignored", "would bypass the proxy")])
def test_a_proxy_is_used_or_nothing_is(stage: Stage, conduct: str, words: str) -> None:
    client(stage, "proxy=socks5://127.0.0.1:1", conduct, wait=False).fails(CONFIG, words)


def test_another_transport_is_not_ours(stage: Stage) -> None:
    client(stage, conduct="other-name", wait=False).fails(CONFIG, "has no transport fake")


@pytest.mark.parametrize(("conduct", "words"), [
    ("bad-args", "ARGS are malformed"), ("other-port", "listens on port 9")])
def test_a_server_method_is_checked(stage: Stage, conduct: str, words: str) -> None:
    server(stage, conduct=conduct, wait=False).fails(CONFIG, words)


@pytest.mark.parametrize("conduct", ["silent", "garbage", "too-long"])
@pytest.mark.parametrize("end", [client, server])
def test_nothing_to_the_point_has_an_end(stage: Stage, end: Any, conduct: str) -> None:
    end(stage, "start=1", conduct, wait=False).fails(CONFIG, "was not ready within 1 s")


@pytest.mark.parametrize(("role", "options", "words"), [
    ("client", "", "transport is missing"),
    ("client", "transport=a b", "not the name of a transport"),
    ("client", "transport=unheard", "exec is missing"),
    ("client", "transport=x;exec=/nonexistent/pt", "No such file"),
    ("client", "transport=x;exec='open", "has no end"),
    ("client", "transport=x;exec=", "has no value"),
    ("client", "transport=obfs4;exec=/bin/true", "needs cert and iat-mode"),
    ("client", "transport=obfs4;exec=/bin/true;cert=short;iat-mode=0", "has 5 characters"),
    ("client", f"transport=obfs4;exec=/bin/true;cert={'x' * 70};iat-mode=3", "0, 1 or 2"),
    ("client", f"transport=x;exec=/bin/true;long={'x' * 506}", "have 511 bytes"),
    ("client", "transport=x;exec=/bin/true;ext-orport", "are for servers"),
    ("client", "transport=x;exec=/bin/true;bind-v4=::1", "expected an IPv4 address"),
    ("client", "transport=x;exec=/bin/true;start=0", "number of seconds"),
    ("client", "bridge=obfs4 nowhere", "expected ip:port"),
    ("client", "bridge=obfs4 192.0.2.1:1;transport=obfs3", "is for obfs4"),
    ("client", "transport=x;=", "malformed at byte 12"),
    ("client", "transport=x;exec=/bin/true\\", "malformed at byte 26"),
    ("server", "transport=x;exec=/bin/true", "state is missing"),
    ("server", "transport=x;exec=/bin/true;state=/nonexistent/a/b", "state directory"),
    ("server", "transport=x;exec=/bin/true;state=/etc/passwd", "Not a directory"),
    ("server", "transport=x;exec=/bin/true;state=.;proxy-protocol", "needs ext-orport"),
    ("server", "transport=x;exec=/bin/true;state=.;proxy=socks5://127.0.0.1:1", "for clients"),
    ("server", "transport=x;exec=/bin/true;state=.;socks-timeout=9", "for clients"),
    ("server", "bridge=obfs4 192.0.2.1:1", "for clients"),
])
def test_wrong_options_end_it_before_anything_starts(stage: Stage, role: str, options: str,
                                                     words: str) -> None:
    end = End(stage, ours("pt-wrap"), role, ("127.0.0.1", 1), ("127.0.0.1", 2), options, wait=False)
    assert end.process.wait(15 * SLOWER) == CONFIG
    assert words in end.process.output()
    assert not procfs.listening(1)


def test_the_longest_arguments_are_allowed(stage: Stage) -> None:
    wrap = client(stage, f"long={'x' * 505}")
    echoes(stage, wrap.end.listened)
    assert len(wrap.fact("user")["user"] + wrap.fact("user")["password"]) == 510


def test_udp_is_refused(stage: Stage) -> None:
    client(stage, wait=False, SS_PLUGIN_MODE="tcp_and_udp").fails(CONFIG, "UDP")


def test_a_port_that_is_taken_ends_it(stage: Stage) -> None:
    taken = stage.listener().address
    wrap = Wrap(stage, "client", taken, ("127.0.0.1", 1), wait=False)
    wrap.fails(UNAVAIL, "Address already in use")


@pytest.mark.parametrize("hosts", ["127.0.0.1|", "|127.0.0.1", "127.0.0.1||127.0.0.2"])
def test_a_list_of_servers_has_no_gap(stage: Stage, hosts: str) -> None:
    client(stage, remote=(hosts, 1), wait=False).fails(CONFIG, "SS_REMOTE_HOST is no host")


# Life and death.


@pytest.mark.parametrize("end", [client, server])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_stops_at_once_and_the_transport_too(stage: Stage, end: Any, number: int) -> None:
    wrap = end(stage)
    sock = stage.connect(wrap.end.listened)
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"
    assert wrap.end.process.stop(number, 2) == 0


def test_it_stops_while_the_transport_starts(stage: Stage) -> None:
    wrap = client(stage, conduct="silent", wait=False)
    wrap.fact("environment")
    assert wrap.end.process.stop(within=2) == 0


@pytest.mark.parametrize("end", [client, server])
def test_sighup_changes_nothing(stage: Stage, end: Any) -> None:
    """Transports do not know it, and would end by it."""
    wrap = end(stage)
    os.kill(wrap.end.pid, signal.SIGHUP)
    os.kill(wrap.end.pid, signal.SIGUSR1)
    echoes(stage, wrap.end.listened)
    assert wrap.end.process.stop() == 0


def test_killed_it_takes_everything_along(stage: Stage) -> None:
    """The transport hears of it by the end of its input, or does not live to."""
    wrap = client(stage)
    below = procfs.descendants(wrap.end.pid)
    os.kill(wrap.end.pid, signal.SIGKILL)
    wrap.end.process.wait()
    procfs.eventually(lambda: not any(procfs.alive(pid) for pid in below), "all are gone", 5 * SLOWER)


def test_a_transport_that_dies_ends_it_for_a_restart(stage: Stage) -> None:
    wrap = client(stage, conduct="mortal")
    echoes(stage, wrap.end.listened)
    Path(f"{wrap.file}.die").touch()
    assert wrap.end.process.wait(15 * SLOWER) == OS
    assert "exit" in wrap.output()


def with_temporary_state(stage: Stage, conduct: str, wait: bool = True) -> tuple[End, Path]:
    told = stage.home / "told"
    options = f"transport=fake;exec={sys.executable} -B {FAKE} {conduct} {told}"
    end = End(stage, ours("pt-wrap"), "client", ("127.0.0.1", stage.port()), ("127.0.0.1", 1), options,
              wait=wait, TMPDIR=str(stage.home))
    procfs.eventually(lambda: told.exists() and "\n" in told.read_text(), "the transport runs")
    state = Path(json.loads(told.read_text().splitlines()[0])["environment"]["TOR_PT_STATE_LOCATION"])
    assert state.parent == stage.home
    return end, state


def test_a_temporary_state_goes_with_the_start_of_the_transport(stage: Stage) -> None:
    """So that nothing is left, whoever is killed; what comes later goes with the end."""
    end, state = with_temporary_state(stage, "good")
    assert not state.exists()
    state.mkdir()
    (state / "left").write_text("by the transport")
    assert end.process.stop() == 0
    assert not state.exists()


def test_a_temporary_state_is_there_until_then(stage: Stage) -> None:
    end, state = with_temporary_state(stage, "silent", wait=False)
    assert state.is_dir()
    end.process.stop()
    assert not state.exists()


def test_a_host_that_is_killed_during_the_start_leaves_no_state(stage: Stage) -> None:
    """Its guardian lets the plugin end by itself, for a moment."""
    told = stage.home / "told"
    config = stage.config(server="127.0.0.1", server_port=9, local_address="127.0.0.1", local_port=stage.port(),
                          password="x", method="aes-256-gcm", plugin=str(ours("pt-wrap")), plugin_sandbox=False,
                          plugin_opts=f"transport=fake;exec={sys.executable} -B {FAKE} silent {told}")
    host = stage.run(ours("ss-local"), "-c", config, env={"TMPDIR": str(stage.home)})
    procfs.eventually(lambda: told.exists() and "\n" in told.read_text(), "the transport runs")
    state = Path(json.loads(told.read_text().splitlines()[0])["environment"]["TOR_PT_STATE_LOCATION"])
    assert state.is_dir()
    host.kill()
    procfs.eventually(lambda: not state.exists(), "nothing is left")


def test_the_secrets_of_options_are_nowhere(stage: Stage) -> None:
    wrap = client(stage, "key=sesame-open")
    echoes(stage, wrap.end.listened)
    for pid in (wrap.end.pid, *procfs.descendants(wrap.end.pid)):
        assert b"sesame" not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert "sesame" not in wrap.output()


def test_without_a_host_it_says_what_it_is(stage: Stage) -> None:
    process = stage.run(ours("pt-wrap"))
    assert process.wait() == USAGE
    assert "SS_PLUGIN_OPTIONS" in process.output()


def test_many_connections_at_once(stage: Stage) -> None:
    wrap = client(stage, "key=value")
    began = time.monotonic()
    socks = [stage.connect(wrap.end.listened) for _ in range(60)]
    for number, sock in enumerate(socks):
        sock.sendall(b"%08d" % number)
    for number, sock in enumerate(socks):
        assert read_exactly(sock, 8) == b"%08d" % number
    assert time.monotonic() - began < 20 * SLOWER
