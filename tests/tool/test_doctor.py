# SPDX-License-Identifier: Apache-2.0
"""ss-plugin doctor: one cause for each way not to start, of real programs and of made-up ones."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from calling import ask
from harness.plugin import toy
from harness.programs import SANITIZED, SLOWER, Program, found, ours, peer
from harness.stage import Stage

LISTEN = """#!{python}
import os, socket, sys, time
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(({host}, {port}))
s.listen(8)
{then}
time.sleep(1000)
"""


def visit(stage: Stage, *words: object, **env: str) -> dict[str, Any]:
    """The JSON report; the lines for people must agree with it."""
    answer = ask(stage, "doctor", "--json", *words, **env)
    report = answer.json()
    assert answer.status == (0 if report["works"] else 1)
    lines = ask(stage, "doctor", *words, **env)
    assert lines.status == answer.status, lines.out
    assert lines.out.startswith("works: " if report["works"] else "cause: ")
    return report


def listener(stage: Stage, host: str = "os.environ['SS_LOCAL_HOST']",
             port: str = "int(os.environ['SS_LOCAL_PORT'])", then: str = "") -> Path:
    text = LISTEN.format(python=sys.executable, host=host, port=port, then=then)
    return stage.script("listener", text)


# ---- what works ----


@pytest.mark.parametrize(("program", "options", "role"), [
    (ours, "obfs=http", "client"), (peer, "obfs=http", "client"),
    (ours, "obfs=tls", "server"), (peer, "obfs=tls", "server")])
def test_real_plugins_work(stage: Stage, program: Any, options: str, role: str) -> None:
    plugin = program("obfs-local" if role == "client" else "obfs-server")
    report = visit(stage, "--options", options, plugin)
    assert (report["cause"], report["role"]) == ("works", role)
    assert report["listening_ms"] > 0
    assert report["expected"] in [socket["address"] for socket in report["sockets"]]
    assert report["notified"] == plugin.ours


@pytest.mark.parametrize(("options", "role"), [(None, "client"), ("server", "server")])
def test_v2ray_plugin_works(stage: Stage, options: str | None, role: str) -> None:
    words = ["--options", options] if options else []
    report = visit(stage, *words, peer("ss-v2ray-plugin"))
    assert (report["cause"], report["role"]) == ("works", role)


# ---- what is no program ----


def test_a_missing_program(stage: Stage) -> None:
    report = visit(stage, "no-such-plugin")
    assert report["cause"] == "not-found"
    assert "$PATH" in report["advice"]
    assert visit(stage, "./no/such/plugin")["cause"] == "not-found"


def test_a_directory_of_plugins(stage: Stage) -> None:
    """As plugin_dir of the hosts."""
    plugins = stage.home / "plugins"
    plugins.mkdir()
    shutil.copy(ours("obfs-local").path, plugins / "my-plugin")
    assert visit(stage, "--options", "obfs=http", "--plugin-dir", plugins, "my-plugin")["works"]
    missing = visit(stage, "--plugin-dir", plugins, "no-such-plugin")
    assert missing["cause"] == "not-found" and f"in {plugins} and $PATH" in missing["advice"]


def test_a_file_that_is_not_executable(stage: Stage) -> None:
    script = stage.script("closed", "#!/bin/sh\n")
    script.chmod(0o644)
    report = visit(stage, script)
    assert report["cause"] == "not-executable"
    assert "chmod +x" in report["advice"]


def test_a_script_without_its_interpreter(stage: Stage) -> None:
    report = visit(stage, stage.script("orphan", "#!/no/such/shell\n"))
    assert report["cause"] == "missing-interpreter"
    assert "/no/such/shell" in report["advice"]


def test_a_file_of_text(stage: Stage) -> None:
    assert visit(stage, stage.script("text", "hello\n"))["cause"] == "not-a-program"


def test_a_directory(stage: Stage) -> None:
    (stage.home / "folder").mkdir()
    assert visit(stage, "./folder")["cause"] == "not-a-program"


def test_a_program_for_another_machine(stage: Stage) -> None:
    image = bytearray(ours("ss-plugin").path.read_bytes())
    image[18:20] = (183).to_bytes(2, "little") if image[18] != 183 else (62).to_bytes(2, "little")
    other = stage.home / "other"
    other.write_bytes(image)
    other.chmod(0o755)
    report = visit(stage, other)
    assert report["cause"] == "wrong-architecture"
    assert "this machine is" in report["advice"]


def test_a_missing_shared_library(stage: Stage) -> None:
    compiler = found("cc")
    (stage.home / "lib.c").write_text("int answer(void) { return 0; }\n")
    (stage.home / "main.c").write_text("int answer(void); int main(void) { return answer(); }\n")
    for argv in (["-shared", "-fPIC", "-o", "libgone.so", "lib.c"],
                 ["-o", "needy", "main.c", "-L.", "-lgone"]):
        subprocess.run([compiler, *argv], cwd=stage.home, check=True)
    (stage.home / "libgone.so").unlink()
    report = visit(stage, "./needy")
    assert report["cause"] == "missing-library"
    assert "libgone.so" in report["advice"]
    assert report["exit_status"] == 127
    assert "LD_LIBRARY_PATH is not passed on" in visit(stage, "./needy", LD_LIBRARY_PATH=str(stage.home))["advice"]


# ---- what ends ----


def test_options_with_an_error(stage: Stage) -> None:
    for plugin in (ours("obfs-local"), peer("obfs-local")):
        report = visit(stage, "--options", "obfs=http;=x", plugin)
        if not report["works"]:
            assert report["cause"] == "bad-options"
            assert "byte 11" in report["advice"]


def test_options_that_are_wrong(stage: Stage) -> None:
    report = visit(stage, "--options", "obfs=htttp", ours("obfs-local"))
    assert (report["cause"], report["exit_status"]) == ("bad-configuration", 78)
    assert any("obfs" in line for line in report["said"])


def test_options_that_are_missing(stage: Stage) -> None:
    report = visit(stage, peer("obfs-local"))
    assert not report["works"]
    assert "obfs=http" in report["advice"]


def test_status_23_of_v2ray_plugin(stage: Stage) -> None:
    report = visit(stage, "--options", "server;tls;host=h;cert=/no/such", peer("ss-v2ray-plugin"))
    assert (report["cause"], report["exit_status"]) == ("bad-configuration", 23)
    assert any("/no/such" in line for line in report["said"])


@pytest.mark.parametrize("number", [0, 3, 64, 77, 78])
def test_an_exit_and_its_last_words(stage: Stage, number: int) -> None:
    script = stage.script("exits", f"#!/bin/sh\necho one\necho last words >&2\nexit {number}\n")
    report = visit(stage, script)
    assert report["exit_status"] == number
    assert report["said"][-1] == "last words"
    assert report["cause"] == {64: "bad-configuration", 77: "no-permission",
                               78: "bad-configuration"}.get(number, "exited")


def test_a_signal(stage: Stage) -> None:
    report = visit(stage, stage.script("crashes", "#!/bin/sh\nkill -SEGV $$\n"))
    assert (report["cause"], report["signal"]) == ("killed", 11)


def test_a_death_right_behind_readiness(stage: Stage) -> None:
    script = listener(stage, then="time.sleep(.1); sys.exit(5)")
    report = visit(stage, script)
    assert (report["works"], report["exit_status"]) == (False, 5)


@pytest.mark.parametrize("program", [ours, peer])
def test_a_port_that_is_taken(stage: Stage, program: Any) -> None:
    taken = stage.listener()
    plugin: Program = program("obfs-server")
    report = visit(stage, "--options", "obfs=http", "--role", "server", "--remote",
                   f"127.0.0.1:{taken.address[1]}", plugin)
    assert report["cause"] == "port-in-use"
    assert f"(pid {os.getpid()})" in report["advice"]


# ---- what runs, but not as it should ----


def test_another_port(stage: Stage) -> None:
    other = stage.port()
    script = listener(stage, port=str(other))
    report = visit(stage, "--wait", "2", "--ports", other, script)
    assert report["cause"] == "wrong-port"
    assert f"127.0.0.1:{other}" in report["advice"]


def test_a_port_that_nothing_names_is_closed(stage: Stage) -> None:
    report = visit(stage, "--wait", "2", listener(stage, port=str(stage.port())))
    assert not report["works"]
    assert SANITIZED or "plugin_ports" in report["advice"], report


def test_another_address(stage: Stage) -> None:
    report = visit(stage, "--wait", "3", listener(stage, host="'127.0.0.2'"))
    assert report["cause"] == "wrong-address"
    assert "127.0.0.2" in report["advice"]


def test_all_addresses_are_worth_a_note(stage: Stage) -> None:
    report = visit(stage, listener(stage, host="''"))
    assert report["cause"] == "works"
    assert any("all addresses" in note for note in report["notes"])


def test_nothing_at_all(stage: Stage) -> None:
    report = visit(stage, "--wait", "1", "/bin/cat")
    assert (report["cause"], report["sockets"]) == ("not-listening", [])
    assert "does not listen on" in report["what"]


def test_a_closed_log_is_worth_a_note(stage: Stage) -> None:
    report = visit(stage, listener(stage, then="os.close(1); os.close(2)"))
    assert report["cause"] == "works"
    assert any("closed its stdout" in note for note in report["notes"])


def test_the_wrong_role_of_v2ray_plugin(stage: Stage) -> None:
    report = visit(stage, "--wait", "2", "--role", "client", "--options", "server", peer("ss-v2ray-plugin"))
    assert not report["works"]
    assert "remove server" in report["advice"]


def test_traps_in_the_options_are_noted(stage: Stage) -> None:
    report = visit(stage, "--options", "obfs-local;obfs=http", ours("obfs-local"))
    assert any("name of the plugin" in note for note in report["notes"])


def test_datagrams_that_are_not_carried(stage: Stage) -> None:
    report = visit(stage, "--mode", "udp_only", "--wait", "2", "--options", "obfs=http", peer("obfs-local"))
    assert report["cause"] == "no-udp"


@pytest.mark.parametrize("mode", ["udp_only", "tcp_and_udp"])
def test_datagrams_that_are_carried(stage: Stage, mode: str) -> None:
    report = visit(stage, "--mode", mode, toy())
    assert report["cause"] == "works"
    transports = {socket["transport"] for socket in report["sockets"]}
    assert transports == ({"udp"} if mode == "udp_only" else {"tcp", "udp"})


def test_what_the_plugin_complains_about(stage: Stage) -> None:
    report = visit(stage, "--options", "obfs=http;pth=/x", ours("obfs-local"))
    assert report["works"] and report["cause"] == "complains" and "logs errors" in report["what"]
    assert any("pth is unknown" in note for note in report["notes"])


# ---- as a host would ----


@pytest.mark.skipif(SANITIZED, reason="a leak checker cannot run in the sandbox")
def test_the_sandbox_is_that_of_a_host(stage: Stage, tmp_path: Path) -> None:
    """Everything that the hosts' sandbox closes is closed here; the advice names the switches."""
    script = stage.script("writer", f"#!/bin/sh\necho x >{tmp_path}/state || exit 1\n"
                                    f"exec {peer('obfs-local')}\n")
    elsewhere = {"TMPDIR": str(stage.home / "tmp")}
    (stage.home / "tmp").mkdir()
    report = visit(stage, "--options", "obfs=http", script, **elsewhere)
    assert report["cause"] == "no-permission", report
    assert "plugin_writable" in report["advice"] and "--no-plugin-sandbox" in report["advice"]
    for words in (["--writable", tmp_path, "--user", pwd.getpwuid(os.getuid()).pw_name], ["--no-sandbox"]):
        assert visit(stage, *words, "--options", "obfs=http", script, **elsewhere)["works"]


