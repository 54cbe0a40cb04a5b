# SPDX-License-Identifier: Apache-2.0
"""The programs and the shared library, as the linker left them: each defence that it can add is there."""

from __future__ import annotations

import platform
import re
import subprocess
from pathlib import Path

import pytest
from harness.programs import BIN, SANITIZED

BUILD = BIN.parent
CACHE = (BUILD / "CMakeCache.txt").read_text()
PROGRAMS = sorted(path for path in BIN.iterdir() if path.is_file() and path.read_bytes()[:4] == b"\x7fELF")
SHARED = sorted(path for path in BUILD.glob("plugin-sdk/*.so*") if not path.is_symlink())
ARCHIVES = sorted(BUILD.glob("*/libssp_*.a"))
pytestmark = [
    pytest.mark.skipif(SANITIZED or "SSP_HARDEN:BOOL=OFF" in CACHE, reason="this build is not hardened"),
    pytest.mark.skipif("-static" in CACHE, reason="a static program is laid out otherwise"),
]


def read(path: Path, what: str) -> str:
    return subprocess.run(["readelf", what, "--wide", path], check=True, capture_output=True, text=True,
                          env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}).stdout


def test_there_is_something_to_look_at() -> None:
    assert {"ss-local", "ss-server", "obfs-server", "tls-wrap", "ws-wrap", "stls-wrap"} <= {path.name for path in PROGRAMS}
    assert SHARED and ARCHIVES


@pytest.mark.parametrize("path", [*PROGRAMS, *SHARED], ids=lambda path: path.name)
def test_memory_is_laid_out_safely(path: Path) -> None:
    """Anywhere; relocations are read-only once it runs; no stack is executable, no segment writable too."""
    segments, dynamic = read(path, "--segments"), read(path, "--dynamic")
    assert "DYN (" in read(path, "--file-header")
    assert "GNU_RELRO" in segments and "BIND_NOW" in dynamic
    assert re.search(r"GNU_STACK .* RW +0x", segments)
    assert not re.search(r"LOAD .* RWE ", segments)
    assert "RPATH" not in dynamic and "RUNPATH" not in dynamic and "TEXTREL" not in dynamic
    assert path in SHARED or re.search(r"FLAGS_1.*\bPIE\b", dynamic)


@pytest.mark.parametrize("path", [*PROGRAMS, *SHARED], ids=lambda path: path.name)
def test_overruns_are_caught(path: Path) -> None:
    imports = read(path, "--dyn-syms")
    assert "__stack_chk_fail" in imports
    assert "CMAKE_BUILD_TYPE:STRING=Debug" in CACHE or re.search(r"__\w+_chk@", imports)


@pytest.mark.skipif(platform.machine() != "x86_64", reason="marks of another machine")
@pytest.mark.parametrize("path", ARCHIVES, ids=lambda path: path.name)
def test_returns_are_marked_for_shadow_stacks(path: Path) -> None:
    """In the objects: a program is marked only where the C library's own start files are."""
    notes = read(path, "--notes")
    assert notes.count("SHSTK") == len(re.findall(r"^File: ", notes, re.MULTILINE)) > 0


def test_the_websocket_plugin_is_small(tmp_path: Path) -> None:
    """With all that is linked into it, beside the shared libraries of the system."""
    stripped = tmp_path / "ws-wrap"
    subprocess.run(["strip", "-o", stripped, BIN / "ws-wrap"], check=True)
    assert stripped.stat().st_size <= 400 * 1024
