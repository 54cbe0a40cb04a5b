# SPDX-License-Identifier: Apache-2.0
"""The pages of ss-local itself, in a browser and in its raw form."""

from __future__ import annotations

import http.client
import json
import re
import select
import socket

import pytest
from harness import procfs
from harness.browser import document
from harness.names import Name, NameServer
from harness.origin import Origin
from harness.programs import SANITIZED, SLOWER
from harness.stage import PASSWORD, Chain, Stage, our_parts

WITHOUT_PROXY = ["--no-proxy-server"]


@pytest.fixture
def chain(stage: Stage) -> Chain:
    return stage.chain(our_parts("http"))


def get(address: tuple[str, int], path: str, host: str | None = None) -> tuple[int, str]:
    near = http.client.HTTPConnection(*address, timeout=30)
    near.request("GET", path, headers={"Host": host} if host else {})
    answer = near.getresponse()
    try:
        return answer.status, answer.read().decode()
    finally:
        near.close()


@pytest.mark.skipif(SANITIZED, reason="the browser is the same")
def test_chromium_shows_the_status(stage: Stage, chain: Chain) -> None:
    page = document(stage, f"http://127.0.0.1:{chain.socks[1]}/", *WITHOUT_PROXY)
    assert "<h1>Shadowplug</h1>" in page and "<polyline" in page
    assert f"127.0.0.1:{chain.public[1]}" in page and "plugin" in page


@pytest.mark.skipif(SANITIZED, reason="the browser is the same")
def test_chromium_comes_by_the_pac_file(stage: Stage) -> None:
    dns = stage.keep(NameServer(names={"origin.example": Name(v4="127.0.0.1")}))
    origin = stage.keep(Origin())
    chain = stage.chain(our_parts(), nameserver=str(dns))
    page = document(stage, origin.url("/by-pac", "origin.example"),
                  f"--proxy-pac-url=http://127.0.0.1:{chain.socks[1]}/proxy.pac")
    assert '"path": "/by-pac"' in page


def test_counters_and_failures_are_live_and_no_secret_is_told(stage: Stage, chain: Chain) -> None:
    origin = stage.keep(Origin())
    near = http.client.HTTPConnection(*chain.socks, timeout=30)
    near.request("GET", origin.url("/big"))
    near.getresponse().read()
    near.close()
    status, page = get(chain.socks, "/")
    assert status == 200 and re.search(r"<dt>Down</dt><dd>4\.0 MiB</dd>", page), page
    assert "aes-256-gcm, plugin obfs-local" in page and "ready</b>" in page
    assert PASSWORD not in page and "obfs-host" not in page and "/obfs-local" not in page


def test_a_name_that_leads_here_gets_no_page(stage: Stage, chain: Chain) -> None:
    for path in ("/", "/proxy.pac"):
        assert get(chain.socks, path, "evil.example")[0] == 421
        assert get(chain.socks, path, f"localhost:{chain.socks[1]}")[0] == 200


def test_pages_are_for_loopback_unless_they_are_exposed(stage: Stage) -> None:
    for exposed, expected in ((None, 404), (True, 200)):
        near = ("127.0.0.1", stage.port())
        stage.ss_local(our_parts(), ("127.0.0.1", stage.port()), near[1], host="0.0.0.0", pages_exposed=exposed)
        assert get(near, "/")[0] == expected


def test_the_connection_goes_on_behind_a_page(stage: Stage, chain: Chain) -> None:
    origin = stage.keep(Origin())
    near = http.client.HTTPConnection(*chain.socks, timeout=30)
    for _ in range(2):
        near.request("GET", "/proxy.pac", headers={"Host": f"localhost:{chain.socks[1]}"})
        pac = near.getresponse().read().decode()
        assert f"PROXY localhost:{chain.socks[1]}; SOCKS5 localhost:{chain.socks[1]}" in pac
        near.request("POST", origin.url("/x"), body=b"y")
        assert json.loads(near.getresponse().read())["path"] == "/x"
    near.close()


@pytest.mark.parametrize("behind_a_target", [False, True])
def test_pages_wait_for_a_client_that_does_not_take_them(stage: Stage, chain: Chain, behind_a_target: bool) -> None:
    """A million bytes of requests would be 200 times as many bytes of pages."""
    origin = stage.keep(Origin())
    asks = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    first = f"GET {origin.url('/x')} HTTP/1.1\r\nHost: x\r\n\r\n".encode() if behind_a_target else b""
    said, sent, seen, before = first + asks * (1_000_000 // len(asks)), 0, 0, procfs.rss_kib(chain.local.pid)
    sock = stage.connect(chain.socks)
    while sent < len(said) and select.select([], [sock], [], 2 * SLOWER)[1]:  # until no more is taken
        sent += sock.send(said[sent:], socket.MSG_DONTWAIT)
    assert procfs.rss_kib(chain.local.pid) - before < 4 * 1024
    while seen < 1000 and (got := sock.recv(1 << 20)):
        seen += got.count(b"</html>")
    assert seen >= 1000
