/* SPDX-License-Identifier: Apache-2.0 */
/*
 * blake3.h - BLAKE3 as AEAD-2022 uses it: hashes and derived keys of 32 bytes.
 *
 * libblake3 computes them where the system has it, else blake3.c.
 */
#ifndef SS_CRYPTO_BLAKE3_H
#define SS_CRYPTO_BLAKE3_H

#include <stddef.h>
#include <stdint.h>

enum { SS_BLAKE3_LEN = 32 };

void ss_blake3_hash(const uint8_t *in, size_t n, uint8_t out[SS_BLAKE3_LEN]);

/* The mode derive_key; context says what the key is for. */
void ss_blake3_derive(const char *context, const uint8_t *material, size_t n,
                      uint8_t out[SS_BLAKE3_LEN]);

#endif
