# SPDX-License-Identifier: Apache-2.0
"""ss-plugin as users call it: words in, status and text out."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

from harness.processes import base_environment
from harness.programs import SLOWER, ours
from harness.stage import Stage

COMMANDS = ("check", "check-host", "describe", "doctor", "env", "new", "opts", "run")
ACTIONS = ("opts encode", "opts decode", "opts explain")


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


def ask(stage: Stage, *words: object, stdin: str = "", within: float = 60,
        **env: str | None) -> Answer:
    """Runs ss-plugin to its end, in the home of the stage."""
    full = {**base_environment(stage.home), **env}
    done = subprocess.run([str(ours("ss-plugin")), *map(str, words)], input=stdin, text=True, check=False,
                          cwd=stage.home, timeout=within * SLOWER, capture_output=True, errors="surrogateescape",
                          env={key: value for key, value in full.items() if value is not None})
    assert done.returncode >= 0, f"{words} was ended by signal {-done.returncode}\n{done.stderr}"
    return Answer(done.returncode, done.stdout, done.stderr)
