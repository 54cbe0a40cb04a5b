# SPDX-License-Identifier: Apache-2.0
"""The command line of scripts/bench."""

import argparse
import dataclasses
import json
import os
import resource
import signal
import sys
import xml.etree.ElementTree
from pathlib import Path

from . import chart, compare, isolation, machine, provision, report
from .campaign import Campaign, Plan
from .gates import Judge, exit_status
from .measures import FULL, MEASURES, QUICK, SMOKE, Measure, Meter, Scale
from .programs import Programs
from .recipes import CHAINS, FLOOR, PAIRS, PEERS, RECIPES, Recipe, named
from .terminal import Paint, Progress

DESCRIPTION = """\
Compares chains of Shadowplug with shadowsocks-libev, shadowsocks-rust, sing-box and
simple-obfs, and pairs of plugins alone with their peers or with a relay written by hand,
whichever peers are there, in one run on loopback: CPU per
GiB and throughput down and up with 1 and 128 streams, fairness, latency added, new
connections, memory of idle connections, packets of UDP, memory of its idle associations,
the choice among 100,000 users of a port, an access list of 100,000 rules, 1,000 ports of
ss-manager, requests of HTTP, and four streams of two workers beside those of one."""

SMOKE_RECIPES = ("aes-256-gcm", "2022-blake3-aes-256-gcm", "aes-256-gcm + obfs-http", FLOOR, "UDP and libev",
                 "http listener", "xor pair")

EPILOG = """\
examples
  scripts/bench                        everything, three rounds (20 to 40 minutes)
  scripts/bench --quick                one short round
  scripts/bench --only http,down1      one chain, one measurement
  scripts/bench --only xor             one pair
  scripts/bench --markdown > table.md  for docs/performance.md
  scripts/bench --save a.json          before a change, and after it:
  scripts/bench --compare a.json
  scripts/bench --docs                 keeps the results in docs/bench
  scripts/bench --ours /usr/bin        the peers against themselves: how steady is this machine?

words for --only
  chains        {chains}
  pairs         {pairs}
  measurements  {measures}
  a word is a name, or a part that several chains share, or else several pairs

exit status
  0  every gate measured holds
  1  a gate is missed
  2  something could not be measured"""


def _parser() -> argparse.ArgumentParser:
    epilog = EPILOG.format(
        chains=", ".join(recipe.name for recipe in CHAINS),
        pairs=", ".join(recipe.name for recipe in PAIRS),
        measures=", ".join(measure.name for measure in MEASURES),
    )
    parser = argparse.ArgumentParser(
        prog="scripts/bench",
        description=DESCRIPTION,
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="one short round")
    size.add_argument("--smoke", action="store_true", help="only check that everything runs")
    add("--rounds", type=int, metavar="N", help="rounds to take medians of (3)")
    add("--only", default="", metavar="WORDS", help="restrict to chains, pairs, measurements")
    add("--markdown", action="store_true", help="print Markdown instead of the tables")
    add("--out", type=Path, metavar="DIR", help="where the files go (build/bench)")
    add("--save", type=Path, metavar="FILE", help="keep the figures in FILE, too")
    add("--compare", type=Path, metavar="FILE", help="show the ratios beside those of a saved run")
    add("--docs", action="store_true", help="the same as --out docs/bench")
    add("--ours", type=Path, metavar="DIR", help="our programs (build/release/bin)")
    add("--peers", type=Path, metavar="DIR", help="the peers' programs (from PATH)")
    add("--loadgen", type=Path, metavar="FILE", help="the load generator (build/release/tests)")
    add("--no-build", action="store_true", help="use what has been built")
    add("--no-namespace", action="store_true", help="stay in the machine's network")
    return parser


def _select(only: str) -> tuple[list[Recipe], list[Measure]]:
    """Words that name measurements restrict those; any other restricts the recipes."""
    words = [word for word in only.split(",") if word]
    wanted = [measure for measure in MEASURES if measure.name in words]
    others = [word for word in words if word not in {measure.name for measure in MEASURES}]
    chosen: set[str] = set()
    for word in others:
        found = named(word)
        if not found:
            raise ValueError(f"--only: neither a chain, a pair nor a measurement: {word}")
        chosen |= {recipe.name for recipe in found}
    recipes = [recipe for recipe in RECIPES if not others or recipe.name in chosen]
    return recipes, wanted or list(MEASURES)


def _recipes(options: argparse.Namespace) -> list[Recipe]:
    if options.smoke and not options.only:
        return [recipe for recipe in RECIPES if recipe.name in SMOKE_RECIPES]
    return _select(options.only)[0]


def _scale(options: argparse.Namespace) -> Scale:
    scale = SMOKE if options.smoke else QUICK if options.quick else FULL
    return dataclasses.replace(scale, rounds=options.rounds) if options.rounds else scale


def _resolve(options: argparse.Namespace, root: Path) -> None:
    """Fills in the paths that were not given, all of them absolute."""
    release = root / "build/release"
    out = root / ("docs/bench" if options.docs else "build/bench")
    options.out = (options.out or out).resolve()
    options.ours = (options.ours or release / "bin").resolve()
    options.loadgen = (options.loadgen or release / "tests/loadgen").resolve()
    options.save = options.save.resolve() if options.save else None
    options.compare = compare.load(options.compare) if options.compare else None
    options.peers = options.peers.resolve() if options.peers else None


