# SPDX-License-Identifier: Apache-2.0
"""BLAKE3 of up to one chunk (1024 bytes), which is all that AEAD-2022 needs, from its paper."""

from __future__ import annotations

import struct

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_ORDER = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_START, _END, _ROOT, _CONTEXT, _MATERIAL = 1, 2, 8, 32, 64
_MASK = 0xFFFFFFFF
_COLUMNS = [(i, 4 + i, 8 + i, 12 + i) for i in range(4)]
_DIAGONALS = [(i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4) for i in range(4)]


def _rotate(word: int, bits: int) -> int:
    return (word >> bits | word << (32 - bits)) & _MASK


def _compress(chain: tuple[int, ...], block: bytes, flags: int) -> tuple[int, ...]:
    words = struct.unpack("<16I", block.ljust(64, b"\0"))
    state = [*chain, *_IV[:4], 0, 0, len(block), flags]
    for _ in range(7):
        for i, (a, b, c, d) in enumerate(_COLUMNS + _DIAGONALS):
            for word, bits in ((words[2 * i], (16, 12)), (words[2 * i + 1], (8, 7))):
                state[a] = (state[a] + state[b] + word) & _MASK
                state[d] = _rotate(state[d] ^ state[a], bits[0])
                state[c] = (state[c] + state[d]) & _MASK
                state[b] = _rotate(state[b] ^ state[c], bits[1])
        words = tuple(words[i] for i in _ORDER)
    return tuple(state[i] ^ state[i + 8] for i in range(8))


def _digest(chain: tuple[int, ...], text: bytes, mode: int) -> tuple[int, ...]:
    assert len(text) <= 1024
    blocks = [text[i : i + 64] for i in range(0, len(text), 64)] or [b""]
    for i, block in enumerate(blocks):
        flags = mode | (_START if i == 0 else 0)
        flags |= _END | _ROOT if i == len(blocks) - 1 else 0
        chain = _compress(chain, block, flags)
    return chain


def hash32(text: bytes) -> bytes:
    return struct.pack("<8I", *_digest(_IV, text, 0))


def derive_key(context: str, material: bytes) -> bytes:
    return struct.pack("<8I", *_digest(_digest(_IV, context.encode(), _CONTEXT), material, _MATERIAL))
