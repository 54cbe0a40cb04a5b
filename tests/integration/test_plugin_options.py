# SPDX-License-Identifier: Apache-2.0
"""Options of programs made with ssp_main(): what is refused, what is said, what is described."""

from __future__ import annotations

import json
import os
import re
import socket
import time
from typing import Any

import pytest
from harness import procfs
from harness.content import content, read_exactly
from harness.plugin import End, pair, toy
from harness.programs import SLOWER, Program, ours
from harness.stage import Stage
from harness.targets import echo

CONFIG, USAGE, NOHOST = 78, 64, 68
MALFORMED = {
    "mask=1\\": "byte 7: no character behind",
    "\\": "byte 1: no character behind",
    "mask=1;key\\": "byte 11: no character behind",
    "=1": "byte 1: a key is missing",
    "mask=1;=2": "byte 8: a key is missing",
    ";;=": "byte 3: a key is missing",
    "k" * 65537: "longer than 65536 bytes",
}
WRONG = {
    "mask": "option mask: stands alone, expected a number",
    "mask=": 'option mask: "" is not a number',
    "mask=x": 'option mask: "x" is not a number',
    "mask=-1": 'option mask: "-1" is not a number',
    "mask=99999999999": "is not a number from 0 to 2147483647",
    "mask-file": "option mask-file: stands alone, expected a text",
    "mask-file=/nonexistent": "mask-file /nonexistent: no number",
    "stranger=nowhere": 'option stranger: "nowhere" is not host:port',
    "fallback=1.2.3.4": 'option fallback: "1.2.3.4" is not host:port',
    "drain=soon": 'option drain: "soon" is not a number',
    "handshake=1.5": 'option handshake: "1.5" is not a number',
    "b=example.org": "option b: example.org is not a numeric address",
    "strict;colour=red": "option colour is unknown",
    "colour=red;strict;shape=round": "options colour, shape are unknown",
    "strict;msak=1": "option msak (did you mean mask?) is unknown",
}


def refused(stage: Stage, options: str, role: str = "server", **env: str) -> str:
    end = End(stage, toy(), role, ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port()), options,
              wait=False, **env)
    assert end.process.wait(15 * SLOWER) == CONFIG, end.process.output()
    assert end.notices() == []
    assert not procfs.listening(end.listened[1])
    (line,) = end.process.output().splitlines()
    return line


@pytest.mark.parametrize("role", ["client", "server"])
@pytest.mark.parametrize("options", MALFORMED, ids=lambda text: repr(text[:12]))
def test_malformed_options_are_refused_with_the_byte(stage: Stage, options: str, role: str) -> None:
    line = refused(stage, options, role)
    assert line.startswith("toy: options") and MALFORMED[options] in line


@pytest.mark.parametrize("options", WRONG)
def test_wrong_values_are_refused_with_the_option(stage: Stage, options: str) -> None:
    assert WRONG[options] in refused(stage, options)


def test_a_secret_is_not_in_the_refusal(stage: Stage) -> None:
    assert "hunter2" not in refused(stage, "key=hunter2;mask=x")


def test_an_unknown_mode_is_refused(stage: Stage) -> None:
    assert '"quic_only" is none of' in refused(stage, "mask=1", SS_PLUGIN_MODE="quic_only")


def test_unknown_options_are_tolerated_with_one_line(stage: Stage) -> None:
    end = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.1", stage.port()), "shape=1;b_c;mask=3")
    lines = [line for line in end.process.output().splitlines() if "unknown" in line]
    assert lines == ["toy: options shape, b_c are unknown: ignored"]


def test_a_notify_descriptor_that_is_none_is_ignored(stage: Stage) -> None:
    end = End(stage, toy(), "server", ("127.0.0.1", 1), ("127.0.0.1", stage.port()), wait=False,
              SS_PLUGIN_NOTIFY_FD="1234")
    stage.wait_listening(end.process, end.listened[1])
    assert "SS_PLUGIN_NOTIFY_FD" in end.process.output()


# The command line.


def test_flags_of_old_hosts_are_tolerated(stage: Stage) -> None:
    backend = stage.target(echo).address
    client, _ = pair(stage, backend, argv=("-V", "--fast-open"))
    sock = stage.connect(client.listened)
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"


