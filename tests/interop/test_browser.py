# SPDX-License-Identifier: Apache-2.0
"""Chromium and a page of 200 resources, half of them behind TLS, by every kind of proxy that it speaks."""

from __future__ import annotations

import re

import pytest
from client_scene import NAME, Scene, open_scene
from harness.browser import document
from harness.content import content, sha256
from harness.programs import SANITIZED
from harness.stage import Stage

RESOURCES = 200
HOSTS = [f"{first}.{NAME}" for first in "abcd"]
WAYS = {"SOCKS5": "--proxy-server=socks5://{near}", "HTTP": "--proxy-server=http://{near}",
        "PAC": "--proxy-pac-url=http://{near}/proxy.pac"}


def text_of(number: int) -> str:
    return content(2000, number).hex()


def write_page(scene: Scene) -> str:
    """Each resource is a script that writes its text into the page.  Returns the URL of the page."""
    files, scripts = scene.stage.home / "files", []
    for number in range(RESOURCES):
        (files / f"{number}.js").write_text(f'document.write("<i>{text_of(number)}</i>")')
        url = scene.origins[number % 2].url(f"/files/{number}.js", HOSTS[number // 2 % len(HOSTS)])
        scripts.append(f'<script src="{url}"></script>')
    (files / "page.html").write_text("<!doctype html>" + "".join(scripts))
    return scene.origins[0].url("/files/page.html", NAME)


@pytest.mark.skipif(SANITIZED, reason="the browser is the same")
@pytest.mark.parametrize("way", WAYS)
def test_chromium_loads_a_page_of_many_resources_by(stage: Stage, way: str) -> None:
    scene = open_scene(stage)
    url = write_page(scene)
    page = document(stage, WAYS[way].format_map(scene.places), "--ignore-certificate-errors", url)
    loaded = re.findall("<i>([0-9a-f]*)</i>", page)
    assert [sha256(text.encode()) for text in loaded] == [sha256(text_of(n).encode()) for n in range(RESOURCES)]
