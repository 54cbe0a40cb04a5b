# SPDX-License-Identifier: Apache-2.0
"""AEAD-2022 (SIP022, SIP023) from its specification: a client and a server that can say anything.

AES-GCM, AES and ChaCha20-Poly1305 are libcrypto's, XChaCha20-Poly1305 is libsodium's.
"""

from __future__ import annotations

import base64
import ctypes
import ctypes.util
import functools
import os
import struct
import time
from dataclasses import dataclass, field

from .blake3 import derive_key, hash32

TAG = 16
SESSION, IDENTITY = "shadowsocks 2022 session subkey", "shadowsocks 2022 identity subkey"
METHODS = {"2022-blake3-aes-128-gcm": 16, "2022-blake3-aes-256-gcm": 32,
           "2022-blake3-chacha20-poly1305": 32}
_GET_TAG, _SET_TAG = 0x10, 0x11


class Forged(Exception):
    """A message is not authentic."""


def _library(name: str) -> ctypes.CDLL:
    path = ctypes.util.find_library(name)
    assert path, f"this system has no lib{name}"
    return ctypes.CDLL(path)


@functools.cache
def _crypto() -> ctypes.CDLL:
    lib = _library("crypto")
    for name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm", "EVP_aes_256_gcm", "EVP_aes_128_ecb",
                 "EVP_aes_256_ecb", "EVP_chacha20_poly1305"):
        getattr(lib, name).restype = ctypes.c_void_p
    return lib


def _evp(cipher: str, key: bytes, nonce: bytes | None, text: bytes, encrypt: bool,
         tag: bytes = b"") -> tuple[bytes, bytes]:
    """Output and tag."""
    lib, n = _crypto(), ctypes.c_int(0)
    context = ctypes.c_void_p(lib.EVP_CIPHER_CTX_new())
    out = ctypes.create_string_buffer(len(text) + 32)
    try:
        method = ctypes.c_void_p(getattr(lib, f"EVP_{cipher}")())
        assert lib.EVP_CipherInit_ex(context, method, None, key, nonce, int(encrypt)) == 1
        lib.EVP_CIPHER_CTX_set_padding(context, 0)
        if tag:
            assert lib.EVP_CIPHER_CTX_ctrl(context, _SET_TAG, TAG, tag) == 1
        assert lib.EVP_CipherUpdate(context, out, ctypes.byref(n), text, len(text)) == 1
        rest = ctypes.create_string_buffer(32)
        if lib.EVP_CipherFinal_ex(context, rest, ctypes.byref(n)) != 1:
            raise Forged
        made = ctypes.create_string_buffer(TAG)
        if encrypt and nonce is not None:
            assert lib.EVP_CIPHER_CTX_ctrl(context, _GET_TAG, TAG, made) == 1
        return out.raw[: len(text)], made.raw
    finally:
        lib.EVP_CIPHER_CTX_free(context)


def _aead(method: str) -> str:
    if "chacha" in method:
        return "chacha20_poly1305"
    return "aes_128_gcm" if METHODS[method] == 16 else "aes_256_gcm"


def seal(method: str, key: bytes, nonce: bytes, text: bytes) -> bytes:
    sealed, tag = _evp(_aead(method), key, nonce, text, True)
    return sealed + tag


def unseal(method: str, key: bytes, nonce: bytes, sealed: bytes) -> bytes:
    return _evp(_aead(method), key, nonce, sealed[:-TAG], False, sealed[-TAG:])[0]


def block(key: bytes, text: bytes, encrypt: bool = True) -> bytes:
    return _evp(f"aes_{8 * len(key)}_ecb", key, None, text, encrypt)[0]


def _xchacha(encrypt: bool, key: bytes, nonce: bytes, text: bytes) -> bytes:
    lib = _library("sodium")
    out, n = ctypes.create_string_buffer(len(text) + TAG), ctypes.c_ulonglong(0)
    if encrypt:
        lib.crypto_aead_xchacha20poly1305_ietf_encrypt(
            out, ctypes.byref(n), text, ctypes.c_ulonglong(len(text)), None, ctypes.c_ulonglong(0),
            None, nonce, key)
    elif lib.crypto_aead_xchacha20poly1305_ietf_decrypt(
            out, ctypes.byref(n), None, text, ctypes.c_ulonglong(len(text)), None,
            ctypes.c_ulonglong(0), nonce, key) != 0:
        raise Forged
    return out.raw[: n.value]


@dataclass
class Direction:
    """One keyed direction of a stream."""

    method: str
    key: bytes
    count: int = 0

    def _nonce(self) -> bytes:
        self.count += 1
        return struct.pack("<QI", self.count - 1, 0)

    def seal(self, text: bytes) -> bytes:
        return seal(self.method, self.key, self._nonce(), text)

    def open(self, sealed: bytes) -> bytes:
        return unseal(self.method, self.key, self._nonce(), sealed)


