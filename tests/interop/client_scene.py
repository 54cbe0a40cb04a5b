# SPDX-License-Identifier: Apache-2.0
"""One door of ss-local, and everything that clients of all kinds fetch through it."""

from __future__ import annotations

import gzip
import os
import pwd
import shutil
import ssl
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from harness.content import content, sha256
from harness.names import Name, NameServer
from harness.origin import Answer, Origin
from harness.processes import Process, base_environment
from harness.programs import GO_CLIENT, NODE_CLIENTS, PACKAGES, PYTHON_CLIENTS, peer
from harness.relay import Relay
from harness.socks import Address
from harness.stage import Stage, our_parts

HERE = "127.0.0.1"
NAME = "origin.example"  # the name server of ss-server alone knows it
CLIENTS = Path(__file__).with_name("clients")
PLAIN, TLS = (700_001, 1), (300_007, 2)
USER = ("user name", "p@ss:word")


class _Repositories(Answer):
    """Files, and below /git/ what git's own server program answers."""

    def _serve(self) -> None:
        if not self.path.startswith("/git/"):
            return super()._serve()
        path, _, query = self.path.partition("?")
        asked = {"GIT_PROJECT_ROOT": str(self.server.files), "GIT_HTTP_EXPORT_ALL": "1", "REMOTE_USER": "test",
                 "PATH_INFO": path.removeprefix("/git"), "QUERY_STRING": query, "REQUEST_METHOD": self.command,
                 "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                 "HTTP_CONTENT_ENCODING": self.headers.get("Content-Encoding", ""),
                 "GIT_PROTOCOL": self.headers.get("Git-Protocol", "")}
        body = self._body()
        done = subprocess.run(["git", "http-backend"], input=body, check=True, capture_output=True, timeout=60,
                              env=base_environment(self.server.files) | asked | {"CONTENT_LENGTH": str(len(body))})
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n"))
        self.send_response(int(fields.pop("Status", "200").split()[0]))
        for name, value in {**fields, "Content-Length": str(len(answer))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(answer)
        return None

    do_GET = do_POST = do_HEAD = _serve


@dataclass
class Scene:
    """Places are what a command may name in braces."""

    stage: Stage
    origins: list[Origin]
    wire: Relay
    door: Address
    places: dict[str, str]
    prepared: set[str] = field(default_factory=set)
    recorders: dict[str, Relay] = field(default_factory=dict)

    def prepare(self, *needs: str) -> None:
        """Skips where one is missing; else makes once what its clients fetch, or are made of."""
        for name in needs:
            if name in PACKAGES:
                peer(name)
        for name in needs:
            if name in _PREPARATIONS and name not in self.prepared:
                self.prepared.add(name)
                _PREPARATIONS[name](self)

    def run(self, command: str, **more: str) -> Process:
        """Starts a command as somebody types it, with the places filled in."""
        places = {**self.places, **more}
        return self.stage.run("sh", "-ec", command.format_map(places))

    def connections(self) -> tuple[int, int]:
        """The ports of the origins, and between client and server."""
        return sum(origin.accepted for origin in self.origins), len(self.wire.wires)


def open_scene(stage: Stage, **users: object) -> Scene:
    files = stage.home / "files"
    files.mkdir()
    cert, key = stage.home / "cert.pem", stage.home / "key.pem"
    subprocess.run([str(peer("openssl")), "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                    "-nodes", "-keyout", key, "-out", cert, "-subj", f"/CN={NAME}", "-addext",
                    f"subjectAltName=DNS:{NAME},DNS:*.{NAME},DNS:localhost,IP:{HERE}"], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    dns = stage.keep(NameServer(names={f"{host}{NAME}": Name(v4=HERE) for host in ("", "a.", "b.", "c.", "d.")}))
    origins = [stage.keep(Origin(files, None, _Repositories)), stage.keep(Origin(files, context, _Repositories))]
    public, door = (HERE, stage.port()), (HERE, stage.port())
    stage.ss_server(our_parts(), public[1], nameserver=str(dns))
    wire = stage.relay(public)
    stage.ss_local(our_parts(), wire.address, door[1], **users)
    paths = [f"/content/{size}/{seed}" for size, seed in (PLAIN, TLS)]
    places = {
        "host": HERE, "port": str(door[1]), "near": f"{HERE}:{door[1]}", "home": str(stage.home), "ca": str(cert),
        "urls": " ".join(o.url(path, NAME) for o, path in zip(origins, paths)),
        "address_urls": " ".join(o.url(path) for o, path in zip(origins, paths)),
        "git_plain": origins[0].url("/git/repo.git", NAME), "git_tls": origins[1].url("/git/repo.git", NAME),
        "local_urls": " ".join(o.url(path, "localhost") for o, path in zip(origins, paths)),
        "clients": str(CLIENTS), "python": str(PYTHON_CLIENTS), "go": str(GO_CLIENT), "node_modules": str(NODE_CLIENTS),
    }
    return Scene(stage, origins, wire, door, places)


def bodies(*which: tuple[int, int]) -> str:
    """The hash of the bodies one behind the other."""
    return sha256(b"".join(content(*each) for each in which))


# ---- clients of languages ----


def _compile_java(scene: Scene) -> None:
    subprocess.run([f"{peer('java')}c", "-d", scene.stage.home, CLIENTS / "Fetch.java"], check=True)


def _place_node(scene: Scene) -> None:
    """The program lies beside the modules, where it looks for them."""
    shutil.copy(CLIENTS / "fetch.mjs", scene.stage.home)
    (scene.stage.home / "node_modules").symlink_to(NODE_CLIENTS)


def _open_ipv6(scene: Scene) -> None:
    scene.stage.port("::1")  # skips where there is none
    origin = scene.stage.keep(Origin(host="::1"))
    scene.origins.append(origin)
    size, seed = PLAIN
    scene.places["url6"] = origin.url(f"/content/{size}/{seed}", "[::1]")


# ---- git: a repository with a file larger than git keeps in one buffer ----


def _git(scene: Scene, *argv: object) -> str:
    return subprocess.run([str(peer("git")), *map(str, argv)], check=True, capture_output=True, text=True, timeout=60,
                          env={**base_environment(scene.stage.home), "GIT_CONFIG_NOSYSTEM": "1"}).stdout.strip()


def _make_repository(scene: Scene) -> None:
    bare, work = scene.stage.home / "files" / "repo.git", scene.stage.home / "work"
    _git(scene, "init", "-q", "--bare", "-b", "main", bare)
    _git(scene, "clone", "-q", bare, work)
    (work / "large").write_bytes(content(3_000_000, 3))
    _git(scene, "-C", work, "add", ".")
    _git(scene, "-C", work, "-c", "user.name=x", "-c", "user.email=x@example.org", "commit", "-qm", "x")
    _git(scene, "-C", work, "push", "-q", "origin", "HEAD:main")


def pushed(scene: Scene, process: Process, way: str) -> None:
    """The clone is whole and has its commit, and so has the origin."""
    heads = []
    for repository, name in ((scene.stage.home / f"git-{way}", "HEAD"), (scene.stage.home / "files/repo.git", way)):
        _git(scene, "-C", repository, "fsck", "--full", "--strict")
        heads.append(_git(scene, "-C", repository, "rev-parse", name))
    assert heads[0] == heads[1]
    assert (scene.stage.home / f"git-{way}" / "large").read_bytes() == content(3_000_000, 3)


# ---- apt: packages that dpkg-deb makes, and an apt with folders of its own ----


def _make_packages(scene: Scene) -> None:
    for folder, count in (("p", 24), ("q", 4)):
        root, index = scene.stage.home / "files" / folder, []
        root.mkdir()
        for number in range(count):
            name, tree = f"{folder}{number}", scene.stage.home / f"{folder}{number}"
            (tree / "DEBIAN").mkdir(parents=True)
            text = f"Package: {name}\nVersion: 1\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n"
            (tree / "DEBIAN" / "control").write_text(text)
            (tree / "payload").write_bytes(content(50_000, number))
            made = root / f"{name}_1_all.deb"
            subprocess.run(["dpkg-deb", "-Znone", "--root-owner-group", "-b", tree, made], check=True,
                           capture_output=True)
            data = made.read_bytes()
            index.append(f"{text}Filename: ./{made.name}\nSize: {len(data)}\nSHA256: {sha256(data)}\n")
            shutil.rmtree(tree)
        (root / "Packages.gz").write_bytes(gzip.compress("\n".join(index).encode()))


APT = """
Dir "{root}/"; Dir::Etc "etc"; Dir::Etc::Parts "none"; Dir::State "state"; Dir::State::status "{root}/status";
Dir::Cache "cache"; Dir::Bin::Methods "/usr/lib/apt/methods"; Dir::Log "log";
APT::Architecture "all"; APT::Architectures {{ "all"; }}; APT::Sandbox::User ""; Acquire::Languages "none";
Acquire::http::Proxy "{proxy}"; Acquire::https::Proxy "{proxy}"; Acquire::https::CAInfo "{ca}";
Acquire::Retries "0";
"""


def own_apt(scene: Scene, way: str) -> dict[str, str]:
    """Its configuration, with a plain source and one behind TLS.  On the way to the door is a recorder."""
    root, near = scene.stage.home / f"apt-{way}", scene.stage.relay(scene.door)
    for folder in ("etc", "none", "state/lists/partial", "cache/archives/partial", "log"):
        (root / folder).mkdir(parents=True)
    (root / "status").touch()
    plain, tls = (origin.url("/files", NAME) for origin in scene.origins[:2])
    (root / "etc" / "sources.list").write_text(f"deb [trusted=yes] {plain}/p ./\ndeb [trusted=yes] {tls}/q ./\n")
    proxy = f"{way}://{near.address[0]}:{near.address[1]}"
    (root / "conf").write_text(APT.format(root=root, proxy=proxy, ca=scene.places["ca"]))
    scene.recorders[way] = near
    return {"conf": str(root / "conf")}


def downloaded(scene: Scene, process: Process, way: str) -> None:
    """Each package, and at least nine of them were asked for at once."""
    archives = scene.stage.home / f"apt-{way}" / "cache/archives"
    wanted = {path.name: path.read_bytes() for path in (scene.stage.home / "files").glob("[pq]/*.deb")}
    assert {path.name: path.read_bytes() for path in archives.glob("*.deb")} == wanted
    most = 0
    for wire in scene.recorders[way].wires:
        at = 0
        for size in wire.reads:
            most, at = max(most, wire.up[at:at + size].count(b"GET ")), at + size
    assert most >= 9


# ---- ssh: a server of OpenSSH ----


def _open_sshd(scene: Scene) -> None:
    home = scene.stage.home
    for name in ("host", "key"):
        subprocess.run([str(peer("ssh-keygen")), "-q", "-t", "ed25519", "-N", "", "-f", str(home / name)], check=True)
    port = scene.stage.port()
    (home / "read").write_bytes(content(*PLAIN))
    (home / "sshd.conf").write_text(
        f"ListenAddress {HERE}:{port}\nHostKey {home}/host\nAuthorizedKeysFile {home}/key.pub\nStrictModes no\n"
        f"UsePAM no\nPasswordAuthentication no\nPidFile none\nPermitRootLogin yes\nLogLevel ERROR\n")
    # As root it looks for a folder that only its service makes.
    away = ["unshare", "-m", "sh", "-ec", 'mount -t tmpfs none /run; mkdir /run/sshd; exec "$@"', "sh"]
    sshd = scene.stage.run(*(away if os.geteuid() == 0 else []), peer("sshd"), "-D", "-e", "-f", home / "sshd.conf")
    scene.stage.wait_listening(sshd, port)
    scene.places |= {"key": str(home / "key"), "ssh_port": str(port), "user": pwd.getpwuid(os.geteuid()).pw_name,
                     "file": str(home / "read")}


_PREPARATIONS = {"java": _compile_java, "node": _place_node, "git": _make_repository, "apt-get": _make_packages,
                 "sshd": _open_sshd, "IPv6": _open_ipv6}
