# SPDX-License-Identifier: Apache-2.0
"""Metrics: what a scraper gets, a real Prometheus among them."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import re
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from harness import procfs, socks, ss2022, udp
from harness.content import read_exactly, read_to_end
from harness.extent import FULL, extent
from harness.manager import Folder
from harness.processes import Process
from harness.programs import SLOWER, found, ours
from harness.stage import Stage, our_parts
from harness.targets import echo

HOST = "127.0.0.1"
METHOD = "2022-blake3-aes-128-gcm"
DASHBOARD = Path(__file__).resolve().parents[2] / "docs/grafana.json"
PATIENCE_S = 30 * SLOWER
USERS = {"alice": bytes(range(16)), "b\"} 1\nx{y=\\": bytes(range(1, 17)), "\u00e9mile": bytes(range(2, 18)),
         "absent": bytes(range(3, 19))}
IDENTITY = bytes(range(100, 116))


def text(key: bytes) -> str:
    return base64.b64encode(key).decode()


def serve(stage: Stage, metrics: object, users: dict[str, bytes] | None = None) -> tuple[Process, int]:
    port = stage.port()
    path = stage.config(server=HOST, server_port=port, method=METHOD, password=text(IDENTITY), metrics=metrics,
                        users=[{"name": name, "password": text(key)} for name, key in (users or USERS).items()])
    process = stage.run(ours("ss-server"), "-c", path)
    stage.wait_listening(process, port)
    return process, port


def carry(stage: Stage, server: int, user: str, size: int, *more: object) -> Process:
    """One connection of a user, with so many bytes each way."""
    target, local = stage.target(echo), stage.port()
    client = stage.run(ours("ss-local"), "-s", HOST, "-p", server, "-l", local, "-m", METHOD, "-k",
                       f"{text(IDENTITY)}:{text(USERS[user])}", *more)
    stage.wait_listening(client, local)
    sock = stage.keep(socks.dial((HOST, local), target.address))
    sock.sendall(b"x" * size)
    assert read_exactly(sock, size) == b"x" * size
    sock.close()
    return client


def request(where: tuple[str, int] | str, *lines: str) -> str:
    """The answer to a request of these lines, to its end."""
    family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
    with socket.socket(family) as sock:
        sock.settimeout(PATIENCE_S)
        sock.connect(where)
        sock.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
        return b"".join(iter(lambda: sock.recv(65536), b"")).decode()


def scrape(where: tuple[str, int] | str, host: str = "localhost") -> str:
    head, _, body = request(where, "GET /metrics HTTP/1.1", f"Host: {host}").partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 200 OK\r\n")
    assert int(re.findall(r"Content-Length: (\d+)", head)[0]) == len(body.encode())
    return body


def test_traffic_is_counted_by_port_and_user(stage: Stage) -> None:
    where = (HOST, stage.port())
    _, port = serve(stage, where[1])
    for user, size in zip(USERS, (1000, 2000, 3000)):
        carry(stage, port, user, size)
    body = scrape(where)
    lines = body.splitlines()
    assert f'shadowplug_connections_total{{port="{port}"}} 3' in lines
    assert f'shadowplug_bytes_total{{port="{port}",direction="down"}} 6000' in lines
    assert f'shadowplug_user_bytes_total{{port="{port}",user="alice",direction="down"}} 1000' in lines
    assert f'shadowplug_user_bytes_total{{port="{port}",user="b\\"}} 1\\nx{{y=\\\\",direction="up"}} 2000' in lines
    assert f'shadowplug_user_connections_total{{port="{port}",user="\u00e9mile"}} 1' in lines
    assert "absent" not in body, "a user that was never there has no series"
    names = re.findall(r"^# TYPE (\S+)", body, re.M)
    assert len(names) == len(set(names))


def test_failures_have_reasons(stage: Stage) -> None:
    where = (HOST, stage.port())
    _, port = serve(stage, where[1])
    local, closed = stage.port(), stage.port()
    client = stage.run(ours("ss-local"), "-s", HOST, "-p", port, "-l", local, "-m", METHOD, "-k",
                       f"{text(IDENTITY)}:{text(USERS['alice'])}")
    stage.wait_listening(client, local)
    sock = stage.keep(socks.dial((HOST, local), (HOST, closed)))
    sock.sendall(b"x")
    read_to_end(sock)
    stage.connect((HOST, port)).sendall(b"no key" * 100)
    wanted = {f'shadowplug_failures_total{{port="{port}",reason="{reason}"}} 1' for reason in ("authentication", "target")}
    end = time.monotonic() + PATIENCE_S
    while not wanted <= set((body := scrape(where)).splitlines()):
        assert time.monotonic() < end, body


def test_the_socket_at_a_path_is_for_this_user(stage: Stage) -> None:
    """No name leads there, so that any may be in the request; the file goes with the process."""
    path = stage.keep(Folder()).path / "metrics"
    process, port = serve(stage, str(path))
    assert path.stat().st_mode & 0o777 == 0o600
    assert f'shadowplug_connections{{port="{port}"}} 0' in scrape(str(path), "proxy.example")
    assert process.stop() == 0
    assert not path.exists()


@pytest.mark.parametrize(("lines", "status"), [
    (["GET /metrics HTTP/1.1", "Host: rebound.example"], 421), (["GET /metrics HTTP/1.1"], 421),
    (["GET / HTTP/1.1", "Host: localhost"], 404), (["POST /metrics HTTP/1.1", "Host: localhost", "Content-Length: 0"], 405),
    (["GET http://localhost/metrics HTTP/1.1", "Host: localhost"], 404), (["CONNECT a:1 HTTP/1.1", "Host: a:1"], 404),
    (["nonsense"], 400)])
def test_nothing_else_is_answered(stage: Stage, lines: list[str], status: int) -> None:
    where = (HOST, stage.port())
    serve(stage, f"{HOST}:{where[1]}")
    assert request(where, *lines).startswith(f"HTTP/1.1 {status} ")


@pytest.mark.parametrize("value", ["0.0.0.0:9150", "192.0.2.1:9150", "example.com:9150", "metrics", "0", "127.0.0.1"])
def test_metrics_are_for_this_machine_only(stage: Stage, value: str) -> None:
    process = stage.run(ours("ss-server"), "-s", HOST, "-p", stage.port(), "-k", "word", "--metrics", value)
    assert process.wait(PATIENCE_S) == 1
    assert f"--metrics: {value} is not an address of loopback" in process.output().replace('"', "")


def test_a_client_shows_its_servers(stage: Stage) -> None:
    where = (HOST, stage.port())
    _, port = serve(stage, stage.port())
    carry(stage, port, "alice", 10, "--metrics", where[1])
    body = scrape(where)
    assert re.search(rf'^shadowplug_server_up{{port="\d+",server="{HOST}:{port}"}} 1$', body, re.M)
    assert re.search(r'^shadowplug_build_info{program="ss-local",version="[0-9.]+"} 1$', body, re.M)


def test_a_manager_shows_its_ports_and_not_those_of_others(stage: Stage) -> None:
    where, port = (HOST, stage.port()), stage.port()
    path = stage.config(server=HOST, port_password={str(port): "word"}, method="aes-128-gcm", metrics=where[1],
                        manager_address=str(stage.keep(Folder()).path / "requests"))
    command = [ours("ss-manager"), "-c", path, "-D", stage.home / "ports"]
    process = stage.run(*command)
    stage.wait_listening(process, port)
    assert f'shadowplug_connections_total{{port="{port}"}} 0' in scrape(where)
    assert process.stop() == 0
    other = stage.run(*command, "--executable", ours("ss-server").path)
    assert other.wait(PATIENCE_S) == 255
    assert "metrics and executable are set" in other.output()


def test_ten_thousand_users_are_whole(stage: Stage) -> None:
    """Also for a scraper that reads slowly; one that goes away takes nothing with it."""
    where = (HOST, stage.port())
    users = {f"user-{i}": i.to_bytes(16, "big") for i in range(1, 10_001)}
    serve(stage, where[1], {**USERS, **users})
    with socket.create_connection(where) as gone:
        gone.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
    assert scrape(where).endswith("\n")


def test_many_users_with_traffic_are_scraped_quickly(stage: Stage) -> None:
    """Of 50 users; in full of 10,000, within 50 ms."""
    where = (HOST, stage.port())
    users = {f"user-{i}": i.to_bytes(16, "big") for i in range(1, extent(50, 10_000) + 1)}
    _, port = serve(stage, where[1], users)
    with socket.create_server((HOST, 0)) as silent:
        target = socks.request(silent.getsockname())[3:]
        for own in users.values():
            keys = ss2022.Keys(METHOD, own, [IDENTITY])
            with socket.create_connection((HOST, port)) as sock:
                sock.sendall(ss2022.Request(keys, target, b"hello").head())
                silent.accept()[0].close()
    times = []
    for _ in range(5):
        begun = time.monotonic()
        body = scrape(where)
        times.append(time.monotonic() - begun)
    assert body.count("shadowplug_user_connections_total{") == len(users)
    if FULL:
        assert min(times) < 0.05, times


def test_replays_and_associations_are_counted(stage: Stage) -> None:
    where, port = (HOST, stage.port()), stage.port()
    word = text(bytes(16))
    at = stage.run(ours("ss-server"), "-s", HOST, "-p", port, "-k", word, "-m", METHOD, "-u", "--metrics", where[1])
    stage.wait_listening(at, port)
    flight = ss2022.Request(ss2022.Keys(METHOD, bytes(16)), socks.request(stage.target(echo).address)[3:], b"hello").head()
    for _ in range(3):
        stage.connect((HOST, port)).sendall(flight)
    procfs.eventually(lambda: f'shadowplug_replays_total{{port="{port}"}} 2' in scrape(where), "replays", PATIENCE_S)
    assert f'shadowplug_udp_associations{{port="{port}"}} 0' in scrape(where)
    target = stage.keep(udp.Echo())
    packet = ss2022.Packet(ss2022.Keys(METHOD, bytes(16)), bytes(8), 1, udp.header(target.address), b"once").sealed()
    sock = stage.keep(udp.open_socket())
    for _ in range(3):
        sock.sendto(packet, (HOST, port))
    procfs.eventually(lambda: f'shadowplug_replays_total{{port="{port}"}} 4' in scrape(where), "replays of UDP", PATIENCE_S)
    assert f'shadowplug_udp_associations{{port="{port}"}} 1' in scrape(where)


def with_plugins(stage: Stage, server_metrics: int, client_metrics: int, size: int) -> tuple[int, int]:
    """A chain with obfs that has carried so many bytes each way; its two ports."""
    port, near = stage.port(), stage.port()
    parts = our_parts("http")
    stage.ss_server(parts, port, "--metrics", server_metrics)
    stage.ss_local(parts, (HOST, port), near, "--metrics", client_metrics)
    sock = stage.keep(socks.dial((HOST, near), stage.target(echo).address))
    sock.sendall(b"x" * size)
    assert read_exactly(sock, size) == b"x" * size
    sock.close()
    return port, near


def test_plugins_tell_their_counters(stage: Stage) -> None:
    """Their overhead is what they add: the heads of HTTP here."""
    metrics = (HOST, stage.port()), (HOST, stage.port())
    port, near = with_plugins(stage, metrics[0][1], metrics[1][1], 1000)
    for where, labels in zip(metrics, (f'port="{port}"', f'port="{near}",server="{HOST}:{port}"'), strict=True):
        procfs.eventually(lambda where=where, labels=labels: f"shadowplug_plugin_connections_total{{{labels}}} 1" in
                          scrape(where), "the plugin tells", PATIENCE_S)
        body = scrape(where)
        assert f"shadowplug_plugin_up{{{labels}}} 1" in body
        assert f"shadowplug_plugin_restarts_total{{{labels}}} 0" in body
        carried = re.findall(rf'^shadowplug_plugin_bytes_total{{{labels},direction="down"}} (\d+)', body, re.M)
        assert 1000 < int(carried[0]) < 1200, "what Shadowsocks makes of 1,000 bytes"
        ratio = re.findall(rf"^shadowplug_plugin_overhead_ratio{{{labels}}} ([\d.]+)", body, re.M)
        assert 1.1 < float(ratio[0]) < 1.6


# ---- for people ----


def shown(*argv: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(word) for word in argv], text=True, capture_output=True, check=False, timeout=PATIENCE_S)


def test_the_status_is_a_table_and_json(stage: Stage) -> None:
    ports = stage.port(), stage.port()
    port, near = with_plugins(stage, *ports, 1000)
    program = ours("ss-local").path
    procfs.eventually(lambda: json.loads(shown(program, "--json", "--metrics", ports[1]).stdout)["plugins"][0].get(
        "connections_total") == 1, "the plugin tells", PATIENCE_S)
    status = json.loads(shown(program, "--json", "--metrics", ports[1]).stdout)
    assert status["program"] == "ss-local"
    assert (status["ports"][0]["port"], status["ports"][0]["bytes_down"]) == (near, 1000)
    assert status["servers"][0]["server"] == f"{HOST}:{port}" and status["servers"][0]["up"] is True
    assert status["plugins"][0]["overhead_ratio"] > 1
    table = shown(ours("ss-server").path, "--status", "--metrics", ports[0])
    assert table.returncode == 0
    assert re.search(r"^PORT +now +all +up +down", table.stdout, re.M)
    assert re.search(rf"^{port} +0 +1 +10\d\d B +1000 B", table.stdout, re.M)
    assert re.search(rf"^{port} +up +0 ", table.stdout, re.M), "the plugin"
    assert "\033" not in table.stdout


def test_the_status_finds_the_metrics_of_a_configuration(stage: Stage) -> None:
    """On a terminal it goes on; a user's name does nothing to it there."""
    path = stage.keep(Folder()).path / "metrics"
    name = "a\033[2Jb"
    users = [{"name": name, "password": text(bytes(range(16)))}]
    port = stage.port()
    conf = stage.config(server=HOST, server_port=port, method=METHOD, password=text(IDENTITY), metrics=str(path), users=users)
    stage.wait_listening(stage.run(ours("ss-server"), "-c", conf), port)
    USERS[name] = bytes(range(16))
    carry(stage, port, name, 10)
    del USERS[name]
    near, far = os.openpty()
    with subprocess.Popen([str(ours("ss-server")), "-c", str(conf), "--status"], stdout=far) as process:
        os.close(far)
        said = b""
        while said.count(b"\033[H\033[J") < 2:
            said += os.read(near, 4096)
        process.terminate()
        os.close(near)
    assert b"a?[2Jb" in said


