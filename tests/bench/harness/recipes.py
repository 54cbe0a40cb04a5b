# SPDX-License-Identifier: Apache-2.0
"""What is measured: for each recipe two sides, a peer's and ours, that do the same work.

A chain is ss-local and ss-server, reached by SOCKS5.  A pair is two ends of a plugin alone:
a tunnel from the port `near` over the port `middle` to the port `origin`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

PASSWORD = "bench"
OBFS_HOST = "www.example.com"
XOR_KEY = "90"

OURS, PEERS, BENCH = "ours", "peers", "bench"  # whose programs: see programs.py


@dataclass(frozen=True)
class Process:
    """One process: `{port[NAME]}` is a free port of the chain, the same at each mention of NAME,
    and `{program[NAME]}` the path of another program of the side."""

    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Side:
    """The processes of one project, in the order they are started in."""

    name: str
    home: str  # OURS, PEERS or BENCH
    processes: tuple[Process, ...]


@dataclass(frozen=True)
class Recipe:
    """Two sides, and the ratios of cost, ours over the peer's, that must be reached."""

    name: str
    peer: Side
    ours: Side
    gate_down: float
    gate_up: float
    gate_growth: float | None  # of our cost from 1 to 128 streams; None: the peer is the measure
    aim_rate: float  # of the CPU per new connection
    route: tuple[str, ...]  # for the load generator
    compact: bool = False  # all processes of a side on one CPU, the ends on the others
    times: int = 1  # that each figure is taken in a round

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.peer, self.ours


SOCKS = ("--via", "127.0.0.1:{port[near]}")
TUNNEL = ("--through", "127.0.0.1:{port[near]}", "--origin", "{port[origin]}")


def _shadowsocks(name: str, home: str, method: str, obfs: str | None) -> Side:
    shared = ("-s", "127.0.0.1", "-p", "{port[middle]}")
    shared += ("-k", PASSWORD, "-m", method, "-t", "300")

    def plugin(program: str, options: str) -> tuple[str, ...]:
        if obfs is None:
            return ()
        return ("--plugin", f"{{program[{program}]}}", "--plugin-opts", f"obfs={obfs}{options}")

    server = shared + plugin("obfs-server", "")
    local = (*shared, "-l", "{port[near]}") + plugin("obfs-local", f";obfs-host={OBFS_HOST}")
    return Side(name, home, (Process("ss-server", server), Process("ss-local", local)))


def _chain(method: str, obfs: str | None, down: float, up: float) -> Recipe:
    return Recipe(
        f"{method} + obfs-{obfs}" if obfs else method,
        _shadowsocks("libev", PEERS, method, obfs),
        _shadowsocks("ours", OURS, method, obfs),
        down,
        up,
        gate_growth=1.30,
        aim_rate=0.95 if obfs else 0.90,
        route=SOCKS,
    )


def _pair(name: str, peer: Side, ours: Side, gate: float, aim_rate: float, times: int) -> Recipe:
    """Compact: which CPU a process is on changes costs so small more than what is compared."""
    return Recipe(
        f"{name} pair",
        peer,
        ours,
        gate,
        gate,
        gate_growth=None,
        aim_rate=aim_rate,
        route=TUNNEL,
        compact=True,
        times=times,
    )


def _plugin(program: str, role: str, options: str) -> Process:
    """A SIP003 plugin, started as a host starts it."""
    local = "near" if role == "client" else "origin"
    environment = {
        "SS_REMOTE_HOST": "127.0.0.1",
        "SS_REMOTE_PORT": "{port[middle]}",
        "SS_LOCAL_HOST": "127.0.0.1",
        "SS_LOCAL_PORT": f"{{port[{local}]}}",
        "SS_PLUGIN_OPTIONS": options,
        "SS_PLUGIN_ROLE": role,
    }
    return Process(program, (), environment)


def _example(program: str, options: str) -> Side:
    """An example of the plugin SDK: one program for both roles."""
    server, client = (_plugin(program, role, options) for role in ("server", "client"))
    return Side("ours", OURS, (server, client))


def _by_hand(*key: str) -> Side:
    server = Process("byhand", ("{port[middle]}", "{port[origin]}", *key))
    client = Process("byhand", ("{port[near]}", "{port[middle]}", *key))
    return Side("by hand", BENCH, (server, client))


def _obfs(name: str, home: str, obfs: str) -> Side:
    server = _plugin("obfs-server", "server", f"obfs={obfs}")
    client = _plugin("obfs-local", "client", f"obfs={obfs};obfs-host={OBFS_HOST}")
    return Side(name, home, (server, client))


def _obfs_pair(obfs: str) -> Recipe:
    peer, ours = _obfs("simple-obfs", PEERS, obfs), _obfs("ours", OURS, obfs)
    return _pair(f"obfs-{obfs}", peer, ours, gate=0.50, aim_rate=0.95, times=1)


def _example_pair(program: str, options: str, peer: Side) -> Recipe:
    """The limit is near, so the figures are taken often."""
    ours = _example(program, options)
    return _pair(program, peer, ours, gate=1.10, aim_rate=1.10, times=3)


CHAINS = (
    _chain("aes-256-gcm", None, 0.60, 0.60),
    _chain("aes-128-gcm", None, 0.15, 0.15),
    _chain("chacha20-ietf-poly1305", None, 0.70, 0.70),
    _chain("aes-256-gcm", "http", 0.48, 0.38),
    _chain("aes-256-gcm", "tls", 0.52, 0.42),
)
PAIRS = (
    _example_pair("xor", f"key={XOR_KEY}", _by_hand(XOR_KEY)),
    _example_pair("http-upgrade", f"host={OBFS_HOST}", _by_hand()),
    _obfs_pair("http"),
    _obfs_pair("tls"),
)
RECIPES = CHAINS + PAIRS


def named(word: str) -> list[Recipe]:
    """What a word means: a name, else a part of chains' names, else a part of pairs' names."""
    whole = [recipe for recipe in RECIPES if recipe.name == word]
    parts = ([recipe for recipe in kind if word in recipe.name] for kind in (CHAINS, PAIRS))
    return whole or next((found for found in parts if found), [])
