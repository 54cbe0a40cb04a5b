# SPDX-License-Identifier: Apache-2.0
"""A command that ends by itself and has to succeed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def run(*argv: object, cwd: Path | None = None, **env: str) -> str:
    """Returns what it prints."""
    words = [str(word) for word in argv]
    done = subprocess.run(words, cwd=cwd, env={**os.environ, **env}, text=True, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}"
    return done.stdout
