# SPDX-License-Identifier: Apache-2.0
"""The scripts for people: what they say of themselves, and of what they cannot do."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType

import pytest
from harness.programs import BIN

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ["bench", "build", "check", "demo", "fuzz", "instructions", "on", "package", "peers", "release", "test"]


def run(script: str, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([ROOT / "scripts" / script, *argv], text=True, check=False,
                          capture_output=True, env={**os.environ, "NO_COLOR": "1"})


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_says_what_it_is_for(script: str) -> None:
    done = run(script, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"usage: scripts/{script}" in done.stdout or f"usage: {script}" in done.stdout


@pytest.mark.parametrize("system", ["jessie", "11", "bookworms", "trixie/arm64", ""])
def test_an_unknown_system_is_named(system: str) -> None:
    done = run("on", system, "true")
    assert done.returncode == 1 and f"unknown system {system}:" in done.stderr


@pytest.mark.parametrize("argv", [[], ["sid"], ["--mirror"], ["--frsh", "sid", "true"]])
def test_half_a_command_is_answered_with_the_usage(argv: list[str]) -> None:
    done = run("on", *argv)
    assert done.returncode == 1
    assert "usage: scripts/on" in done.stderr or "needs a value" in done.stderr


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small repository with the files that a release changes."""
    there = tmp_path_factory.mktemp("tree") / "clone"
    for name in ("CMakeLists.txt", "CHANGELOG.md", "plugin-sdk/include/ssplugin/version.h", "scripts/package",
                 "scripts/package.d/openwrt/Makefile", "scripts/release", "scripts/lib/say.sh", "scripts/lib/version.sh"):
        (there / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, there / name)
    (version,) = re.findall(r"^project\(shadowplug VERSION (\S+)", (there / "CMakeLists.txt").read_text(), re.M)
    (there / "CHANGELOG.md").write_text(f"# Changelog\n\n## {version} (unreleased)\n")
    git(there, "init", "--quiet")
    commit(there)
    return there


def git(tree: Path, *words: str) -> str:
    who = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
    return subprocess.run(["git", "-C", str(tree), *who, *words], check=True, text=True, capture_output=True).stdout


def commit(tree: Path) -> None:
    git(tree, "add", "-A")
    git(tree, "commit", "--quiet", "-m", "a change")


def release(tree: Path, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tree / "scripts/release", *words], text=True, check=False, capture_output=True,
                          env={**os.environ, "NO_COLOR": "1", **env})


def test_a_tarball_is_the_same_anywhere(tree: Path, tmp_path: Path) -> None:
    """Another place, time zone, locale and umask."""
    other = tmp_path / "a longer place" / "clone"
    git(tree, "clone", "--quiet", str(tree), str(other))
    first = release(tree, "build", str(tmp_path / "first"), SKIP_BUILD="1", TZ="UTC")
    before = os.umask(0o077)
    try:
        second = release(other, "build", str(tmp_path / "second"), SKIP_BUILD="1", TZ="Asia/Tokyo", LC_ALL="C.UTF-8")
    finally:
        os.umask(before)
    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    digests = {hashlib.sha256(next((tmp_path / name).glob("*.tar.xz")).read_bytes()).hexdigest()
               for name in ("first", "second")}
    assert len(digests) == 1
    assert digests.pop() in (tmp_path / "first/SHA256SUMS").read_text()


def test_a_release_has_one_version_everywhere(tree: Path) -> None:
    done = release(tree, "prepare", "7.8.9")
    assert done.returncode == 1 and 'no "## 7.8.9 (unreleased)"' in done.stderr
    changes = tree / "CHANGELOG.md"
    changes.write_text("# Changelog\n\n## 7.8.9 (unreleased)\n")
    assert release(tree, "prepare", "7.8.9").returncode == 0
    assert "project(shadowplug VERSION 7.8.9 " in (tree / "CMakeLists.txt").read_text()
    header = (tree / "plugin-sdk/include/ssplugin/version.h").read_text()
    assert '"7.8.9"' in header and "0x070809" in header
    assert "PKG_VERSION:=7.8.9" in (tree / "scripts/package.d/openwrt/Makefile").read_text()
    assert "unreleased" not in changes.read_text()
    done = release(tree, "build")
    assert done.returncode == 1 and "the tree has changes" in done.stderr


def test_nothing_unfinished_is_signed(tree: Path, tmp_path: Path) -> None:
    git(tree, "checkout", "--quiet", ".")
    done = release(tree, "sign", str(tmp_path))
    assert done.returncode == 1 and " unreleased: scripts/release prepare" in done.stderr.splitlines()[-1]


@pytest.fixture
def scorecard(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    loader = SourceFileLoader("scorecard", str(ROOT / "scripts" / "scorecard"))
    module = module_from_spec(spec_from_loader("scorecard", loader))
    monkeypatch.setitem(sys.modules, "scorecard", module)  # its classes look there for themselves
    loader.exec_module(module)
    return module


def is_there(test: str) -> bool:
    file, _, name = test.split()[0].partition("::")
    if not file.endswith(".py"):
        return (ROOT / file).is_file() if file.startswith("scripts/") else (BIN.parent / "tests" / file).is_file()
    path = ROOT / "tests" / file
    return path.is_file() and (not name or f"def {name}(" in path.read_text())


def test_every_test_of_the_scorecard_is_there(scorecard: ModuleType) -> None:
    rows = scorecard.rows(full=True)
    assert [row.name for row in rows] == [f"R{number:02}" for number in range(1, 41)]
    assert [test for row in rows for test in row.tests if not is_there(test)] == []


def test_the_page_promises_enough_for_a_release(scorecard: ModuleType) -> None:
    for full, least in ((False, 50), (True, 74)):
        rows = scorecard.rows(full=full)
        assert sum(row.most for row in rows) >= least
        assert not [row.name for row in rows if row.marked and row.most == 0]


def test_every_fuzz_target_is_on_the_page(scorecard: ModuleType) -> None:
    (row,) = [row for row in scorecard.rows(full=False) if row.name == "R29"]
    assert set(row.tests) == {path.stem for path in (ROOT / "tests" / "fuzz").glob("fuzz_*.c")}


def test_the_scorecard_counts_what_has_passed(scorecard: ModuleType, tmp_path: Path,
                                              monkeypatch: pytest.MonkeyPatch) -> None:
    """Two files of one name are two files, and a test that was skipped has shown nothing; options of pytest and
    projects around the tree leave no test out."""
    monkeypatch.setenv("PYTEST_ADDOPTS", "-x -k no_such_test")
    (tmp_path / "setup.py").touch()
    bodies = {"one": "pass", "other": "raise ValueError", "third": "__import__('pytest').skip()"}
    for folder, body in bodies.items():
        (tmp_path / "tests" / folder).mkdir(parents=True)
        (tmp_path / "tests" / folder / "test_it.py").write_text(f"def test_it():\n    {body}\n")
    monkeypatch.setattr(scorecard, "ROOT", tmp_path)
    tests = {f"{folder}/test_it.py" for folder in bodies} | {"one/test_it.py::test_it", "one/test_it.py::test_no"}
    assert scorecard.run(tests, "release") == {
        "one/test_it.py": True, "one/test_it.py::test_it": True, "one/test_it.py::test_no": False,
        "other/test_it.py": False, "third/test_it.py": False}
