# SPDX-License-Identifier: Apache-2.0
"""The known traps of plugins: the log says what to do, not only what happened."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import ours, peer
from harness.stage import Stage
from life.hosted import ROLES, Hosted, echo_target
from life.workshop import FOREIGN, FOREIGN_NAME, Workshop

def one_error(hosted: Hosted) -> str:
    """The reason is one line, however the plugin failed, beside what it said itself."""
    hosted.fails(15)
    lines = [line for line in hosted.lines("ERROR") if not re.search(r"ERROR: plugin \S+\[\d+\]: ", line)]
    assert len(lines) == 1, hosted.process.output()
    return lines[0]


@pytest.mark.parametrize("key", ["plugin-opts", "plugin_opt", "pluginopts", "plugin_options"])
@pytest.mark.parametrize("role", ROLES)
def test_a_misspelt_key_is_recognised(stage: Stage, role: str, key: str) -> None:
    hosted = Hosted(stage, role, **{key: "say=from a misspelt key"})
    hosted.ready()
    hosted.says(f"{key}:", '"plugin_opts"')
    if key == "plugin-opts":
        hosted.says("from a misspelt key")


def test_v2ray_without_server_on_a_server(stage: Stage) -> None:
    hosted = Hosted(stage, "server", plugin=peer("ss-v2ray-plugin"))
    assert re.search(r"hint: .*\bserver\b.*plugin_opts", one_error(hosted))


def test_v2ray_with_server_on_a_client(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "server", plugin=peer("ss-v2ray-plugin"), plugin_ready=1.5)
    assert re.search(r"hint: .*\bserver\b.*plugin_opts", one_error(hosted))


def test_v2ray_with_server_on_a_client_beside_its_server(stage: Stage) -> None:
    """Then the address that it wants is taken, and another port of the host would not help."""
    taken = stage.listener()
    hosted = Hosted(stage, "local", "server", plugin=peer("ss-v2ray-plugin"), public=taken.address[1])
    assert re.search(r"hint: .*\bserver\b.*plugin_opts", one_error(hosted))
    assert len(hosted.lines("failed to start server")) == 2  # as it came, and in the reason


@pytest.mark.parametrize(("address", "starts"), [("127.0.0.1:4321", 1), ("[::1]:4321", 1), ("port", 4)])
def test_a_taken_address_of_its_own_is_told_once(stage: Stage, address: str, starts: int) -> None:
    """Four starts, where the port that the host has chosen may be meant."""
    hosted = Hosted(stage, "local", f"say=12:30:45 listen {address}: bind: address already in use;exit=1")
    one_error(hosted)
    assert len(hosted.lines("trying the next one")) == starts - 1


def test_a_low_port_without_the_capability(network: None, workshop: Workshop) -> None:
    become = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--bounding-set=-all")
    with contextlib.closing(Stage(workshop.path)) as stage:
        hosted = Hosted(stage, "server", public=80, wrap=become)
        assert re.search(r"hint: .*\b80\b.*CAP_NET_BIND_SERVICE", one_error(hosted))


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_that_is_not_there(stage: Stage, role: str) -> None:
    """A file of that name in the current directory, where nobody looks, changes nothing."""
    for name in ("no-such-plugin", "/no/such-plugin"):
        line = one_error(Hosted(stage, role, plugin=name))
        assert f"hint: there is no file {name}: install the plugin" in line
    (stage.home / "no-such-plugin").write_text("#!/bin/sh\n")
    inside = ("sh", "-c", f'cd {stage.home}; exec "$@"', "sh")
    assert "hint: there is no file" in one_error(Hosted(stage, role, plugin="no-such-plugin", wrap=inside))


@pytest.mark.parametrize("role", ROLES)
def test_a_mistyped_name_is_guessed(stage: Stage, workshop: Workshop, role: str) -> None:
    """Among the programs of the places that are searched: plugin_dir, PATH, and beside a path."""
    meant = workshop.script("obfs-elsewhere", "exit 0")
    (workshop.path / "obfs-elsewhrre").write_text("no program")
    for plugin, more in (("obfs-elsewere", {"plugin_dir": str(workshop.path)}),
                         ("obfs-elsewere", {"env": {"PATH": f"/usr/bin:{workshop.path}"}}),
                         (workshop.path / "obfs-elsewere", {})):
        line = one_error(Hosted(stage, role, plugin=plugin, **more))
        assert f"hint: there is no file {plugin}: " in line and f"(did you mean {meant}?)" in line
    line = one_error(Hosted(stage, role, plugin="elsewhere", plugin_dir=str(workshop.path)))
    assert "did you mean" not in line


@pytest.mark.parametrize("role", ROLES)
def test_an_interpreter_that_is_not_there(stage: Stage, workshop: Workshop, role: str) -> None:
    path = workshop.script("script", interpreter="/usr/bin/no-such-shell")
    line = one_error(Hosted(stage, role, plugin=path))
    assert str(path) in line and "interpreter /usr/bin/no-such-shell" in line


@pytest.mark.parametrize("role", ROLES)
def test_a_program_for_another_machine(stage: Stage, workshop: Workshop, role: str) -> None:
    path = workshop.write("plugin", FOREIGN)
    line = one_error(Hosted(stage, role, plugin=path))
    assert re.search(FOREIGN_NAME, line) and str(path) in line


@pytest.mark.parametrize("role", ROLES)
def test_a_script_without_a_first_line(stage: Stage, workshop: Workshop, role: str) -> None:
    path = workshop.write("script", b"echo hello\n")
    assert "#!" in one_error(Hosted(stage, role, plugin=path))


@pytest.mark.parametrize("opts", ["exit=1;key=value\\", "exit=1;=value"])
@pytest.mark.parametrize("role", ROLES)
def test_options_that_do_not_parse(stage: Stage, role: str, opts: str) -> None:
    assert re.search("hint: .*plugin_opts", one_error(Hosted(stage, role, opts)))


def test_options_that_do_not_parse_are_the_plugins_to_judge(stage: Stage) -> None:
    hosted = Hosted(stage, "local", "a=b\\", peer=True)
    hosted.works(echo_target(stage))
    assert procfs.environment(hosted.ready())["SS_PLUGIN_OPTIONS"] == "a=b\\"


def test_a_taken_port_and_by_whom(stage: Stage) -> None:
    behind = stage.listener()
    hosted = Hosted(stage, "server", public=behind.address[1])
    line = one_error(hosted)
    name = Path(f"/proc/{os.getpid()}/comm").read_text().strip()
    assert re.search(rf"hint: .*{behind.address[1]}.*{re.escape(name)}.*\b{os.getpid()}\b", line)


@pytest.mark.parametrize("role", ROLES)
def test_a_wrong_exit_has_no_invented_hint(stage: Stage, role: str) -> None:
    assert "hint" not in one_error(Hosted(stage, role, "say=I do not like it;exit=1"))


@pytest.mark.parametrize("role", ROLES)
def test_a_listener_on_another_port_is_seen(stage: Stage, role: str) -> None:
    hosted = Hosted(stage, role, "wrong-port", plugin_ready=0.5, plugin_ports="any")
    port = hosted.port_of(hosted.plugin())
    line = one_error(hosted)
    assert f"port {port}" in line


@pytest.mark.parametrize(("role", "plugin", "other"), [("server", "obfs-local", "obfs-server"),
                                                       ("local", "obfs-server", "obfs-local")])
def test_the_plugin_of_the_other_end(stage: Stage, role: str, plugin: str, other: str) -> None:
    line = one_error(Hosted(stage, role, "obfs=http", plugin=peer(plugin), plugin_ready=1))
    assert f"hint: {plugin} is the plugin of the" in line and f"needs {other}" in line


@pytest.mark.parametrize(("role", "plugin"), [("server", "obfs-local"), ("local", "obfs-server")])
def test_our_plugin_of_the_other_end_ends_at_once(stage: Stage, role: str, plugin: str) -> None:
    line = one_error(Hosted(stage, role, "obfs=http", plugin=ours(plugin)))
    assert "exited with status 78" in line and f"hint: {plugin} is the plugin of the" in line


@pytest.mark.parametrize("plugin", ["obfs-server;obfs=http;key=SECRET",
                                    "/usr/bin/obfs-server;obfs=http;cert=/a/SECRET",
                                    "obfs-server --obfs http -k SECRET"])
@pytest.mark.parametrize("role", ROLES)
def test_options_in_the_place_of_the_name(stage: Stage, role: str, plugin: str) -> None:
    """They may be secret wherever they stand."""
    hosted = Hosted(stage, role, plugin=plugin)
    line = one_error(hosted)
    assert re.search(r"hint: .*plugin_opts", line) and "start plugin obfs-server:" in line
    assert "SECRET" not in hosted.process.output().replace(str(hosted.config), "")


@pytest.mark.parametrize(("plugin", "wrapper"), [("obfs4proxy", "pt-wrap"),
                                                 ("snowflake-client", "pt-wrap"),
                                                 ("kcptun-client", "exec-wrap"),
                                                 ("dnstt-client", "exec-wrap"),
                                                 ("slipstream-client", "exec-wrap"),
                                                 ("v2ray-plugin", "ss-v2ray-plugin")])
def test_a_program_that_is_no_plugin(stage: Stage, plugin: str, wrapper: str) -> None:
    """Whether it is installed or not."""
    for path in (plugin, f"/no/such/{plugin}"):
        line = one_error(Hosted(stage, "local", plugin=path, plugin_ready=1))
        assert re.search(f"hint: .*\\b{wrapper}\\b", line)


@pytest.mark.parametrize("role", ROLES)
def test_a_plugin_without_datagrams(stage: Stage, role: str) -> None:
    line = one_error(Hosted(stage, role, "obfs=http", plugin_ready=4, mode="tcp_and_udp",
                            plugin_mode="tcp_and_udp",
                            plugin=peer("obfs-local" if role == "local" else "obfs-server")))
    assert re.search("hint: .*plugin_mode.*tcp_only", line)


@pytest.mark.parametrize("role", ROLES)
def test_a_library_path_is_not_passed_on(stage: Stage, workshop: Workshop, role: str) -> None:
    said = "p: error while loading shared libraries: libx.so.1: cannot open shared object file"
    plugin = workshop.script("needy", 'test -z "$LD_LIBRARY_PATH" || exit 9', f"echo {said}", "exit 127")
    line = one_error(Hosted(stage, role, plugin=plugin, env={"LD_LIBRARY_PATH": "/opt/lib"}))
    assert re.search("hint: LD_LIBRARY_PATH .*ldconfig", line) and f"it said: {said}" in line


@pytest.mark.parametrize("role", ROLES)
def test_a_crash_says_what_happened(stage: Stage, workshop: Workshop, role: str) -> None:
    trace = [f"echo 'r{n}    0x0'" for n in range(40)]
    plugin = workshop.script("crash", "echo 'panic: no key'", "echo 'goroutine 1 [running]:'", *trace,
                             "exit 2")
    assert "it said: panic: no key" in one_error(Hosted(stage, role, plugin=plugin))
