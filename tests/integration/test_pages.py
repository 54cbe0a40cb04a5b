# SPDX-License-Identifier: Apache-2.0
"""The pages of ss-local itself, in a browser and in its raw form."""

from __future__ import annotations

import http.client
import json
import re

import pytest
from harness.browser import document
from harness.names import Name, NameServer
from harness.origin import Origin
from harness.programs import SANITIZED
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
