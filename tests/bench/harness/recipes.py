# SPDX-License-Identifier: Apache-2.0
"""The measurements: for each recipe two sides, a peer's and ours, that do the same work.

A chain is ss-local and ss-server, reached by SOCKS5; ss-tunnel and ss-redir, which know the way to
the port `origin` by themselves, are compared with our ss-local.  A pair is two ends of a plugin
alone: a tunnel from the port `near` over the port `middle` to the port `origin`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

PASSWORD = "bench"
KEY = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="  # as AEAD-2022 wants one
OBFS_HOST = "www.example.com"
XOR_KEY = "90"

FLOOR, BY_HAND = "two copying hops", "by hand"

OURS, PEERS, BENCH, SYSTEM = "ours", "peers", "bench", "system"  # whose programs: see programs.py


@dataclass(frozen=True)
class Process:
    """One process: `{port[NAME]}` is a free port of the chain, the same at each mention of NAME,
    `{program[NAME]}` the path of another program of the side, `{home}` a directory of the chain."""

    program: str
    arguments: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    home: str = ""  # if not the side's


@dataclass(frozen=True)
class Side:
    """The processes of one project, in the order they are started in."""

    name: str
    home: str  # OURS, PEERS or BENCH
    processes: tuple[Process, ...]
    route: tuple[str, ...] = ()  # if not the recipe's; `{said[TEXT]}` is the word behind TEXT in
    # what the processes have printed


@dataclass(frozen=True)
class Recipe:
    """Two sides, and the ratios of cost, ours over the peer's, that must be reached."""

    name: str
    peer: Side
    ours: Side
    gate_down: float
    gate_up: float
    aim_rate: float  # of the CPU per new connection
    route: tuple[str, ...]  # for the load generator
    compact: bool = False  # all processes of a side on one CPU, the ends on the others
    times: int = 1  # that each figure is taken in a round
    gate_many: tuple[float, float] | None = None  # down and up, of 128 streams of ours over 128 of the peer's
    aims: bool = False  # the gates are aims
    gate_packet: float | None = None  # of the CPU per packet of UDP; None: no UDP is relayed
    gate_request: float | None = None  # of the CPU per request of HTTP: nothing else is measured
    gate_few: float | None = None  # of the CPU per GiB of four streams, down and up: nothing else is measured
    gate_rate: bool = False  # aim_rate has to be reached
    gate_ping: float | None = None  # of the latency that is added
    gate_flow: Mapping[str, float] = field(default_factory=dict)  # of flows of UDP, by measurement: no other is taken
    gate_idle: bool = True  # False: the largest process, or most of its memory, is somebody else's

    @property
    def sides(self) -> tuple[Side, Side]:
        return self.peer, self.ours


SOCKS = ("--via", "127.0.0.1:{port[near]}")
FRONT = ("--through", "127.0.0.1:{port[near]}")
TUNNEL = ("--through", "127.0.0.1:{port[near]}", "--origin", "{port[origin]}")


def _shadowsocks(
    name: str, home: str, method: str, obfs: str | None, udp: bool = False, inline: bool = False
) -> Side:
    shared = ("-s", "127.0.0.1", "-p", "{port[middle]}")
    password = KEY if method.startswith("2022-") else PASSWORD
    shared += ("-k", password, "-m", method, "-t", "300", *(("-u",) if udp else ()))

    def plugin(program: str, options: str) -> tuple[str, ...]:
        if obfs is None:
            return ()
        plugin = f"inline:{program}" if inline else f"{{program[{program}]}}"
        return ("--plugin", plugin, "--plugin-opts", f"obfs={obfs}{options}")

    server = shared + plugin("obfs-server", "")
    if home == OURS:
        server += ("--outbound", "all")  # the origin is on loopback
    local = (*shared, "-l", "{port[near]}") + plugin("obfs-local", f";obfs-host={OBFS_HOST}")
    return Side(name, home, (Process("ss-server", server), Process("ss-local", local)))


def _chain(method: str, obfs: str | None, down: float, up: float) -> Recipe:
    return Recipe(
        f"{method} + obfs-{obfs}" if obfs else method,
        _shadowsocks("libev", PEERS, method, obfs),
        _shadowsocks("ours", OURS, method, obfs),
        down,
        up,
        aim_rate=0.95 if obfs else 0.90,
        route=SOCKS,
    )


