# SPDX-License-Identifier: Apache-2.0
"""A plugin has the privileges that it needs, and no others."""

from __future__ import annotations

import errno
import os
import pwd
import signal
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import SANITIZED
from harness.stage import Stage
from life import tree
from life.hosted import ROLES, Hosted, Report, echo_target
from life.workshop import Workshop

NOBODY = pwd.getpwnam("nobody")
DAEMON = pwd.getpwnam("daemon")
NET_BIND = 1 << 10
KINDS = ["Inh", "Prm", "Eff", "Amb"]


def must_be(report: Report, user: pwd.struct_passwd) -> None:
    assert report.ids("Uid") == {user.pw_uid} and report.ids("Gid") == {user.pw_gid}
    groups = set(map(int, report.status["Groups"].split()))
    assert groups <= set(os.getgrouplist(user.pw_name, user.pw_gid))


def capabilities(report: Report) -> set[int]:
    """Its capabilities, by any set. NET_BIND may be within its bounds, nothing else may."""
    assert report.capabilities("Bnd") in (0, NET_BIND)
    return {report.capabilities(kind) for kind in KINDS}


def real_uid(pid: int) -> int:
    return os.stat(f"/proc/{pid}").st_uid


# Users.


@pytest.mark.parametrize("given", ["file", "option"])
@pytest.mark.parametrize("role", ROLES)
def test_the_plugin_runs_as_the_user_of_the_host(stage: Stage, root: None, role: str,
                                                 given: str) -> None:
    argv = ("-a", "nobody") if given == "option" else ()
    hosted = Hosted(stage, role, "report", *argv, **({} if argv else {"user": "nobody"}))
    report = hosted.ask()
    must_be(report, NOBODY)
    assert capabilities(report) == {0}
    hosted.stop()


@pytest.mark.parametrize("given", ["file", "option"])
@pytest.mark.parametrize("role", ROLES)
def test_the_plugin_can_have_a_user_of_its_own(stage: Stage, root: None, role: str,
                                               given: str) -> None:
    argv = ("--plugin-user", "nobody") if given == "option" else ()
    hosted = Hosted(stage, role, "report", *argv, **({} if argv else {"plugin_user": "nobody"}))
    report = hosted.ask()
    must_be(report, NOBODY)
    assert capabilities(report) == {0} and real_uid(hosted.process.pid) == 0


@pytest.mark.parametrize("role", ROLES)
def test_host_and_plugin_can_be_two_users(stage: Stage, root: None, role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, "report;ignore-term", user="nobody", plugin_user="daemon",
                    plugin_grace=0.2)
    must_be(hosted.ask(), DAEMON)
    procfs.eventually(lambda: real_uid(hosted.process.pid) == NOBODY.pw_uid, "the host is nobody")
    hosted.stop()
    strays.must_be_gone(0.1, "the stop")


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_of_another_user_is_started_again(stage: Stage, root: None, role: str) -> None:
    hosted = Hosted(stage, role, "report;fork-grandchild;ignore-term", user="nobody",
                    plugin_user="daemon", plugin_restart="on-failure", plugin_grace=0.2)
    first = hosted.ready()
    hosted.kill_plugin(first)
    second = hosted.ready(other_than=first)
    must_be(hosted.ask(), DAEMON)
    assert second != first


@pytest.mark.parametrize("role", ROLES)
def test_kill_9_of_a_host_leaves_no_plugin_of_another_user(stage: Stage, root: None,
                                                           role: str) -> None:
    strays = tree.Strays()
    hosted = Hosted(stage, role, "fork-grandchild;ignore-term", user="nobody", plugin_user="daemon")
    hosted.ready()
    hosted.process.kill()
    strays.must_be_gone(1, "kill -9")


@pytest.mark.parametrize("conf", [{"user": "no-such-user"}, {"plugin_user": "no-such-user"}])
@pytest.mark.parametrize("role", ROLES)
def test_an_unknown_user_is_an_error_before_the_plugin(stage: Stage, root: None, role: str,
                                                       conf: dict[str, str]) -> None:
    mark = stage.home / "report"
    hosted = Hosted(stage, role, f"report={mark}", **conf)
    assert "no-such-user" in hosted.fails() and not mark.exists()


# Capabilities.


@pytest.mark.parametrize("port", [80, 443, 1023])
@pytest.mark.parametrize("conf", [{"user": "nobody"}, {"plugin_user": "nobody"}])
def test_a_low_port_is_one_capability(network: None, stage: Stage, conf: dict[str, str],
                                      port: int) -> None:
    hosted = Hosted(stage, "server", "report", public=port, peer=True, **conf)
    report = hosted.ask()
    must_be(report, NOBODY)
    assert capabilities(report) == {NET_BIND}
    hosted.works(echo_target(stage))


