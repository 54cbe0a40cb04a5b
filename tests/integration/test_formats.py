# SPDX-License-Identifier: Apache-2.0
"""ss:// URLs where a server is expected, and configurations that become URLs and QR codes."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import subprocess
from pathlib import Path
from urllib.parse import quote

import pytest
from harness import socks
from harness.content import read_exactly
from harness.processes import Process
from harness.programs import found, ours, peer
from harness.provider import Provider
from harness.stage import PASSWORD, Stage, our_parts
from harness.targets import echo

FATAL, USAGE = 255, 1


def url(port: int, password: str = PASSWORD, query: str = "", host: str = "127.0.0.1") -> str:
    secret = base64.urlsafe_b64encode(f"aes-256-gcm:{password}".encode()).decode().rstrip("=")
    return f"ss://{secret}@{host}:{port}{query}"


def relays(stage: Stage, local: Process, port: int) -> None:
    target = stage.target(echo)
    stage.wait_listening(local, port)
    sock = stage.keep(socks.dial(("127.0.0.1", port), target.address))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"


def output(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                          timeout=30).stdout


@pytest.mark.parametrize("way", ["operand", "-s", "--server-url", "file", "array"])
def test_a_url_is_a_server(stage: Stage, way: str) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    text = url(public)
    if way == "file":
        argv = ["-c", stage.config(server=text, local_port=port)]
    elif way == "array":
        argv = ["-c", stage.config(server=[text], local_port=port)]
    else:
        argv = [text, "-l", port] if way == "operand" else [way, text, "-l", port]
    local = stage.run(ours("ss-local"), *argv)
    relays(stage, local, port)
    secret = text.split("@")[0].removeprefix("ss://")
    assert secret.encode() not in Path(f"/proc/{local.pid}/cmdline").read_bytes()
    assert secret not in local.output() and PASSWORD not in local.output()


def test_a_url_brings_its_plugin(stage: Stage) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts("http"), public)
    plugin = quote(f"{ours('obfs-local')};obfs=http;obfs-host=www.example.com", safe="")
    local = stage.run(ours("ss-local"), url(public, query=f"/?plugin={plugin}"), "-l", port,
                      "--no-plugin-sandbox")
    relays(stage, local, port)


def test_a_url_on_the_command_line_is_the_whole_server(stage: Stage) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    path = stage.config(server="192.0.2.1", server_port=9, password="other", method="aes-128-gcm",
                        plugin="no-such-plugin", plugin_opts="x", local_port=port)
    relays(stage, stage.run(ours("ss-local"), "-c", path, url(public)), port)


def test_a_url_that_cannot_be_used_is_skipped(stage: Stage) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    stream = "ss://" + base64.b64encode(b"rc4-md5:x").decode() + "@192.0.2.1:1#old"
    local = stage.run(ours("ss-local"), stream, url(public, query="#mine"), url(9), "-l", port)
    relays(stage, local, port)
    said = local.stderr.read_text()
    assert "server old (192.0.2.1:1): its method is not supported; skipped" in said


@pytest.mark.parametrize("text", ["ss://", "ss://secret@h:1", "ss://YWVzLTI1Ni1nY206c2VjcmV0@h:0"])
def test_a_wrong_url_is_one_line_without_it(stage: Stage, text: str) -> None:
    for argv in ([text], ["-s", text]):
        process = stage.run(ours("ss-local"), *argv, "-l", 1)
        assert process.wait() == USAGE
        (line,) = process.stderr.read_text().splitlines()
        assert "not a usable ss:// URL: " in line and "YWVz" not in line and "secret" not in line
    process = stage.run(ours("ss-local"), "-c", stage.config(server=text, local_port=1))
    assert process.wait() == FATAL
    assert "server: not a usable ss:// URL: " in process.stderr.read_text()


def test_a_configuration_becomes_a_url_and_back(stage: Stage) -> None:
    path = stage.config(server=["192.0.2.1", "[2001:db8::1]:444"], server_port=443, password="s e:c@/?#",
                        method="aes-128-gcm", plugin="obfs-local", plugin_opts="obfs=http;a=b\\;c",
                        local_port=1)
    path.chmod(0o600)
    lines = output(ours("ss-local"), "-c", path, "--export-url").splitlines()
    assert [line.split("@")[1].split("/")[0] for line in lines] == ["192.0.2.1:443",
                                                                   "[2001:db8::1]:444"]
    for line in lines:
        assert output(ours("ss-local"), line, "--export-url").strip() == line


def test_the_url_of_a_server_is_that_of_its_clients(stage: Stage) -> None:
    path = stage.config(server="0.0.0.0", server_port=443, password="secret", method="aes-256-gcm",
                        plugin="obfs-server", plugin_opts="obfs=tls")
    process = stage.run(ours("ss-server"), "-c", path, "--export-url")
    assert process.wait() == USAGE
    assert "expected -s <host> with the public one" in process.stderr.read_text()
    assert output(ours("ss-server"), "-c", path, "-s", "vpn.example.com", "--export-url").strip() == \
        "ss://YWVzLTI1Ni1nY206c2VjcmV0@vpn.example.com:443/?plugin=obfs%2Dlocal%3Bobfs%3Dtls"


def test_the_url_of_a_server_with_users_is_not_that_of_its_clients(stage: Stage) -> None:
    keys = [base64.b64encode(bytes([i] * 16)).decode() for i in range(2)]
    path = stage.config(server="192.0.2.1", server_port=1, method="2022-blake3-aes-128-gcm", password=keys[0],
                        users=[{"name": "x", "password": keys[1]}])
    process = stage.run(ours("ss-server"), "-c", path, "--export-url")
    assert process.wait() == 0
    assert "a client needs that of its user as well" in process.stderr.read_text()
    assert keys[1] not in process.output()


def scanned(picture: Path) -> str:
    return output(found("zbarimg"), "-q", "--raw", picture).strip()


def as_picture(rows: list[list[bool]], path: Path) -> Path:
    scale = 4
    pixels = bytes(0 if black else 255 for row in rows for _ in range(scale)
                   for black in row for _ in range(scale))
    path.write_bytes(b"P5 %d %d 255\n" % (len(rows[0]) * scale, len(rows) * scale) + pixels)
    return path


def test_a_qr_code_is_read_by_a_scanner(stage: Stage) -> None:
    text = url(443, host="vpn.example.com", query="/?plugin=obfs%2Dlocal%3Bobfs%3Dtls#home")
    png, svg = stage.home / "x.png", stage.home / "x.svg"
    assert output(ours("ss-local"), text, "--export-qr", png).strip() == text
    assert png.stat().st_mode & 0o077 == 0
    assert scanned(png) == text

    output(ours("ss-local"), text, "--export-qr", svg)
    drawn = svg.read_text()
    side = int(re.search(r'viewBox="0 0 (\d+)', drawn)[1])
    rows = [[False] * side for _ in range(side)]
    for x, y in re.findall(r"M(\d+) (\d+)h1v1h-1z", drawn):
        rows[int(y)][int(x)] = True
    assert scanned(as_picture(rows, stage.home / "svg.pgm")) == text

    lines = output(ours("ss-local"), text, "--export-qr", "-").splitlines()
    assert lines[0] == text
    halves = [re.sub(r"\x1b\[[\d;]*m", "", line) for line in lines[1:]]
    rows = []
    for line in halves:
        rows += [[c in "▀█" for c in line], [c in "▄█" for c in line]]
    assert scanned(as_picture(rows, stage.home / "terminal.pgm")) == text


def test_each_of_several_servers_has_a_picture(stage: Stage) -> None:
    urls = [url(443), url(444), url(445)]
    output(ours("ss-local"), *urls, "--export-qr", stage.home / "codes.png")
    assert [scanned(stage.home / f"codes-{i + 1}.png") for i in range(3)] == urls
    assert not (stage.home / "codes.png").exists()


@pytest.mark.parametrize("name", ["x.jpg", "no/such/directory.png"])
def test_a_picture_that_cannot_be_written_is_one_line(stage: Stage, name: str) -> None:
    process = stage.run(ours("ss-local"), url(443), "--export-qr", stage.home / name)
    assert process.wait() == USAGE
    (line,) = process.stderr.read_text().splitlines()
    assert name in line and PASSWORD not in line


# Several servers and listeners, and what is said of a file.

ENTRY = {"server": "127.0.0.1", "password": PASSWORD, "method": "aes-256-gcm"}


def test_a_file_of_shadowsocks_rust_runs(stage: Stage) -> None:
    """Two servers, each with its port and method, and three listeners in one process each."""
    first, second = stage.port(), stage.port()
    ports = [stage.port() for _ in range(3)]
    target = stage.target(echo)
    servers = [{**ENTRY, "server_port": first, "method": "aes-128-gcm"},
               {**ENTRY, "server_port": second}]
    server = stage.run(ours("ss-server"), "-c", stage.config(servers=servers))
    stage.wait_listening(server, first)
    stage.wait_listening(server, second)
    local = stage.run(ours("ss-local"), "-c", stage.config(
        servers=[servers[1]], locals=[
            {"local_port": ports[0]}, {"local_address": "127.0.0.1", "local_port": ports[1]},
            {"protocol": "tunnel", "local_port": ports[2], "forward_address": "127.0.0.1",
             "forward_port": target.address[1]}]))
    relays(stage, local, ports[0])
    relays(stage, local, ports[1])
    stage.wait_listening(local, ports[2])
    sock = stage.connect(("127.0.0.1", ports[2]))
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"

    relays(stage, stage.run(ours("ss-local"), "-s", f"127.0.0.1:{first}", "-m", "aes-128-gcm", "-k",
                            PASSWORD, "-l", (port := stage.port())), port)


def test_a_listener_that_cannot_be_had_is_fatal(stage: Stage) -> None:
    taken = stage.listener().address[1]
    local = stage.run(ours("ss-local"), "-c", stage.config(
        **ENTRY, server_port=1, locals=[{"local_port": stage.port()}, {"local_port": taken}]))
    assert local.wait() == FATAL
    assert str(taken) in local.stderr.read_text()


def test_a_check_starts_nothing(stage: Stage) -> None:
    port = stage.listener().address[1]  # taken: a start would fail
    path = stage.config(**ENTRY, server_port=1, local_port=port)
    assert "is usable" in output(ours("ss-local"), "-c", path, "--check")
    path = stage.config(server=1, server_port=0, method="none", timeout="x", passwort="x",
                        plugin="no-such-plugin", user="no-such-user")
    process = stage.run(ours("ss-local"), "-c", path, "--check")
    assert process.wait() == USAGE
    said = process.stderr.read_text()
    for key in ("server:", "server_port:", "method:", "timeout:", "passwort:", "plugin:", "user:", "no local port",
                "no password"):
        assert said.count(key) == 1, said


WHOLE = {"local_port": 1, "local_address": "::1", "timeout": 5, "mode": "tcp_and_udp",
         "fast_open": True, "plugin": "obfs-local", "plugin_grace": 0.25, "plugin_restart": "on-failure",
         "plugin_sandbox": False, "outbound_bind_addr": "192.0.2.1", "udp_timeout": 9,
         "locals": [{"local_port": 2, "mode": "udp_only"},
                    {"protocol": "tunnel", "local_port": 3, "forward_address": "::1",
                     "forward_port": 53}]}


@pytest.mark.parametrize("values", [
    {**ENTRY, "server_port": 1, **WHOLE},
    {**ENTRY, "server": ["h", "[2001:db8::1]:2"], "server_port": 1, **WHOLE},
    {"servers": [{**ENTRY, "server_port": 1, "remarks": "x", "mode": "udp_only"},
                 {**ENTRY, "server_port": 2, "plugin": "p", "plugin_opts": "secret=x"}], **WHOLE},
], ids=["one", "addresses", "list"])
def test_a_dump_is_the_same_configuration_without_secrets(stage: Stage, values: dict) -> None:
    path = stage.config(**values)
    dump = output(ours("ss-local"), "-c", path, "--dump-config")
    assert PASSWORD not in dump and "secret=x" not in dump
    again = stage.home / "again.json"
    again.write_text(dump)
    assert output(ours("ss-local"), "-c", again, "-k", PASSWORD, "--dump-config") == dump
    assert '"plugin_grace": 0.250' in dump and '"local_port": 3' in dump


def test_each_server_of_a_list_is_printed(stage: Stage) -> None:
    """Also one that takes what it lacks from beside the list, or from the command line."""
    bare = {"server": "192.0.2.1", "server_port": 1}
    whole = {**ENTRY, "server": "192.0.2.2", "server_port": 2, "remarks": "two", "plugin": "obfs-server",
             "plugin_opts": "obfs=http"}
    third = {**whole, "server_port": 3, "plugin_opts": "obfs=tls"}
    path = stage.config(method="aes-128-gcm", password="top", servers=[bare, whole, third])
    top = "ss://" + base64.urlsafe_b64encode(b"aes-128-gcm:top").decode().rstrip("=") + "@192.0.2.1:1"
    first, second, last = output(ours("ss-server"), "-c", path, "--export-url").splitlines()
    assert first == top and second.endswith("#two") and "plugin=obfs%2Dlocal%3Bobfs%3Dhttp" in second
    assert "@192.0.2.2:3/" in last
    first, second, last = output(ours("ss-local"), "-c", path, "--export-url").splitlines()
    assert first == top and second.endswith("#two")
    assert output(ours("ss-local"), "-c", stage.config(servers=[bare]), "-m", "aes-128-gcm", "-k", "top",
                  "--export-url").strip() == top
    printed = output(ours("ss-server"), "-c", path, "--print-plugin-env").split("\n\n")
    assert [re.search("OPTIONS=(.*)", one)[1] for one in printed] == ["obfs=http", "obfs=tls"]

    prefix = "\x16\x03\x00\x7f\x80\xff"
    dump = output(ours("ss-local"), "-c", stage.config(servers=[{**ENTRY, "port": 1, "prefix": prefix}]),
                  "--dump-config")
    assert json.loads(dump)["servers"][0]["prefix"] == prefix
    dump = output(ours("ss-server"), "-c", path, "--dump-config")
    assert '"plugin_sandbox": true' in dump and '"keep_alive": 300' in dump
    again = stage.home / "again.json"
    again.write_text(dump)
    assert output(ours("ss-server"), "-c", again, "-k", PASSWORD, "--dump-config") == dump


def test_a_check_of_a_mistaken_file_ends_before_anything_is_printed(stage: Stage) -> None:
    path = stage.config(server="127.0.0.1", server_port=1, plugin="obfs-server")
    for option in ("--print-plugin-env", "--export-url", "--dump-config"):
        process = stage.run(ours("ss-server"), "-c", path, "--check", option)
        assert process.wait() == USAGE
        assert process.stdout.read_text() == "" and "no password" in process.stderr.read_text()


def test_json5_is_read_with_one_warning(stage: Stage) -> None:
    path = stage.home / "five.json"
    path.write_text("{ // ours\n server: '127.0.0.1', server_port: 0x1,\n password: 'x', local_port: 1,\n}\n")
    path.chmod(0o600)
    process = stage.run(ours("ss-local"), "-c", path, "--check")
    assert process.wait() == 0
    (line,) = process.stderr.read_text().splitlines()
    assert f"{path}:1:3: a comment is JSON5: read" in line


# Lists of servers.


def online(stage: Stage, url: str, env: dict[str, str], port: int, *argv: object, **extra: object) -> Process:
    path = stage.config(local_port=port, online_config={"config_url": url, **extra})
    return stage.run(ours("ss-local"), "-c", path, *argv, env=env)


def test_a_list_from_an_https_url_is_used_and_its_last_good_copy(stage: Stage) -> None:
    public, provider = stage.port(), stage.keep(Provider(stage.home))
    stage.ss_server(our_parts(), public)
    provider.document = json.dumps({"version": 1, "servers": [
        {**ENTRY, "server_port": "x"}, {**ENTRY, "server_port": 9, "method": "rc4"},
        {**ENTRY, "server_port": 9, "plugin": "evil"}, {**ENTRY, "server_port": public, "remarks": "good"}]})
    local = online(stage, provider.url, provider.env, port := stage.port())
    relays(stage, local, port)
    said = local.stderr.read_text()
    assert "server 1 of the list: server_port is missing or wrong" in said
    assert 'its plugin is not among "allowed_plugins"; skipped' in said
    assert "its method is not supported; skipped" in said
    (copy,) = (stage.home / "cache/shadowplug").iterdir()
    assert copy.stat().st_mode & 0o777 == 0o600

    forbidden = json.dumps({"version": 1, "servers": [{**ENTRY, "server_port": 9, "plugin": "evil"}]})
    for status, document in ((500, provider.document), (200, "<html>"), (200, '{"version": 2}'), (200, forbidden)):
        provider.status, provider.document = status, document
        local = online(stage, provider.url, provider.env, port := stage.port())
        relays(stage, local, port)
        assert "the last good copy is used" in local.stderr.read_text()


@pytest.mark.parametrize("fault", ["untrusted", "refused", "http", "empty"])
def test_no_list_and_no_copy_is_fatal(stage: Stage, fault: str) -> None:
    provider = stage.keep(Provider(stage.home))
    provider.document = '{"version": 1, "servers": []}' if fault == "empty" else url(9)
    env = {**provider.env, **({"SSL_CERT_FILE": "/dev/null"} if fault == "untrusted" else {})}
    where = {"refused": "https://127.0.0.1:1/", "http": "http://localhost/"}.get(fault, provider.url)
    local = online(stage, where, env, stage.port())
    assert local.wait() == FATAL
    assert "online_config" in local.stderr.read_text()


def test_a_list_in_a_file_may_be_lines_of_urls(stage: Stage) -> None:
    public, port, path = stage.port(), stage.port(), stage.home / "list"
    stage.ss_server(our_parts(), public)
    path.write_text(f"{url(public)}#one\r\n\nss://broken\n")
    relays(stage, online(stage, str(path), {}, port), port)


@pytest.mark.parametrize("right", [True, False])
def test_a_plugin_of_a_list_is_the_allowed_file(stage: Stage, right: bool) -> None:
    public, port, path = stage.port(), stage.port(), stage.home / "list"
    stage.ss_server(our_parts("http"), public)
    plugin = Path(str(ours("obfs-local")))
    digest = hashlib.sha256(plugin.read_bytes()).hexdigest()
    path.write_text(url(public, query="?plugin=obfs-local;obfs=http"))
    local = online(stage, str(path), {}, port, "--no-plugin-sandbox", allowed_plugins=[
        {"path": str(plugin), "sha256": digest if right else digest[::-1]}])
    if right:
        relays(stage, local, port)
    else:
        assert local.wait() in (FATAL, USAGE)
        assert "its plugin is not the file of that sha256; skipped" in local.stderr.read_text()


# Files of other programs.

CLASH = """\
mixed-port: 7890
common: &common {type: ss, server: 127.0.0.1, cipher: aes-256-gcm, udp: true}
proxies:
  - {name: other, type: vmess, server: h, port: 1}
  - {name: "shadow", <<: *common, port: 1, password: x, plugin: shadow-tls}
  - name: "plain \\u2713"
    <<: *common
    port: PORT
    password: "PASSWORD"
  - name: obfs
    type: ss
    server: 2001:db8::1
    port: '443'
    cipher: aes-128-gcm
    password: 00123
    plugin: obfs
    plugin-opts: {mode: tls, host: "a;b.example"}
  - name: web
    type: ss
    server: h
    port: 443
    cipher: chacha20-ietf-poly1305
    password: p
    plugin: v2ray-plugin
    plugin-opts: {mode: websocket, tls: true, host: example.com, path: /x, mux: false}