def _rust(method: str) -> Side:
    """shadowsocks-rust, with the methods that scripts/peers builds it with."""
    password = KEY if method.startswith("2022-") else PASSWORD
    server = ("-s", "127.0.0.1:{port[middle]}", "-k", password, "-m", method)
    return Side("rust", PEERS, (Process("ssserver", server), Process("sslocal", ("-b", "127.0.0.1:{port[near]}", *server))))


def _udp(peer: Side, **gates: float) -> Recipe:
    """One way, with packets of one size, which may travel together."""
    ours = _shadowsocks("ours", OURS, "aes-256-gcm", None, udp=True)
    return Recipe(f"UDP and {peer.name}", peer, ours, 0, 0, aim_rate=0, route=SOCKS, compact=True, times=3, gate_flow=gates)


def _rust_udp() -> Side:
    rust = _rust("aes-256-gcm")
    return replace(rust, processes=tuple(replace(p, arguments=(*p.arguments, "-U")) for p in rust.processes))


def _rust_obfs(method: str, obfs: str) -> Side:
    """With the plugins of simple-obfs."""
    plugins = ("obfs-server", ""), ("obfs-local", f";obfs-host={OBFS_HOST}")
    return replace(_rust(method), name="rust + simple-obfs", processes=tuple(
        replace(process, arguments=(*process.arguments, "--plugin", f"{{program[{plugin}]}}",
                                    "--plugin-opts", f"obfs={obfs}{more}"))
        for process, (plugin, more) in zip(_rust(method).processes, plugins)))


def _beside_rust(method: str, down: float, up: float, many: tuple[float, float] | None = None,
                 obfs: str | None = None) -> Recipe:
    peer = _rust_obfs(method, obfs) if obfs else _rust(method)
    name = f"{method} + obfs-{obfs}" if obfs else method
    return Recipe(f"{name} and rust", peer, _shadowsocks("ours", OURS, method, obfs), down, up,
                  aim_rate=0.62, route=SOCKS, gate_many=many, gate_rate=many is not None)


SING_BOX = """exec {{program[sing-box]}} run -c stdin <<END
{{{{"log": {{{{"level": "error"}}}}, "inbounds": [{{{{{inbound}}}}}], "outbounds": [{{{{{outbound}}}}}]}}}}
END
"""


def _sing_box(method: str) -> Side:
    secret = f'"type": "shadowsocks", "method": "{method}", "password": "{PASSWORD}"'

    def process(inbound: str, outbound: str) -> Process:
        return Process("sh", ("-c", SING_BOX.format(inbound=inbound, outbound=outbound)))

    listen = '"listen": "127.0.0.1", "listen_port": '
    return Side("sing-box", PEERS, (
        process(f'{secret}, {listen}{{port[middle]}}', '"type": "direct"'),
        process(f'"type": "socks", {listen}{{port[near]}}',
                f'{secret}, "server": "127.0.0.1", "server_port": {{port[middle]}}'),
    ))


def _beside_sing_box(method: str) -> Recipe:
    return Recipe(f"{method} and sing-box", _sing_box(method), _shadowsocks("ours", OURS, method, None), 0.60, 0.60,
                  aim_rate=0.62, route=SOCKS)


def _floor() -> Recipe:
    """Two hops by hand that only copy: the least that two proxies cost, without a cipher and the bytes around it."""
    return Recipe(FLOOR, replace(_by_hand("00"), route=TUNNEL), _shadowsocks("ours", OURS, "aes-256-gcm", None),
                  1.40, 1.40, aim_rate=1.40, route=SOCKS, aims=True)


def _inline(obfs: str, peer: Side, down: float, up: float, rate: float, ping: float | None = None) -> Recipe:
    """The codec of the plugin inside of our two programs, beside peers whose plugin is a process."""
    method = "aes-256-gcm"
    ours = _shadowsocks("ours", OURS, method, obfs, inline=True)
    name = f"{method} + inline:obfs-{obfs} and {peer.name}"
    return Recipe(name, peer, ours, down, up, aim_rate=rate, route=SOCKS,
                  gate_rate=True, gate_ping=ping, gate_idle=False)


