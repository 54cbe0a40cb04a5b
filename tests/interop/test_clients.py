# SPDX-License-Identifier: Apache-2.0
"""Clients that people have, by every kind of proxy that each of them speaks, to one door of ss-local."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

import client_scene
import pytest
from client_scene import HERE, NAME, PLAIN, TLS, Scene, bodies
from harness.content import sha256
from harness.processes import Process
from harness.programs import SLOWER
from harness.stage import Stage

USER, PASSWORD = "user name", "p@ss:w/rd"
Check = Callable[[Scene, Process, str], None]


def printed(*which: tuple[int, int]) -> Check:
    """The bodies, one behind the other, are all that was printed."""

    def check(_: Scene, process: Process, way: str) -> None:
        assert sha256(process.stdout.read_bytes()) == bodies(*which), way

    return check


@dataclass(frozen=True)
class Client:
    """needs: what peer() knows, or a scene prepares.  ways: a command for each kind of proxy, with the places of a
    scene in braces.  Of {urls} the first is plain and the second behind TLS; the server looks the name up."""

    name: str
    needs: tuple[str, ...]
    ways: dict[str, str]
    check: Check = printed(PLAIN, TLS)
    own: Callable[[Scene, str], dict[str, str]] = lambda *_: {}  # more places, for a way


CURL = "curl -sS --fail --noproxy '' --cacert {ca}"
CHAINS = "printf 'strict_chain\\nproxy_dns\\n[ProxyList]\\n%s {host} {port}\\n' {way} >{home}/{way}.conf\n"
# Not with curl, whose newer versions look names up where a preloaded library does not reach.
DANTE = ("echo resolveprotocol: fake >{home}/dante; export SOCKS_CONF={home}/dante SOCKS_AUTOADD_LANROUTES=no\n"
         "{way}={near} socksify wget -q -O - --ca-certificate={ca} ")
GIT = ("export GIT_SSL_CAINFO={ca}; alias git='git -c http.proxy={way}://{near} -c user.name=x -c user.email=x@y'\n"
       "git clone -q {git_tls} {home}/git-{way}; cd {home}/git-{way}; head -c 2000000 /dev/urandom >new\n"
       "git add new; git commit -qm {way}; git push -q {git_plain} HEAD:{way}")
APT = ("export APT_CONFIG={conf}; apt-get -q update; "
       "apt-get -q install -y --download-only $(apt-cache pkgnames | grep '^[pq]')")
SSH = ("ssh -F none -o ProxyCommand='nc -X {way} -x {near} %h %p' -o StrictHostKeyChecking=no -o LogLevel=ERROR"
       " -o UserKnownHostsFile=/dev/null -i {key} -p {ssh_port} {user}@")
JAVA = "java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp {home} -DsocksNonProxyHosts= -Dhttp.nonProxyHosts= "
JAVA_SOCKS = "-DsocksProxyHost={host} -DsocksProxyPort={port} "
JAVA_HTTP = "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} "
PYTHON = "{python} -B {clients}/fetch.py "
NODE = "NODE_EXTRA_CA_CERTS={ca} node --no-warnings {home}/fetch.mjs "

CLIENTS = [
    Client("curl", ("curl",), {
        "socks5h": f"{CURL} --proxy socks5h://{{near}} {{urls}}",
        "socks5": f"{CURL} --proxy socks5://{{near}} {{address_urls}}",
        "socks4a": f"{CURL} --proxy socks4a://{{near}} {{urls}}",
        "socks4": f"{CURL} --proxy socks4://{{near}} {{address_urls}}",
        "http": f"{CURL} --proxy http://{{near}} {{urls}}",
        "connect": f"{CURL} --proxytunnel --proxy {{near}} {{urls}}",
        "connect 1.0": f"{CURL} --proxytunnel --proxy1.0 {{near}} {{urls}}",
    }),
    Client("curl to IPv6", ("curl", "IPv6"), {
        scheme: f"{CURL} -g --proxy {scheme}://{{near}} {{url6}}" for scheme in ("socks5h", "http")}, printed(PLAIN)),
    Client("wget", ("wget",), {
        "http": "http_proxy=http://{near} https_proxy=http://{near} wget -q -O - --ca-certificate={ca} {urls}"}),
    Client("proxychains4", ("proxychains4", "curl"), {
        way: f"{CHAINS}proxychains4 -q -f {{home}}/{{way}}.conf curl -sS --fail --cacert {{ca}} {urls}"
        for way, urls in (("socks5", "{urls}"), ("socks4", "{urls}"), ("http", "{urls}"))}),
    Client("torsocks", ("torsocks", "curl"), {
        "socks5": "torsocks -a {host} -P {port} curl -4 -sS --fail --cacert {ca} {urls}",
        "isolated": "torsocks -i -a {host} -P {port} curl -4 -sS --fail --cacert {ca} {urls}"}),
    Client("dante", ("socksify", "wget"), {
        "SOCKS5_SERVER": f"{DANTE}{{urls}}", "SOCKS4_SERVER": f"{DANTE}{{address_urls}}"}),
    Client("git", ("git",), dict.fromkeys(("socks5h", "http"), GIT), client_scene.pushed),
    Client("apt", ("apt-get",), dict.fromkeys(("http", "socks5h"), APT), client_scene.downloaded, client_scene.own_apt),
    Client("ssh and nc", ("ssh", "sshd", "nc"), {
        way: f"{SSH}{host} cat {{file}}"
        for way, host in (("5", NAME), ("connect", NAME), ("4", HERE))}, printed(PLAIN)),
    Client("requests", ("clients of Python",), {
        scheme: f"{PYTHON} requests {scheme}://{{near}} {{ca}} {urls}"
        for scheme, urls in (("socks5h", "{urls}"), ("socks5", "{address_urls}"), ("socks4a", "{urls}"),
                             ("socks4", "{address_urls}"), ("http", "{urls}"))}),
    Client("httpx", ("clients of Python",), {
        scheme: f"{PYTHON} httpx {scheme}://{{near}} {{ca}} {{urls}}" for scheme in ("socks5", "http")}),
    Client("PySocks", ("clients of Python",), {
        scheme: f"{PYTHON} pysocks {scheme}://{{near}} {{ca}} {{urls}}" for scheme in ("socks5", "socks4", "http")}),
    Client("aiohttp", ("clients of Python",), {
        "http": f"{PYTHON} aiohttp http://{{near}} {{ca}} {{urls}}"}),
    Client("aiohttp-socks", ("clients of Python",), {
        scheme: f"{PYTHON} aiohttp-socks {scheme}://{{near}} {{ca}} {urls}"
        for scheme, urls in (("socks5", "{urls}"), ("socks4", "{address_urls}"), ("http", "{urls}"))}),
    Client("socks-proxy-agent", ("clients of Node", "node"), {
        scheme: f"{NODE} socks-proxy-agent {scheme}://{{near}} {urls}"
        for scheme, urls in (("socks5h", "{urls}"), ("socks4", "{local_urls}"))}),
    Client("undici", ("clients of Node", "node"), {
        "http": f"{NODE} undici http://{{near}} {{urls}}",
        "http, forwarded": f"{NODE} undici-forward http://{{near}} {{urls}}",
        "socks5": f"{NODE} undici socks5://{{near}} {{urls}}"}),
    Client("undici to IPv6", ("clients of Node", "node", "IPv6"), {
        # By SOCKS5 it sends a name, with brackets.
        scheme: f"{NODE} undici {scheme}://{{near}} {{url6}}" for scheme in ("http", "socks5")}, printed(PLAIN)),
    Client("http-proxy-agent", ("clients of Node", "node"), {
        "http": f"{NODE} http-proxy-agent http://{{near}} {{urls}}",
        "connect": f"{NODE} https-proxy-agent http://{{near}} {{urls}}"}),
    Client("Go net/http", ("client of Go",), {
        scheme: f"export SSL_CERT_FILE={{ca}}; HTTP_PROXY={scheme}://{{near}} HTTPS_PROXY={scheme}://{{near}} "
                "{go} net {urls}"
        for scheme in ("http", "socks5")}),
    Client("Go x/net", ("client of Go",), {
        "socks5": "ALL_PROXY=socks5://{near} SSL_CERT_FILE={ca} {go} x/net {urls}"}),
    Client("Java HttpURLConnection", ("java",), {
        "socks5": f"{JAVA}{JAVA_SOCKS} Fetch HttpURLConnection {{ca}} {{urls}}",
        "socks4": f"{JAVA}{JAVA_SOCKS} -DsocksProxyVersion=4 Fetch HttpURLConnection {{ca}} {{address_urls}}",
        "http": f"{JAVA}{JAVA_HTTP} Fetch HttpURLConnection {{ca}} {{urls}}"}),
    Client("Java to IPv6", ("java", "IPv6"), {
        "socks5": f"{JAVA}{JAVA_SOCKS} Fetch HttpURLConnection {{ca}} {{url6}}",
        "http": f"{JAVA}{JAVA_HTTP} Fetch HttpURLConnection {{ca}} {{url6}}"}, printed(PLAIN)),
    Client("Java HttpClient", ("java",), {
        "http": f"{JAVA}{JAVA_HTTP} Fetch HttpClient {{ca}} {{urls}}"}),
]


def _open(tmp_path_factory: pytest.TempPathFactory, **users: object) -> Iterator[Scene]:
    stage = Stage(tmp_path_factory.mktemp("clients"))
    try:
        yield client_scene.open_scene(stage, **users)
    finally:
        stage.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    yield from _open(tmp_path_factory)


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """A door that lets one user in."""
    yield from _open(tmp_path_factory, local_users=[{"name": USER, "password": PASSWORD}])


def rows(fits: Callable[[str, str], bool] = lambda *_: True) -> list[object]:
    return [pytest.param(client, way, id=f"{client.name}, {way}") for client in CLIENTS for way in client.ways
            if fits(way, client.ways[way])]


def names_itself(way: str, command: str) -> bool:
    """Its proxy is a URL, with a place for a user.  undici 7.30 sends to SOCKS5 what stands there, undecoded."""
    return "://{near}" in command and not way.startswith("socks4") and "undici socks5" not in command


def comes(scene: Scene, client: Client, way: str, **more: str) -> None:
    """Runs a client to its end; each of its connections has to come through the server."""
    scene.prepare(*client.needs)
    origins, wires = scene.connections()
    process = scene.run(client.ways[way], way=way, **client.own(scene, way), **more)
    assert process.wait(60 * SLOWER) == 0, process.stderr.read_text(errors="replace")
    new_origins, new_wires = scene.connections()
    assert new_wires - wires >= max(new_origins - origins, 1)
    client.check(scene, process, way)
    process.stdout.write_bytes(b"")  # so that the end of the scene does not read them all


@pytest.mark.parametrize(("client", "way"), rows())
def test_a_client_fetches_by(scene: Scene, client: Client, way: str) -> None:
    comes(scene, client, way)


@pytest.mark.parametrize(("client", "way"), rows(names_itself))
def test_a_client_names_itself_by(guarded: Scene, client: Client, way: str) -> None:
    comes(guarded, client, way, near=f"{quote(USER, '')}:{quote(PASSWORD, '')}@{guarded.places['near']}")
