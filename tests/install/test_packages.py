# SPDX-License-Identifier: Apache-2.0
"""Debian's packages, the units and the completions rely on this, which is tried without building a package."""

from __future__ import annotations

import fnmatch
import os
import re
import signal
from pathlib import Path

import pytest
from harness import procfs
from harness.command import run
from harness.programs import BIN, SANITIZED, found, ours
from harness.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
BUILD = BIN.parent
DEBIAN = ROOT / "scripts/package.d/debian"
COMPLETIONS = BUILD / "completions"
CACHE = (BUILD / "CMakeCache.txt").read_text()
EXPOSURE = 15  # of systemd-analyze security, in tenths


# The packages.


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All files, where the rules of the packages put them."""
    tree = tmp_path_factory.mktemp("packages")
    run("cmake", "--install", BUILD, "--prefix", tree / "usr")
    share = tree / "usr/share"
    (share / "zsh/site-functions").rename(share / "zsh/vendor-completions")
    (share / "doc/libssplugin-dev").mkdir()
    (share / "doc/ssplugin/examples").rename(share / "doc/libssplugin-dev/examples")
    for unwanted in [*share.glob("doc/*/LICENSE"), share / "doc/shadowplug/CHANGELOG.md"]:
        unwanted.unlink()
    library = next((tree / "usr/lib").glob("**/libssplugin.a")).parent
    if library == tree / "usr/lib":
        (tree / "usr/lib/triplet").mkdir()
        for path in [*library.glob("libssplugin*"), library / "cmake", library / "pkgconfig"]:
            path.rename(library / "triplet" / path.name)
    return tree


def packaged(tree: Path, package: str) -> set[Path]:
    """The files that a package has from its list."""
    found: set[Path] = set()
    for line in (DEBIAN / f"{package}.install").read_text().split("\n"):
        pattern = line.split(" ")[0]
        paths = list(tree.glob(pattern)) if pattern else []
        if pattern and pattern != "etc/shadowplug":
            assert paths, f"{package}: nothing is {pattern}"
        for path in paths:
            found |= {path} if not path.is_dir() else {one for one in path.rglob("*") if not one.is_dir()}
    return found


@pytest.mark.skipif(bool(SANITIZED), reason="no completions of instrumented programs")
def test_every_file_is_in_one_package(installed: Path) -> None:
    packages = re.findall(r"^Package: (.*)$", (DEBIAN / "control").read_text(), re.M)
    everything = {path for path in installed.rglob("*") if not path.is_dir()}
    lists = {package: packaged(installed, package) for package in packages}
    homes = {path: [package for package, files in lists.items() if path in files] for path in everything}
    assert {str(path.relative_to(installed)): home for path, home in homes.items() if len(home) != 1} == {}


# OpenWrt.

OPENWRT = ROOT / "scripts/package.d/openwrt"
PROCD = """
config_get() { eval "$1=\\${sections_$2_$3:-${4-}}"; }
config_get_bool() { config_get "$@"; }
config_load() { :; }
config_foreach() { for section in home router broken; do "$1" "$section" "$2"; done; }
procd_open_instance() { echo "open $1"; }
procd_set_param() { echo "set $*"; }
procd_close_instance() { echo close; }
logger() { echo "log $*"; }
ss_nftables() { echo "rules $*"; }
"""


def test_the_init_script_starts_each_section(tmp_path: Path) -> None:
    """With the functions of procd in its place, and our programs in theirs."""
    script = (OPENWRT / "files/shadowplug.init").read_text().replace("/usr/bin/$program", f"{BIN}/$program") \
        .replace("ss-nftables", "ss_nftables")
    for name, word in (("good", '"x"'), ("bad", "1, x")):
        (tmp_path / f"{name}.json").write_text(f'{{"server": "127.0.0.1", "server_port": 1, "local_port": 2, "password": {word}}}')
    settings = {"home_enabled": "1", "home_program": "ss-local", "home_config": f"{tmp_path}/good.json",
                "home_nftables": "up-words", "router_enabled": "0", "router_program": "ss-redir",
                "broken_enabled": "1", "broken_program": "ss-server", "broken_config": f"{tmp_path}/bad.json"}
    lines = [f"sections_{name}='{value}'" for name, value in settings.items()]
    said = run("sh", "-eufc", "\n".join([PROCD, *lines, script, "start_service || true", "stop_service"]))
    assert re.findall(r"^(?:open|close|rules).*", said, re.M) == ["open home", "close", "rules up up-words", "rules down"]
    assert f"set command {BIN}/ss-local -c {tmp_path}/good.json" in said
    assert f"broken: {tmp_path}/bad.json has mistakes" in said


def test_the_makefile_of_openwrt_installs_every_program(tmp_path: Path) -> None:
    for name in ("rules.mk", "package.mk", "cmake.mk"):
        (tmp_path / name).write_text("INSTALL_DIR=mkdir\nINSTALL_BIN=cp\nINSTALL_CONF=cp\n")
    (tmp_path / "package.mk").write_text("define BuildPackage\nall:: \n\t$$(call Package/$(1)/install,/to)\nendef\n")
    said = run("make", "-n", "-C", OPENWRT, f"TOPDIR={tmp_path}", f"INCLUDE_DIR={tmp_path}", "PKG_INSTALL_DIR=/from")
    sources = re.findall(r"/from/usr/bin/(\S+)", said)
    unmatched = [path.name for path in BIN.iterdir() if path.name in PROGRAMS and path.name != "ss-plugin"
                 and not any(fnmatch.fnmatch(path.name, source) for source in sources)]
    assert unmatched == []
    version = re.search(r"^PKG_VERSION:=(.*)$", (OPENWRT / "Makefile").read_text(), re.M)
    assert version is not None and f"project(shadowplug VERSION {version[1]} " in (ROOT / "CMakeLists.txt").read_text()


# The units.


def units() -> list[Path]:
    found = sorted((BUILD / "core/systemd").glob("*.service"))
    assert len(found) == 5
    return found


@pytest.mark.parametrize("unit", units(), ids=lambda path: path.stem)
def test_a_unit_gives_up_what_it_can(unit: Path) -> None:
    said = run(found("systemd-analyze"), "security", "--offline=yes", "--no-pager",
               f"--threshold={EXPOSURE}", unit)
    assert "Overall exposure level" in said


def test_units_have_no_faults(tmp_path: Path) -> None:
    """With the programs of this build, and the pages of this tree."""
    bin_there = re.search(r"^CMAKE_INSTALL_PREFIX:PATH=(.*)$", CACHE, re.M)
    assert bin_there is not None
    copies = [tmp_path / unit.name.replace("@", "@one") for unit in units()]
    for unit, copy in zip(units(), copies):
        text = unit.read_text()
        assert f"ExecStart={bin_there[1]}/bin/{unit.stem.strip('@')} " in text
        copy.write_text(text.replace(f"{bin_there[1]}/bin", str(BIN)))
    assert run(found("systemd-analyze"), "verify", "--man=no", *copies) == ""


def calls_of(name: str) -> set[str]:
    """The calls of a group of systemd, those of its groups included."""
    lines = [line.strip() for line in run(found("systemd-analyze"), "syscall-filter", name).splitlines()[1:]]
    words = [line for line in lines if line and not line.startswith("#")]
    return set().union(*(calls_of(word) if word.startswith("@") else {word} for word in words))


def permitted(unit: Path) -> set[str]:
    calls: set[str] = set()
    for words in re.findall(r"^SystemCallFilter=(.*)$", unit.read_text(), re.M):
        named = set().union(*(calls_of(word) if word.startswith("@") else {word} for word in words.lstrip("~").split()))
        calls = calls - named if words.startswith("~") else calls | named
    return calls


@pytest.mark.skipif(bool(SANITIZED), reason="sanitizers have calls of their own")
def test_units_permit_the_calls_of_a_server_and_its_plugin(stage: Stage) -> None:
    """Server, guardian and plugin."""
    trace, port = stage.home / "trace", stage.port()
    server = stage.run(found("strace"), "-ff", "-qq", "-o", trace, ours("ss-server"), "-s", "127.0.0.1", "-p", port, "-k", "word",
                       "--plugin", ours("obfs-server").path, "--plugin-opts", "obfs=http", "-u")
    procfs.eventually(lambda: procfs.listening(port), f"the plugin listens: {server.output()}", 30)
    os.kill(next(iter(procfs.children(server.pid))), signal.SIGTERM)
    server.wait(30)
    texts = [path.read_text(errors="replace") for path in trace.parent.glob("trace.*")]
    used = set(re.findall(r"^(\w+)\(", "\n".join(texts), re.M))
    assert len(texts) == 3 and {"landlock_restrict_self", "capset"} <= used
    refused = used - permitted(next(unit for unit in units() if unit.stem == "ss-server@"))
    assert refused <= {"capset", "chown", "fchown", "setgroups", "setresgid", "setresuid"}, "root's change of users aside"


# The completions.

PROGRAMS = sorted(path.name for path in BIN.iterdir() if path.name.endswith(("-local", "-server", "-wrap")) or path.name.startswith(("ss-", "chain")))
made = pytest.mark.skipif(bool(SANITIZED), reason="no completions of instrumented programs")


def bash_offers(*words: str) -> set[str]:
    """Offers of bash at the end of a line."""
    array = " ".join(f"'{word}'" for word in words)
    name = "_" + re.sub(r"\W", "_", words[0])
    return set(run("bash", "--norc", "-uc", f". {COMPLETIONS / words[0]}.bash; COMP_WORDS=({array}); "
                   f'COMP_CWORD={len(words) - 1}; {name}; printf "%s\\n" "${{COMPREPLY[@]}}"').split())


def fish_offers(*words: str) -> set[str]:
    line = " ".join(words)
    said = run(found("fish"), "--no-config", "-c", f"source {COMPLETIONS / words[0]}.fish; complete -C '{line}'")
    return {entry.split("\t")[0] for entry in said.splitlines()}


@made
@pytest.mark.parametrize("program", PROGRAMS)
def test_every_option_of_the_help_is_offered(program: str) -> None:
    said = run(BIN / program, "--help").split("xamples")[0]
    options = set(re.findall(r"^ +(?:-\w, )?(--[a-z][\w-]+)", said, re.M)) - {"--help"}
    assert options <= bash_offers(program, "--")
    assert options <= fish_offers(program, "--")
    zsh = (COMPLETIONS / f"_{program}").read_text()
    assert zsh.startswith(f"#compdef {program}\n")
    assert not [option for option in options if option not in zsh]


@made
def test_values_are_offered() -> None:
    for offers in (bash_offers, fish_offers):
        assert "2022-blake3-aes-256-gcm" in offers("ss-server", "-m", "")
        assert offers("obfs-local", "--obfs", "") == {"http", "tls"}
        assert {"encode", "decode", "explain"} <= offers("ss-plugin", "opts", "")
        assert {"up", "down"} <= offers("ss-nftables", "")


@made
@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_reads_the_completions(shell: str) -> None:
    names = {"bash": [f"{name}.bash" for name in PROGRAMS], "zsh": [f"_{name}" for name in PROGRAMS],
             "fish": [f"{name}.fish" for name in PROGRAMS]}[shell]
    for name in names:
        assert run(found(shell), "-n", COMPLETIONS / name) == ""