def _inlines() -> tuple[Recipe, ...]:
    method = "aes-256-gcm"
    http, tls = (_shadowsocks("process", OURS, method, obfs) for obfs in ("http", "tls"))
    return (
        _inline("http", _shadowsocks("libev", PEERS, method, "http"), 0.25, 0.17, 0.60, 0.92),
        _inline("http", _rust_obfs(method, "http"), 0.33, 0.17, 0.40),
        _inline("http", http, 0.85, 0.85, 0.75, 0.95),
        _inline("tls", tls, 0.85, 0.85, 0.75, 0.95),
    )


def _edition(method: str, former: str, down: float, up: float) -> Recipe:
    """A method of 2022 against our own of 2017: larger chunks pay for the rest."""
    return Recipe(
        method,
        _shadowsocks("2017", OURS, former, None, udp=True),
        _shadowsocks("ours", OURS, method, None, udp=True),
        down,
        up,
        aim_rate=1.00,
        route=SOCKS,
        gate_many=(down, up),
        gate_packet=1.10,
    )


# What the load generator sends to the origin goes to ss-redir; ss-server has another source.
REDIRECT = """trap 'nft delete table ip bench' EXIT
trap exit TERM
nft -f - <<END
table ip bench {{
    chain output {{
        type nat hook output priority -100
        ip saddr 127.0.0.2 tcp dport {port[origin]} redirect to :{port[near]}
    }}
}}
END
echo redirected: 127.0.0.2
sleep infinity &
wait
"""
REDIRECTED = ("--from", "{said[redirected: ]}", "--origin", "{port[origin]}")


def _front(program: str, route: tuple[str, ...], *arguments: str, rules: tuple[Process, ...] = ()) -> Recipe:
    """Behind its first bytes a connection costs what it costs with ss-local.  The limit is near: compact, and often."""
    peer, ours = (_shadowsocks(name, OURS, "aes-256-gcm", None) for name in ("ss-local", "ours"))
    server, local = ours.processes
    front = replace(local, program=program, arguments=(*local.arguments, *arguments))
    ours = replace(ours, processes=(*rules, server, front), route=route)
    return Recipe(program, peer, ours, 1.03, 1.03, aim_rate=1.03, route=SOCKS,
                  compact=True, times=5)


def _tunnel() -> Recipe:
    return _front("ss-tunnel", TUNNEL, "-L", "127.0.0.1:{port[origin]}")


# 60,000 names and 40,000 networks, none of which is a target.
LISTED = """(
    echo '[proxy_all]' && echo '[bypass_list]'
    seq 60000 | sed 's/.*/||d&.example.com/'
    seq 40000 | awk '{{ print 1 + $1 % 223 "." int($1 / 223) % 256 "." $1 % 256 ".0/24" }}'
) > {home}/rules
exec {program[ss-local]} --acl {home}/rules "$@"
"""


def _listed() -> Recipe:
    """A new connection is looked up in an access list, or there is none."""
    peer, ours = (_shadowsocks(name, OURS, "aes-256-gcm", None) for name in ("no list", "ours"))
    server, local = ours.processes
    listed = Process("sh", ("-c", LISTED, "ss-local", *local.arguments), home=SYSTEM)
    return Recipe("access list", peer, replace(ours, processes=(server, listed)), 1.03, 1.03, aim_rate=1.02,
                  route=SOCKS, compact=True, times=5, gate_idle=False)


def _redir() -> Recipe:
    """The rules are there while either is measured: the kernel follows the connections of both."""
    return _front("ss-redir", REDIRECTED, rules=(Process("sh", ("-c", REDIRECT), home=SYSTEM),))


def _http_listener() -> Recipe:
    """ss-local, which takes HTTP on its one port, and the listener for HTTP of shadowsocks-rust."""
    server = ("-s", "127.0.0.1:{port[middle]}", "-k", PASSWORD, "-m", "aes-256-gcm")
    client = ("-b", "127.0.0.1:{port[near]}", "--protocol", "http", *server)
    peer = Side("rust", PEERS, (Process("ssserver", server), Process("sslocal", client)))
    ours = _shadowsocks("ours", OURS, "aes-256-gcm", None)
    return Recipe("http listener", peer, ours, 0, 0, aim_rate=0, route=FRONT, gate_request=1.00)