def test_a_low_port_is_had_again_after_a_restart(network: None, stage: Stage) -> None:
    hosted = Hosted(stage, "server", "report", public=443, user="nobody",
                    plugin_restart="on-failure")
    first = hosted.ready()
    hosted.kill_plugin(first)
    hosted.ready(other_than=first)
    assert capabilities(hosted.ask()) == {NET_BIND}


def test_a_high_port_is_none(network: None, stage: Stage) -> None:
    hosted = Hosted(stage, "server", "report", public=1024, user="nobody")
    assert capabilities(hosted.ask()) == {0}


def test_a_low_port_of_the_server_is_nothing_to_a_client(network: None, stage: Stage) -> None:
    hosted = Hosted(stage, "local", "report", public=443, user="nobody")
    assert capabilities(hosted.ask()) == {0}


def test_root_as_the_user_still_gives_no_capability(stage: Stage, root: None) -> None:
    report = Hosted(stage, "server", "report", plugin_user="root").ask()
    assert report.ids("Uid") == {0} and capabilities(report) == {0}


# The sandbox.


@pytest.fixture
def sandbox() -> None:
    """A build with a leak checker, which traces itself, has none."""
    if SANITIZED:
        pytest.skip("a leak checker cannot run in the sandbox")


@pytest.mark.parametrize("argv", [(), ("--no-plugin-sandbox",)])
@pytest.mark.parametrize("role", ROLES)
def test_no_new_privileges_always(stage: Stage, role: str, argv: tuple[str, ...]) -> None:
    assert Hosted(stage, role, "report", *argv).ask().status["NoNewPrivs"] == "1"


@pytest.mark.parametrize("role", ROLES)
def test_the_sandbox_is_on_by_default(stage: Stage, workshop: Workshop, sandbox: None,
                                      role: str) -> None:
    file = workshop.path / "new-file"
    report = Hosted(stage, role, f"report;touch={file}").ask()
    assert report.status["Seccomp"] == "2" and report.raw["peek"] == errno.EPERM
    assert report.raw["touch"] == errno.EACCES and not file.exists()


@pytest.mark.parametrize("given", ["file", "option"])
@pytest.mark.parametrize("role", ROLES)
def test_the_sandbox_can_be_switched_off(stage: Stage, workshop: Workshop, role: str,
                                         given: str) -> None:
    file = workshop.path / "new-file"
    argv = ("--no-plugin-sandbox",) if given == "option" else ()
    conf = {} if argv else {"plugin_sandbox": False}
    report = Hosted(stage, role, f"report;touch={file}", *argv, **conf).ask()
    assert report.status["Seccomp"] == "0"
    assert (report.raw["peek"], report.raw["touch"]) == (0, 0) and file.exists()


@pytest.mark.parametrize("role", ROLES)
def test_the_host_cannot_be_reached_from_the_sandbox(stage: Stage, workshop: Workshop,
                                                     sandbox: None, role: str) -> None:
    """Not by a signal, not through /proc."""
    out = stage.home / "attempts"
    workshop.copy()
    plugin = workshop.script(
        "attacker", 'host=$(cut -d" " -f4 /proc/$PPID/stat)',
        f"(kill -9 $host && echo killed; kill -9 $PPID && echo killed;"
        f" cat /proc/$host/mem && echo read; cat /proc/$host/environ && echo read) >{out} 2>&1",
        f"exec {workshop.path}/fakeplugin")
    hosted = Hosted(stage, role, plugin=plugin, writes=True)
    hosted.ready()
    assert out.exists() and not {"killed", "read"} & set(out.read_text().split())


@pytest.mark.parametrize("role", ROLES)
def test_a_restarted_plugin_is_in_the_sandbox_too(stage: Stage, sandbox: None, role: str) -> None:
    hosted = Hosted(stage, role, "report", plugin_restart="on-failure")
    first = hosted.ready()
    hosted.kill_plugin(first, signal.SIGKILL)
    hosted.ready(other_than=first)
    status = hosted.ask().status
    assert (status["Seccomp"], status["NoNewPrivs"]) == ("2", "1")


@pytest.mark.parametrize("role", ROLES)
def test_a_certificate_named_in_the_options_can_be_read(stage: Stage, role: str) -> None:
    """Files that plugin_opts names by absolute path are what the plugin is there for."""
    secret = Path(stage.home / "cert.pem")
    secret.write_text("certificate")
    hosted = Hosted(stage, role, f"cert={secret};report={stage.home}/report", writes=True)
    procfs.eventually((stage.home / "report").exists, "the plugin runs")
    hosted.ready()
