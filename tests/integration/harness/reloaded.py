# SPDX-License-Identifier: Apache-2.0
"""A program with a configuration that changes while it runs."""

from __future__ import annotations

import json
import os
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

from . import procfs
from .processes import Process
from .programs import SLOWER, ours
from .stage import SANDBOX, Stage


class Reloaded:
    """A program with a configuration that changes."""

    def __init__(self, stage: Stage, program: str, *argv: object, **values: Any) -> None:
        self.values = {**SANDBOX, **values}
        self.path: Path = stage.config(**self.values)
        self.path.chmod(0o600)  # or it warns
        self.process: Process = stage.run(ours(program), "-c", self.path, *argv)

    def told(self) -> list[str]:
        return re.findall(r"(?:INFO|ERROR): (reload of .*)", self.process.output())

    def write(self, **values: Any) -> None:
        self.values.update(values)
        self.path.write_text(json.dumps({k: v for k, v in self.values.items() if v is not None}))

    def hang_up(self) -> str:
        """The line about it."""
        before = Counter(self.told())
        os.kill(self.process.pid, signal.SIGHUP)
        procfs.eventually(lambda: Counter(self.told()) - before, "the reload is told", 20 * SLOWER)
        return next(iter(Counter(self.told()) - before))

    def change(self, **values: Any) -> str:
        self.write(**values)
        line = self.hang_up()
        assert "stays in use" not in line, line
        return line

    def refuse(self, **values: Any) -> str:
        before = dict(self.values)
        self.write(**values)
        line = self.hang_up()
        assert line.endswith("the previous configuration stays in use"), line
        assert line.count(str(self.path)) == 1, line
        self.values = before
        return line
