# SPDX-License-Identifier: Apache-2.0
"""Things that a host gives its plugin, and plugins that cannot be started."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

import pytest
from harness import procfs
from harness.extent import extent
from harness.programs import SLOWER, ours
from harness.stage import PASSWORD, Stage
from life import tree
from life.hosted import HERE, ROLES, Hosted, Report, echo_target
from life.workshop import FOREIGN, FOREIGN_NAME, Workshop

CONTRACT = {"SS_REMOTE_HOST", "SS_REMOTE_PORT", "SS_LOCAL_HOST", "SS_LOCAL_PORT"}
ADDITIVE = {"SS_PLUGIN_OPTIONS", "SS_PLUGIN_ROLE", "SS_PLUGIN_MODE", "SS_PLUGIN_NOTIFY_FD", "SS_PLUGIN_HANDSHAKE_MS",
            "SS_EXIT_ON_STDIN_CLOSE", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"}
INHERITED = re.compile(r"PATH|HOME|USER|LOGNAME|LANG|LANGUAGE|LC_[A-Z]+|TZ|TERM|TMPDIR|NO_COLOR"
                       r"|SSL_CERT_(FILE|DIR)|[A-Z]*SAN_OPTIONS")
STALE = {"SS_PLUGIN_OPTIONS": "stale", "SS_LOCAL_PORT": "1", "SS_OTHER": "stale",
         "TOR_PT_STATE_LOCATION": "/nowhere", "LD_BIND_NOW": "1", "BASH_ENV": "/nowhere",
         "LISTEN_FDS": "7", "LISTEN_PID": "1", "NOTIFY_SOCKET": "/nowhere", "SECRET": "x"}


def report(stage: Stage, role: str, opts: str = "", *argv: object, **more: object) -> Report:
    return Hosted(stage, role, f"report;{opts}", *argv, **more).ask()


# The environment.


@pytest.mark.parametrize("role", ROLES)
def test_the_environment_is_the_contract_and_an_allow_list(stage: Stage, role: str) -> None:
    opts = "report;a=b\\;c\\=d;e=f=g;flag;path=/x/\\\\y"
    hosted = Hosted(stage, role, opts, env={**STALE, "LC_TIME": "C", "TZ": "UTC"})
    env = hosted.ask().env
    extra = set(env) - CONTRACT - ADDITIVE
    assert CONTRACT <= set(env)
    assert not [name for name in extra if not INHERITED.fullmatch(name)]
    assert env["SS_PLUGIN_OPTIONS"] == opts
    assert (env["SS_REMOTE_HOST"], env["SS_LOCAL_HOST"]) == (HERE, HERE)
    assert int(env["SS_REMOTE_PORT"]) == hosted.public
    assert int(env["SS_LOCAL_PORT"]) not in (hosted.public, hosted.near, 1)
    assert "stale" not in env.values() and "7" not in env.values()
    assert env.get("SS_PLUGIN_ROLE") in (None, "client" if role == "local" else "server")


@pytest.mark.parametrize("opts", [None, ""])
@pytest.mark.parametrize("role", ROLES)
def test_without_options_there_is_no_variable(stage: Stage, role: str, opts: str | None) -> None:
    hosted = Hosted(stage, role, opts, env=STALE)
    assert "SS_PLUGIN_OPTIONS" not in procfs.environment(hosted.ready())


@pytest.mark.parametrize("role", ROLES)
def test_printed_is_what_a_plugin_gets(stage: Stage, role: str) -> None:
    """--print-plugin-env starts nothing."""
    mark = stage.home / "ran"
    hosted = Hosted(stage, role, f"report={mark};x=y\\;z", "--print-plugin-env", env=STALE)
    assert hosted.process.wait(15 * SLOWER) == 0
    printed = dict(line.partition("=")[::2]
                   for line in hosted.process.stdout.read_text().splitlines())
    real = Hosted(stage, role, f"report={mark};x=y\\;z", env=STALE, writes=True, public=hosted.public).ask().env
    for volatile in ("SS_LOCAL_PORT", "LISTEN_PID", "TMPDIR"):
        printed.pop(volatile, None), real.pop(volatile, None)
    assert printed == real
    assert not hosted.family() and PASSWORD not in hosted.process.output()


# Secrets.


@pytest.mark.parametrize("given", ["file", "password", "key"])
@pytest.mark.parametrize("role", ROLES)
def test_secrets_are_nowhere_near_a_child(stage: Stage, role: str, given: str) -> None:
    key = base64.urlsafe_b64encode(bytes(range(100, 132))).decode()
    argv = {"file": (), "password": ("-k", PASSWORD), "key": ("--key", key)}[given]
    hosted = Hosted(stage, role, "report", *argv)
    raw = hosted.ask().raw
    shown = [str(raw), hosted.process.output()]
    for pid in [hosted.process.pid, *hosted.family()]:
        shown += [Path(f"/proc/{pid}/{name}").read_bytes().decode(errors="replace")
                  for name in ("environ", "cmdline")]
    assert not [text for text in shown if PASSWORD in text or key in text]


# Descriptors, signals, limits.


def expected_descriptors(got: Report) -> set[int]:
    return {0, 1, 2, got.notify_fd} | set(range(3, 3 + int(got.env.get("LISTEN_FDS", 0))))


@pytest.mark.parametrize("role", ROLES)
def test_exactly_three_descriptors_and_a_pipe_for_input(stage: Stage, role: str) -> None:
    got = report(stage, role, "", "-v", wrap=("sh", "-c", 'exec "$@" 7</dev/null 9<.', "sh"))
    assert set(got.descriptors) == expected_descriptors(got)
    assert all(got.descriptors[fd].startswith("pipe:") for fd in (0, 1, 2))
    assert got.descriptors[0] != got.descriptors[1]


@pytest.mark.parametrize("role", ROLES)
def test_a_restarted_plugin_inherits_no_connection(stage: Stage, role: str) -> None:
    path = stage.home / "report"
    hosted = Hosted(stage, role, f"report={path}", "--plugin-restart", "on-failure", peer=True, writes=True)
    target = echo_target(stage)
    first = hosted.ready()
    kept = [hosted.works(target) for _ in range(extent(50, 1000))]
    path.unlink()
    hosted.kill_plugin(first)
    hosted.ready(other_than=first)
    procfs.eventually(path.exists, "the second report")
    descriptors = set(os.listdir(f"/proc/{hosted.plugins()[0]}/fd"))
    assert kept and descriptors <= {"0", "1", "2", "3", "4"}  # its own listener and its notices
    again = Hosted(stage, role, "report").ask()
    assert set(again.descriptors) == expected_descriptors(again)


@pytest.mark.parametrize("role", ROLES)
def test_signals_are_those_of_a_fresh_process(stage: Stage, role: str) -> None:
    wrap = ("env", "--ignore-signal=HUP,USR1,QUIT", "--block-signal=USR2,WINCH,CHLD")
    status = report(stage, role, wrap=wrap).status
    assert int(status["SigBlk"], 16) == 0 and int(status["SigIgn"], 16) == 0
    assert int(status["SigPnd"], 16) == 0


@pytest.mark.parametrize("role", ROLES)
def test_it_has_its_own_group_a_tight_umask_and_no_core_file(stage: Stage, role: str) -> None:
    wrap = ("prlimit", "--core=unlimited", "sh", "-c", 'umask 0; exec "$@"', "sh")
    hosted = Hosted(stage, role, "report", wrap=wrap)
    got = hosted.ask()
    core = next(line for line in got.raw["limits"].splitlines() if "core" in line)
    assert core.split()[-3:-1] == ["0", "0"]
    assert int(got.status["Umask"], 8) == 0o077
    assert got.raw["pgid"] == got.raw["pid"] != os.getpgid(hosted.process.pid)
    assert got.raw["argv"] == ["fakeplugin"]


@pytest.mark.parametrize("role", ROLES)
def test_the_limit_of_open_files_reaches_the_plugin(stage: Stage, role: str) -> None:
    got = report(stage, role, "", "-n", "4321")
    files = next(line for line in got.raw["limits"].splitlines() if "open files" in line)
    assert files.split()[3] == "4321"


# Plugins that cannot be started.

REASONS = {
    "missing": "No such file or directory",
    "not executable": "Permission denied",
    "directory": "(Is a directory|Permission denied)",
    "no format": "Exec format error",
    "no interpreter": "no-such-shell",
    "wrong architecture": FOREIGN_NAME,
    "busy": "Text file busy",
}


def broken(workshop: Workshop, kind: str) -> Path:
    if kind == "missing":
        return workshop.path / "missing"
    if kind == "directory":
        (workshop.path / "directory").mkdir()
        return workshop.path / "directory"
    if kind == "no interpreter":
        return workshop.script("script", interpreter="/usr/bin/no-such-shell")
    if kind == "busy":
        return workshop.copy("busy")
    data = FOREIGN if kind == "wrong architecture" else b"neither ELF nor script\n"
    return workshop.write("plugin", data, 0o644 if kind == "not executable" else 0o755)


@pytest.mark.parametrize("kind", REASONS)
@pytest.mark.parametrize("role", ROLES)
def test_an_exec_that_fails_is_a_quick_error(stage: Stage, workshop: Workshop, role: str,
                                             kind: str) -> None:
    path = broken(workshop, kind)
    writer = path.open("r+b") if kind == "busy" else None
    hosted = Hosted(stage, role, plugin=path, plugin_ready=60)
    hosted.fails()
    errors = hosted.lines("ERROR", str(path))
    assert any(re.search(REASONS[kind], line) for line in errors), hosted.process.output()
    assert not procfs.listening(hosted.near)
    assert writer is None or writer.close() is None


@pytest.mark.parametrize("path", ["", ".:", ":", "workshop:", "./:"])
@pytest.mark.parametrize("role", ROLES)
def test_a_trojan_in_the_current_directory_is_never_run(stage: Stage, role: str, path: str) -> None:
    mark = stage.home / "ran"
    for name in ("a-trojan", "workshop/a-trojan"):
        (stage.home / "workshop").mkdir(exist_ok=True)
        stage.script(name, f"#!/bin/sh\ntouch {mark}\nexec sleep 60\n")
    hosted = Hosted(stage, role, plugin="a-trojan", env={"PATH": path + "/usr/bin:/bin"})
    assert "a-trojan: No such file" in hosted.fails()
    assert not mark.exists()


def test_a_name_is_found_in_path_and_in_the_directory_for_plugins(
        stage: Stage, workshop: Workshop) -> None:
    name = workshop.copy("found-by-name").name
    by_path = Hosted(stage, "server", plugin=name,
                     env={"PATH": f"{workshop.path}:{os.environ['PATH']}"})
    by_key = Hosted(stage, "server", plugin=name, plugin_dir=str(workshop.path))
    by_option = Hosted(stage, "server", None, "--plugin-dir", workshop.path, plugin=name)
    assert all(hosted.ready() for hosted in (by_path, by_key, by_option))


# As root.


def unsafe(workshop: Workshop, kind: str) -> Path:
    where = workshop.path / "where"
    where.mkdir()
    plugin = where / "fakeplugin"
    plugin.write_bytes(workshop.copy("original").read_bytes())
    plugin.chmod(0o755)
    bad = plugin if kind.endswith("file") else where
    if kind.startswith("foreign"):
        os.chown(bad, 65534, 65534)
    else:
        bad.chmod(0o775 if kind.startswith("group") else 0o757)
    return plugin


@pytest.mark.parametrize("kind", ["group file", "world file", "group directory", "world directory",
                                  "foreign file", "foreign directory"])
@pytest.mark.parametrize("role", ROLES)
def test_root_runs_nothing_that_others_can_change(stage: Stage, workshop: Workshop, root: None,
                                                  role: str, kind: str) -> None:
    path = unsafe(workshop, kind)
    mark = stage.home / "report"
    hosted = Hosted(stage, role, f"report={mark}", plugin=path)
    output = hosted.fails()
    bad = path if kind.endswith("file") else path.parent
    assert re.search(f"ERROR: .*{re.escape(str(bad))}", output) and not mark.exists()


def test_others_may_run_what_they_like(stage: Stage, workshop: Workshop, root: None) -> None:
    path = unsafe(workshop, "world directory")
    text = (f'{{"server":"{HERE}","server_port":{stage.port()},"password":"{PASSWORD}",'
            f'"method":"aes-256-gcm","plugin":"{path}"}}')
    config = workshop.write("config.json", text.encode(), 0o644)
    process = stage.run("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups",
                        ours("ss-server"), "-c", config)
    procfs.eventually(lambda: tree.descendants(process.pid), "the plugin runs")
    assert process.stop() == 0, process.output()
