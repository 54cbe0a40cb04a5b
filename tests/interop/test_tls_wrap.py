# SPDX-License-Identifier: Apache-2.0
"""tls-wrap against TLS of others: OpenSSL's client, curl, stunnel, nginx, and a browser."""

from __future__ import annotations

import json
import os
import signal
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from harness import procfs, socks
from harness.content import End, content, read_exactly, read_to_end, sha256
from harness.processes import Process
from harness.programs import SLOWER, ours, peer
from harness.stage import Chain, Parts, Stage
from harness.targets import echo, hash_to_end
from mix import carries_everything, program
from test_v2ray import MIXES
from tls_peers import (HERE, SITE, Certificate, certificate, nginx_stream, stunnel_client,
                       stunnel_server, tls_wrap, web_site)

MIB = 1024 * 1024


@pytest.fixture
def good(stage: Stage) -> Certificate:
    return certificate(stage.home)


def server_of(stage: Stage, cert: Certificate, backend: int, more: str = "") -> tuple[Process, int]:
    wire = stage.port()
    return tls_wrap(stage, "server", backend, wire, cert.server + more), wire


def client_of(stage: Stage, wire: int, options: str) -> tuple[Process, int]:
    near = stage.port()
    return tls_wrap(stage, "client", near, wire, options), near


def carries(stage: Stage, port: int) -> None:
    """To and fro, to an echo."""
    sock, data = stage.connect((HERE, port)), content(300000)
    for part in (data[:1], data[1:20000], data[20000:]):
        sock.sendall(part)
        assert read_exactly(sock, len(part)) == part


def says(process: Process, text: str, times: int = 1) -> None:
    procfs.eventually(lambda: process.output().count(text) >= times,
                      f"{process} says {text!r} {times} times, not only\n{process.output()}",
                      10 * SLOWER)


# ---- our server ----

def test_s_client(stage: Stage, good: Certificate) -> None:
    def answer(sock: socket.socket) -> None:
        sock.sendall(b"heard " + read_exactly(sock, 8) + b"\n")

    _, wire = server_of(stage, good, stage.target(answer).address[1])
    done = subprocess.run(
        [str(peer("openssl")), "s_client", "-connect", f"{HERE}:{wire}", "-servername", "ex.test",
         "-CAfile", good.cert, "-verify_return_error", "-verify_hostname", "ex.test", "-alpn",
         "h2,http/1.1", "-ign_eof"],
        input=b"question", capture_output=True, timeout=60 * SLOWER, check=False)
    text = done.stdout.decode(errors="replace")
    assert done.returncode == 0, text + done.stderr.decode()
    assert "heard question" in text
    assert "New, TLSv1.3, Cipher is" in text
    assert "ALPN protocol: http/1.1" in text
    assert "closed" in text


def curl(good: Certificate, wire: int, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(peer("curl")), "-sS", "--max-time", str(30 * SLOWER), "--resolve",
         f"ex.test:{wire}:{HERE}", *argv, f"https://ex.test:{wire}/"],
        capture_output=True, text=True, check=False)


def test_curl_sees_the_web_site(stage: Stage, good: Certificate) -> None:
    """Its pins are ours."""
    _, wire = server_of(stage, good, stage.target(echo).address[1],
                        f";fallback={HERE}:{web_site(stage)}")
    page = curl(good, wire, "--cacert", str(good.cert), "--pinnedpubkey", good.pin)
    assert SITE in page.stdout, page.stderr
    for option in ("--http1.0", "--http1.1", "--http2", "--tlsv1.3"):
        assert SITE in curl(good, wire, "--insecure", option).stdout
    assert "200 OK" in curl(good, wire, "--insecure", "--head").stdout
    wrong = certificate(stage.home, "other").pin
    assert curl(good, wire, "--insecure", "--pinnedpubkey", wrong).returncode == 90