def _pair(name: str, peer: Side, ours: Side, gate: float, aim_rate: float, times: int) -> Recipe:
    """Compact: which CPU a process is on changes costs so small more than what is compared."""
    return Recipe(
        f"{name} pair",
        peer,
        ours,
        gate,
        gate,
        aim_rate=aim_rate,
        route=TUNNEL,
        compact=True,
        times=times,
    )


def _plugin(
    program: str, role: str, options: str, local: str = "", remote: str = "middle"
) -> Process:
    """A SIP003 plugin, started as a host starts it, between two ports."""
    local = local or ("near" if role == "client" else "origin")
    environment = {
        "SS_REMOTE_HOST": "127.0.0.1",
        "SS_REMOTE_PORT": f"{{port[{remote}]}}",
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
    return Side(BY_HAND, BENCH, (server, client))


def _obfs(name: str, home: str, obfs: str) -> Side:
    server = _plugin("obfs-server", "server", f"obfs={obfs}")
    client = _plugin("obfs-local", "client", f"obfs={obfs};obfs-host={OBFS_HOST}")
    return Side(name, home, (server, client))


def _obfs_pair(obfs: str) -> Recipe:
    peer, ours = _obfs("simple-obfs", PEERS, obfs), _obfs("ours", OURS, obfs)
    return _pair(f"obfs-{obfs}", peer, ours, gate=0.50, aim_rate=0.95, times=1)


# A key of the tests, and what belongs to it.
OBFS4_KEY = ("node-id=" + "11" * 20, "private-key=" + "42" * 32, "drbg-seed=" + "33" * 24)
OBFS4_CERT = "cert=ERERERERERERERERERERERERERETLEQr4BD71X5yYDMoqnbnH8zBUDquIZMn0U2cmZP0cg;iat-mode=0"


def _transport(role: str, **variables: str) -> Process:
    """obfs4proxy as tor starts it."""
    shared = {"TOR_PT_MANAGED_TRANSPORT_VER": "1", "TOR_PT_STATE_LOCATION": f"{{home}}/{role}"}
    return Process("obfs4proxy", (), {**shared, **variables})


def _pt_pair() -> Recipe:
    """The same transport at both ends, asked for connections by the load generator or by us."""
    key = (*OBFS4_KEY, "iat-mode=0")
    server = _transport(
        "server",
        TOR_PT_SERVER_TRANSPORTS="obfs4",
        TOR_PT_SERVER_BINDADDR="obfs4-127.0.0.1:{port[middle]}",
        TOR_PT_SERVER_TRANSPORT_OPTIONS=";".join(f"obfs4:{item}" for item in key),
        TOR_PT_ORPORT="127.0.0.1:{port[origin]}",
        TOR_PT_EXTENDED_SERVER_PORT="",
    )
    client = _transport("client", TOR_PT_CLIENT_TRANSPORTS="obfs4")
    asked = ("--via", "{said[CMETHOD obfs4 socks5 ]}", "--for", "127.0.0.1:{port[middle]}")
    route = (*asked, "--user", OBFS4_CERT, "--origin", "{port[origin]}")
    alone = Side("obfs4proxy", PEERS, (server, client), route)
    ours = (
        _plugin("pt-wrap", "server", ";".join(("transport=obfs4", "state={home}/server", *key))),
        _plugin("pt-wrap", "client", f"transport=obfs4;{OBFS4_CERT}"),
    )
    recipe = _pair("pt-wrap", alone, Side("ours", OURS, ours), gate=1.05, aim_rate=1.10, times=3)
    return replace(recipe, gate_idle=False)


def _example_pair(program: str, options: str, peer: Side) -> Recipe:
    """The limit is near, so the figures are taken often."""
    ours = _example(program, options)
    return _pair(program, peer, ours, gate=1.10, aim_rate=1.10, times=3)


def _chained(client: str, server: str) -> Side:
    """Two stages of obfs in one process at either end."""

    def twice(program: str, options: str) -> str:
        items = options.split(";")
        return ";".join(
            item
            for number in (1, 2)
            for item in (f"{number}={program}", *(f"{number}.{given}" for given in items))
        )

    return Side("one process", OURS, (
        _plugin("chain", "server", twice("obfs-server", server)),
        _plugin("chain", "client", twice("obfs-local", client)),
    ))


def _apart(client: str, server: str) -> Side:
    """The same two stages, each a process of its own."""
    return Side("two processes", OURS, (
        _plugin("obfs-server", "server", server, remote="inside"),
        _plugin("obfs-server", "server", server, local="inside"),
        _plugin("obfs-local", "client", client, local="outside"),
        _plugin("obfs-local", "client", client, remote="outside"),
    ))


def _chain_pair() -> Recipe:
    options = f"obfs=http;obfs-host={OBFS_HOST}", "obfs=http"
    peer, ours = _apart(*options), _chained(*options)
    return _pair("chain", peer, ours, gate=0.60, aim_rate=0.95, times=3)


# A key of the tests, and a certificate for it.
CERTIFICATE = Path(__file__).resolve().parents[2] / "laws/tls_wrap"
KEY_PAIR = f"cert={CERTIFICATE}/cert.pem;key={CERTIFICATE}/key.pem"


def _tls_wrap() -> Side:
    server = _plugin("tls-wrap", "server", KEY_PAIR)
    client = _plugin("tls-wrap", "client", f"host=ex.test;ca={CERTIFICATE}/cert.pem")
    return Side("ours", OURS, (server, client))


def _stunnel_end(*lines: str) -> Process:
    """It takes a file only, which may be its standard input; the cipher is the one of ours."""
    head = ("foreground = yes", "pid =", "debug = 3", "[tunnel]")
    ciphers = "ciphersuites = TLS_AES_128_GCM_SHA256"
    text = "\n".join((*head, ciphers, *lines))
    return Process("sh", ("-c", f"exec {{program[stunnel4]}} -fd 0 <<END\n{text}\nEND\n"))


def _stunnel() -> Side:
    server = _stunnel_end("accept = 127.0.0.1:{port[middle]}", "connect = 127.0.0.1:{port[origin]}",
                          f"cert = {CERTIFICATE}/cert.pem", f"key = {CERTIFICATE}/key.pem")
    client = _stunnel_end("client = yes", "accept = 127.0.0.1:{port[near]}",
                          "connect = 127.0.0.1:{port[middle]}", "verifyChain = yes",
                          f"CAfile = {CERTIFICATE}/cert.pem", "checkHost = ex.test")
    return Side("stunnel", PEERS, (server, client))


def _haproxy_end(bind: str, server: str, *before: str) -> Process:
    ciphers = "ciphersuites TLS_AES_128_GCM_SHA256"
    text = "\n".join((
        "global", f"ssl-default-bind-{ciphers}", f"ssl-default-server-{ciphers}",
        "defaults", "mode tcp", "timeout connect 1m", "timeout client 1h", "timeout server 1h",
        "listen tunnel", f"bind {bind}", f"server other {server}"))
    return Process("sh", ("-c", "\n".join((*before, f"exec {{program[haproxy]}} -f /dev/stdin <<END\n{text}\nEND\n"))))


def _haproxy() -> Side:
    """It wants key and certificate in one file."""
    both = f"cat {CERTIFICATE}/cert.pem {CERTIFICATE}/key.pem >{{home}}/both.pem"
    server = _haproxy_end("127.0.0.1:{port[middle]} ssl crt {home}/both.pem", "127.0.0.1:{port[origin]}", both)
    client = _haproxy_end("127.0.0.1:{port[near]}", "127.0.0.1:{port[middle]} ssl verify required "
                          f"ca-file {CERTIFICATE}/cert.pem sni str(ex.test) verifyhost ex.test")
    return Side("haproxy", PEERS, (server, client))


def _v2ray_plugin() -> Side:
    """Websocket over TLS, all else as it is by itself."""
    server = _plugin("ss-v2ray-plugin", "server", f"server;tls;host=ex.test;{KEY_PAIR}")
    client = _plugin("ss-v2ray-plugin", "client",
                     f"tls;host=ex.test;cert={CERTIFICATE}/cert.pem")
    return Side("v2ray-plugin", PEERS, (server, client))


def _tls_pair(name: str, peer: Side, gate: float, aim_rate: float) -> Recipe:
    """OpenSSL's state of a connection alone is more than the limit of memory."""
    pair = _pair(f"tls-wrap and {name}", peer, _tls_wrap(), gate, aim_rate, times=1)
    return replace(pair, gate_idle=False)


WS_OPTIONS = "host=ex.test;path=/tunnel;mux=0"


def _ws_wrap(options: str = WS_OPTIONS) -> Side:
    server = _plugin("ws-wrap", "server", f"server;{options}")
    return Side("ours", OURS, (server, _plugin("ws-wrap", "client", options)))


def _ws_pair() -> Recipe:
    server = _plugin("ss-v2ray-plugin", "server", f"server;{WS_OPTIONS}")
    client = _plugin("ss-v2ray-plugin", "client", WS_OPTIONS)
    peer = Side("v2ray-plugin", PEERS, (server, client))
    return _pair("ws-wrap and v2ray-plugin", peer, _ws_wrap(), gate=0.20, aim_rate=0.50, times=1)


def _ws_and_tls() -> Recipe:
    """Both have heads before the pieces that they carry; one way of a websocket is masked, too."""
    return _pair("ws-wrap and obfs-tls", _obfs("obfs-tls", OURS, "tls"), _ws_wrap(), gate=1.25, aim_rate=0.90, times=3)


def _ws_and_splice() -> Recipe:
    """What frames cost: obfs-http splices, so that its bytes never enter the process."""
    return _pair("ws-wrap and obfs-http", _obfs("obfs-http", OURS, "http"), _ws_wrap(), gate=2.60, aim_rate=0.90, times=3)


def _ws_upgrade() -> Recipe:
    """Behind the head both splice."""
    peer, ours = _obfs("obfs-http", OURS, "http"), _ws_wrap("mode=httpupgrade;path=/tunnel")
    return _pair("ws-wrap httpupgrade and obfs-http", peer, ours, gate=1.10, aim_rate=0.90, times=3)


def _workers() -> Recipe:
    """Two workers in each program beside one."""
    one = _shadowsocks("one worker", OURS, "aes-256-gcm", None)
    two = replace(one, name="two workers", processes=tuple(
        replace(process, arguments=(*process.arguments, "--workers", "2")) for process in one.processes))
    return Recipe("workers", one, two, 0, 0, aim_rate=0, route=SOCKS, gate_few=1.05)


CHAINS = (
    _chain("aes-256-gcm", None, 0.40, 0.38),
    _beside_rust("aes-256-gcm", 0.70, 0.75, (0.85, 0.90)),
    _beside_sing_box("aes-256-gcm"),
    _floor(),
    _chain("aes-128-gcm", None, 0.15, 0.15),
    _chain("chacha20-ietf-poly1305", None, 0.70, 0.70),
    _beside_rust("chacha20-ietf-poly1305", 0.60, 0.60),
    _edition("2022-blake3-aes-256-gcm", "aes-256-gcm", 1.00, 1.00),
    _beside_rust("2022-blake3-aes-256-gcm", 0.80, 0.80),
    _chain("aes-256-gcm", "http", 0.48, 0.38),
    _beside_rust("aes-256-gcm", 0.48, 0.24, obfs="http"),
    _chain("aes-256-gcm", "tls", 0.52, 0.42),
    *_inlines(),
    _udp(_rust_udp(), flow20000=0.80, flow60000=0.66, flood=1.4),
    _udp(_shadowsocks("libev", PEERS, "aes-256-gcm", None, udp=True), flood=3.0),
    _tunnel(),
    _redir(),
    _listed(),
    _http_listener(),
    _workers(),
)
PAIRS = (
    _example_pair("xor", f"key={XOR_KEY}", _by_hand(XOR_KEY)),
    _example_pair("http-upgrade", f"host={OBFS_HOST}", _by_hand()),
    _obfs_pair("http"),
    _obfs_pair("tls"),
    _tls_pair("stunnel", _stunnel(), gate=0.50, aim_rate=1.00),
    _tls_pair("haproxy", _haproxy(), gate=1.00, aim_rate=1.00),
    _tls_pair("v2ray-plugin", _v2ray_plugin(), gate=0.20, aim_rate=0.50),
    _ws_pair(),
    _ws_and_tls(),
    _ws_and_splice(),
    _ws_upgrade(),
    _chain_pair(),
    _pt_pair(),
)
RECIPES = CHAINS + PAIRS


def named(word: str) -> list[Recipe]:
    """The meaning of a word: a name, else a part of chains' names, else a part of pairs' names."""
    whole = [recipe for recipe in RECIPES if recipe.name == word]
    parts = ([recipe for recipe in kind if word in recipe.name] for kind in (CHAINS, PAIRS))
    return whole or next((found for found in parts if found), [])
