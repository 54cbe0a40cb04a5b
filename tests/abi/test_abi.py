# SPDX-License-Identifier: Apache-2.0
"""The binary interface of libssplugin: what it is, and that no change of it goes unnoticed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.programs import BIN, SANITIZED

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "plugin-sdk"
BUILT = BIN.parent / "plugin-sdk"
LARGEST = 256 * 1024


def compare(library: Path, headers: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts/abi", "--library", library, "--headers", headers],
                          capture_output=True, text=True, check=False)


def test_the_interface_is_the_announced_one() -> None:
    done = compare(BUILT / "libssplugin.so", SDK / "include")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_headers_declare_what_is_exported_and_nothing_else() -> None:
    announced = (ROOT / "tests/abi/ssplugin.abi").read_text()
    declared = re.findall(r"^(?!typedef)\w.*?\b(ssp_\w+)\(", announced, re.M)
    assert sorted(declared) == sorted(re.findall(r"^symbol (\w+)@", announced, re.M))


def changed(tmp_path: Path, header: str, change: Callable[[str], str]) -> str:
    """The message about headers of which one is not as it was."""
    headers = tmp_path / "include"
    shutil.copytree(SDK / "include", headers)
    path = headers / "ssplugin" / header
    before = path.read_text()
    path.write_text(change(before))
    assert path.read_text() != before, "the change found nothing to change"
    done = compare(BUILT / "libssplugin.so", headers)
    assert done.returncode == 1, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(("header", "old", "new", "sign"), [
    ("codec.h", "size_t conf_size;", "int another; size_t conf_size;", "+      32: int another"),
    ("codec.h", "size_t state_size;", "long state_size;", "+      40: long state_size"),
    ("options.h", "SSP_SECRET = 8", "SSP_SECRET = 16", "+    SSP_SECRET = 16"),
    ("env.h", "SSP_EXIT_CONFIG = 78", "SSP_EXIT_CONFIG = 79", "+    SSP_EXIT_CONFIG = 79"),
    ("codec.h", "ssp_need(ssp_io *io, size_t total)", "ssp_need(ssp_io *io, unsigned total)",
     "+void ssp_need(ssp_io *io, unsigned total)"),
    ("host.h", "    bool sandbox;", "    bool box;", "-      88: _Bool sandbox"),
])
def test_a_changed_header_is_noticed(tmp_path: Path, header: str, old: str, new: str,
                                     sign: str) -> None:
    assert sign in changed(tmp_path, header, lambda text: text.replace(old, new))


def linked_with(tmp_path: Path, symbol_map: str) -> Path:
    """The library once more, with another symbol map."""
    rules, library = tmp_path / "other.map", tmp_path / "libother.so"
    rules.write_text(symbol_map)
    subprocess.run([*os.environ.get("CC", "cc").split(), "-shared", "-nostdlib", "-o", library,
                    f"-Wl,--version-script={rules}", "-Wl,--whole-archive",
                    BUILT / "libssplugin.a", "-Wl,--no-whole-archive"], check=True)
    return library


def test_a_symbol_that_is_gone_is_noticed(tmp_path: Path) -> None:
    rules = (SDK / "libssplugin.map").read_text().replace("local:", "local:\n    ssp_eof;")
    done = compare(linked_with(tmp_path, rules), SDK / "include")
    assert done.returncode == 1 and "-symbol ssp_eof@@SSPLUGIN_1" in done.stdout, done.stdout


def test_another_version_of_a_symbol_is_noticed(tmp_path: Path) -> None:
    rules = (SDK / "libssplugin.map").read_text().replace("SSPLUGIN_1", "SSPLUGIN_2")
    done = compare(linked_with(tmp_path, rules), SDK / "include")
    assert done.returncode == 1 and "+symbol ssp_main@@SSPLUGIN_2" in done.stdout, done.stdout


def names_in(archive: str, *flags: str) -> set[str]:
    listing = subprocess.run(["nm", "-g", *flags, BUILT / archive],
                             capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"^[\w ]+ [A-Z] (\S+)$", listing, re.M))


def announced_symbols() -> set[str]:
    announced = (ROOT / "tests/abi/ssplugin.abi").read_text()
    return set(re.findall(r"^symbol (\w+)@", announced, re.M))


@pytest.mark.skipif(SANITIZED, reason="sanitizers add names of their own")
def test_the_static_library_shows_only_public_names() -> None:
    assert names_in("libssplugin.a", "--defined-only") == announced_symbols()


def declared_in(*headers: str) -> set[str]:
    texts = [(SDK / "include/ssplugin" / header).read_text() for header in headers]
    return set(re.findall(r"^SSP_API [^(]*\b(ssp_\w+)\(", "".join(texts), re.M))


BESIDE = {"libssplugin-testing.a": declared_in("testing.h"),
          "libssplugin-crypto.a": declared_in("digest.h", "base64.h")}


@pytest.mark.skipif(SANITIZED, reason="sanitizers add names of their own")
@pytest.mark.parametrize("library", BESIDE)
def test_a_library_beside_it_has_what_its_headers_declare_and_nothing_else(library: str) -> None:
    assert BESIDE[library] and names_in(library, "--defined-only") == BESIDE[library]


def test_the_library_for_tests_calls_public_functions_only() -> None:
    """It works beside the shared library, and beside one of another version."""
    called = {name for name in names_in("libssplugin-testing.a", "--undefined-only")
              if name.startswith("ssp_")}
    assert called and called <= announced_symbols()


def test_the_library_needs_no_libcrypto() -> None:
    listing = subprocess.run(["readelf", "-dW", BUILT / "libssplugin.so"], capture_output=True, text=True, check=True).stdout
    assert "libevent" in listing and "libcrypto" not in listing
    assert not {name for name in names_in("libssplugin-crypto.a", "--undefined-only") if name.startswith("ssp_")}


@pytest.mark.parametrize("library", BESIDE)
def test_a_plugin_carries_neither(library: str) -> None:
    assert not BESIDE[library] & (announced_symbols() | names_in("libssplugin.a", "--defined-only"))


def test_the_name_of_the_shared_library_says_its_abi() -> None:
    abi = re.search(r"#define SSP_ABI (\d+)", (SDK / "include/ssplugin/version.h").read_text())
    listing = subprocess.run(["readelf", "-dW", BUILT / "libssplugin.so"],
                             capture_output=True, text=True, check=True).stdout
    assert abi is not None and f"soname: [libssplugin.so.{abi[1]}]" in listing


@pytest.mark.skipif(SANITIZED, reason="instrumented code has no size to speak of")
def test_the_stripped_library_is_small(tmp_path: Path) -> None:
    stripped = tmp_path / "libssplugin.so"
    subprocess.run(["strip", "-o", stripped, BUILT / "libssplugin.so"], check=True)
    assert stripped.stat().st_size <= LARGEST, "of each new layer: is it needed, is it small?"