@pytest.mark.parametrize("version", ["--http1.1", "--http2"])
def test_curl_fetches_and_sends_on_one_connection(stage: Stage, good: Certificate,
                                                  version: str) -> None:
    """A page, a large file down, the same one up, and a page again.  HTTP/2 is not agreed on."""
    _, wire = server_of(stage, good, stage.target(echo).address[1],
                        f";fallback={HERE}:{web_site(stage)}")
    site, large, down = f"https://ex.test:{wire}", stage.home / "site" / "large", stage.home / "down"
    common = [version, "--cacert", good.cert, "--resolve", f"ex.test:{wire}:{HERE}", "-w",
              "%{http_code} %{http_version} %{num_connects}\n"]
    transfers = [["-o", "/dev/null", f"{site}/"], ["-o", down, f"{site}/large"],
                 ["-o", "/dev/null", "-T", large, f"{site}/up"], ["-o", "/dev/null", f"{site}/"]]
    words = [word for transfer in transfers for word in ("--next", *common, *transfer)][1:]
    done = subprocess.run([str(peer("curl")), "-sS", "--max-time", str(60 * SLOWER), *map(str, words)],
                          capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["200 1.1 1", "200 1.1 0", "201 1.1 0", "200 1.1 0"], done
    assert sha256(down.read_bytes()) == sha256(large.read_bytes())
    assert sha256((stage.home / "site" / "up").read_bytes()) == sha256(large.read_bytes())


def test_a_failed_handshake_ends_as_at_a_web_server(stage: Stage, good: Certificate) -> None:
    """An alert, and the end of the connection; without TLS, the end alone."""
    process, wire = server_of(stage, good, stage.target(echo).address[1], ";handshake=3600;v")
    context = ssl.create_default_context(cafile=str(good.cert))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(into, out, server_hostname="ex.test")
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    sock = stage.connect((HERE, wire))
    sock.sendall(out.read())
    assert read_exactly(sock, 7)[0] == 21  # an alert
    says(process, "tls12 would allow 1.2")
    assert read_to_end(sock) == (b"", End.FIN)
    for data in (b"\0" * 300, b"SSH-2.0-OpenSSH_9.2\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\0\5\1\0\0\0\0"):
        sock = stage.connect((HERE, wire))
        sock.sendall(data)
        answer, end = read_to_end(sock)
        assert end is End.FIN and (not answer or answer[0] == 21), (data, answer)
    silent = stage.connect((HERE, wire), 0.5)
    assert read_to_end(silent) == (b"", End.OPEN)


def test_chromium_sees_the_web_site(stage: Stage, good: Certificate) -> None:
    """Through the port that carries the tunnel, while it does."""
    _, wire = server_of(stage, good, stage.target(echo).address[1],
                        f";fallback={HERE}:{web_site(stage)}")
    _, near = client_of(stage, wire, good.client)
    done = subprocess.run(
        [str(peer("chromium")), "--headless", "--no-sandbox", "--disable-gpu",
         "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
         f"--user-data-dir={stage.home}/profile", "--ignore-certificate-errors",
         "--virtual-time-budget=5000", "--dump-dom", f"https://{HERE}:{wire}/"],
        capture_output=True, text=True, timeout=120 * SLOWER, check=False,
        env={**os.environ, "HOME": str(stage.home)})
    assert SITE in done.stdout, done.stderr[-4000:]
    carries(stage, near)


def test_stunnel_client(stage: Stage, good: Certificate) -> None:
    _, wire = server_of(stage, good, stage.target(echo).address[1])
    carries(stage, stunnel_client(stage, good, wire))


# ---- our client ----

@pytest.mark.parametrize("kind", ["stunnel", "nginx"])
@pytest.mark.parametrize("trust", ["ca", "pin"])
def test_client(stage: Stage, good: Certificate, kind: str, trust: str) -> None:
    backend = stage.target(echo).address[1]
    wire = {"stunnel": stunnel_server, "nginx": nginx_stream}[kind](stage, good, backend)
    options = good.client if trust == "ca" else f"host=ex.test;pin={good.pin}"
    process, near = client_of(stage, wire, options)
    for _ in range(3):  # the later ones resume
        carries(stage, near)
    assert process.output().count("\n") == 1, process.output()


def test_client_of_a_server_that_chooses_a_protocol(stage: Stage, good: Certificate) -> None:
    backend = stage.target(echo).address[1]
    wire = nginx_stream(stage, good, backend, "ssl_alpn http/1.1 ss;")
    carries(stage, client_of(stage, wire, good.client)[1])
    carries(stage, client_of(stage, wire, good.client + ";alpn=ss")[1])
    process, near = client_of(stage, wire, good.client + ";alpn=h2")
    ends_with(stage, process, near, "alpn=NAME of one that it has would allow it")


# ---- whole chains ----

@pytest.mark.parametrize(("client", "server"), MIXES)
def test_under_hosts(stage: Stage, good: Certificate, client: str, server: str) -> None:
    plugin = str(ours("tls-wrap"))
    parts = Parts(program("ss-local", client), program("ss-server", server), "aes-256-gcm",
                  plugin, f"client;{good.client}", plugin, f"server;{good.server}")
    carries_everything(stage, stage.chain(parts))


def test_ss_local_to_stunnel(stage: Stage, good: Certificate) -> None:
    """The server's end of TLS is stunnel's, in front of ss-server."""
    behind, near = stage.port(), (HERE, stage.port())
    parts = Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", str(ours("tls-wrap")),
                  good.client)
    server = stage.ss_server(parts, behind)
    public = (HERE, stunnel_server(stage, good, behind))
    local = stage.ss_local(parts, public, near[1])
    carries_everything(stage, Chain(stage, local, server, near, public))


