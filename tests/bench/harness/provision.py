# SPDX-License-Identifier: Apache-2.0
"""What has to be there before a run: the build and the peers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .machine import PEER_PACKAGES

PEER_PROGRAMS = ("ss-local", "ss-server", "obfs-local", "obfs-server")


class Missing(Exception):
    """What is missing and how to get it, in one line."""


def _run(command: list[str], root: Path) -> None:
    print("+", " ".join(command), file=sys.stderr)
    if subprocess.run(command, cwd=root, stdout=sys.stderr, check=False).returncode != 0:
        raise Missing(f"`{' '.join(command)}` failed")


def build(root: Path) -> None:
    """Brings build/release up to date."""
    if not (root / "build/release/CMakeCache.txt").exists():
        _run(["cmake", "--preset", "release"], root)
    _run(["cmake", "--build", "--preset", "release"], root)


def _peers_present(directory: Path | None) -> bool:
    if directory is not None:
        return all(os.access(directory / name, os.X_OK) for name in PEER_PROGRAMS)
    return all(shutil.which(name) for name in PEER_PROGRAMS)


def peers(directory: Path | None, root: Path) -> Path:
    """Where the peers are; installs them when we may."""
    if not _peers_present(directory):
        wanted = " ".join(PEER_PACKAGES)
        if directory is not None:
            raise Missing(f"{directory} lacks one of {', '.join(PEER_PROGRAMS)}")
        if os.geteuid() != 0 or shutil.which("apt-get") is None:
            raise Missing(f"the peers are missing: apt-get install {wanted}")
        os.environ["DEBIAN_FRONTEND"] = "noninteractive"
        _run(["apt-get", "install", "-y", "--no-install-recommends", *PEER_PACKAGES], root)
    return directory or Path(shutil.which("ss-server") or "/usr/bin/ss-server").parent