@pytest.mark.parametrize(("argv", "status"), [
    (["--check", "--opts", "mask=3"], 0),
    (["--check", "--mask", "x"], CONFIG),
    (["--check", "--opts", "mask=3;\\"], CONFIG),
    (["--check", "--opts", "strict;nothing=1"], CONFIG),
    (["--check", "--b", "not-numeric"], CONFIG),
    (["--check", "extra"], USAGE),
    (["--check", "--no-such-thing"], USAGE),
    (["--dump-options=xml"], USAGE),
])
def test_check_validates_and_opens_nothing(stage: Stage, argv: list[str], status: int) -> None:
    near = stage.port()
    process = stage.run(toy(), "-s", "127.0.0.1", "-p", stage.port(), "-l", near, *argv)
    assert process.wait(15 * SLOWER) == status
    assert process.output().count("toy: ") >= 1 and not procfs.listening(near)


@pytest.mark.parametrize("server_words", [("--server",), ("--opts", "server")], ids=" ".join)
@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]"])
def test_two_addresses_are_enough_for_either_role(stage: Stage, host: str,
                                                  server_words: tuple[str, ...]) -> None:
    """-l is where to listen and -r whom to dial, at both ends, whatever says which end it is."""
    near, public = stage.port(), stage.port()
    target = "{}:{}".format(*stage.target(echo).address)
    server = stage.run(toy(), "-l", f"{host}:{public}", "-r", target, *server_words)
    stage.wait_listening(server, public)
    client = stage.run(toy(), "-l", f"127.0.0.1:{near}", "-r", f"{host}:{public}")
    stage.wait_listening(client, near)
    sock = stage.connect(("127.0.0.1", near))
    sock.sendall(content(1000))
    assert read_exactly(sock, 1000) == content(1000)


def test_unknown_options_are_named_once_whatever_says_the_role(stage: Stage) -> None:
    process = stage.run(toy(), "--check", "-l", "127.0.0.1:1", "-r", "127.0.0.1:2", "--opts", "server;shape=1")
    assert process.wait(15 * SLOWER) == 0
    assert process.output().splitlines()[0] == "toy: option shape is unknown: ignored"


@pytest.mark.parametrize(("words", "said"), [
    (("--msak", "1"), "unknown option --msak (did you mean --mask?)"),
    (("--colour=red",), "unknown option --colour; see --help"),
    (("-Z",), "unknown option -Z; see --help"),
    (("--mask",), "--mask: nothing follows, expected a value"),
    (("-r",), "-r: nothing follows, expected a value"),
])
def test_a_wrong_word_is_named_in_one_line(stage: Stage, words: tuple[str, ...], said: str) -> None:
    process = stage.run(toy(), "-l", "127.0.0.1:1", *words)
    assert process.wait(15 * SLOWER) == 64
    assert process.output().splitlines() == [f"toy: {said}"]


@pytest.mark.parametrize("words", [("-r", "127.0.0.1:1", "-r", "127.0.0.2:2"),
                                   ("--server", "-l", "127.0.0.1:1", "-r", "127.0.0.1:9", "-l", "127.0.0.2:2")])
def test_addresses_that_would_need_two_ports_are_refused(stage: Stage, words: tuple[str, ...]) -> None:
    process = stage.run(toy(), *words)
    assert process.wait(15 * SLOWER) == USAGE
    assert "127.0.0.2:2: several addresses share one port, 1" in process.output()


@pytest.mark.parametrize("words", [("-l", "127.0.0.1:"), ("-r", "no-port"), ("-l", "a:b:1")])
def test_a_wrong_pair_is_named(stage: Stage, words: tuple[str, str]) -> None:
    process = stage.run(toy(), *words)
    assert process.wait(15 * SLOWER) == USAGE
    assert f"{words[0]} {words[1]}: expected HOST:PORT" in process.output()


def test_check_says_when_a_name_does_not_resolve(stage: Stage) -> None:
    process = stage.run(toy(), "-s", "no such name", "-p", stage.port(), "-r", "127.0.0.1:1",
                        "--server", "--check")
    assert process.wait(20 * SLOWER) == NOHOST
    assert "listen on no such name" in process.output()


