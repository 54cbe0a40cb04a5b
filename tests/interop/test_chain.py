# SPDX-License-Identifier: Apache-2.0
"""chain: our plugins over each other and over v2ray-plugin, between our hosts and foreign ones."""

from __future__ import annotations

import os
import re
import signal
from dataclasses import replace

import pytest
from harness import procfs
from harness.content import content, read_exactly
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Parts, Stage
from harness.targets import echo
from mix import carries_everything
from test_v2ray import certificate

HERE = "127.0.0.1"
Options = tuple[str, str]  # of the client and of the server


def numbered(*stages: tuple[object, str, str]) -> Options:
    """(program, client's options, server's options) of each stage, from Shadowsocks outwards."""
    sides: Options = ("", "")
    for number, (program, *options) in enumerate(stages, 1):
        names = program if isinstance(program, tuple) else (program, program)
        for side in (0, 1):
            items = [f"{number}={names[side]}"]
            items += [f"{number}.{item}" for item in options[side].split(";") if item]
            sides = (*sides[:side], ";".join(filter(None, [sides[side], *items])), *sides[side + 1 :])
    return sides


def obfs(mode: str) -> tuple[object, str, str]:
    return ("obfs-local", "obfs-server"), f"obfs={mode};obfs-host=www.example.com", f"obfs={mode}"


def v2ray() -> tuple[object, str, str]:
    return peer("ss-v2ray-plugin"), "host=b.com", "server;host=b.com"


def debian_obfs(mode: str) -> tuple[object, str, str]:
    return (peer("obfs-local"), peer("obfs-server")), f"obfs={mode}", f"obfs={mode}"


def tls(stage: Stage) -> tuple[object, str, str]:
    ours("tls-wrap")
    cert, key = certificate(stage.home)
    return "tls-wrap", f"host=ex.test;ca={cert}", f"cert={cert};key={key}"


def parts(options: Options) -> Parts:
    plugin = str(ours("chain"))
    return Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm",
                 plugin, options[0], plugin, options[1])


def programs(process: Process) -> list[int]:
    """The stages, each below a guardian of its own."""
    return [pid for pid in procfs.descendants(process.pid) if not procfs.children(pid)]


def chain(stage: Stage, options: str, role: str, local: int, remote: int,
          **env: str | None) -> Process:
    full = {"SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": str(local), "SS_REMOTE_HOST": HERE,
            "SS_REMOTE_PORT": str(remote), "SS_PLUGIN_ROLE": role, "SS_PLUGIN_OPTIONS": options}
    return stage.run(ours("chain"), env={**full, **env})


def pair(stage: Stage, options: Options) -> tuple[Process, Process, int]:
    near, wire = stage.port(), stage.port()
    server = chain(stage, options[1], "server", stage.target(echo).address[1], wire)
    stage.wait_listening(server, wire)
    client = chain(stage, options[0], "client", near, wire)
    stage.wait_listening(client, near)
    return client, server, near


def carries(stage: Stage, port: int) -> None:
    sock, data = stage.connect((HERE, port)), content(300000)
    sock.sendall(data)
    assert read_exactly(sock, len(data)) == data


# It works.


@pytest.mark.parametrize("mode", ["http", "tls"])
def test_obfs_over_v2ray(stage: Stage, mode: str) -> None:
    carries_everything(stage, stage.chain(parts(numbered(obfs(mode), v2ray()))))


def test_v2ray_over_obfs(stage: Stage) -> None:
    """The other way round: the public end is ours."""
    carries_everything(stage, stage.chain(parts(numbered(v2ray(), obfs("tls")))))


def test_obfs_over_tls_over_v2ray(stage: Stage) -> None:
    carries_everything(stage, stage.chain(parts(numbered(obfs("http"), tls(stage), v2ray()))))


def test_obfs_over_tls_in_one_process(stage: Stage) -> None:
    made = stage.chain(parts(numbered(obfs("http"), tls(stage))))
    carries_everything(stage, made)
    for host in made.hosts:
        (plugin,) = host.plugins()
        assert procfs.descendants(plugin) == []


def test_the_same_codec_twice(stage: Stage) -> None:
    """Each has its own options, in one process."""
    client, _, near = pair(stage, numbered(obfs("http"), obfs("tls"), obfs("http")))
    carries(stage, near)
    assert procfs.descendants(client.pid) == []


def test_codecs_on_both_sides_of_a_program(stage: Stage) -> None:
    client, _, near = pair(stage, numbered(obfs("http"), obfs("tls"), v2ray(), obfs("tls")))
    carries(stage, near)
    assert len(programs(client)) == 3


def test_two_foreign_plugins(stage: Stage) -> None:
    carries_everything(stage, stage.chain(parts(numbered(debian_obfs("http"), v2ray()))))


def test_under_foreign_hosts(stage: Stage) -> None:
    """They do not tell the role."""
    client, server = numbered(obfs("http"), v2ray())
    theirs = replace(parts((f"{client};client", f"server;{server}")),
                     ss_local=peer("ss-local"), ss_server=peer("ss-server"))
    carries_everything(stage, stage.chain(theirs))


