# SPDX-License-Identifier: Apache-2.0
"""URLs beside ssurl of shadowsocks-rust: the same are written, and each reads the other's."""

from __future__ import annotations

import json
import os
import random
import shutil
import string
import subprocess
from pathlib import Path

import pytest
from harness.programs import ours
from harness.stage import Stage

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "shadowplug"
TEXTS = [*string.printable[:95], "é", "✓"]
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="


def ssurl() -> str:
    built = shutil.which("ssurl") or next(map(str, CACHE.glob("**/bin/ssurl")), None)
    if built is None:
        pytest.skip("ssurl of shadowsocks-rust is not built")
    return built


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
    theirs, path, back = ssurl(), stage.home / "one.json", stage.home / "back.json"
    path.write_text(json.dumps(server(random.Random(seed))))
    url = output(ours("ss-local"), "-c", path, "--export-url")
    assert url == output(theirs, "-e", path).splitlines()[0]
    back.write_text(output(theirs, "-d", url))  # JSON5
    assert output(ours("ss-local"), "-c", back, "--export-url") == url
