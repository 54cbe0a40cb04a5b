# SPDX-License-Identifier: Apache-2.0
"""One process under test: started without a shell, ended by its pid, its output read at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from . import procfs
from .programs import SANITIZED, SLOWER, Program

_REPORT = re.compile(r"(Address|Leak|Thread|Memory)Sanitizer|runtime error:|Assertion .* failed")
_SUPPRESSIONS = Path(__file__).resolve().parents[2] / "tsan.supp"
HOSTS = ("ss-local", "ss-redir", "ss-server", "ss-tunnel", "ss-manager")
_CRASHES = {signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL}


def base_environment(home: Path) -> dict[str, str]:
    """The environment of every process: nothing of the caller's but PATH."""
    env = {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "HOME": str(home), "LC_ALL": "C"}
    if SANITIZED:
        logs = f"log_path={home}/sanitizer"
        env["ASAN_OPTIONS"] = f"detect_leaks=1:quarantine_size_mb=1:halt_on_error=1:{logs}"
        env["UBSAN_OPTIONS"] = f"print_stacktrace=1:halt_on_error=1:{logs}"
        env["LSAN_OPTIONS"] = logs
        env["TSAN_OPTIONS"] = f"suppressions={_SUPPRESSIONS}"
    return env


def _inspectable(argv: Sequence[object]) -> list[object]:
    """Only root sees into our hosts, unless they may be dumped."""
    parts = list(argv)
    hosts = [i for i, part in enumerate(parts) if isinstance(part, Program) and part.ours and part.name in HOSTS]
    if hosts and len(parts) > hosts[0] + 1 and os.geteuid() != 0:
        parts.insert(hosts[0] + 1, "--core-dumps")
    return parts


class Process:
    """A running program. It dies with the test run, whatever ends that (PR_SET_PDEATHSIG)."""

    def __init__(self, argv: Sequence[object], home: Path, index: int,
                 env: Mapping[str, str | None], limits: Sequence[str] = ()) -> None:
        self.argv = [str(part) for part in _inspectable(argv)]
        self.name = f"{index:02d}-{Path(self.argv[0]).name}"
        self.stdout, self.stderr = home / f"{self.name}.out", home / f"{self.name}.err"
        self.expected_end = False
        full = {**base_environment(home), **env}
        with self.stdout.open("wb") as out, self.stderr.open("wb") as err:
            self._popen = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *_prlimit(limits), *self.argv],
                stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=home,
                env={key: value for key, value in full.items() if value is not None})
        self.pid = self._popen.pid

    @property
    def running(self) -> bool:
        return self._popen.poll() is None

    @property
    def status(self) -> int | None:
        return self._popen.poll()

    def output(self) -> str:
        """Everything on stdout and stderr so far."""
        return self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace")

    def plugins(self) -> list[int]:
        """The pids of the plugins it runs."""
        return procfs.programs_below(self.pid)

    def kill_plugin(self, number: int = signal.SIGKILL) -> None:
        """Sends a signal to its only plugin; the host may exit because of it."""
        (plugin,) = self.plugins()
        self.expected_end = True
        os.kill(plugin, number)

    def wait(self, within: float = 10) -> int:
        """The exit status, which the test expects to come by itself within so many seconds."""
        self.expected_end = True
        try:
            return self._popen.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self} is still running after {within} s:\n{procfs.state(self.pid)}\n"
                                 f"{self.output()}") from None

    def stop(self, number: int = signal.SIGTERM, within: float = 15) -> int:
        """Sends a signal and waits for the exit status."""
        self.expected_end = True
        if self.running:
            os.kill(self.pid, number)
        return self.wait(within * SLOWER)

    def kill(self) -> None:
        self.expected_end = True
        self._popen.kill()
        self._popen.wait()

    def complaint(self) -> str | None:
        """A fault of this process that no test noticed, or None."""
        if report := _REPORT.search(self.output()):
            return f"{self} printed a report ({report[0]})"
        status = self._popen.returncode
        if status is not None and -status in _CRASHES:
            return f"{self} crashed with {signal.Signals(-status).name}"
        if status is not None and not self.expected_end:
            return f"{self} exited by itself with {status}"
        return None

    def __str__(self) -> str:
        return f"{' '.join(self.argv)} [{self.pid}]"


def _prlimit(limits: Sequence[str]) -> list[str]:
    return ["prlimit", *limits, "--"] if limits else []
