# SPDX-License-Identifier: Apache-2.0
"""v2ray-plugin under our hosts: a plugin that knows nothing of us."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from harness.programs import peer
from harness.stage import Parts, Stage
from mix import METHODS, carries_everything, program

MIXES = [("ours", "ours"), ("ours", "theirs"), ("theirs", "ours")]


def certificate(home: Path) -> tuple[Path, Path]:
    """A self-made certificate for ex.test and its key."""
    cert, key = home / "cert.pem", home / "key.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", cert,
                    "-days", "2", "-subj", "/CN=ex.test", "-addext", "subjectAltName=DNS:ex.test"],
                   check=True, capture_output=True)
    return cert, key


def parts(method: str, client: str, server: str) -> Parts:
    plugin = str(peer("ss-v2ray-plugin"))
    return Parts(program("ss-local", client), program("ss-server", server), method,
                 plugin, None, plugin, "server")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("client", "server"), MIXES)
def test_websocket(stage: Stage, method: str, client: str, server: str) -> None:
    carries_everything(stage, stage.chain(parts(method, client, server)))


@pytest.mark.parametrize(("client", "server"), MIXES)
def test_websocket_over_tls(stage: Stage, client: str, server: str) -> None:
    cert, key = certificate(stage.home)
    tls = replace(parts("aes-256-gcm", client, server),
                  client_opts=f"tls;host=ex.test;cert={cert}",
                  server_opts=f"server;tls;host=ex.test;cert={cert};key={key}")
    carries_everything(stage, stage.chain(tls))


@pytest.mark.parametrize("option", ["mux=0", "path=/a\\;b"])
def test_options_arrive_as_they_are(stage: Stage, option: str) -> None:
    base = parts("aes-256-gcm", "ours", "ours")
    both = replace(base, client_opts=option, server_opts=f"server;{option}")
    carries_everything(stage, stage.chain(both))