"""


def imported(stage: Stage, text: str) -> tuple[Path, str]:
    theirs, ours_file = stage.home / "theirs", stage.home / "ours.json"
    theirs.write_text(text)
    process = stage.run(ours("ss-local"), "--import", theirs)
    assert process.wait() == 0, process.output()
    ours_file.write_text(process.stdout.read_text())
    ours_file.chmod(0o600)
    return ours_file, process.stderr.read_text()


def test_proxies_of_clash_are_imported(stage: Stage) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    path, said = imported(stage, CLASH.replace("PORT", str(public)).replace("PASSWORD", PASSWORD))
    assert "proxy 1: it is no Shadowsocks server; left out" in said
    assert "proxy 2: its plugin is part of that program and has no counterpart; left out" in said
    plain, obfs, web = json.loads(path.read_text())["servers"]
    assert plain["remarks"] == "plain ✓" and plain["mode"] == "tcp_and_udp"
    assert obfs == {"remarks": "obfs", "server": "2001:db8::1", "server_port": 443, "method": "aes-128-gcm",
                    "password": "00123", "plugin": "obfs-local", "mode": "tcp_only",
                    "plugin_opts": "obfs=tls;obfs-host=a\\;b.example"}
    assert web["plugin_opts"] == "mode=websocket;tls;host=example.com;path=/x;mux=0"
    relays(stage, stage.run(ours("ss-local"), "-c", path, "-l", port), port)


def test_outbounds_of_sing_box_are_imported(stage: Stage) -> None:
    public, port = stage.port(), stage.port()
    stage.ss_server(our_parts(), public)
    shadowsocks = {"type": "shadowsocks", **ENTRY, "server_port": public}
    text = json.dumps({"outbounds": [
        {"type": "direct", "tag": "direct"},
        {**shadowsocks, "tag": "multiplexed", "multiplex": {"enabled": True}},
        {**shadowsocks, "tag": "mine", "network": "tcp"},
        {**shadowsocks, "tag": "obfs", "plugin": "obfs-local", "plugin_opts": "obfs=http"}]})
    path, said = imported(stage, "// of sing-box\n" + text)
    assert "proxy 2: multiplex and udp_over_tcp are not supported; left out" in said
    mine, obfs = json.loads(path.read_text())["servers"]
    assert (mine["remarks"], mine["mode"]) == ("mine", "tcp_only")
    assert (obfs["plugin"], obfs["plugin_opts"]) == ("obfs-local", "obfs=http")
    relays(stage, stage.run(ours("ss-local"), "-c", path, "-l", port), port)
    sing_box = peer("sing-box").path  # takes the file as its own
    subprocess.run([sing_box, "check", "-c", stage.home / "theirs"], check=True, timeout=60,
                   capture_output=True)


@pytest.mark.parametrize("text", ["", "a: [", "a: 1", "{}", "{", "proxies: 5", "proxies: []",
                                  "a: &a [*a]\nproxies: *a",
                                  "proxies: [{type: ss, server: h, port: 0, cipher: m, password: p}]"])
def test_what_names_no_server_is_one_line(stage: Stage, text: str) -> None:
    path = stage.home / "theirs"
    path.write_text(text)
    process = stage.run(ours("ss-local"), "--import", path)
    assert process.wait() == FATAL
    assert f"{path}: cannot be imported: " in process.stderr.read_text()
    assert process.stdout.read_text() == ""
