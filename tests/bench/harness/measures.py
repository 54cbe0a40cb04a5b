# SPDX-License-Identifier: Apache-2.0
"""The measurements: what the load generator is asked, and what its answer means."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .chains import Chain
from .isolation import die_with_parent
from .programs import Unmeasurable

GIB = 1 << 30
MIB = 1 << 20
GRACE_SECONDS = 90.0  # the load generator gives up earlier by itself

Figures = dict[str, Any]


@dataclass(frozen=True)
class Scale:
    """How much is done per measurement, and how often."""

    rounds: int
    bytes_one: int  # of one stream
    bytes_many: int  # of all of many streams
    warm_up: int
    pings: int
    connections: int
    idle: int
    packets: int
    requests: int
    users: int  # of a port, and rules of an access list
    ports: int  # of ss-manager
    limit_ms: int
    settle_ms: int


FULL = Scale(3, 2 * GIB, GIB, 128 * MIB, 10000, 8000, 2000, 200000, 100000, 100000, 1000, 5000, 1000)
QUICK = Scale(1, 512 * MIB, 512 * MIB, 64 * MIB, 3000, 2000, 1000, 50000, 30000, 100000, 1000, 2500, 500)
SMOKE = Scale(1, 16 * MIB, 16 * MIB, 4 * MIB, 50, 100, 50, 500, 500, 1000, 20, 1000, 50)


@dataclass(frozen=True)
class Measure:
    name: str
    title: str
    arguments: Callable[[Scale], list[str]]
    figures: Callable[[dict[str, Any], dict[int, str]], Figures]
    fresh: bool = False  # wants processes that have done nothing yet
    one_cpu: bool = False  # waking another CPU costs more than what is measured
    packets: bool = False  # of chains that relay UDP
    flow: bool = False  # of recipes with gates for it
    requests: bool = False  # of chains that take HTTP
    few: bool = False  # of recipes with gates for a few streams
    alone: bool = False  # of no chain: a program of the same name
    ours: str = ""  # the program of ours that one of these starts


def _cpu_seconds(answer: dict[str, Any]) -> float:
    return float(sum(answer["cpu_ns"].values())) * 1e-9


def _bulk(answer: dict[str, Any], names: dict[int, str]) -> Figures:
    gib = answer["bytes"] / GIB
    return {
        "cost": _cpu_seconds(answer) / gib,
        "gib_per_s": gib / (answer["ns"] * 1e-9),
        "jain": answer["jain"],
        "cost_by_process": {
            names[int(pid)]: ns * 1e-9 / gib for pid, ns in answer["cpu_ns"].items()
        },
    }


def _ping(answer: dict[str, Any], _names: dict[int, str]) -> Figures:
    return {"p50_us": answer["p50_us"], "p99_us": answer["p99_us"]}


def _rate(answer: dict[str, Any], _names: dict[int, str]) -> Figures:
    n = answer["connections"]
    return {"per_s": n / (answer["ns"] * 1e-9), "cpu_us": _cpu_seconds(answer) * 1e6 / n}


def _idle(answer: dict[str, Any], names: dict[int, str]) -> Figures:
    n = answer["connections"]

    def growth(kind: str) -> dict[str, float]:
        memory = answer["memory"].items()
        return {names[int(pid)]: (m[kind][1] - m[kind][0]) / n for pid, m in memory}

    dirty, rss = growth("private_dirty"), growth("rss")
    return {
        "connections": n,
        "dirty_kib": max(dirty.values()),
        "rss_mib_per_1000": max(rss.values()) * 1000 / 1024,
        "dirty_kib_by_process": dirty,
        "pss_kib_by_process": growth("pss"),
        "rss_kib_by_process": rss,
    }


def _packets(answer: dict[str, Any], _names: dict[int, str]) -> Figures:
    n = answer["packets"]
    return {"packets_per_s": n / (answer["ns"] * 1e-9), "cpu_us": _cpu_seconds(answer) * 1e6 / n}


def _flow(answer: dict[str, Any], _names: dict[int, str]) -> Figures:
    """What is lost on the way costs those that arrive."""
    n = answer["packets"]
    return {
        "cpu_us": _cpu_seconds(answer) * 1e6 / n,
        "per_cpu_s": n / _cpu_seconds(answer),
        "arrived": n / answer["sent"],
    }


def _requests(answer: dict[str, Any], names: dict[int, str]) -> Figures:
    n = answer["requests"]
    return {
        "per_s": n / (answer["ns"] * 1e-9),
        "cpu_us": _cpu_seconds(answer) * 1e6 / n,
        "cpu_us_by_process": {names[int(pid)]: ns * 1e-3 / n for pid, ns in answer["cpu_ns"].items()},
    }


def _users(answer: dict[str, Any], _names: dict[int, str]) -> Figures:
    return {"ns": answer["ns"], "bytes": answer["bytes"]}


def _bulk_measure(direction: str, streams: int) -> Measure:
    def arguments(scale: Scale) -> list[str]:
        amount = scale.bytes_one if streams == 1 else scale.bytes_many
        sizes = ["--bytes", str(amount), "--warm-up", str(scale.warm_up)]
        return [direction, "--streams", str(streams), *sizes]

    plural = "s" if streams > 1 else ""
    title = f"{direction}, {streams} stream{plural}"
    return Measure(f"{direction}{streams}", title, arguments, _bulk, few=streams == 4)


def _idle_arguments(scale: Scale) -> list[str]:
    return ["idle", "--count", str(scale.idle), "--settle-ms", str(scale.settle_ms)]


def _flow_measure(name: str, title: str, per_second: int) -> Measure:
    def arguments(scale: Scale) -> list[str]:
        return ["flow", "--count", str(scale.packets), "--per-second", str(per_second)]

    return Measure(name, title, arguments, _flow, flow=True)


MEASURES = (
    Measure("idle", "idle connections", _idle_arguments, _idle, fresh=True),
    _bulk_measure("down", 1),
    _bulk_measure("up", 1),
    _bulk_measure("down", 4),
    _bulk_measure("up", 4),
    _bulk_measure("down", 128),
    _bulk_measure("up", 128),
    Measure("ping", "ping", lambda s: ["ping", "--count", str(s.pings)], _ping, one_cpu=True),
    Measure(
        "rate",
        "new connections",
        lambda s: ["rate", "--parallel", "50", "--count", str(s.connections)],
        _rate,
        one_cpu=True,
    ),
    Measure("packets", "packets", lambda s: ["packets", "--count", str(s.packets)], _packets,
            packets=True),
    _flow_measure("flow20000", "UDP, 20,000 packets/s", 20000),
    _flow_measure("flow60000", "UDP, 60,000 packets/s", 60000),
    _flow_measure("flood", "UDP, 160,000 packets/s", 160000),
    Measure("requests", "requests",
            lambda s: ["requests", "--parallel", "50", "--count", str(s.requests)], _requests, requests=True),
    Measure("users", "choice of a user", lambda s: [str(s.users)], _users, alone=True),
    Measure("associations", "idle associations", lambda _: ["500"], lambda answer, _: {"bytes": answer["bytes"]},
            alone=True),
    Measure("acl", "access lists", lambda s: [str(s.users)], lambda answer, _: answer, alone=True),
    Measure("ports", "ports of ss-manager", lambda s: [str(s.ports)], lambda answer, _: answer, alone=True,
            ours="ss-manager"),
)


def _set_affinity(pids: list[int], cpus: set[int]) -> None:
    for pid in pids:
        with suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                os.sched_setaffinity(int(task), cpus)


@contextmanager
def _on_one_cpu(pids: list[int], ends: bool) -> Iterator[None]:
    """Keeps these processes on one CPU, and the load generator there too, or off it."""
    before = os.sched_getaffinity(0)
    one = {max(before)}
    _set_affinity(pids, one)
    _set_affinity([os.getpid()], one if ends else before - one or before)
    try:
        yield
    finally:
        _set_affinity([*pids, os.getpid()], before)


class Meter:
    """Runs the load generator."""

    def __init__(self, loadgen: Path, scale: Scale) -> None:
        self.loadgen = loadgen
        self.scale = scale

    def alone(self, measure: Measure, *first: str) -> Figures:
        """The measurements that need no chain; first is ahead of their arguments."""
        return measure.figures(self._answer([str(self.loadgen.with_name(measure.name)), *first,
                                             *measure.arguments(self.scale)], measure), {})

    def direct(self, measure: Measure) -> Figures:
        """The same without anything between."""
        with _on_one_cpu([], ends=True):
            return measure.figures(self._run(measure, []), {})

    def through(self, chain: Chain, measure: Measure) -> Figures:
        pids = list(chain.pids)
        more = [*chain.route, "--pids", ",".join(map(str, pids))]
        if not measure.one_cpu and not chain.compact:
            return measure.figures(self._run(measure, more), chain.pids)
        with _on_one_cpu(pids, ends=measure.one_cpu):
            return measure.figures(self._run(measure, more), chain.pids)

    def _run(self, measure: Measure, more: list[str]) -> dict[str, Any]:
        limit = ["--limit-ms", str(self.scale.limit_ms)]
        command = [str(self.loadgen), *measure.arguments(self.scale), *limit, *more]
        return self._answer(command, measure)

    def _answer(self, command: list[str], measure: Measure) -> dict[str, Any]:
        timeout = (self.scale.limit_ms + self.scale.settle_ms) / 1000 + GRACE_SECONDS
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=die_with_parent,
        ) as process:
            try:
                output, complaint = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                raise Unmeasurable(f"{measure.title}: no answer in {timeout:.0f} s") from None
            finally:
                process.kill()
        if process.returncode != 0:
            raise Unmeasurable(f"{measure.title}: {complaint.strip() or 'failed'}")
        answer: dict[str, Any] = json.loads(output)
        return answer