@pytest.mark.parametrize("program", [toy(), ours("obfs-local"), ours("obfs-server")],
                         ids=lambda program: program.name)
def test_the_option_table_as_json(stage: Stage, program: Program) -> None:
    process = stage.run(program, "--dump-options=json")
    assert process.wait() == 0
    table = json.loads(process.stdout.read_text())
    assert set(table) == {"name", "version", "about", "sdk", "roles", "datagrams", "codecs", "options"}
    options = {option["name"]: option for option in table["options"]}
    assert len(options) == len(table["options"])
    for option in options.values():
        assert set(option) == {"name", "type", "choices", "default", "help", "required", "roles",
                               "secret", "builtin", "codec"}
    assert options["t"]["default"] == "600" and options["t"]["builtin"]
    if program.name == "toy-plugin":
        assert table["roles"] == ["client", "server"] and table["datagrams"]
        assert options["key"]["secret"] and options["stranger"]["roles"] == ["server"]
    else:
        assert table["roles"] == [{"obfs-local": "client", "obfs-server": "server"}[program.name]]
        assert not table["datagrams"]
        obfs = options["obfs"]
        assert (obfs["type"], obfs["choices"], obfs["required"]) == ("choice", ["http", "tls"], True)
        assert not obfs["builtin"] and obfs["codec"] == program.name


def test_the_option_table_as_markdown(stage: Stage) -> None:
    process = stage.run(ours("obfs-server"), "--dump-options=md")
    assert process.wait() == 0
    rows = [line for line in process.stdout.read_text().splitlines() if line.startswith("|")]
    assert "| `obfs=http\\|tls` | required | the disguise |" in rows
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server", "tls-wrap", "ws-wrap", "stls-wrap",
                                     "pt-wrap", "chain", "exec-wrap"])
def test_help_fits_into_80_columns(stage: Stage, program: str) -> None:
    process = stage.run(ours(program), "--help")
    assert process.wait() == 0
    lines = process.stdout.read_text().splitlines()
    assert len(lines) > 5
    assert [line for line in lines if len(line) > 80 or line.endswith(" ")] == []


def test_help_says_what_V_does(stage: Stage) -> None:
    process = stage.run(ours("obfs-local"), "--help")
    assert process.wait() == 0
    assert "  -V             show outgoing sockets to an Android VPN" in process.stdout.read_text()


@pytest.mark.parametrize("program", ["obfs-local", "obfs-server"])
def test_help_shows_the_plugins_own_options_first_and_examples_that_work(stage: Stage,
                                                                         program: str) -> None:
    process = stage.run(ours(program), "--help")
    assert process.wait() == 0
    text = process.stdout.read_text()
    assert 0 < text.index("obfs=http|tls") < text.index("Options of every plugin") < text.index("Examples")
    examples = text[text.index("Examples") :].splitlines()[1:]
    assert len(examples) == 2 and f"--plugin {program} --plugin-opts 'obfs=http'" in examples[1]
    checked = stage.run("/bin/sh", "-c", examples[0].replace(program, str(ours(program))) + " --check")
    assert checked.wait() == 0


# Options that change what is done.


def test_the_fallback_of_every_plugin_is_for_codecs_without_one(stage: Stage) -> None:
    backend, stranger, builtin = stage.listener(), stage.listener(), stage.listener()

    def foreign(options: str) -> int:
        end = End(stage, toy(), "server", backend.address, ("127.0.0.1", stage.port()), options)
        stage.connect(end.listened).sendall(b"GET / HTTP/1.0\r\n\r\n")
        return end.pid

    foreign(f"fallback=127.0.0.1:{builtin.address[1]}")
    assert read_exactly(builtin.accept(), 18) == b"GET / HTTP/1.0\r\n\r\n"
    foreign(f"fallback=127.0.0.1:{builtin.address[1]};stranger=127.0.0.1:{stranger.address[1]}")
    assert read_exactly(stranger.accept(), 18) == b"GET / HTTP/1.0\r\n\r\n"
    assert builtin.accepts_nobody(0.1) and backend.accepts_nobody(0.1)


