# SPDX-License-Identifier: Apache-2.0
"""The listings of the pages are real: every one in C compiles and runs, and so does every command that
is marked.

A comment in front of a listing says what it is, see scripts/lib/listings.py.
Programs that call ssp_main() run as a pair that carries an echo, other programs must end with 0.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from harness.content import content, read_exactly
from harness.programs import BIN, SANITIZED, Program
from harness.stage import Stage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts/lib"))
from listings import Listing, listings_of  # noqa: E402

BUILD = BIN.parent
PAGES = ["README.md", "docs/plugin-guide.md", "docs/embedding.md", "docs/sip003.md", "docs/man/ssplugin.7"]
LIBRARY = [*(BUILD / f"plugin-sdk/lib{name}.a" for name in ("ssplugin-testing", "ssplugin-crypto", "ssplugin")),
           "-levent_core", "-lcares", "-lcrypto", "-pthread"]
# A fragment may use these without saying where they come from.
PRELUDE = "".join(f"#include <ssplugin/{path.name}>\n"
                  for path in sorted((ROOT / "plugin-sdk/include/ssplugin").iterdir()))


LISTINGS = [listing for page in PAGES for listing in listings_of(page)]
IN_C = [listing for listing in LISTINGS if listing.kind == "c"]
PROGRAMS = [listing for listing in IN_C if "int main(" in listing.text and "part of" not in listing.says]


def compiler(*flags: str) -> list[str]:
    sanitize = re.search(r"^SSP_SANITIZE:\w+=(.+)$", (BUILD / "CMakeCache.txt").read_text(), re.M)
    instrument = [f"-fsanitize={sanitize[1]}"] if sanitize else []
    return ["cc", "-std=gnu11", "-Wall", "-Wextra", "-Wpedantic", "-Werror", *instrument, *flags,
            f"-I{ROOT}/plugin-sdk/include"]


def run(*argv: object, cwd: Path, env: dict[str, str] | None = None) -> str:
    done = subprocess.run([str(word) for word in argv], cwd=cwd, env={**os.environ, **(env or {})},
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{argv}\n{done.stdout}"
    return done.stdout


def files_of(page: str, directory: Path) -> None:
    """Writes the files that the page shows."""
    for listing in LISTINGS:
        if listing.page == page and (name := listing.says.get("file")):
            (directory / name).write_text(listing.text)


def test_the_pages_have_listings() -> None:
    """The patterns above still find what they are for."""
    assert {listing.page for listing in IN_C} == set(PAGES)
    assert any("run" in listing.says for listing in LISTINGS)
    assert {"same as", "part of", "file"} <= {key for listing in LISTINGS for key in listing.says}


@pytest.mark.parametrize("listing", IN_C, ids=str)
def test_a_listing_in_c_compiles(listing: Listing, tmp_path: Path) -> None:
    files_of(listing.page, tmp_path)
    if "part of" in listing.says:
        return  # others compile that file
    source = tmp_path / "listing.c"
    fragment = "#include" not in listing.text
    source.write_text((PRELUDE if fragment else "") + listing.text)
    unused = ["-Wno-unused", "-Wno-unused-parameter"] if "int main(" not in listing.text else []
    run(*compiler(*unused, "-c"), "-o", tmp_path / "listing.o", source, cwd=tmp_path)


@pytest.mark.parametrize("listing", [l for l in LISTINGS if "part of" in l.says], ids=str)
def test_a_part_is_in_its_file(listing: Listing) -> None:
    assert listing.text in (ROOT / listing.says["part of"]).read_text(), "it is not there (any more)"


@pytest.mark.parametrize("listing", [l for l in LISTINGS if "same as" in l.says], ids=str)
def test_a_listing_is_the_file_that_it_shows(listing: Listing) -> None:
    origin = ROOT / listing.says["same as"]
    assert listing.text == origin.read_text().split("\n", 1)[1]


@pytest.mark.parametrize("listing", PROGRAMS, ids=str)
def test_a_program_of_a_page_runs(listing: Listing, tmp_path: Path, stage: Stage) -> None:
    files_of(listing.page, tmp_path)
    source, program = tmp_path / "listing.c", tmp_path / "program"
    source.write_text(listing.text)
    run(*compiler(), "-o", program, source, *LIBRARY, cwd=tmp_path)
    if "SSP_PLUGIN_MAIN(" not in listing.text:
        run(program, cwd=tmp_path)
        return
    plugin, target = Program(program, ours=True), stage.target(lambda sock: sock.sendall(sock.recv(9)))
    near, public = ("127.0.0.1", stage.port()), ("127.0.0.1", stage.port())
    for role, port in (("server", public[1]), ("client", near[1])):
        local = target.address if role == "server" else near
        process = stage.run(plugin, env={
            "SS_PLUGIN_ROLE": role, "SS_LOCAL_HOST": local[0], "SS_LOCAL_PORT": str(local[1]),
            "SS_REMOTE_HOST": public[0], "SS_REMOTE_PORT": str(public[1])})
        stage.wait_listening(process, port)
    sock = stage.connect(near)
    sock.sendall(content(9))
    assert read_exactly(sock, 9) == content(9)


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prefix = tmp_path_factory.mktemp("prefix")
    run("cmake", "--install", BUILD, "--prefix", prefix, cwd=prefix)
    return prefix


@pytest.mark.skipif(SANITIZED, reason="the commands are those of readers, without a sanitizer's flags")
@pytest.mark.parametrize("page", [page for page in PAGES
                                  if any("run" in l.says for l in LISTINGS if l.page == page)])
def test_marked_commands_run_in_the_order_of_the_page(page: str, installed: Path,
                                                      tmp_path: Path) -> None:
    files_of(page, tmp_path)
    library = next(installed.glob("lib*/**/libssplugin.a")).parent
    env = {"PATH": f"{installed}/bin:{os.environ['PATH']}", "PKG_CONFIG_PATH": f"{library}/pkgconfig",
           "LD_LIBRARY_PATH": str(library)}
    for listing in LISTINGS:
        if listing.page == page and "run" in listing.says:
            run("sh", "-ec", listing.text, cwd=tmp_path, env=env)


@pytest.mark.skipif(SANITIZED, reason="the commands are those of readers, without a sanitizer's flags")
def test_the_first_chapter_is_followed_word_by_word(installed: Path, network: None) -> None:
    """Also what serves: pairs without a host, under our hosts, and by ss-plugin run."""
    said = run(ROOT / "scripts/guide", "--installed", installed, "--quick", cwd=installed)
    steps = re.findall(r"^ +[\d.]+ s  (.*)$", said, re.M)
    assert [step.split()[0] for step in steps] == ["write", "cc", "ss-server", "./xor", "ss-plugin", "write", "cc", "in"]
    assert int(re.search(r"write xor.c, (\d+) lines", said)[1]) <= 75


@pytest.mark.parametrize(("name", "options"), [("xor", "key=42"), ("http-upgrade", "path=/p")])
def test_an_example_passes_what_the_guide_demands(name: str, options: str, tmp_path: Path) -> None:
    plugin = tmp_path / name
    run(*compiler(), "-o", plugin, ROOT / f"plugin-sdk/examples/{name}.c", *LIBRARY, cwd=tmp_path)
    memory = ["--skip", "35,36"] if SANITIZED else []  # a sanitizer keeps what is freed
    told = run(BIN / "ss-plugin", "check", "--client", plugin, "--copts", options, "--server", plugin,
               "--sopts", options, "--failed", *memory, cwd=tmp_path)
    assert [line for line in told.splitlines() if re.match(r" ?\d+ +(MUST|SHOULD) ", line)] == [], told


def test_the_guide_has_the_options_of_every_plugin(tmp_path: Path) -> None:
    run(*compiler(), "-o", tmp_path / "xor", ROOT / "plugin-sdk/examples/xor.c", *LIBRARY, cwd=tmp_path)
    printed = run(tmp_path / "xor", "--dump-options", "md", cwd=tmp_path).splitlines()
    table = [line for line in printed if line.startswith("|") and not line.startswith("| `key=")]
    guide = (ROOT / "docs/plugin-guide.md").read_text()
    assert "\n".join(table) in guide, "what --dump-options md prints is not (any more) in the guide"


def test_the_manual_names_every_header() -> None:
    page = (ROOT / "docs/man/ssplugin.7").read_text()
    named = set(re.findall(r"^\.It In ssplugin/(\S+)$", page, re.M))
    assert named == {path.name for path in (ROOT / "plugin-sdk/include/ssplugin").iterdir()}


def test_the_page_for_movers_begins_with_what_a_server_does_not_dial() -> None:
    """It is what breaks a service that has worked, and is told by a line of the log."""
    page = (ROOT / "docs/migrating.md").read_text()
    first = " ".join(page[page.index("\n1. "):page.index("\n2. ")].split())
    for words in ('"outbound": "lan"', "--outbound all", "--outbound public", "outbound lan refuses loopback addresses"):
        assert words in first


def test_the_proposal_names_sections_that_there_are() -> None:
    """Each part of it is a section of the page, and the survey has nine programs."""
    page = (ROOT / "docs/sip003.md").read_text()
    parts, survey = page.split("## 8. As a proposal")[1].split("### 8.1 The field today")
    named = set(re.findall(r"\b(\d\.\d)\b", " ".join(re.findall(r"^\| .* \| ([\d., ]+) \|$", parts, re.M))))
    assert named and named <= set(re.findall(r"^### (\d\.\d) ", page, re.M))
    assert len(re.findall(r"^\| .*, (?:host|plugin) \|", survey, re.M)) == 9
