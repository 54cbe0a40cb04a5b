# SPDX-License-Identifier: Apache-2.0
"""Clients that come and go all the time, and do not mind when it fails."""

from __future__ import annotations

import contextlib
import random
import threading

from harness import socks

from .hosted import trade


class Load:
    """Threads that trade bytes with an echo through a proxy until close()."""

    def __init__(self, proxy: socks.Address, target: socks.Address, clients: int = 3) -> None:
        self._proxy, self._target = proxy, target
        self._over = threading.Event()
        self.trades = 0
        self._threads = [threading.Thread(target=self._run, args=(seed,), daemon=True)
                         for seed in range(clients)]
        for thread in self._threads:
            thread.start()

    def _run(self, seed: int) -> None:
        chance = random.Random(seed)
        while not self._over.is_set():
            with contextlib.suppress(OSError, EOFError, socks.Refused):
                self._visit(chance)

    def _visit(self, chance: random.Random) -> None:
        with socks.dial(self._proxy, self._target, 2) as sock:
            for _ in range(chance.randrange(1, 20)):
                trade(sock, chance.randbytes(chance.randrange(1, 60000)))
                self.trades += 1
                if self._over.is_set():
                    return

    def close(self) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join(10)
