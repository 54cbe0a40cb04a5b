# SPDX-License-Identifier: Apache-2.0
"""Every program with the peers that it needs, in the shortest scenario that uses all of it."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness import socks, udp
from harness.extent import FULL
from harness.manager import Folder
from harness.programs import SLOWER, found, ours, peer
from harness.socks import Address
from harness.stage import PASSWORD, SANDBOX, Stage, is_process, our_parts
from harness.targets import echo
from harness.tunnel import written
from trial import HANG, Scene

HERE, USER = "127.0.0.1", "127.0.0.2"
LAWS = Path(__file__).resolve().parents[1] / "laws" / "tls_wrap"
# The manual pages say this: of daemons, of plugins (sysexits), of ss-plugin.
DAEMON = frozenset({1, 255})
PLUGIN = frozenset({64, 68, 69, 70, 71, 75, 78})
TOOL = frozenset({1, 2, 71})


def _straight(address: Address) -> Callable[[], socket.socket]:
    return lambda: socket.create_connection(address, HANG)


def _through(proxy: Address, target: Address) -> Callable[[], socket.socket]:
    return lambda: socks.dial(proxy, target, HANG)


def _packets(make: Callable[[], udp.Client], target: Address) -> Callable[[], bool]:
    def trade() -> bool:
        try:
            with contextlib.closing(make()) as client:
                client.sock.settimeout(1.0 * SLOWER)
                return client.trade(target, b"a packet") == target
        except (OSError, EOFError, AssertionError):
            return False

    return trade


class _Raw:
    """A user of ss-tunnel: packets without a header."""

    def __init__(self, address: Address) -> None:
        self.sock = udp.open_socket(address[0])
        self.sock.connect(address)

    def trade(self, target: Address, payload: bytes) -> Address:
        self.sock.send(payload)
        assert self.sock.recv(udp.MAX) == payload
        return target

    def close(self) -> None:
        self.sock.close()


def _daemon(stage: Stage, name: str, port: int, server: Address, dial: Any, packet: Any = None,
            plugin: tuple[str, str] | None = None, **more: Any) -> Scene:
    values: dict[str, Any] = {"password": PASSWORD, "method": "aes-256-gcm", "timeout": 60,
                              "server": server[0], "server_port": server[1], "outbound": "all",
                              **more, **SANDBOX}
    if plugin:
        command = str(ours(plugin[0])) if is_process(plugin[0]) else plugin[0]
        values |= {"plugin": command, "plugin_opts": plugin[1]}
    config = stage.config(**values)
    config.chmod(0o600)
    return Scene(name, (ours(name), "-c", config), {}, port, dial, packet,
                 refusals=DAEMON, ends=frozenset({0}))


def ss_server(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    target, packets = stage.target(echo).address, stage.keep(udp.Echo()).address
    stage.ss_local(our_parts(), public, near[1], mode="tcp_and_udp")
    return _daemon(stage, "ss-server", public[1], public, _through(near, target),
                   _packets(lambda: udp.Client(near, timeout=HANG), packets), mode="tcp_and_udp")


def ss_server_host(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    stage.ss_local(our_parts("http"), public, near[1])
    return replace(_daemon(stage, "ss-server", public[1], public,
                           _through(near, stage.target(echo).address),
                           plugin=("obfs-server", "obfs=http")), name="ss-server with a plugin")


def ss_local(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    target, packets = stage.target(echo).address, stage.keep(udp.Echo()).address
    stage.ss_server(our_parts(), public[1], mode="tcp_and_udp")
    return _daemon(stage, "ss-local", near[1], public, _through(near, target),
                   _packets(lambda: udp.Client(near, timeout=HANG), packets), mode="tcp_and_udp",
                   local_address=HERE, local_port=near[1])


def ss_local_host(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    stage.ss_server(our_parts("tls"), public[1])
    return replace(_daemon(stage, "ss-local", near[1], public,
                           _through(near, stage.target(echo).address),
                           plugin=("obfs-local", "obfs=tls;obfs-host=www.example.com"),
                           local_address=HERE, local_port=near[1]), name="ss-local with a plugin")


def ss_server_inside(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    stage.ss_local(our_parts("inline:tls"), public, near[1])
    return replace(_daemon(stage, "ss-server", public[1], public, _through(near, stage.target(echo).address),
                           plugin=("inline:obfs-server", "obfs=tls")), name="ss-server with a plugin inside")


def ss_local_inside(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    stage.ss_server(our_parts("inline:http"), public[1])
    return replace(_daemon(stage, "ss-local", near[1], public, _through(near, stage.target(echo).address),
                           plugin=("inline:obfs-local", "obfs=http"), local_address=HERE, local_port=near[1]),
                   name="ss-local with a plugin inside")


def ss_tunnel(stage: Stage) -> Scene:
    near, public = (HERE, stage.port()), (HERE, stage.port())
    target = stage.target(echo).address
    stage.ss_server(our_parts(), public[1])
    return _daemon(stage, "ss-tunnel", near[1], public, _straight(near), mode="tcp_only",
                   local_address=HERE, local_port=near[1], tunnel_address=written(target))


def ss_redir(stage: Stage) -> Scene:
    """A rule of nftables brings it the connections of users; those of ss-server have another source."""
    if os.geteuid() != 0:
        pytest.skip("only root can have rules of nftables")
    near, public = (HERE, stage.port()), (HERE, stage.port())
    target = stage.target(echo).address
    rules = ("add table ip torture; "
             "add chain ip torture output { type nat hook output priority -100; }; "
             f"add rule ip torture output ip saddr {USER} tcp dport {target[1]} redirect to :{near[1]}")
    subprocess.run([found("nft"), rules], check=True, timeout=30)
    stage.ss_server(our_parts(), public[1])
    return _daemon(stage, "ss-redir", near[1], public, lambda: socket.create_connection(target, HANG, (USER, 0)),
                   mode="tcp_only", local_address=HERE, local_port=near[1])


def ss_manager(stage: Stage) -> Scene:
    """With a port of its configuration.  It goes on without that: no trial of faults."""
    near, public, folder = (HERE, stage.port()), (HERE, stage.port()), stage.keep(Folder()).path
    stage.ss_local(our_parts(), public, near[1])
    scene = _daemon(stage, "ss-manager", public[1], public, _through(near, stage.target(echo).address),
                    mode="tcp_only", password=None, server_port=None, port_password={str(public[1]): PASSWORD},
                    manager_address=str(folder / "requests"))
    return replace(scene, argv=(*scene.argv, "-D", folder / "ports"))


# ---- plugins: one end has the fault, the other none ----

_Ends = Callable[[Stage], tuple[tuple[str, str], tuple[str, str]]]  # (program, options) of each


def _obfs(mode: str) -> _Ends:
    def ends(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
        return (("obfs-local", f"obfs={mode};obfs-host=www.example.com"), ("obfs-server", f"obfs={mode}"))

    return ends


def _tls(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    return (("tls-wrap", f"host=ex.test;ca={LAWS}/cert.pem"),
            ("tls-wrap", f"cert={LAWS}/cert.pem;key={LAWS}/key.pem"))


def _ws_wrap(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    common = "tls;host=ex.test;path=/tunnel"
    return (("ws-wrap", f"{common};cert={LAWS}/cert.pem"),
            ("ws-wrap", f"{common};cert={LAWS}/cert.pem;key={LAWS}/key.pem"))


def _chain(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    return (("chain", f"1=obfs-local;1.obfs=http;2=tls-wrap;2.host=ex.test;2.ca={LAWS}/cert.pem"),
            ("chain", f"1=obfs-server;1.obfs=http;2=tls-wrap;2.cert={LAWS}/cert.pem;2.key={LAWS}/key.pem"))


def _chain_of_programs(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    socat, wrap = peer("socat"), ours("exec-wrap")
    return (("chain", f"1={wrap};1.cmd={socat} TCP-LISTEN:%lp,bind=%lh,fork,reuseaddr TCP:%R;"
                      "2=obfs-local;2.obfs=tls"),
            ("chain", f"1={wrap};1.cmd={socat} TCP-LISTEN:%rp,bind=%rh,fork,reuseaddr TCP:%L;"
                      "2=obfs-server;2.obfs=tls"))


def _exec(_stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    socat = peer("socat")
    return (("exec-wrap", f"cmd={socat} TCP-LISTEN:%lp,bind=%lh,fork,reuseaddr TCP:%R"),
            ("exec-wrap", f"cmd={socat} TCP-LISTEN:%rp,bind=%rh,fork,reuseaddr TCP:%L"))


def _transport(stage: Stage) -> tuple[tuple[str, str], tuple[str, str]]:
    proxy = peer("obfs4proxy")
    client, server = (f"exec={proxy};transport=obfs3;state={stage.home}/{end}" for end in "cs")
    return ("pt-wrap", client), ("pt-wrap", server)


def _environment(role: str, local: Address, remote: Address, options: str) -> dict[str, str]:
    path = {"PATH": f"{ours('obfs-local').path.parent}:/usr/bin:/bin"}
    return {**path, "SS_LOCAL_HOST": local[0], "SS_LOCAL_PORT": str(local[1]), "SS_PLUGIN_ROLE": role,
            "SS_REMOTE_HOST": remote[0], "SS_REMOTE_PORT": str(remote[1]), "SS_PLUGIN_OPTIONS": options}


def _plugin(stage: Stage, name: str, ends: _Ends, role: str) -> Scene:
    near, public, back = (HERE, stage.port()), (HERE, stage.port()), stage.target(echo).address
    client, server = ends(stage)
    place = {"client": (client, near, public), "server": (server, back, public)}
    other = "server" if role == "client" else "client"
    (program, options), local, remote = place[other]
    helper = stage.run(ours(program), env=_environment(other, local, remote, options))
    stage.wait_listening(helper, local[1] if other == "client" else remote[1])
    (program, options), local, remote = place[role]
    return Scene(f"{name} as {role}", (ours(program),), _environment(role, local, remote, options),
                 (local if role == "client" else remote)[1], _straight(near), refusals=PLUGIN,
                 half_closes=name != "pt-wrap")  # obfs4proxy ends both directions with one


PLUGINS: dict[str, _Ends] = {"obfs http": _obfs("http"), "obfs tls": _obfs("tls"), "tls-wrap": _tls,
                             "chain": _chain, "chain of programs": _chain_of_programs,
                             "exec-wrap": _exec, "pt-wrap": _transport}
if FULL:  # between runs it is tls-wrap's code that meets the faults
    PLUGINS["ws-wrap"] = _ws_wrap


def _plugin_scene(name: str, role: str) -> Callable[[Stage], Scene]:
    return lambda stage: _plugin(stage, name, PLUGINS[name], role)


# ---- ss-plugin ----

def run(stage: Stage) -> Scene:
    """ss-plugin run: a pair of plugins and both hosts."""
    near = stage.port()
    argv = (ours("ss-plugin"), "run", "--client", ours("obfs-local"), "--copts", "obfs=http",
            "--server", ours("obfs-server"), "--sopts", "obfs=http", "--listen", f"{HERE}:{near}",
            "--to", written(stage.target(echo).address))
    return Scene("ss-plugin run", argv, {}, near, _straight((HERE, near)), refusals=TOOL | PLUGIN)


def _command(name: str, *argv: object, ends: frozenset[int] = frozenset({0})) -> Callable[[Stage], Scene]:
    return lambda _stage: Scene(f"ss-plugin {name}", (ours("ss-plugin"), name, *argv), {},
                                refusals=TOOL, ends=ends)


def describe(stage: Stage) -> Scene:
    return _command("describe", ours("obfs-local"))(stage)


def doctor(stage: Stage) -> Scene:
    return _command("doctor", "--options", "obfs=http", ours("obfs-local"))(stage)


SCENES: dict[str, Callable[[Stage], Scene]] = {
    "ss-server": ss_server,
    "ss-server with a plugin": ss_server_host,
    "ss-local": ss_local,
    "ss-local with a plugin": ss_local_host,
    "ss-server with a plugin inside": ss_server_inside,
    "ss-local with a plugin inside": ss_local_inside,
    "ss-tunnel": ss_tunnel,
    "ss-redir": ss_redir,
    **{f"{name} as {role}": _plugin_scene(name, role) for name in PLUGINS for role in ("client", "server")},
    "ss-plugin run": run,
    "ss-plugin describe": describe,
    "ss-plugin doctor": doctor,
    "ss-plugin env": _command("env", "--options", "a=b;c"),
    "ss-plugin opts": _command("opts", "explain", "obfs-local;obfs\\=http"),
}