def test_a_silent_peer_has_the_time_of_the_handshake(stage: Stage) -> None:
    end = End(stage, toy(), "server", stage.target(echo).address, ("127.0.0.1", stage.port()),
              "handshake=1")
    begun = time.monotonic()
    assert stage.connect(end.listened, 20 * SLOWER).recv(1) == b""
    assert 0.9 < time.monotonic() - begun < 10 * SLOWER


def test_handshakes_of_one_address_are_limited(stage: Stage) -> None:
    end = End(stage, toy(), "server", stage.target(echo).address, ("127.0.0.1", stage.port()),
              "handshakes-per-ip=3;mask=0")
    silent = [stage.connect(end.listened) for _ in range(4)]
    assert silent[0].recv(1) == b"", "the oldest makes room for one more, and its end is a FIN"
    for sock in silent[1:]:
        sock.sendall(b"TOY1hello")
        assert read_exactly(sock, 5) == b"hello"


def shown_socket(stage: Stage, **how: Any) -> socket.socket:
    """The first outgoing socket that a client shows to an Android VPN: to the unix socket protect_path in
    its working directory, which answers with one byte."""
    guard = stage.keep(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
    home = os.open(stage.home, os.O_PATH)
    try:
        guard.bind(f"/proc/self/fd/{home}/protect_path")  # the name of a unix socket must be short
    finally:
        os.close(home)
    guard.listen(8)
    guard.settimeout(20 * SLOWER)
    outside = ("192.0.2.77", 9)  # of documentation: nobody answers, and nobody needs to
    client = End(stage, toy(), "client", ("127.0.0.1", stage.port()), outside, **how)
    stage.connect(client.listened).sendall(b"x")
    asked = stage.keep(guard.accept()[0])
    asked.settimeout(20 * SLOWER)
    byte, fds, _, _ = socket.recv_fds(asked, 16, 4)
    assert len(byte) == 1 and len(fds) == 1
    asked.sendall(b"\0")
    return stage.keep(socket.socket(fileno=fds[0]))


@pytest.mark.parametrize("how", [{"options": "__android_vpn"}, {"argv": ("-V",)}], ids=str)
def test_an_android_vpn_is_shown_each_outgoing_socket(stage: Stage, how: dict[str, Any]) -> None:
    assert shown_socket(stage, **how).type == socket.SOCK_STREAM


def test_outgoing_sockets_have_the_mark(stage: Stage) -> None:
    with socket.socket() as probe:
        try:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 1)
        except PermissionError:
            pytest.skip("marks need CAP_NET_ADMIN")
    shown = shown_socket(stage, options="__android_vpn;fwmark=77")
    assert shown.getsockopt(socket.SOL_SOCKET, socket.SO_MARK) == 77


# Stacks.


def test_a_stack_is_one_plugin(stage: Stage) -> None:
    backend = stage.target(echo).address
    options = "mask=1;coat.mask=2"
    client, server = pair(stage, backend, options, toy("toy-stack"))
    data = content(300_000, 3)
    sock = stage.connect(client.listened)
    sock.sendall(data[:100_000])
    assert read_exactly(sock, 100_000) == data[:100_000]
    raw = stage.connect(server.listened)  # what is on the wire: both masks on the bytes, one on the preface
    raw.sendall(bytes(byte ^ 2 for byte in b"TOY1") + bytes(byte ^ 3 for byte in b"hello"))
    assert bytes(byte ^ 3 for byte in read_exactly(raw, 5)) == b"hello"


def test_a_stack_has_the_name_of_its_first_codec_and_options_of_all(stage: Stage) -> None:
    version = stage.run(toy("toy-stack"), "--version")
    assert version.wait() == 0 and version.output() == "toy 1.0\n"
    shown = stage.run(toy("toy-stack"), "--help")
    assert shown.wait() == 0
    assert "  mask=NUMBER " in shown.output() and "  coat.mask=NUMBER " in shown.output()
    checked = stage.run(toy("toy-stack"), "-s", "127.0.0.1", "-p", 1, "-l", 1, "--coat.mask", 7, "--check")
    assert checked.wait() == 0