@pytest.mark.parametrize(("argv", "reason"), [
    (["--metrics", "9"], "metrics 9: no process has its metrics there"),
    ([], "no metrics (expected --metrics <addr>"),
    (["--metrics", "/nonexistent/metrics"], "no process has its metrics there")])
def test_a_status_of_nothing_says_so(argv: list[str], reason: str) -> None:
    done = shown(ours("ss-local").path, "--status", *argv)
    assert done.returncode in (1, 255) and done.stdout == ""
    assert done.stderr.count("\n") == 1 and reason in done.stderr


def test_the_dashboard_asks_for_metrics_that_exist(stage: Stage) -> None:
    where = (HOST, stage.port())
    serve(stage, where[1])
    known = set(re.findall(r"^# TYPE (\S+)", scrape(where), re.M))
    panels = json.loads(DASHBOARD.read_text())["panels"]
    asked = {name for panel in panels for target in panel["targets"]
             for name in re.findall(r"shadowplug_\w+", target["expr"])}
    assert len(asked) >= 8 and asked <= known


def test_prometheus_scrapes(stage: Stage) -> None:
    where, api = (HOST, stage.port()), stage.port()
    _, port = serve(stage, where[1])
    carry(stage, port, "b\"} 1\nx{y=\\", 5000)
    checked = subprocess.run([found("promtool"), "check", "metrics"], input=scrape(where), text=True, capture_output=True,
                             check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")
    config = stage.home / "prometheus.json"
    config.write_text(json.dumps({"scrape_configs": [{
        "job_name": "shadowplug", "scrape_interval": "200ms", "scrape_timeout": "200ms",
        "static_configs": [{"targets": [f"{HOST}:{where[1]}"]}]}]}))
    stage.run(found("prometheus"), f"--config.file={config}", f"--storage.tsdb.path={stage.home / 'tsdb'}",
              f"--web.listen-address={HOST}:{api}")
    query = urllib.parse.urlencode({"query": "shadowplug_user_bytes_total"})
    samples: list[Any] = []

    def scraped() -> bool:
        with contextlib.suppress(OSError), \
                urllib.request.urlopen(f"http://{HOST}:{api}/api/v1/query?{query}", timeout=PATIENCE_S) as answer:
            samples[:] = json.load(answer)["data"]["result"]
        return len(samples) >= 2

    procfs.eventually(scraped, "Prometheus has both samples", 2 * PATIENCE_S)
    values = {(one["metric"]["user"], one["metric"]["direction"]): one["value"][1] for one in samples}
    assert values == {("b\"} 1\nx{y=\\", "up"): "5000", ("b\"} 1\nx{y=\\", "down"): "5000"}
