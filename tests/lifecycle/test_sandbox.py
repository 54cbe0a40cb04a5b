# SPDX-License-Identifier: Apache-2.0
"""A plugin in the sandbox may open this: what its options name, what it is known to need, and what
the operator lets it change."""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness import procfs
from harness.programs import SANITIZED, ours, peer
from harness.stage import Stage
from life.hosted import ROLES, Hosted
from life.workshop import Workshop


@pytest.fixture(autouse=True)
def sandbox() -> None:
    """A build with a leak checker, which traces itself, has none."""
    if SANITIZED:
        pytest.skip("a leak checker cannot run in the sandbox")


@pytest.fixture
def far(workshop: Workshop) -> Iterator[Path]:
    """A directory that no rule opens by itself."""
    path = Path("/var/lib") / f"sandbox-{workshop.path.name}"
    path.mkdir()
    yield path
    shutil.rmtree(path)


def reader(workshop: Workshop, file: str = "$SS_PLUGIN_OPTIONS") -> Path:
    """A plugin that reads its file, as Cloak does, before it is one."""
    workshop.copy()
    return workshop.script("reader", f'cat "{file}" || exit 78', "unset SS_PLUGIN_OPTIONS",
                           f"exec {workshop.path}/fakeplugin")


@pytest.mark.parametrize("role", ROLES)
def test_options_that_are_a_path(stage: Stage, workshop: Workshop, far: Path, root: None,
                                 role: str) -> None:
    (far / "c.json").write_text("{}\n")
    hosted = Hosted(stage, role, str(far / "c.json"), plugin=reader(workshop))
    hosted.ready()


def test_options_that_are_a_relative_path(stage: Stage, workshop: Workshop, far: Path,
                                          root: None) -> None:
    (far / "c.json").write_text("from the file\n")
    plugin = reader(workshop)
    for options in ("c.json", "./c.json", f"../{far.name}/c.json"):
        into = ("sh", "-c", f'cd {shlex.quote(str(far))} && exec "$0" "$@"')
        hosted = Hosted(stage, "local", options, plugin=plugin, wrap=into)
        hosted.ready()
        hosted.says("from the file")


def test_a_file_that_no_option_names_stays_closed(stage: Stage, workshop: Workshop, far: Path,
                                                  root: None) -> None:
    (far / "c.json").write_text("from the file\n")
    hosted = Hosted(stage, "local", plugin=reader(workshop, str(far / "c.json")))
    log = hosted.fails()
    assert "ermission denied" in log and "from the file\n" not in log
    assert "--no-plugin-sandbox" in log and "plugin_writable" in log


@pytest.mark.parametrize("given", ["file", "option"])
def test_what_a_plugin_may_change(stage: Stage, workshop: Workshop, far: Path, root: None,
                                  given: str) -> None:
    (far / "db").write_text("old\n")
    workshop.copy()
    plugin = workshop.script("writer", f"echo new >{far}/db && echo more >{far}/more || exit 78",
                             f"exec {workshop.path}/fakeplugin")
    Hosted(stage, "server", plugin=plugin, plugin_user="root").fails()
    paths = f"{far}:/etc/hostname"
    hosted = Hosted(stage, "server", None, *(["--plugin-writable", paths] if given == "option" else []),
                    plugin=plugin, plugin_user="root",
                    **({"plugin_writable": paths} if given == "file" else {}))
    hosted.ready()
    assert (far / "db").read_text() == "new\n" and (far / "more").exists()


def test_what_may_be_changed_must_be_there(stage: Stage) -> None:
    log = Hosted(stage, "server", plugin_writable="/no/such/file").fails()
    assert 'plugin_writable: "/no/such/file": No such file or directory' in log


# Certificates.


def certificate(at: Path, name: str) -> None:
    """cert.pem and key.pem in a directory, for a name."""
    at.mkdir(exist_ok=True)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                    "-nodes", "-days", "2", "-subj", f"/CN={name}", "-addext",
                    f"subjectAltName=DNS:{name}", "-keyout", at / "key.pem", "-out", at / "cert.pem"],
                   check=True, capture_output=True)


def turn_link(link: Path, target: str) -> None:
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.rename(link)


def by_link(far: Path) -> tuple[Path, Callable[[], None]]:
    certificate(far / "v1", "one.example")
    certificate(far / "v2", "two.example")
    (far / "current").symlink_to("v1")
    return far / "current", lambda: turn_link(far / "current", "v2")


def by_link_elsewhere(far: Path) -> tuple[Path, Callable[[], None]]:
    (far / "store").mkdir()
    (far / "site").mkdir()
    certificate(far / "store" / "v1", "one.example")
    certificate(far / "store" / "v2", "two.example")
    (far / "site" / "current").symlink_to(far / "store" / "v1")
    return far / "site" / "current", lambda: turn_link(far / "site" / "current",
                                                       str(far / "store" / "v2"))


def by_file_links(far: Path) -> tuple[Path, Callable[[], None]]:
    certificate(far / "v1", "one.example")
    certificate(far / "v2", "two.example")
    (far / "live").mkdir()
    for name in ("cert.pem", "key.pem"):
        (far / "live" / name).symlink_to(f"../v1/{name}")

    def renew() -> None:
        for name in ("key.pem", "cert.pem"):
            turn_link(far / "live" / name, f"../v2/{name}")
    return far / "live", renew


def by_directory(far: Path) -> tuple[Path, Callable[[], None]]:
    certificate(far / "current", "one.example")
    certificate(far / "next", "two.example")

    def renew() -> None:
        (far / "current").rename(far / "old")
        (far / "next").rename(far / "current")
    return far / "current", renew


@pytest.mark.parametrize("way", [by_link, by_link_elsewhere, by_file_links, by_directory])
def test_a_renewed_certificate_is_taken(stage: Stage, far: Path, root: None,
                                        way: Callable[[Path], tuple[Path, Callable[[], None]]]) -> None:
    at, renew = way(far)
    options = f"cert={at}/cert.pem;key={at}/key.pem;ca={at}/cert.pem;fallback=127.0.0.1:9"
    hosted = Hosted(stage, "server", options, plugin=ours("tls-wrap"))
    pid = hosted.ready()
    renew()
    os.kill(pid, signal.SIGHUP)
    procfs.eventually(lambda: bool(hosted.lines("reloaded")) or bool(hosted.lines("denied")),
                      "the plugin has read its files again")
    assert not hosted.lines("denied"), hosted.process.output()


def test_the_certificate_of_acme_sh(stage: Stage, root: None, workshop: Workshop) -> None:
    """v2ray-plugin looks for it below the home directory of the account, whatever HOME says."""
    directory = Path(pwd.getpwuid(0).pw_dir) / ".acme.sh"
    made = not directory.exists()
    directory.mkdir(exist_ok=True)
    name = f"{workshop.path.name}.example"
    certificate(directory / name, name)
    try:
        (directory / name / "cert.pem").rename(directory / name / "fullchain.cer")
        (directory / name / "key.pem").rename(directory / name / f"{name}.key")
        hosted = Hosted(stage, "server", f"server;tls;host={name}", plugin=peer("ss-v2ray-plugin"))
        hosted.ready()
    finally:
        shutil.rmtree(directory / name)
        if made:
            directory.rmdir()
