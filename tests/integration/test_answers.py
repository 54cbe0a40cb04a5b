# SPDX-License-Identifier: Apache-2.0
"""An answer on standard output that cannot be written is a line and a failure."""

from __future__ import annotations

import subprocess

import pytest
from harness.programs import SLOWER, ours

SERVER = "-s 127.0.0.1 -p 8388 -k eAsS3zrBdJ7hqkm4 -m aes-256-gcm"
ANSWERS = [
    *(f"{name} {what}" for name in ("ss-local", "ss-manager", "ss-plugin", "obfs-local", "chain", "exec-wrap", "pt-wrap")
      for what in ("--help", "--version")),
    "obfs-server --dump-options=json", "tls-wrap --dump-options=md", "ws-wrap --help", "stls-wrap --help",
    "ss-server --genkey aes-256-gcm", f"ss-local --dump-config {SERVER} -l 1080", f"ss-server --export-url {SERVER}",
    f"ss-local --print-plugin-env --plugin obfs-local {SERVER} -l 1080",
]


@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_cannot_be_written_is_a_failure(answer: str) -> None:
    name, *words = answer.split()
    with open("/dev/full", "wb") as full:
        done = subprocess.run([str(ours(name)), *words], check=False, stdin=subprocess.DEVNULL, stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=30 * SLOWER)
    assert done.returncode in ((1, 255) if name.startswith("ss-") else (71,))
    assert "write the answer: No space left on device" in done.stderr
