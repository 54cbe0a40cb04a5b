# SPDX-License-Identifier: Apache-2.0
"""The units of Debian's shadowsocks-libev with our programs in the place of theirs: the same words, rights and user."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from harness.content import read_exactly
from harness.manager import Folder
from harness.programs import ours, peer
from harness.socks import dial
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo
from harness.tunnel import written

UNITS = ["shadowsocks-libev-local@", "shadowsocks-libev-redir@", "shadowsocks-libev-server@",
         "shadowsocks-libev-tunnel@", "shadowsocks-libev"]
HERE, ETC = "127.0.0.1", "/etc/shadowsocks-libev"
NOBODY = "65534"


def settings(unit: str) -> dict[str, list[str]]:
    text = Path(f"/lib/systemd/system/{unit}.service").read_text()
    pairs = re.findall(r"^(\w+)=(.*)$", text, re.M)
    return {name: [value for key, value in pairs if key == name] for name, _ in pairs}


def command(unit: dict[str, list[str]], folder: Path) -> list[str]:
    """The words of its ExecStart for the instance `test`, whose configuration is in that folder."""
    (line,) = unit["ExecStart"]
    variables = {}
    for file in unit.get("EnvironmentFile", []):
        variables |= dict(re.findall(r'^(\w+)="?(.*?)"?$', Path(file).read_text(), re.M))
    line = re.sub(r"\$(\w+)", lambda found: variables[found[1]], line.replace("%i", "test"))
    program, *words = shlex.split(line)
    words = [word.replace(ETC, str(folder)).replace("config.json", "test.json") for word in words]
    return [str(ours(Path(program).name)), *words]


def restricted(unit: dict[str, list[str]]) -> list[str]:
    """As systemd runs it: another user with these capabilities and no others."""
    assert unit["CapabilityBoundingSet"] == unit["AmbientCapabilities"] and unit["DynamicUser"] == ["true"]
    caps = ",".join(f"+{name.removeprefix('CAP_').lower()}" for name in unit["AmbientCapabilities"][0].split())
    return ["setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", f"--inh-caps=-all,{caps}",
            f"--ambient-caps=-all,{caps}", f"--bounding-set=-all,{caps}"]


@pytest.mark.parametrize("name", UNITS)
def test_a_unit_runs_our_program(network: None, stage: Stage, name: str) -> None:
    peer("ss-server")
    unit, folder = settings(name), stage.keep(Folder()).path
    folder.chmod(0o755)
    near, public, target = stage.port(), stage.port(), stage.target(echo).address
    server = name in ("shadowsocks-libev-server@", "shadowsocks-libev")
    listens = 443 if server else near  # as many servers have
    values = {"server": HERE, "server_port": 443 if server else public, "password": PASSWORD, "method": "aes-256-gcm",
              "local_address": HERE, "local_port": near, "timeout": 60, "tunnel_address": written(target),
              "outbound": "all"}
    (folder / "test.json").write_text(json.dumps(values))
    process = stage.run(*restricted(unit), *command(unit, folder))
    stage.wait_listening(process, listens)
    status = Path(f"/proc/{process.pid}/status").read_text()
    assert re.search(rf"^Uid:\s+{NOBODY}\b", status, re.M)
    if server:
        stage.ss_local(our_parts(), (HERE, 443), near)
    else:
        stage.ss_server(our_parts(), public)
    if name.endswith("redir@"):  # interop/test_redir.py has the rules for it
        return
    sock = stage.connect((HERE, near)) if name.endswith("tunnel@") else stage.keep(dial((HERE, near), target))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"
    assert process.running and "ERROR" not in process.output(), process.output()
