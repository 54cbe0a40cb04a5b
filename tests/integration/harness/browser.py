# SPDX-License-Identifier: Apache-2.0
"""Chromium without a window."""

from __future__ import annotations

from .programs import SLOWER, peer
from .stage import Stage


def document(stage: Stage, *argv: object) -> str:
    """The page as the browser has it once all of it is loaded."""
    browser = stage.run(peer("chromium"), "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                        "--no-first-run", "--disable-background-networking", f"--user-data-dir={stage.home}/chromium",
                        "--dump-dom", *argv)
    assert browser.wait(90 * SLOWER) == 0, browser.output()
    return browser.stdout.read_text(errors="replace")
