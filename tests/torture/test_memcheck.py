# SPDX-License-Identifier: Apache-2.0
"""Programs under valgrind, in the scenario of the torture: no wrong access, no leak, no lost descriptor."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from harness.programs import SANITIZED, peer
from harness.stage import Stage
from scenes import SCENES, ss_manager
from trial import Fault, Trial

WATCHED = ["ss-server", "ss-local", "ss-tunnel", "ss-redir", "ss-manager", "obfs http as client", "obfs tls as server",
           "tls-wrap as client", "tls-wrap as server", "ss-plugin opts"]
# recv(2) with MSG_TRUNC takes no buffer, which valgrind does not know.
SUPPRESSED = """{
   discarded input
   Memcheck:Param
   socketcall.recvfrom(buf)
   ...
   fun:ssp__stream_discard
}
"""


@pytest.mark.skipif(SANITIZED, reason="a sanitizer looks already")
@pytest.mark.parametrize("name", WATCHED)
def test_no_report(stage: Stage, tmp_path: Path, name: str) -> None:
    scene, reports = {**SCENES, "ss-manager": ss_manager}[name](stage), tmp_path / "reports"
    reports.mkdir()
    (known := tmp_path / "known").write_text(SUPPRESSED)
    watched = (peer("valgrind"), "--quiet", "--leak-check=full", "--errors-for-leak-kinds=definite",
               f"--suppressions={known}", f"--log-file={reports}/%p", *scene.argv)
    (home := tmp_path / "home").mkdir()
    Trial(replace(scene, argv=watched), Fault(""), home).run()
    lines = [line for path in reports.iterdir() for line in path.read_text().splitlines()]
    said = [line for line in lines if line.startswith("==")]  # others tell of calls that valgrind does not know
    assert not said, "\n".join(said)
