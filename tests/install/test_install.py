# SPDX-License-Identifier: Apache-2.0
"""The SDK as others get it: installed, then used outside of this tree in every way there is."""

from __future__ import annotations

import re
import shutil
import subprocess
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from harness import udp
from harness.command import run
from harness.content import content, read_exactly, read_to_end
from harness.programs import BIN, SANITIZED, Program, ours
from harness.socks import Address
from harness.stage import Parts, Stage
from harness.targets import PAGE, echo, web

ROOT = Path(__file__).resolve().parents[2]
SDK = ROOT / "plugin-sdk"
EXAMPLES = SDK / "examples"
BUILD = BIN.parent
HERE = Path(__file__).resolve().parent
NAMES = ["xor", "http-upgrade", "datagram", "keepalive", "deflate", "stacked", "own-loop", "host", "laws"]
NEEDS = {"deflate": ["-lz"]}
WITH_CODEC = {"stacked", "own-loop", "laws"}  # of http-upgrade.c
HOST = "127.0.0.1"
# A sanitizer's runtime has to come with the program.
CACHE = {line.split(":", 1)[0]: line.split("=", 1)[1]
         for line in (BUILD / "CMakeCache.txt").read_text().splitlines()
         if re.match(r"\w+:\w+=", line)}
COMPILER = [CACHE["CMAKE_C_COMPILER"]]
INHERITED = ("CMAKE_C_COMPILER", "CMAKE_C_COMPILER_LAUNCHER", "SSP_SANITIZE")
INSTRUMENT = f"-fsanitize={CACHE['SSP_SANITIZE']}" if CACHE.get("SSP_SANITIZE") else ""
FLAGS = ["-O1", "-Wall", "-Wpedantic", "-Werror", *INSTRUMENT.split()]