def test_the_environment_is_that_of_a_host(stage: Stage) -> None:
    script = stage.script("picky", '#!/bin/sh\ntest -z "$LD_LIBRARY_PATH" || exit 1\n'
                                   f"exec {peer('obfs-local')}\n")
    assert visit(stage, "--options", "obfs=http", script, LD_LIBRARY_PATH="/opt/lib")["works"]


# ---- who may ----


def as_nobody(*words: object) -> subprocess.CompletedProcess[str]:
    """ss-plugin without any privilege, in a place that all may enter."""
    if os.geteuid() != 0:
        pytest.skip("only root becomes somebody else")
    nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    tool = str(ours("ss-plugin"))
    return subprocess.run([*nobody, tool, *map(str, words)], cwd="/", check=False, text=True,
                          capture_output=True, timeout=60 * SLOWER, env={"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("program", [ours, peer])
def test_a_port_that_needs_a_privilege(program: Any) -> None:
    if int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text()) < 1024:
        pytest.skip("this machine has no privileged ports")
    done = as_nobody("doctor", "--json", "--role", "server", "--remote", "127.0.0.1:81", "--options", "obfs=http",
                     program("obfs-server"))
    report = json.loads(done.stdout)
    assert (done.returncode, report["cause"]) == (1, "low-port"), done.stdout
    assert "CAP_NET_BIND_SERVICE" in report["advice"]


def test_a_file_that_anybody_can_change(stage: Stage) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is that careful")
    script = stage.script("open-to-all", "#!/bin/sh\n")
    script.chmod(0o777)
    report = visit(stage, script)
    assert report["cause"] == "not-trusted"
    assert "chmod go-w" in report["advice"]


# ---- afterwards ----


def test_nothing_is_left_running(stage: Stage) -> None:
    pids = stage.home / "pids"
    script = stage.script("family", f"#!/bin/sh\ntrap '' TERM\nsleep 1000 &\necho $! >{pids}\nsleep 1000\n")
    visit(stage, "--wait", "1", "--writable", stage.home, "--user", pwd.getpwuid(os.getuid()).pw_name, script)
    assert not Path(f"/proc/{pids.read_text().strip()}").exists()


@pytest.mark.parametrize("words", [(), ("a", "b"), ("--wait", "0", "a"), ("--role", "x", "a"), ("--wiat", "1", "a")])
def test_a_wrong_command_line_is_64(stage: Stage, words: tuple[str, ...]) -> None:
    answer = ask(stage, "doctor", *words)
    assert (answer.status, answer.out) == (64, "")
    assert answer.err.count("\n") == 1