def test_stunnel_to_ss_server(stage: Stage, good: Certificate) -> None:
    public, near = (HERE, stage.port()), (HERE, stage.port())
    parts = Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", None, None,
                  str(ours("tls-wrap")), good.server)
    server = stage.ss_server(parts, public[1])
    wire = (HERE, stunnel_client(stage, good, public[1]))
    local = stage.ss_local(parts, wire, near[1])
    carries_everything(stage, Chain(stage, local, server, near, wire))


def test_half_close_before_the_handshake(stage: Stage, good: Certificate) -> None:
    _, wire = server_of(stage, good, stage.target(hash_to_end).address[1])
    _, near = client_of(stage, wire, good.client)
    for size in (1, 1000, 100000, MIB):
        sock, data = stage.connect((HERE, near)), content(size)
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        assert read_to_end(sock)[0].decode() == sha256(data)


# ---- who is not trusted ----

def ends_with(stage: Stage, process: Process, near: int, reason: str) -> None:
    sock = stage.connect((HERE, near))
    sock.sendall(b"\0" * 64)
    assert read_to_end(sock)[0] == b""
    says(process, reason)


LONG_AGO = ("20200101000000Z", "20200102000000Z")


@pytest.mark.parametrize(
    ("served", "trusted", "options", "reason"),
    [("expired", "expired", "host=ex.test", "has expired; pin=sha256//... of its key would allow"),
     ("good", "good", "host=an.other", "for another name; host=NAME of the certificate would allow"),
     ("good", "expired", "host=ex.test", "self-signed; pin=sha256//... of its key, or ca=FILE"),
     ("good", None, "host=ex.test", "self-signed; pin=sha256//... of its key, or ca=FILE")],
    ids=["expired", "wrong-name", "untrusted", "system-store"])
def test_refusals_say_what_would_help(stage: Stage, served: str, trusted: str | None, options: str,
                                      reason: str) -> None:
    made = {"good": certificate(stage.home),
            "expired": certificate(stage.home, "expired", dates=LONG_AGO)}
    wire = stunnel_server(stage, made[served], stage.target(echo).address[1])
    ca = f";ca={made[trusted].cert}" if trusted else ""
    process, near = client_of(stage, wire, options + ca)
    ends_with(stage, process, near, reason)
    carries(stage, client_of(stage, wire, f"{options};pin={made[served].pin}")[1])
    wrong = made["expired" if served == "good" else "good"].pin
    process, near = client_of(stage, wire, f"{options};pin={wrong}")
    ends_with(stage, process, near, "none of those in pin=")


def test_tls12_only_where_it_is_allowed(stage: Stage, good: Certificate) -> None:
    backend = stage.target(echo).address[1]
    wire = stunnel_server(stage, good, backend, "sslVersionMax = TLSv1.2")
    process, near = client_of(stage, wire, good.client)
    ends_with(stage, process, near, "tls12 would allow 1.2")
    carries(stage, client_of(stage, wire, good.client + ";tls12")[1])
    for more, allowed in (("", False), (";tls12", True)):
        _, own = server_of(stage, good, backend, more)
        context = ssl.create_default_context(cafile=str(good.cert))
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        raw = stage.connect((HERE, own))
        if allowed:
            with context.wrap_socket(raw, server_hostname="ex.test") as sock:
                sock.sendall(b"hello")
                assert sock.recv(5) == b"hello"
        else:
            with pytest.raises(ssl.SSLError):
                context.wrap_socket(raw, server_hostname="ex.test")


# ---- files ----

@pytest.mark.parametrize("option", ["cert", "key"])
def test_a_file_that_cannot_be_read(stage: Stage, good: Certificate, option: str) -> None:
    paths = {"cert": good.cert, "key": good.key, option: stage.home / "not-there"}
    options = ";".join(f"{name}={path}" for name, path in paths.items())
    process = tls_wrap(stage, "server", stage.port(), stage.port(), options, wait=False)
    assert process.wait(15 * SLOWER) == 78
    process.expected_end = True
    assert f"option {option}: " in process.output()
    assert "No such file or directory" in process.output()
    assert (str(paths["key"]) in process.output()) is False