@pytest.fixture(scope="session")
def prefix(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything, installed; moved afterwards, for a prefix may not be where it was chosen to be."""
    there = tmp_path_factory.mktemp("installed")
    run("cmake", "--install", BUILD, "--prefix", there / "first")
    (there / "first").rename(there / "prefix")
    return there / "prefix"


def library_directory(prefix: Path) -> Path:
    return next(prefix.glob("lib*/**/libssplugin.a")).parent


def pkg_config(prefix: Path, *wishes: str, package: str = "ssplugin") -> list[str]:
    where = library_directory(prefix) / "pkgconfig"
    return run("pkg-config", *wishes, package, PKG_CONFIG_PATH=str(where)).split()


def configure(source: Path, build: Path, *options: str) -> None:
    taken = [f"-D{name}={CACHE[name]}" for name in INHERITED if name in CACHE]
    run("cmake", "-S", source, "-B", build, "-G", "Ninja", *taken, *options)


# The ways: each builds examples into a directory and returns that.


def compile_all(names: Sequence[str], build: Path, cflags: list[str], libs: list[str], testing: list[str]) -> Path:
    """testing: instead of libs, for a test."""
    build.mkdir()
    codec = build / "http-upgrade-codec.o"
    compiler = [*COMPILER, *FLAGS, *cflags]
    if WITH_CODEC & set(names):
        run(*compiler, "-Dmain=http_upgrade_main", "-c", "-o", codec, EXAMPLES / "http-upgrade.c")
    for name in names:
        more = [codec] if name in WITH_CODEC else []
        run(*compiler, "-o", build / name, EXAMPLES / f"{name}.c", *more,
            *(testing if name == "laws" else libs), *NEEDS.get(name, []))
    return build


def by_pkg_config(prefix: Path, build: Path, names: Sequence[str] = NAMES) -> Path:
    run_path = f"-Wl,-rpath,{library_directory(prefix)}"
    return compile_all(names, build, pkg_config(prefix, "--cflags"),
                       [*pkg_config(prefix, "--libs"), run_path],
                       [*pkg_config(prefix, "--libs", package="ssplugin-testing"), run_path])


def by_static_archive(prefix: Path, build: Path, names: Sequence[str] = NAMES) -> Path:
    """Nothing but the SDK is static: what its libraries need stays shared."""
    libs = [*pkg_config(prefix, "--variable=archive"), *pkg_config(prefix, "--static", "--libs")]
    libs.remove("-lssplugin")
    testing = pkg_config(prefix, "--variable=archive", package="ssplugin-testing")
    return compile_all(names, build, pkg_config(prefix, "--cflags"), libs, [*testing, *libs])


def by_find_package(prefix: Path, build: Path, *options: str) -> Path:
    configure(EXAMPLES, build, f"-DCMAKE_PREFIX_PATH={prefix}",
              f"-DCMAKE_C_FLAGS={' '.join(FLAGS)}", *options)
    run("ninja", "-C", build)
    return build


def by_static_target(prefix: Path, build: Path) -> Path:
    return by_find_package(prefix, build, "-DSSPLUGIN=ssplugin::static")


def by_subdirectory(prefix: Path, build: Path) -> Path:
    """Without anything installed: the sources of the SDK are a part of the other project."""
    source = build.with_suffix(".src")
    shutil.copytree(HERE / "consumer", source)
    configure(source, build, f"-DSDK={SDK}", f"-DEXAMPLES={EXAMPLES}",
              f"-DCMAKE_C_FLAGS={INSTRUMENT}")
    run("ninja", "-C", build)
    return build / "examples"


WAYS: dict[str, Callable[[Path, Path], Path]] = {
    "pkg-config": by_pkg_config, "static-archive": by_static_archive,
    "find-package": by_find_package, "static-target": by_static_target,
    "subdirectory": by_subdirectory}


@dataclass(frozen=True)
class Built:
    directory: Path

    def program(self, name: str) -> Program:
        path = self.directory / name
        assert path.is_file()
        return Program(path, ours=True)


@pytest.fixture(scope="session", params=WAYS)
def built(request: pytest.FixtureRequest, prefix: Path,
          tmp_path_factory: pytest.TempPathFactory) -> Built:
    build = tmp_path_factory.mktemp(request.param) / "build"
    return Built(WAYS[request.param](prefix, build))


# For tests of an example, which are not about how it is linked.
ONE_WAY = pytest.mark.parametrize("built", ["pkg-config"], indirect=True)

# Running them.


def start(stage: Stage, program: Program, role: str, local: Address, remote: Address,
          options: str | None, **env: str) -> None:
    process = stage.run(program, env={
        "SS_LOCAL_HOST": local[0], "SS_LOCAL_PORT": str(local[1]), "SS_REMOTE_HOST": remote[0],
        "SS_REMOTE_PORT": str(remote[1]), "SS_PLUGIN_OPTIONS": options,
        "SS_PLUGIN_ROLE": role, **env})
    if env.get("SS_PLUGIN_MODE") == "udp_only":
        udp.wait_bound((local if role == "client" else remote)[1])
    else:
        stage.wait_listening(process, (local if role == "client" else remote)[1])


def pair(stage: Stage, client: Program, server: Program, backend: Address,
         options: str | None = None, **env: str) -> Address:
    near, public = (HOST, stage.port()), (HOST, stage.port())
    start(stage, server, "server", backend, public, options, **env)
    start(stage, client, "client", near, public, options, **env)
    return near


def assert_echoes(stage: Stage, near: Address) -> None:
    sock = stage.connect(near)
    for size, seed in ((1, 1), (20_000, 2), (1, 3), (300_000, 4)):
        payload = content(size, seed)
        sock.sendall(payload)
        assert read_exactly(sock, size) == payload
    sock.shutdown(1)
    assert sock.recv(1) == b"", "a half-closed echo ends"


@pytest.mark.parametrize(("name", "options"), [
    ("xor", "key=42"), ("http-upgrade", "path=/p;host=a.example"), ("stacked", None),
    ("datagram", "key=secret")])
def test_a_pair_of_examples_carries_an_echo(built: Built, stage: Stage, name: str,
                                            options: str | None) -> None:
    program = built.program(name)
    assert_echoes(stage, pair(stage, program, program, stage.target(echo).address, options))


@ONE_WAY
@pytest.mark.parametrize(("name", "options"), [("keepalive", "silence=10"), ("deflate", None)])
def test_a_pair_of_another_example_carries_an_echo(built: Built, stage: Stage, name: str, options: str | None) -> None:
    program = built.program(name)
    assert_echoes(stage, pair(stage, program, program, stage.target(echo).address, options))


def test_the_laws_run(built: Built) -> None:
    assert run(built.program("laws").path) == "1..1\nok 1 - http-upgrade keeps every law\n"


@ONE_WAY
def test_a_quiet_connection_is_kept_alive(built: Built, stage: Stage) -> None:
    """The timer of keepalive.c comes without input, and again after each record."""
    near, wire = (HOST, stage.port()), stage.listener()
    start(stage, built.program("keepalive"), "client", near, wire.address, "silence=10")
    sock = stage.connect(near)
    peer = wire.accept()
    assert read_exactly(peer, 4) == bytes(4)
    sock.sendall(b"x")
    while (head := read_exactly(peer, 2)) == bytes(2):
        pass
    assert (head, read_exactly(peer, 3)) == (b"\0\1", b"x\0\0")


@ONE_WAY
def test_what_deflate_says_arrives_at_once_and_is_short(built: Built, stage: Stage) -> None:
    near, wire = (HOST, stage.port()), stage.listener()
    start(stage, built.program("deflate"), "client", near, wire.address, None)
    sock, inflate = stage.connect(near), zlib.decompressobj()
    sock.sendall(b"a" * 10_000)
    peer, got, sent = wire.accept(), b"", 0
    while len(got) < 10_000:
        part = peer.recv(65536)
        sent, got = sent + len(part), got + inflate.decompress(part)
    assert got == b"a" * 10_000 and sent < 200


def test_a_loop_of_its_own_talks_to_the_engine(built: Built, stage: Stage) -> None:
    backend = stage.target(echo).address
    near = pair(stage, built.program("own-loop"), built.program("http-upgrade"), backend)
    assert_echoes(stage, near)
    assert_echoes(stage, near)


def test_a_visitor_of_http_upgrade_sees_the_fallback(built: Built, stage: Stage) -> None:
    site, backend = stage.target(web), stage.target(echo)
    public = (HOST, stage.port())
    start(stage, built.program("http-upgrade"), "server", backend.address, public,
          f"fallback={site.address[0]}:{site.address[1]}")
    visitor = stage.connect(public)
    visitor.sendall(b"GET / HTTP/1.0\r\nHost: a.example\r\n\r\n")
    assert read_to_end(visitor)[0].endswith(PAGE)
    assert backend.accepted == 0


def test_a_pair_carries_datagrams(built: Built, stage: Stage) -> None:
    program, target = built.program("datagram"), stage.keep(udp.Echo())
    near = pair(stage, program, program, target.address, "key=secret", SS_PLUGIN_MODE="udp_only")
    sock = stage.keep(udp.open_socket())
    for payload in (b"", b"x", content(1200, 5)):
        sock.sendto(payload, near)
        assert sock.recvfrom(udp.MAX)[0] == payload


def test_the_host_example_hosts_a_plugin(built: Built, stage: Stage) -> None:
    backend, public = stage.target(echo).address, stage.port()
    host = stage.run(built.program("host"), built.program("xor"), "server", HOST, public,
                     *backend, "key=42")
    stage.wait_listening(host, public)
    near = (HOST, stage.port())
    start(stage, built.program("xor"), "client", near, (HOST, public), "key=42")
    assert_echoes(stage, near)


@pytest.mark.skipif(SANITIZED, reason="a leak checker traces its own process, which a sandbox forbids")
@pytest.mark.parametrize("way", [by_pkg_config, by_static_archive])
def test_our_hosts_run_an_installed_plugin_in_their_sandbox(way: Callable[..., Path], prefix: Path, tmp_path: Path,
                                                            stage: Stage) -> None:
    """The shared library beside it is found, and the note of a plugin is in its own file."""
    xor = prefix / "bin" / f"xor-{way.__name__}"
    shutil.copy(way(prefix, tmp_path / "build", ["xor"]) / "xor", xor)
    parts = Parts(ours("ss-local"), ours("ss-server"), client_plugin=str(xor),
                  client_opts="key=42", server_plugin=str(xor), server_opts="key=42")
    sock = stage.chain(parts).dial(stage.target(echo).address)
    sock.sendall(b"through a sandbox")
    assert read_exactly(sock, 17) == b"through a sandbox"
    notes = subprocess.run(["readelf", "-n", xor], capture_output=True, text=True, check=True).stdout
    assert "SIP003" in notes


# The files that are installed.


def test_the_useful_example_is_short() -> None:
    lines = (EXAMPLES / "http-upgrade.c").read_text().splitlines()
    assert len([line for line in lines if line.strip(" {}")]) <= 54


def test_everything_is_where_it_belongs(prefix: Path) -> None:
    found = {str(path.relative_to(prefix)) for path in prefix.rglob("*") if not path.is_dir()}
    library = str(library_directory(prefix).relative_to(prefix))
    wanted = {"bin/ss-local", "bin/ss-manager", "bin/ss-server", "bin/ss-tunnel", "bin/obfs-local", "bin/obfs-server",
              "bin/ss-plugin", "bin/ss-redir", "bin/ss-nftables",
              f"{library}/libssplugin.so", f"{library}/libssplugin.so.1", f"{library}/libssplugin.a",
              f"{library}/pkgconfig/ssplugin.pc", f"{library}/libssplugin-testing.a",
              f"{library}/pkgconfig/ssplugin-testing.pc", f"{library}/libssplugin-crypto.a",
              f"{library}/pkgconfig/ssplugin-crypto.pc", f"{library}/cmake/ssplugin/ssplugin-config.cmake",
              f"{library}/cmake/ssplugin/ssplugin-config-version.cmake",
              "share/man/man7/ssplugin.7", "lib/systemd/system/ss-server@.service"}
    if not SANITIZED:
        wanted |= {f"share/{place}" for place in ("bash-completion/completions/ss-plugin", "zsh/site-functions/_ss-local",
                                                  "fish/vendor_completions.d/obfs-local.fish")}
    wanted |= {f"include/ssplugin/{path.name}" for path in (SDK / "include/ssplugin").iterdir()}
    wanted |= {f"share/man/man{page.suffix[1:]}/{page.name}"
               for page in (ROOT / "docs/man").glob("*.[1-8]")}
    wanted |= {f"share/doc/shadowplug/{page}" for page in ("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md")}
    wanted |= {f"share/doc/shadowplug/{page.relative_to(ROOT)}" for page in (ROOT / "docs").glob("*.md")}
    wanted |= {f"share/doc/ssplugin/examples/{name}.c" for name in NAMES}
    wanted |= {f"share/doc/ssplugin/examples/{name}" for name in ("relay.c", "host-libevent.c", "host-glib.c", "host.py")}
    wanted |= {"share/doc/ssplugin/examples/CMakeLists.txt", "share/doc/ssplugin/LICENSE"}
    assert not wanted - found
    strangers = [name for name in found if re.search(r"libssp_|/src/|\.o$|/\.", name)]
    assert not strangers


def test_everything_is_uninstalled(tmp_path: Path) -> None:
    """But for files that others have put beside it."""
    run("cmake", "--install", BUILD, "--prefix", tmp_path / "prefix")
    files = [path for path in (tmp_path / "prefix").rglob("*") if not path.is_dir()]
    (tmp_path / "install_manifest_sdk.txt").write_text("\n".join(map(str, files)))
    (tmp_path / "prefix/bin/of-others").touch()
    run("cmake", f"-DMANIFESTS={tmp_path}/install_manifest*.txt", "-P", SDK / "cmake/uninstall.cmake")
    left = [path for path in (tmp_path / "prefix").rglob("*") if not path.is_dir()]
    assert left == [tmp_path / "prefix/bin/of-others"]
    assert not list((tmp_path / "prefix").rglob("*plug*"))
    assert "uninstall" in run("ninja", "-C", BUILD, "-t", "targets", "all")


@pytest.mark.parametrize(("component", "has", "lacks"), [
    ("sdk", "libssplugin.a", "ss-local"), ("sdk", "libssplugin-testing.a", "ss-plugin"),
    ("tools", "ss-plugin", "libssplugin.a"),
    ("runtime", "ss-local", "codec.h")])
def test_components_can_be_installed_alone(tmp_path: Path, component: str, has: str,
                                           lacks: str) -> None:
    run("cmake", "--install", BUILD, "--prefix", tmp_path, "--component", component)
    names = {path.name for path in tmp_path.rglob("*")}
    assert has in names and lacks not in names


def test_the_installed_programs_run(prefix: Path) -> None:
    for name in ("ss-local", "ss-server", "obfs-local", "obfs-server", "ss-plugin"):
        run(prefix / "bin" / name, "--help")


HEADERS = sorted(path.name for path in (SDK / "include/ssplugin").iterdir())
LANGUAGES = {"c11": [*COMPILER, "-std=c11", "-xc"], "c++17": ["c++", "-std=c++17", "-xc++"]}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_header_compiles_alone(prefix: Path, tmp_path: Path, language: str) -> None:
    for header in HEADERS:
        source = tmp_path / "alone"
        source.write_text(f"#include <ssplugin/{header}>\n#include <ssplugin/{header}>\n")
        run(*LANGUAGES[language], "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-fsyntax-only",
            f"-I{prefix}/include", source)


def test_a_plugin_in_cxx_carries_an_echo(prefix: Path, tmp_path: Path, stage: Stage) -> None:
    program = tmp_path / "rot"
    run("c++", "-std=c++17", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *INSTRUMENT.split(), "-o",
        program, HERE / "rot.cc", *pkg_config(prefix, "--cflags", "--libs"),
        f"-Wl,-rpath,{library_directory(prefix)}")
    plugin = Program(program, ours=True)
    assert_echoes(stage, pair(stage, plugin, plugin, stage.target(echo).address))


def test_the_sdk_builds_alone(tmp_path: Path) -> None:
    """As a project of its own, and what it then installs is complete."""
    configure(SDK, tmp_path / "build", "-DSSP_TOOL=OFF", "-DCMAKE_BUILD_TYPE=Debug")
    run("ninja", "-C", tmp_path / "build")
    run("cmake", "--install", tmp_path / "build", "--prefix", tmp_path / "prefix")
    configure(EXAMPLES, tmp_path / "examples", f"-DCMAKE_PREFIX_PATH={tmp_path}/prefix")


def test_another_version_is_refused(prefix: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.20)\nproject(x NONE)\nfind_package(ssplugin 99)\n"
        "if(ssplugin_FOUND)\nmessage(FATAL_ERROR found)\nendif()\n")
    run("cmake", "-S", tmp_path, "-B", tmp_path / "build", f"-DCMAKE_PREFIX_PATH={prefix}")
