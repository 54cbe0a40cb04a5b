# SPDX-License-Identifier: Apache-2.0
"""The story of the demo, in the order in which it is told."""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "tests" / "integration"))

from chain import Chain, Trouble  # noqa: E402
from disguises import PLUGINS, choose  # noqa: E402
from page import Site  # noqa: E402
from screen import Screen, human  # noqa: E402
from transfer import download  # noqa: E402
from wire import describe  # noqa: E402

UNITS = {"K": 1 << 10, "M": 1 << 20, "G": 1 << 30}


def size_of(text: str) -> int:
    return int(text[:-1]) * UNITS[text[-1]] if text[-1] in UNITS else int(text)


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/demo")
    parser.add_argument("--plugin", choices=PLUGINS, default="obfs")
    parser.add_argument("--obfs", choices=["http", "tls"], default="http")
    parser.add_argument("--size", type=size_of, default=1 << 30)
    parser.add_argument("--keep", action="store_true")
    return parser.parse_args()


def curl(*arguments: str) -> bytes:
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "30", *arguments]
    done = subprocess.run(command, capture_output=True)
    if done.returncode:
        raise Trouble(done.stderr.decode(errors="replace").strip())
    return done.stdout


def show_chain(screen: Screen, chain: Chain) -> None:
    screen.title("Four programs between curl and a web server")
    for command in chain.commands():
        screen.note("$ " + shlex.join(command))
    screen.blank()
    for hop in chain.hops():
        screen.hop(hop)


def show_page(screen: Screen, chain: Chain, site: Site) -> bool:
    screen.title("The same page, directly and through the chain")
    via = ["--socks5-hostname", chain.proxy]
    pages = {}
    page = f"{site.url}page"
    for name, arguments in (("directly", [page]), ("through the chain", [*via, page])):
        screen.note("$ curl " + " ".join(arguments))
        pages[name] = hashlib.sha256(curl(*arguments)).hexdigest()
        screen.row(name, f"sha256 {pages[name]}")
    same = len(set(pages.values())) == 1
    screen.verdict(same, "the same bytes" if same else "the bytes differ")
    through = [b"It works." in curl(*way, site.url) for way in ([], via)] == [False, True]
    screen.verdict(through, "the web server was asked by ss-server" if through else
                   "the web server was not asked by ss-server")
    return same and through


def show_wire(screen: Screen, chain: Chain, fields: str | None) -> None:
    screen.title("What somebody on the wire between the two plugins has seen of it")
    for line in describe(fields, *chain.recorder.first_wire()):
        screen.wire(line)


def show_transfer(screen: Screen, chain: Chain, site: Site, size: int) -> bool:
    screen.title(f"{human(size)} through the chain, every byte compared")
    before = chain.cpu_seconds()
    result = download(chain.socks, site.address, size, screen.progress)
    screen.progress_done()
    screen.row("time", f"{result.seconds:.2f} s, {human(size / result.seconds)}/s")
    for (name, earlier), (_, later) in zip(before, chain.cpu_seconds()):
        screen.row(name, f"{later - earlier:.2f} s of processor time")
    screen.verdict(result.equal, f"sha256 {result.sha256}" if result.equal else result.problem)
    return result.equal


def stay(screen: Screen, chain: Chain, site: Site) -> None:
    screen.title("Yours until Ctrl-C")
    screen.row("SOCKS5 proxy", chain.proxy)
    screen.row("page", site.url)
    screen.note(f"$ curl --socks5-hostname {chain.proxy} {site.url}")
    screen.note(f"$ chromium --proxy-server=socks5://{chain.proxy} --proxy-bypass-list='<-loopback>' {site.url}")
    screen.note("Firefox: that SOCKS v5 host in its settings, and in about:config")
    screen.note("         network.proxy.allow_hijacking_localhost = true")
    chain.watch()


def tell(options: argparse.Namespace, screen: Screen) -> bool:
    with contextlib.ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="shadowplug-demo-")))
        site = stack.enter_context(Site(options.size))
        programs = Path(os.environ["SHADOWPLUG_BIN"]).resolve()
        disguise = choose(options.plugin, options.obfs, programs, home)
        chain = stack.enter_context(Chain(home, programs, disguise, site.address))
        site.asker = chain.end
        show_chain(screen, chain)
        try:
            good = show_page(screen, chain, site)
            show_wire(screen, chain, disguise.fields)
            good = show_transfer(screen, chain, site, options.size) and good
        except Trouble as trouble:
            raise Trouble(f"{trouble}\n{chain.last_words()}") from None
        if options.keep:
            with contextlib.suppress(KeyboardInterrupt):
                stay(screen, chain, site)
        left = chain.stop()
        screen.title("The end")
        screen.verdict(good, "everything matched" if good else "something did not match")
        screen.verdict(not left, f"processes left: {left or 'none'}")
        return good and not left


def main() -> int:
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _: sys.exit(128 + number))
    sys.stdout.reconfigure(errors="replace")  # a terminal that cannot draw boxes
    screen = Screen()
    try:
        return 0 if tell(parse(), screen) else 1
    except KeyboardInterrupt:
        screen.verdict(False, "interrupted")
        return 130
    except BrokenPipeError:  # nobody reads any more
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except (Trouble, OSError, EOFError) as trouble:
        screen.verdict(False, str(trouble))
        return 1


if __name__ == "__main__":
    os.environ.pop("ALL_PROXY", None)
    sys.exit(main())