def serial(wire: int) -> int:
    """The fingerprint of the certificate that the server shows."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection((HERE, wire), 30) as raw, context.wrap_socket(raw) as sock:
        der = sock.getpeercert(binary_form=True)
    assert der is not None
    text = subprocess.run([str(peer("openssl")), "x509", "-inform", "der", "-noout", "-serial"],
                          input=der, capture_output=True, check=True).stdout.decode()
    return int(text.partition("=")[2], 16)


def shows(wire: int, cert: Certificate, process: Process) -> None:
    wanted = cert.serial
    procfs.eventually(lambda: serial(wire) == wanted, f"a new certificate:\n{process.output()}",
                      10 * SLOWER)


class Load:
    """Connections that talk all the time, and new ones all the time."""

    def __init__(self, stage: Stage, near: int) -> None:
        self.failure: BaseException | None = None
        self.trips = 0
        self._stop = threading.Event()
        self._socks = [stage.connect((HERE, near)) for _ in range(8)]
        self._near = near
        jobs = [self._talk, self._come_and_go]
        self._threads = [threading.Thread(target=self._run, args=(job,)) for job in jobs]
        for thread in self._threads:
            thread.start()

    def _run(self, job: Callable[[], None]) -> None:
        try:
            while not self._stop.is_set():
                job()
        except BaseException as error:  # noqa: BLE001: the test raises it
            self.failure = error

    def _talk(self) -> None:
        data = content(20000, self.trips)
        for sock in self._socks:
            sock.sendall(data)
        for sock in self._socks:
            assert read_exactly(sock, len(data)) == data
        self.trips += 1

    def _come_and_go(self) -> None:
        with socket.create_connection((HERE, self._near), 30) as sock:
            sock.sendall(b"hello")
            assert read_exactly(sock, 5) == b"hello"

    def goes_on(self) -> None:
        before = self.trips
        procfs.eventually(lambda: self.failure is not None or self.trips > before + 3,
                          "the load goes on", 20 * SLOWER)
        assert self.failure is None, repr(self.failure)

    def close(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()


def replace(old: Certificate, new: Certificate) -> None:
    new.key.rename(old.key)
    new.cert.rename(old.cert)


def test_rotation_under_load(stage: Stage, good: Certificate) -> None:
    """By SIGHUP, and by the change alone; no session ends, none is refused."""
    next_one = [certificate(stage.home, f"next-{i}") for i in range(3)]
    everyone = stage.home / "trusted.pem"
    everyone.write_text("".join(c.cert.read_text() for c in [good, *next_one]))
    process, wire = server_of(stage, good, stage.target(echo).address[1])
    load = stage.keep(Load(stage, client_of(stage, wire, f"host=ex.test;ca={everyone}")[1]))
    load.goes_on()
    for i, fresh in enumerate(next_one):
        replace(good, fresh)
        if i == 0:
            os.kill(process.pid, signal.SIGHUP)
        shows(wire, good, process)
        load.goes_on()
    load.close()
    assert load.failure is None, repr(load.failure)
    assert "stays in use" not in process.output()


def test_a_bad_rotation_changes_nothing(stage: Stage, good: Certificate) -> None:
    process, wire = server_of(stage, good, stage.target(echo).address[1])
    before = good.serial
    text = good.key.read_text()
    good.key.write_text("half a key\n")
    says(process, "reload of tls-wrap: option key: the file has no private key in PEM")
    says(process, "the previous configuration stays in use")
    assert serial(wire) == before
    good.key.write_text(text)
    says(process, "reloaded")
    assert serial(wire) == before


def by_link(live: Path, fresh: Certificate) -> None:
    """As certbot does it: names in one directory are links to files in another one."""
    for name, path in (("cert", fresh.cert), ("key", fresh.key)):
        link = live / f"{name}.new"
        link.symlink_to(path)
        link.rename(live / name)


def by_directory(live: Path, fresh: Certificate) -> None:
    """As Kubernetes does it: names are links through a link, which is replaced."""
    data = live / f"..{fresh.cert.stem}"
    data.mkdir()
    (data / "cert").write_bytes(fresh.cert.read_bytes())
    (data / "key").write_bytes(fresh.key.read_bytes())
    (live / "..new").symlink_to(data.name)
    (live / "..new").rename(live / "..data")
    for name in ("cert", "key"):
        if not (live / name).is_symlink():
            (live / name).symlink_to(f"..data/{name}")


def by_moving(live: Path, fresh: Certificate) -> None:
    """The whole directory is another one."""
    new = live.with_name(f"live-{fresh.cert.stem}")
    new.mkdir()
    (new / "cert").write_bytes(fresh.cert.read_bytes())
    (new / "key").write_bytes(fresh.key.read_bytes())
    if live.exists():
        live.rename(live.with_name(f"old-{fresh.cert.stem}"))
    new.rename(live)


def by_release(live: Path, fresh: Certificate) -> None:
    """The directory is a link, and the link is another one."""
    release = live.with_name(f"release-{fresh.cert.stem}")
    release.mkdir()
    in_place(release, fresh)
    if live.is_dir() and not live.is_symlink():
        live.rmdir()
    (link := live.with_name("next")).symlink_to(release)
    link.rename(live)


def in_place(live: Path, fresh: Certificate) -> None:
    (live / "cert").write_bytes(fresh.cert.read_bytes())
    (live / "key").write_bytes(fresh.key.read_bytes())


@pytest.mark.parametrize("how", [by_link, by_directory, by_moving, by_release, in_place])
def test_files_change(stage: Stage, how: Callable[[Path, Certificate], None]) -> None:
    made = [certificate(stage.home, f"made-{i}") for i in range(3)]
    live = stage.home / "live"
    live.mkdir()
    how(live, made[0])
    here = Certificate(live / "cert", live / "key")
    process, wire = server_of(stage, here, stage.target(echo).address[1])
    assert serial(wire) == made[0].serial
    for fresh in made[1:]:
        how(live, fresh)
        shows(wire, fresh, process)


def test_a_client_reads_its_authorities_again(stage: Stage, good: Certificate) -> None:
    other = certificate(stage.home, "other")
    trusted = stage.home / "trusted.pem"
    trusted.write_bytes(other.cert.read_bytes())
    _, wire = server_of(stage, good, stage.target(echo).address[1])
    process, near = client_of(stage, wire, f"host=ex.test;ca={trusted}")
    ends_with(stage, process, near, "self-signed")
    good.cert.rename(trusted)
    says(process, "reloaded")
    carries(stage, near)


def test_self_signed(stage: Stage) -> None:
    """Both ends take the lines that it prints."""
    made = subprocess.run([str(ours("tls-wrap")), "--self-signed", "ex.test", stage.home],
                          capture_output=True, text=True, check=True).stdout
    lines = dict(line.split(": ", 1) for line in made.splitlines())
    assert lines["pin"] == Certificate(stage.home / "cert.pem", stage.home / "key.pem").pin
    wire, near = stage.port(), stage.port()
    tls_wrap(stage, "server", stage.target(echo).address[1], wire, lines["server options"])
    tls_wrap(stage, "client", near, wire, lines["client options"])
    carries(stage, near)


def test_rotation_in_the_sandbox(stage: Stage, good: Certificate) -> None:
    """Where ss-server lets the plugin see what its options name, and where that lies."""
    parts = Parts(ours("ss-local"), ours("ss-server"), "aes-256-gcm", str(ours("tls-wrap")),
                  f"host=ex.test;pin={good.pin}", str(ours("tls-wrap")), good.server)
    chain = stage.chain(parts)
    fresh = certificate(stage.home, "fresh")
    sock = chain.dial(stage.target(echo).address)
    sock.sendall(b"before")
    assert read_exactly(sock, 6) == b"before"
    replace(good, fresh)
    shows(chain.public[1], good, chain.server)
    sock.sendall(b"behind")
    assert read_exactly(sock, 6) == b"behind"


def test_files_are_not_watched_by_what_is_slow_to_close(stage: Stage, good: Certificate) -> None:
    """Closing an inotify descriptor takes the kernel up to 33 ms, and a plugin has to end at once."""
    process, _ = server_of(stage, good, stage.target(echo).address[1])
    held = [os.readlink(link) for link in Path(f"/proc/{process.pid}/fd").iterdir() if link.is_symlink()]
    assert held and "anon_inode:inotify" not in held


def test_files_are_told_from_texts(stage: Stage) -> None:
    def says_it(*argv: str) -> str:
        return subprocess.run([str(ours("tls-wrap")), *argv], capture_output=True, text=True,
                              check=True).stdout

    assert "cert=FILE" in says_it("--help")
    table = {row["name"]: row for row in json.loads(says_it("--dump-options=json"))["options"]}
    assert [table[name]["type"] for name in ("ca", "cert", "key", "pin")] == ["file"] * 3 + ["text"]
    assert table["key"]["secret"]
