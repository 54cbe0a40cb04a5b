# SPDX-License-Identifier: Apache-2.0
"""The things that have to be there before a run: the build and the peers."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .machine import PEER_PACKAGES


class Missing(Exception):
    """One line about a missing thing, and how to get it."""


def _run(command: list[str], root: Path) -> None:
    print("+", " ".join(command), file=sys.stderr)
    if subprocess.run(command, cwd=root, stdout=sys.stderr, check=False).returncode != 0:
        raise Missing(f"`{' '.join(command)}` failed")


def build(root: Path) -> None:
    """Brings build/release up to date."""
    if not (root / "build/release/CMakeCache.txt").exists():
        _run(["cmake", "--preset", "release"], root)
    _run(["cmake", "--build", "--preset", "release"], root)


def peers(directory: Path | None, lack: str | None, root: Path) -> None:
    """Installs the peers when one is lacking, if we may."""
    if lack is None:
        return
    if directory is not None:
        raise Missing(lack)
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise Missing(f"{lack}: apt-get install {' '.join(PEER_PACKAGES)}")
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    _run(["apt-get", "install", "-y", "--no-install-recommends", *PEER_PACKAGES], root)
