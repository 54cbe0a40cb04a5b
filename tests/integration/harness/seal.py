# SPDX-License-Identifier: Apache-2.0
"""Sealed requests to ss-manager, written from ss-manager(1) with libsodium alone."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import struct
import time

_sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
_NONCE, _TAG = 24, 16
_REQUEST, _ANSWER = b"shadowplug manager request", b"shadowplug manager answer"


def seal(key: bytes, text: bytes, late: float = 0) -> bytes:
    nonce, plain = os.urandom(_NONCE), struct.pack(">q", int(time.time() - late)) + text
    out, length = ctypes.create_string_buffer(len(plain) + _TAG), ctypes.c_ulonglong()
    _sodium.crypto_aead_xchacha20poly1305_ietf_encrypt(
        out, ctypes.byref(length), plain, ctypes.c_ulonglong(len(plain)), _REQUEST,
        ctypes.c_ulonglong(len(_REQUEST)), None, nonce, key)
    return nonce + out.raw


def unseal(key: bytes, request: bytes, answer: bytes) -> bytes:
    """The answer to that request, or an AssertionError."""
    sealed, extra = answer[_NONCE:], _ANSWER + request[:_NONCE]
    out, length = ctypes.create_string_buffer(len(sealed)), ctypes.c_ulonglong()
    assert _sodium.crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, ctypes.byref(length), None, sealed, ctypes.c_ulonglong(len(sealed)), extra,
        ctypes.c_ulonglong(len(extra)), answer[:_NONCE], key) == 0
    return out.raw[:length.value]
