# SPDX-License-Identifier: Apache-2.0
"""URLs beside ssurl of shadowsocks-rust: the same are written, and each reads the other's."""

from __future__ import annotations

import json
import random
import string
import subprocess

import pytest
from harness.programs import ours, peer
from harness.stage import Stage

TEXTS = [*string.printable[:95], "é", "✓"]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def output(*command: object) -> str:
    return subprocess.run([str(word) for word in command], check=True, capture_output=True, text=True,
                          timeout=30).stdout.strip()


def server(dice: random.Random) -> dict[str, object]:
    def text() -> str:
        return "".join(dice.choices(TEXTS, k=dice.randint(1, 20)))

    method = dice.choice(["aes-128-gcm", "aes-256-gcm", "chacha20-ietf-poly1305",
                          "2022-blake3-aes-256-gcm"])
    values: dict[str, object] = {
        "server": dice.choice(["192.0.2.1", "2001:db8::1", "example.com", "a-b.example.org"]),
        "server_port": dice.randint(1, 65535), "method": method,
        "password": KEY if method.startswith("2022") else text()}
    if dice.random() < 0.5:
        values |= {"plugin": "obfs-local", "plugin_opts": text()}
    return values


@pytest.mark.parametrize("seed", range(20))
def test_both_write_and_read_the_same(stage: Stage, seed: int) -> None:
    theirs, path, back = peer("ssurl"), stage.home / "one.json", stage.home / "back.json"
    path.write_text(json.dumps(server(random.Random(seed))))
    url = output(ours("ss-local"), "-c", path, "--export-url")
    assert url == output(theirs, "-e", path).splitlines()[0]
    back.write_text(output(theirs, "-d", url))  # JSON5
    assert output(ours("ss-local"), "-c", back, "--export-url") == url
