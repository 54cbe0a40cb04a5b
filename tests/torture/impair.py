# SPDX-License-Identifier: Apache-2.0
"""A bad network between two programs, as a process of its own: for TCP pauses, small segments, a rate
and a cut; for UDP loss, delay, reordering and duplicates too. The same seed does the same.

    impair.py TCP|UDP PORT HOST:PORT SEED KEY=VALUE...

It prints a line once it listens. Every pair of connections, and every datagram, has its own chance,
derived from the seed and its number, so that the order of arrival changes nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import socket
import sys
from dataclasses import dataclass, fields

Address = tuple[str, int]


@dataclass(frozen=True)
class Weather:
    """The faults of a network; zero: none."""

    segment: int = 0  # the most bytes of one write
    delay: float = 0.0  # seconds
    jitter: float = 0.0  # of that, up to
    pause: float = 0.0  # the chance of a write to wait for 10 delays
    rate: int = 0  # bytes a second
    cut: int = 0  # both ends are reset after so many bytes of one direction
    loss: float = 0.0  # of datagrams
    reorder: float = 0.0  # of datagrams that come three delays late
    duplicate: float = 0.0

    @classmethod
    def read(cls, words: list[str]) -> Weather:
        kinds = {field.name: type(field.default) for field in fields(cls)}
        pairs = (word.split("=") for word in words)
        return cls(**{key: kinds[key](value) for key, value in pairs})

    def words(self) -> list[str]:
        return [f"{field.name}={getattr(self, field.name)}" for field in fields(self)]

    def wait(self, chance: random.Random, size: int) -> float:
        wait = self.delay + self.jitter * chance.random()
        if self.pause and chance.random() < self.pause:
            wait += 10 * (self.delay + self.jitter)
        return wait + (size / self.rate if self.rate else 0)


def _reset(writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


class Streams:
    def __init__(self, weather: Weather, destination: Address, seed: str) -> None:
        self._weather, self._destination, self._seed = weather, destination, seed
        self._number = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        number, self._number = self._number, self._number + 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._destination)
        except OSError:
            _reset(writer)
            return
        up, down = random.Random(f"{self._seed} {number} up"), random.Random(f"{self._seed} {number} down")
        try:
            await asyncio.gather(self._pump(reader, far_writer, up), self._pump(far_reader, writer, down))
        except (OSError, _Cut):
            _reset(writer)
            _reset(far_writer)
            return
        for end in (writer, far_writer):
            end.close()

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter,
                    chance: random.Random) -> None:
        weather, moved = self._weather, 0
        while data := await source.read(65536):
            while data:
                size = 1 + chance.randrange(weather.segment) if weather.segment else len(data)
                piece, data = data[:size], data[size:]
                if weather.cut:
                    piece = piece[: weather.cut - moved]
                await asyncio.sleep(weather.wait(chance, len(piece)))
                sink.write(piece)
                await sink.drain()
                moved += len(piece)
                if weather.cut and moved >= weather.cut:
                    raise _Cut
        with contextlib.suppress(OSError):
            sink.write_eof()


class _Cut(Exception):
    pass


class Datagrams(asyncio.DatagramProtocol):
    """Each client has a socket of its own toward the destination."""

    def __init__(self, weather: Weather, destination: Address, seed: str,
                 back: tuple[asyncio.DatagramTransport, Address] | None = None) -> None:
        self._weather, self._destination, self._seed, self._back = weather, destination, seed, back
        self._far: dict[Address, asyncio.Future] = {}
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, peer: Address) -> None:
        chance = random.Random(f"{self._seed} {self._number}")
        self._number += 1
        for _ in range(2 if chance.random() < self._weather.duplicate else 1):
            if chance.random() < self._weather.loss:
                continue
            late = 3 if chance.random() < self._weather.reorder else 1
            asyncio.get_running_loop().call_later(
                late * self._weather.wait(chance, len(data)), self._pass_on, data, peer)

    def _pass_on(self, data: bytes, peer: Address) -> None:
        if self._back:
            transport, client = self._back
            transport.sendto(data, client)
        else:
            asyncio.ensure_future(self._forward(data, peer))

    async def _forward(self, data: bytes, peer: Address) -> None:
        if peer not in self._far:
            loop = asyncio.get_running_loop()
            answers = Datagrams(self._weather, peer, f"{self._seed} back", (self._transport, peer))
            self._far[peer] = asyncio.ensure_future(
                loop.create_datagram_endpoint(lambda: answers, remote_addr=self._destination))
        transport, _ = await self._far[peer]
        transport.sendto(data)


async def _main(kind: str, port: int, destination: Address, seed: str, weather: Weather) -> None:
    loop = asyncio.get_running_loop()
    if kind == "UDP":
        await loop.create_datagram_endpoint(lambda: Datagrams(weather, destination, seed),
                                            local_addr=("127.0.0.1", port))
    else:
        await asyncio.start_server(Streams(weather, destination, seed).serve, "127.0.0.1", port)
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    print("listens", flush=True)
    await ended.wait()


if __name__ == "__main__":
    host, _, number = sys.argv[3].rpartition(":")
    with contextlib.suppress(asyncio.CancelledError):
        asyncio.run(_main(sys.argv[1], int(sys.argv[2]), (host, int(number)), sys.argv[4],
                          Weather.read(sys.argv[5:])))