def now() -> int:
    return int(time.time())


@dataclass
class Keys:
    """method, the client's own key, and those in front of it."""

    method: str
    own: bytes
    front: list[bytes] = field(default_factory=list)

    @property
    def text(self) -> str:
        """As a client's configuration has it."""
        return ":".join(base64.b64encode(key).decode() for key in [*self.front, self.own])

    @property
    def size(self) -> int:
        return METHODS[self.method]

    def direction(self, salt: bytes, key: bytes | None = None) -> Direction:
        return Direction(self.method, derive_key(SESSION, (key or self.own) + salt)[: self.size])

    def names(self) -> list[tuple[bytes, bytes]]:
        """Each key in front, and the hash of the key behind it."""
        behind = [*self.front[1:], self.own]
        return [(key, hash32(after)[:16]) for key, after in zip(self.front, behind)]


@dataclass
class Request:
    """The head of a stream to a server, each part of it free to be wrong."""

    keys: Keys
    target: bytes
    payload: bytes = b""
    kind: int = 0
    stamp: int | None = None
    padding: bytes = b""
    padding_says: int | None = None
    length_says: int | None = None
    salt: bytes = b""

    def __post_init__(self) -> None:
        self.salt = self.salt or os.urandom(self.keys.size)
        self.sealer = self.keys.direction(self.salt)

    def head(self) -> bytes:
        size = len(self.padding) if self.padding_says is None else self.padding_says
        variable = self.target + struct.pack("!H", size) + self.padding + self.payload
        length = len(variable) if self.length_says is None else self.length_says
        stamp = now() if self.stamp is None else self.stamp
        fixed = struct.pack("!BQH", self.kind, stamp % 2**64, length)
        names = b"".join(block(derive_key(IDENTITY, key + self.salt)[: self.keys.size], name)
                         for key, name in self.keys.names())
        return self.salt + names + self.sealer.seal(fixed) + self.sealer.seal(variable)

    def chunk(self, payload: bytes, says: int | None = None) -> bytes:
        length = struct.pack("!H", len(payload) if says is None else says)
        return self.sealer.seal(length) + self.sealer.seal(payload)

    def response_head(self, read) -> tuple[Direction, bytes]:
        """Checks a server's head, which read(n) gives; the direction, and the first payload."""
        salt = read(self.keys.size)
        opener = self.keys.direction(salt)
        fixed = opener.open(read(1 + 8 + self.keys.size + 2 + TAG))
        kind, stamp = struct.unpack_from("!BQ", fixed)
        assert kind == 1 and abs(stamp - now()) <= 30
        assert fixed[9 : 9 + self.keys.size] == self.salt
        (length,) = struct.unpack("!H", fixed[-2:])
        return opener, opener.open(read(length + TAG))


def read_chunk(opener: Direction, read) -> bytes:
    (length,) = struct.unpack("!H", opener.open(read(2 + TAG)))
    return opener.open(read(length + TAG))


@dataclass
class Packet:
    """A packet, each part of it free to be wrong; client is the session that a server answers."""

    keys: Keys
    session: bytes
    number: int
    target: bytes
    payload: bytes = b""
    kind: int = 0
    stamp: int | None = None
    padding: bytes = b""
    padding_says: int | None = None
    client: bytes = b""
    behind: bytes = b""  # after the tag

    def sealed(self) -> bytes:
        keys, numbers = self.keys, self.session + struct.pack("!Q", self.number)
        stamp = now() if self.stamp is None else self.stamp
        size = len(self.padding) if self.padding_says is None else self.padding_says
        body = (struct.pack("!BQ", self.kind, stamp % 2**64) + self.client + struct.pack("!H", size)
                + self.padding + self.target + self.payload)
        if "chacha" in keys.method:
            nonce = os.urandom(24)
            return nonce + _xchacha(True, keys.own, nonce, numbers + body) + self.behind
        outer = [*keys.front, keys.own][0]
        names = b"".join(block(key, bytes(a ^ b for a, b in zip(name, numbers)))
                         for key, name in keys.names())
        key = derive_key(SESSION, keys.own + self.session)[: keys.size]
        return block(outer, numbers) + names + seal(keys.method, key, numbers[4:], body) + self.behind


def open_packet(keys: Keys, packet: bytes) -> tuple[bytes, int, bytes]:
    """Session, number and body of a packet under the key keys.own."""
    if "chacha" in keys.method:
        body = _xchacha(False, keys.own, packet[:24], packet[24:])
        return body[:8], struct.unpack_from("!Q", body, 8)[0], body[16:]
    numbers = block(keys.own, packet[:16], False)
    key = derive_key(SESSION, keys.own + numbers[:8])[: keys.size]
    body = unseal(keys.method, key, numbers[4:], packet[16:])
    return numbers[:8], struct.unpack_from("!Q", numbers, 8)[0], body