def test_one_end_is_a_chain(stage: Stage) -> None:
    """On the wire it is what its stages are: the last one is a plain obfs-server's client."""
    both = numbered(obfs("tls"))
    made = replace(parts(both), server_plugin=str(peer("obfs-server")), server_opts="obfs=tls")
    carries_everything(stage, stage.chain(made))


def test_a_chain_in_a_chain(stage: Stage) -> None:
    inside = numbered(obfs("http"), v2ray())
    client, _, near = pair(stage, numbered((str(ours("chain")), *inside), debian_obfs("tls")))
    carries(stage, near)
    assert len(programs(client)) == 3


# Its lines.


def test_bytes_of_each_stage(stage: Stage) -> None:
    options = numbered(obfs("http"), debian_obfs("http"), obfs("tls"))
    near, wire = stage.port(), stage.port()
    server = chain(stage, options[1], "server", stage.target(echo).address[1], wire)
    stage.wait_listening(server, wire)
    client = stage.script("notified", f"#!/bin/sh\nexec {ours('chain')} 4>&1 >/dev/null\n")
    process = stage.run(client, env={
        "SS_LOCAL_HOST": HERE, "SS_LOCAL_PORT": str(near), "SS_REMOTE_HOST": HERE,
        "SS_REMOTE_PORT": str(wire), "SS_PLUGIN_OPTIONS": options[0], "SS_PLUGIN_ROLE": "client",
        "SS_PLUGIN_NOTIFY_FD": "4"})
    stage.wait_listening(process, near)
    carries(stage, near)

    def counted() -> bool:
        found = re.findall(r"^STATS=conns=\d+ .*\b1\.up=(\d+) .*\b3\.up=(\d+)", process.output(),
                           re.MULTILINE)
        return bool(found) and int(found[-1][0]) == 300000 < int(found[-1][1])

    procfs.eventually(counted, "each stage has told its bytes", 10 * SLOWER)
    assert re.search(r"^READY=1$", process.output(), re.MULTILINE)
    os.kill(process.pid, signal.SIGUSR1)
    procfs.eventually(lambda: re.search(r"stage 3, obfs-local: conns=1", process.output()),
                      "SIGUSR1 has brought the counters", 10 * SLOWER)
    assert "stage 2" in process.output() and "no counters" in process.output()


def test_sighup_reaches_those_who_know_it(stage: Stage) -> None:
    """tls-wrap reads its certificate again, also in an inner chain; simple-obfs would end by it."""
    inside = numbered(debian_obfs("tls"), tls(stage))
    outside = numbered(tls(stage), debian_obfs("http"), (str(ours("chain")), *inside))
    _, server, near = pair(stage, outside)
    for times in (2, 4):
        os.kill(server.pid, signal.SIGHUP)
        procfs.eventually(lambda: server.output().count(": reloaded") == times,
                          f"both read again:\n{server.output()}", 10 * SLOWER)
        carries(stage, near)


# Its end.


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_nothing_is_left(stage: Stage, number: signal.Signals) -> None:
    client, server, near = pair(stage, numbered(obfs("http"), v2ray(), debian_obfs("tls")))
    carries(stage, near)
    families = [pid for process in (client, server) for pid in procfs.descendants(process.pid)]
    assert len(families) >= 12  # three stages with a guardian each, twice
    for process in (client, server):
        status = process.stop(number, 1)
        assert status == (-number if number == signal.SIGKILL else 0)
    procfs.eventually(lambda: not any(map(procfs.alive, families)), "all are gone", 2 * SLOWER)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_the_death_of_one_is_the_end_of_all(stage: Stage, which: int) -> None:
    client, _, _ = pair(stage, numbered(obfs("http"), v2ray(), debian_obfs("tls")))
    below, stages = procfs.descendants(client.pid), programs(client)
    assert len(stages) == 3
    os.kill(stages[which], signal.SIGKILL)
    assert client.wait(15 * SLOWER) == 70
    assert len(re.findall(r"was ended by signal 9", client.output())) == 1
    procfs.eventually(lambda: not any(map(procfs.alive, below)), "all are gone", 2 * SLOWER)


def test_the_first_to_die_has_the_word(stage: Stage) -> None:
    """v2ray-plugin ends with 23 for a wrong configuration, which no host answers by a restart."""
    options = numbered(obfs("http"), (peer("ss-v2ray-plugin"), "mode=nonsense", ""))[0]
    process = chain(stage, options, "client", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) == 23
    assert "v2ray" in process.output() and "exited with status 23" in process.output()