def _provision(options: argparse.Namespace, root: Path) -> None:
    """Outside the namespace: there is no network inside."""
    if not options.no_build:
        provision.build(root)
    if not os.access(options.loadgen, os.X_OK):
        raise provision.Missing(f"no load generator at {options.loadgen}: build first")
    if not options.smoke:
        programs = _programs(options)
        peers = [recipe.peer for recipe in _recipes(options) if recipe.peer.home == PEERS]
        lacking = filter(None, map(programs.lack, peers))
        provision.peers(options.peers, next(lacking, None), root)


def _programs(options: argparse.Namespace) -> Programs:
    return Programs(options.ours, options.peers, options.loadgen.parent)


def _plan(options: argparse.Namespace, programs: Programs) -> tuple[Plan, list[str]]:
    """The recipes that are run, and why the rest is not.  Peers may lack where figures do not matter."""
    plan, problems = [], []
    for recipe in _recipes(options):
        lack = programs.lack(recipe.ours)
        if lack is not None:
            problems.append(f"{recipe.name}: {lack}")
            continue
        absent = programs.lack(recipe.peer) if recipe.peer.home == PEERS else None
        if absent is not None and not options.smoke:
            print(f"left out: {recipe.name}: {absent}", file=sys.stderr)
            continue
        plan.append((recipe, [recipe.ours] if absent is not None else list(recipe.sides)))
    if not plan:
        raise provision.Missing(f"{'; '.join(problems)}: build first")
    return plan, problems


def _write(run: report.Run, out: Path, save: Path | None) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for file in (out / "bench.json", save):
        if file is not None:
            file.write_text(json.dumps(report.as_json(run), indent=1) + "\n")
    (out / "bench.svg").write_text(chart.as_svg(run))
    (out / "bench.md").write_text(report.as_markdown(run))


def _print(run: report.Run, options: argparse.Namespace) -> None:
    text = report.as_markdown(run) if options.markdown else report.as_text(run, Paint())
    print(text, flush=True)
    if options.compare:
        table = compare.table(run, report.as_json(run)["rounds"], options.compare)
        print(report.table_text(table, Paint()), flush=True)
        different = compare.differences(run, options.compare)
        print(f"another machine, ratios may differ for that: {different}" if different else "the same machine")
    for problem in dict.fromkeys(run.results.problems):
        print(f"not measured: {problem}", file=sys.stderr)
    for verdict in [] if options.smoke else run.verdicts:
        if verdict.binding and verdict.holds is False:
            limit = f"{verdict.relation} {verdict.limit:.2f}{verdict.unit}"
            measured = f"{verdict.value:.2f}{verdict.unit}"
            said = f"{verdict.recipe}: {verdict.what}: {measured}, to be {limit}"
            print(f"gate missed: {said}", file=sys.stderr)
    print(f"written: {options.out}/bench.json, bench.svg, bench.md", file=sys.stderr)


def _smoke_status(run: report.Run, out: Path) -> int:
    """Whether everything ran and came out; what the figures are does not matter."""
    xml.etree.ElementTree.parse(out / "bench.svg")
    read = json.loads((out / "bench.json").read_text())
    complete = all(None not in rounds for rounds in run.results.rounds.values())
    written = bool(read["rounds"]) and "| chain |" in (out / "bench.md").read_text()
    changes = {row[-1] for row in compare.table(run, read["rounds"], read).rows}
    written = written and changes == {"+0.0%"} and compare.differences(run, read) == ""
    return 0 if complete and written and not run.results.problems else 2


def _measure(options: argparse.Namespace, root: Path) -> int:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    measures = _select(options.only)[1]
    programs = _programs(options)
    plan, problems = _plan(options, programs)
    recipes = [recipe for recipe, _ in plan]

    facts = machine.describe(root, options.ours, isolation.inside())
    share = machine.Share()
    progress = Progress()
    meter = Meter(options.loadgen, _scale(options))
    try:
        results = Campaign(plan, programs, measures, meter, progress.step).run()
    finally:
        progress.finish()
    facts["own share"] = share.line()
    results.problems += problems
    verdicts = Judge(results, recipes, measures).verdicts()
    run = report.Run(facts, meter.scale, recipes, results, verdicts)
    _write(run, options.out, options.save)
    _print(run, options)
    if options.smoke:
        return _smoke_status(run, options.out)
    return exit_status(verdicts, results.problems)


def _end(number: int, _frame: object) -> None:
    sys.exit(128 + number)


def _start(options: argparse.Namespace, root: Path) -> int:
    if isolation.inside():
        isolation.prepare_network()
        return _measure(options, root)
    _provision(options, root)
    if not options.no_namespace:
        if isolation.available():
            return isolation.run_inside(sys.argv[0], sys.argv[1:])
        print("no namespaces here: measuring in the machine's network", file=sys.stderr)
    return _measure(options, root)


def main(root: Path) -> int:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _end)
    parser = _parser()
    options = parser.parse_args()
    try:
        _select(options.only)
        _resolve(options, root)
    except ValueError as wrong:
        parser.error(str(wrong))
    try:
        return _start(options, root)
    except provision.Missing as missing:
        print(f"scripts/bench: {missing}", file=sys.stderr)
        return 2
