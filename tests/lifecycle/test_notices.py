# SPDX-License-Identifier: Apache-2.0
"""SS_PLUGIN_NOTIFY_FD: what a plugin tells its host, and what the host makes of it."""

from __future__ import annotations

import os
import re
import socket
import time
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import SLOWER, ours
from harness.stage import Stage
from life import tree
from life.hosted import HERE, ROLES, Hosted, echo_target
from life.workshop import Workshop

NOTIFY = "SS_PLUGIN_NOTIFY_FD"


# The descriptor.


@pytest.mark.parametrize("role", ROLES)
def test_it_is_a_pipe_of_its_own(stage: Stage, role: str) -> None:
    got = Hosted(stage, role, "report").ask()
    assert set(got.descriptors) == {0, 1, 2, got.notify_fd}
    pipes = [got.descriptors[fd] for fd in (0, 1, got.notify_fd)]
    assert len(set(pipes)) == 3 and all(link.startswith("pipe:") for link in pipes)


def test_it_does_not_clash_with_a_listening_socket(stage: Stage, workshop: Workshop) -> None:
    hosted = Hosted(stage, "local", "report;use-listen-fds", plugin=workshop.socket_taker())
    got = hosted.ask()
    assert set(got.descriptors) == {0, 1, 2, 3, got.notify_fd}
    assert got.descriptors[3].startswith("socket:")
    assert got.descriptors[got.notify_fd].startswith("pipe:")


def test_nobody_else_has_it(stage: Stage) -> None:
    """Each of three plugins has its own pipe; the others of it are the host and the guardian."""
    ports = [stage.port() for _ in range(3)]
    hosted = Hosted(stage, "local", server=[f"{HERE}:{port}" for port in ports])
    procfs.eventually(lambda: len(hosted.plugins()) == 3, "three plugins run", 10 * SLOWER)
    links = set()
    for pid in hosted.plugins():
        link = os.readlink(f"/proc/{pid}/fd/{procfs.environment(pid)[NOTIFY]}")
        links.add(link)
        guardian = int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
        assert tree.holders([link]) == sorted([hosted.process.pid, guardian, pid])
    assert len(links) == 3


# Lines.


@pytest.mark.parametrize("role", ROLES)
def test_a_status_is_logged_once(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "notify=STATUS\\=one\nSTATUS\\=one\nSTATUS\\=two = 2\nSTATUS\\=one")
    hosted.ready()
    hosted.says("says: two = 2")
    hosted.stop()
    said = [line.rpartition("says: ")[2] for line in hosted.lines("plugin fakeplugin says: ")]
    assert said == ["one", "two = 2", "one"]


def test_a_status_of_a_wrapper_is_logged_once(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "cmd=sleep 60;ready=none", plugin=ours("exec-wrap"))
    hosted.says("exec-wrap says: ")
    hosted.stop()
    assert len(hosted.lines("is to listen at")) == 1


@pytest.mark.parametrize("role", ROLES)
def test_options_for_clients_are_no_text_for_a_log(stage: Stage, role: str) -> None:
    line = "CLIENT-OPTIONS\\=cert\\=open-sesame"
    hosted = Hosted(stage, role, f"notify={line}\n{line}")
    hosted.ready()
    hosted.says("options for its clients", f"{len('cert=open-sesame')} bytes")
    hosted.stop()
    assert len(hosted.lines("options for its clients")) == 1
    assert "open-sesame" not in hosted.process.output()


@pytest.mark.parametrize("role", ROLES)
def test_what_is_no_notice_does_no_harm(stage: Stage, role: str) -> None:
    text = "garbage\n\nSTATUS\\=" + "x" * 5000 + "\nSTATUS\\=red\x1b[31m\r alert\nSTATUS\\=end"
    hosted = Hosted(stage, role, f"notify={text}", peer=True)
    hosted.works(echo_target(stage))
    hosted.says("says: end")
    assert hosted.lines("says: red?[31m? alert")
    assert len(hosted.lines("longer than 4096 bytes")) == 1
    assert len(hosted.lines("not of the form KEY=value")) == 1