def test_one_that_dies_while_another_starts(stage: Stage) -> None:
    """Stage 2 listens, stage 1 does not yet."""
    listens = stage.script("listens", f"""#!/bin/sh
{peer('socat')} TCP-LISTEN:$SS_LOCAL_PORT,bind=$SS_LOCAL_HOST,fork,reuseaddr /dev/null &
read go < {stage.home}/go
exit 7
""")
    waits = stage.script("waits", f"#!/bin/sh\n: > {stage.home}/here\nexec sleep 60\n")
    os.mkfifo(stage.home / "go")
    process = chain(stage, f"1={waits};2={listens}", "client", stage.port(), stage.port())
    procfs.eventually((stage.home / "here").exists, "stage 1 runs", 10 * SLOWER)
    below = procfs.descendants(process.pid)
    (stage.home / "go").write_text("now\n")
    assert process.wait(15 * SLOWER) == 7
    assert "exited with status 7" in process.output()
    procfs.eventually(lambda: not any(map(procfs.alive, below)), "all are gone", 2 * SLOWER)


def test_the_last_one_to_start_may_fail(stage: Stage) -> None:
    """Stages that run already end with it."""
    last = stage.script("last", "#!/bin/sh\nexit 5\n")
    process = chain(stage, numbered((last, "", ""), v2ray())[0], "client", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) == 5
    assert "plugin last[" in process.output()


def test_what_a_stage_is_told(stage: Stage) -> None:
    """The contract of its own place, and nothing of its neighbours."""
    told = {name: stage.home / f"told-{name}" for name in ("one", "two")}
    for name, file in told.items():
        stage.script(name, f"#!/bin/sh\nenv > {file}.new\nmv {file}.new {file}\n"
                     f"exec {peer('socat')} TCP-LISTEN:$SS_LOCAL_PORT,bind=$SS_LOCAL_HOST,fork,reuseaddr "
                     "/dev/null\n")
    near, wire = stage.port(), stage.port()
    chain(stage, f"1={stage.home}/one;1.a=b\\;c;1.d;2={stage.home}/two", "client", near, wire,
          SS_REMOTE_HOST="[::1]|127.0.0.1")
    procfs.eventually(lambda: all(file.exists() for file in told.values()), "both run", 10 * SLOWER)
    one, two = (dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)
                for file in told.values())
    assert one["SS_PLUGIN_OPTIONS"] == "a=b\\;c;d"
    assert "SS_PLUGIN_OPTIONS" not in two
    assert (one["SS_LOCAL_PORT"], two["SS_REMOTE_PORT"]) == (str(near), str(wire))
    assert two["SS_REMOTE_HOST"] == "::1|127.0.0.1"
    assert one["SS_REMOTE_HOST"] == two["SS_LOCAL_HOST"] == HERE
    assert one["SS_REMOTE_PORT"] == two["SS_LOCAL_PORT"]
    for environment in (one, two):
        assert environment["SS_PLUGIN_ROLE"] == "client"
        assert environment["SS_PLUGIN_MODE"] == "tcp_only"


@pytest.mark.parametrize(("options", "what"), [
    ("", "there is no stage"),
    ("1.obfs=http", "stage 1 is missing"),
    ("1=obfs-local;3=obfs-local", "stage 2 is missing"),
    ("1=obfs-local;2.x=y", "stage 2 is missing"),
    ("1=obfs-local;2=no-such-plugin", "stage 2: no-such-plugin: No such file"),
    ("1=obfs-local;2=/no/such", "stage 2: /no/such: No such file"),
    ("0=obfs-local", "0: expected"),
    ("17=obfs-local", "17: expected"),
    ("1=", "stage 1 has no program"),
    ("1=obfs-local;1", "stage 1 has no program"),
    ("1=obfs-local\\", "malformed at byte 12"),
    ("1=chain", "stage 1, a chain: there is no stage"),
    (";".join(f"{'1.' * n}1=chain" for n in range(12)), "the chain contains itself"),
    ("1=obfs-local;1.obfs=no;2=/bin/sleep;2.x=1", "stage 1, obfs-local: option obfs: "),
    ("1=/bin/sleep;2=tls-wrap;2.pin=x", "stage 2, tls-wrap: option pin: "),
    ("1=obfs-server;1.obfs=http", "stage 1, obfs-server, is for a server"),
])
def test_it_is_refused_before_anything_starts(stage: Stage, options: str, what: str) -> None:
    near = stage.port()
    process = chain(stage, options, "client", near, stage.port())
    assert process.wait(15 * SLOWER) == 78
    assert what in process.output()
    assert process.output().count("\n") == 1
    assert not procfs.listening(near)


def test_a_file_that_a_stage_needs_is_looked_for_first(stage: Stage) -> None:
    options = "1=/bin/sleep;2=tls-wrap;2.cert=/no/such;2.key=/no/such"
    process = chain(stage, options, "server", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) == 78
    assert "stage 2, tls-wrap: option cert: /no/such: No such file" in process.output()


def test_a_loop_by_way_of_another_program_ends(stage: Stage) -> None:
    script = stage.script("again", f"#!/bin/sh\nexec {ours('chain')}\n")
    again = f"#!/bin/sh\nSS_PLUGIN_OPTIONS='1={script}' exec {ours('chain')}\n"
    script.write_text(again)
    process = chain(stage, f"1={script}", "client", stage.port(), stage.port())
    assert process.wait(15 * SLOWER) == 78
    assert "the chain contains itself" in process.output()
