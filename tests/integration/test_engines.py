# SPDX-License-Identifier: Apache-2.0
"""The library that computes ciphers: -v tells it, each understands the other, and a wrong one is not used."""

from __future__ import annotations

import ctypes.util
import re
import shutil
from pathlib import Path

import pytest
from harness.content import content, hash_exactly, read_exactly, sha256
from harness.processes import Process
from harness.programs import BIN, ours
from harness.socks import dial
from harness.stage import PASSWORD, Stage
from harness.targets import ledger

WRONG = BIN.parent / "tests" / "libwrongengine.so"
CACHE = (BIN.parent / "CMakeCache.txt").read_text()
FLAGS = set(Path("/proc/cpuinfo").read_text().partition("flags")[2].partition("\n")[0].split())
CPU = {"avx512f", "avx512bw", "vaes", "vpclmulqdq", "gfni", "sha_ni"} <= FLAGS
BUILT = "SSP_HAS_IPSEC_MB:INTERNAL=1" in CACHE and "SSP_IPSEC_MB:BOOL=ON" in CACHE
THERE = ctypes.util.find_library("IPSec_MB") is not None
BYTES = 1024 * 1024


def old_libcrypto() -> bool:
    library = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
    return bool(library.OpenSSL_version_num() & 0xFFFFFFFF < 0x30200000)


NEEDED = BUILT and CPU and old_libcrypto()


@pytest.fixture
def engine(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A folder in which the library is looked for first: an empty file cannot be loaded, and ends the search."""
    folder = tmp_path / request.param
    folder.mkdir()
    for number in (1, 2):
        file = folder / f"libIPSec_MB.so.{number}"
        if request.param == "wrong":
            shutil.copy(WRONG, file)
        else:
            file.touch()
    return folder


def start(stage: Stage, engine: Path | None, name: str, *words: object) -> Process:
    env = {"LD_LIBRARY_PATH": str(engine)} if engine else {}
    return stage.run(ours(name), *words, "-k", PASSWORD, "-v", env=env)


def exchange(stage: Stage, method: str, server_engine: Path | None, local_engine: Path | None) -> list[str]:
    """Bytes up and down through both; returns what each has said."""
    public, near = stage.port(), stage.port()
    server = start(stage, server_engine, "ss-server", "-s", "127.0.0.1", "-p", public, "-m", method, "--outbound", "all")
    local = start(stage, local_engine, "ss-local", "-s", "127.0.0.1", "-p", public, "-m", method, "-l", near)
    stage.wait_listening(server, public)
    stage.wait_listening(local, near)
    client = stage.keep(dial(("127.0.0.1", near), stage.target(ledger).address))
    up, down = content(BYTES, 3), content(BYTES, 4)
    client.sendall(b"PUT %d\n" % len(up) + up)
    assert read_exactly(client, 64).decode() == sha256(up)
    client.sendall(b"GET %d 4\n" % len(down))
    assert hash_exactly(client, len(down)) == sha256(down)
    return [server.output(), local.output()]


def said(output: str) -> str:
    lines = re.findall(r"(\w+: ciphers: .*)", output)
    assert len(lines) == 1, output
    return str(lines[0])


@pytest.mark.parametrize("method", ["aes-128-gcm", "aes-192-gcm", "aes-256-gcm", "chacha20-ietf-poly1305"])
@pytest.mark.parametrize("engine", ["none"], indirect=True)
def test_each_understands_the_other(stage: Stage, engine: Path, method: str) -> None:
    with_it, without = map(said, exchange(stage, method, None, engine))
    if NEEDED and THERE:
        assert re.search(r"INFO: ciphers: intel-ipsec-mb, because OpenSSL 3\.[01]\.\d+ does not use VAES", with_it)
    else:
        assert "INFO: ciphers: OpenSSL 3." in with_it
    assert re.search(r"INFO: ciphers: OpenSSL 3\.\d+\.\d+ \(intel-ipsec-mb: .+\)", without)
    if NEEDED:
        assert "libIPSec_MB.so" in without


@pytest.mark.skipif(not NEEDED, reason="this build, CPU or libcrypto does not look for intel-ipsec-mb")
@pytest.mark.parametrize("engine", ["wrong"], indirect=True)
def test_one_that_computes_something_else_is_one_line_and_not_used(stage: Stage, engine: Path) -> None:
    refused, _ = map(said, exchange(stage, "aes-256-gcm", engine, None))
    assert "ERROR: ciphers: intel-ipsec-mb computes something else than OpenSSL 3." in refused
