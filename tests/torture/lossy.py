# SPDX-License-Identifier: Apache-2.0
"""A network that loses, delays, reorders, repeats and damages whole IP packets, as a process of its own.

    lossy.py DEVICE SEED KEY=VALUE...

It is a tunnel device whose packets come back with their two addresses exchanged: what is sent from
NEAR to FAR arrives at NEAR, from FAR. Checksums stay what they were, since a sum has no order. Both
ends of a connection are then programs of one machine, and their TCP sees a real loss.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import random
import signal
import struct
import sys
from dataclasses import dataclass, fields

NEAR, FAR = "198.18.0.1", "198.18.0.2"
_TUNSETIFF = 0x400454CA
_IFF_TUN, _IFF_NO_PI = 0x0001, 0x1000
_LARGEST = 65536


@dataclass(frozen=True)
class Losses:
    """Chances of a packet, and seconds of delay."""

    loss: float = 0.0
    duplicate: float = 0.0
    damage: float = 0.0
    reorder: float = 0.0  # it comes two delays late
    delay: float = 0.0
    jitter: float = 0.0
    mtu: int = 1500

    @classmethod
    def read(cls, words: list[str]) -> Losses:
        kinds = {field.name: type(field.default) for field in fields(cls)}
        return cls(**{key: kinds[key](value) for key, value in (word.split("=") for word in words)})

    def words(self) -> list[str]:
        return [f"{field.name}={getattr(self, field.name)}" for field in fields(self)]


class Mirror:
    def __init__(self, device: int, losses: Losses, seed: str) -> None:
        self._device, self._losses, self._chance = device, losses, random.Random(seed)

    def take(self) -> None:
        packet = bytearray(os.read(self._device, _LARGEST))
        if packet[0] >> 4 != 4:  # IPv6 looks for its neighbours
            return
        packet[12:16], packet[16:20] = packet[16:20], packet[12:16]
        losses, chance = self._losses, self._chance
        for _ in range(2 if chance.random() < losses.duplicate else 1):
            if chance.random() < losses.loss:
                continue
            late = 3 if chance.random() < losses.reorder else 1
            if chance.random() < losses.damage:
                packet[chance.randrange(20, len(packet))] ^= 1 << chance.randrange(8)
            asyncio.get_running_loop().call_later(late * losses.delay + losses.jitter * chance.random(),
                                                  os.write, self._device, bytes(packet))


async def _main(name: str, seed: str, losses: Losses) -> None:
    device = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
    fcntl.ioctl(device, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _IFF_TUN | _IFF_NO_PI))
    os.set_blocking(device, False)
    mirror = Mirror(device, losses, seed)
    asyncio.get_running_loop().add_reader(device, mirror.take)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    print("stands", flush=True)
    await ended.wait()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2], Losses.read(sys.argv[3:])))