@pytest.mark.parametrize("role", ROLES)
def test_it_works_in_the_sandbox_and_as_another_user(stage: Stage, workshop: Workshop, root: None,
                                                     role: str) -> None:
    hosted = Hosted(stage, role, "notify=STATUS\\=I am nobody;report", plugin=workshop.copy(),
                    plugin_user="nobody", plugin_sandbox=True)
    hosted.says("plugin fakeplugin says: I am nobody")
    assert hosted.ask().ids("Uid") != {0}


@pytest.mark.parametrize("role", ROLES)
def test_a_shell_script_can_say_it(stage: Stage, workshop: Workshop, root: None, role: str) -> None:
    """By its number, and by its name in /dev/fd, which is opened anew."""
    workshop.copy()
    plugin = workshop.script("talker", 'eval "echo STATUS=by number >&$SS_PLUGIN_NOTIFY_FD"',
                             'echo "STATUS=by name" > "/dev/fd/$SS_PLUGIN_NOTIFY_FD"',
                             f"exec {workshop.path}/fakeplugin")
    hosted = Hosted(stage, role, plugin=plugin, plugin_user="nobody")
    hosted.ready()
    hosted.says("plugin talker says: by number")
    hosted.says("plugin talker says: by name")


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_is_started_again_is_heard_again(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "notify=STATUS\\=here I am", "--plugin-restart", "on-failure")
    first = hosted.ready()
    hosted.says("says: here I am")
    hosted.kill_plugin(first)
    second = hosted.ready(other_than=first)
    assert NOTIFY in procfs.environment(second)
    hosted.stop()


# Readiness.


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_says_ready_serves(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "listen-after=1200;notify-ready", "-v", peer=True)
    hosted.works(echo_target(stage))
    hosted.says("is ready")


@pytest.mark.parametrize("role", ROLES)
def test_its_word_alone_is_not_enough(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "notify=READY\\=1;never-listen", "--plugin-ready", "0.5")
    output = hosted.fails()
    assert "does not listen on port" in output and "though it reported READY" in output


# Floods.


def test_a_flood_of_notices_costs_little(stage: Stage) -> None:
    hosted = Hosted(stage, "server", "flood-notify", peer=True)
    target = echo_target(stage)
    hosted.works(target)
    before = procfs.cpu_seconds(hosted.process.pid)
    deadline = hosted.started + 3
    while (passed := time.monotonic()) < deadline:
        hosted.works(target).close()
    spent = procfs.cpu_seconds(hosted.process.pid) - before
    assert spent < 1 * SLOWER, f"{spent} s of CPU until {passed}"
    assert len(hosted.lines("too many")) == 1
    hosted.stop()


def test_a_line_with_a_level(stage: Stage) -> None:
    """It is one of the plugin's lines, also in the report of its end."""
    lines = "LOG=error no backend\nLOG=info an error is a word\nLOG=debug hidden\nLOG=shout no level\nLOG=error "
    hosted = Hosted(stage, "server", "notify=" + lines.replace("=", "\\=") + ";exit-after=300,9")
    log = hosted.fails()
    assert re.search(r" ERROR: plugin fakeplugin\[\d+\]: no backend$", log, re.MULTILINE)
    assert re.search(r" INFO: plugin fakeplugin\[\d+\]: an error is a word$", log, re.MULTILINE)
    assert "hidden" not in log.replace(str(hosted.config), "") and "no level" not in log
    assert hosted.lines("exited with status 9", "it said: an error is a word")


def test_foreign_connections_are_said_once_a_minute(stage: Stage) -> None:
    lines = "STATS=conns=5 live=0 up=1 down=1 foreign={} fail=0 foreigners=9"
    notices = "\n".join(lines.format(n).replace("=", "\\=") for n in (0, 3, 3, 8))
    hosted = Hosted(stage, "server", f"notify={notices}")
    hosted.ready()
    assert "3 connections were not of its protocol" in hosted.says("not of its protocol")
    hosted.stop()
    assert len(hosted.lines("not of its protocol")) == 1


def test_another_mode_at_the_other_end_is_said(stage: Stage) -> None:
    hosted = Hosted(stage, "server", "obfs=tls", plugin=ours("obfs-server"))
    hosted.ready()
    with socket.create_connection((HERE, hosted.public), 10) as sock:
        sock.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n")
        assert "1 connections were not" in hosted.says("not of its protocol")
