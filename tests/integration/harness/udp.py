# SPDX-License-Identifier: Apache-2.0
"""UDP: targets that echo, clients that speak SOCKS5, a wire that records, and the kernel's table."""

from __future__ import annotations

import contextlib
import ipaddress
import socket
import struct
import threading
from pathlib import Path

from .ports import family_of
from .procfs import eventually
from .content import read_exactly
from .socks import Address, greet

MAX = 65535
TIMEOUT = 20.0
_IPV4, _NAME, _IPV6 = 1, 3, 4


def bound(port: int) -> bool:
    """True when somebody receives on the UDP port."""
    suffix = f":{port:04X}"
    for name in ("/proc/net/udp", "/proc/net/udp6"):
        with contextlib.suppress(FileNotFoundError):
            rows = Path(name).read_text().splitlines()[1:]
            if any(row.split()[1].endswith(suffix) for row in rows):
                return True
    return False


def wait_bound(port: int, within: float = 10) -> None:
    eventually(lambda: bound(port), f"UDP port {port} is open", within)


def open_socket(host: str = "127.0.0.1") -> socket.socket:
    sock = socket.socket(family_of(host), socket.SOCK_DGRAM)
    sock.bind((host, 0))
    sock.settimeout(TIMEOUT)
    return sock


class _Receiver:
    """A socket whose packets a thread takes, until it is closed."""

    def __init__(self, host: str) -> None:
        self.sock = open_socket(host)
        self.sock.settimeout(None)
        self.address: Address = self.sock.getsockname()[:2]
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while True:
            with contextlib.suppress(ConnectionError):
                packet, source = self.sock.recvfrom(MAX)
                if self._ending:
                    return
                self.take(packet, source)

    def take(self, packet: bytes, source: tuple) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._ending = True
        with open_socket(self.address[0]) as waker:
            waker.sendto(b"", self.address)
        self._thread.join(10)
        self.sock.close()


class Echo(_Receiver):
    """Sends every packet back, and remembers it with its source."""

    def __init__(self, host: str = "127.0.0.1") -> None:
        super().__init__(host)
        self.seen: list[tuple[bytes, Address]] = []
        self._thread.start()

    def take(self, packet: bytes, source: tuple) -> None:
        self.seen.append((packet, source[:2]))
        self.sock.sendto(packet, source)


class Wire(_Receiver):
    """Forwards between one client and a destination; up and down are what went over it."""

    def __init__(self, destination: Address) -> None:
        super().__init__("127.0.0.1")
        self._destination = destination
        self.up: list[bytes] = []
        self.down: list[bytes] = []
        self.client: Address | None = None
        self._thread.start()

    def take(self, packet: bytes, source: tuple) -> None:
        if source[:2] == self._destination:
            self.down.append(packet)
            if self.client:
                self.sock.sendto(packet, self.client)
        else:
            self.up.append(packet)
            self.client = source[:2]
            self.sock.sendto(packet, self._destination)


def header(target: Address) -> bytes:
    """The target header: type, address, port."""
    host, port = target
    try:
        packed = ipaddress.ip_address(host).packed
        kind = bytes([_IPV4 if len(packed) == 4 else _IPV6])
    except ValueError:
        packed = bytes([len(host)]) + host.encode()
        kind = bytes([_NAME])
    return kind + packed + struct.pack("!H", port)


def parse(packet: bytes) -> tuple[Address, bytes]:
    """Source and payload of a datagram from a SOCKS5 server."""
    assert packet[:3] == b"\0\0\0", packet[:3]
    size = {_IPV4: 4, _IPV6: 16}[packet[3]]
    host = str(ipaddress.ip_address(packet[4 : 4 + size]))
    (port,) = struct.unpack_from("!H", packet, 4 + size)
    return (host, port), packet[6 + size :]


def associate(proxy: Address, source: Address = ("0.0.0.0", 0), near: str = "",
              timeout: float = TIMEOUT) -> tuple[socket.socket, Address]:
    """A connection that has asked for UDP, and where packets are to be sent to."""
    sock = greet(proxy, timeout, near=near)
    sock.sendall(b"\5\3\0" + header(source))
    assert read_exactly(sock, 3) == b"\5\0\0"
    size = {_IPV4: 4, _IPV6: 16}[read_exactly(sock, 1)[0]]
    host = str(ipaddress.ip_address(read_exactly(sock, size)))
    return sock, (host, int.from_bytes(read_exactly(sock, 2), "big"))


class Client:
    """A user of a SOCKS5 server's UDP; where the server speaks no TCP, one without a connection."""

    def __init__(self, proxy: Address, near: str = "", timeout: float = TIMEOUT) -> None:
        self._proxy = proxy
        self.sock = open_socket(near or proxy[0])
        self.connection: socket.socket | None = None
        with contextlib.suppress(ConnectionRefusedError):
            self.connection, self._proxy = associate(proxy, near=near, timeout=timeout)

    def send(self, target: Address, payload: bytes, fragment: int = 0) -> None:
        self.sock.sendto(bytes([0, 0, fragment]) + header(target) + payload, self._proxy)

    def receive(self) -> tuple[Address, bytes]:
        return parse(self.sock.recv(MAX))

    def trade(self, target: Address, payload: bytes) -> Address:
        """Sends one packet, expects it back, and returns where from."""
        self.send(target, payload)
        source, answer = self.receive()
        assert answer == payload, f"{len(answer)} bytes, {len(payload)} were sent"
        return source

    def hears_nothing(self, seconds: float = 0.3) -> bool:
        return silent(self.sock, seconds)

    def hang_up(self) -> None:
        """Ends the connection that the association belongs to."""
        if self.connection:
            self.connection.close()

    def close(self) -> None:
        self.hang_up()
        self.sock.close()


def silent(sock: socket.socket, seconds: float = 0.3) -> bool:
    """True when no packet comes for that long."""
    sock.settimeout(seconds)
    try:
        sock.recv(MAX)
    except TimeoutError:
        return True
    finally:
        sock.settimeout(TIMEOUT)
    return False
