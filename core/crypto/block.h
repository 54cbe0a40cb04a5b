/* SPDX-License-Identifier: Apache-2.0 */
/*
 * block.h - AES on single blocks, as the headers of AEAD-2022 use it.
 */
#ifndef SS_CRYPTO_BLOCK_H
#define SS_CRYPTO_BLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SS_BLOCK_LEN = 16 };

/* An expanded key in memory that is used again.  Zero is valid and has none. */
struct ss_block {
    void *context; /* libcrypto's, owned */
};

/* Sets the key, of 16 or 32 bytes; one b encrypts or decrypts, and has keys of one length.  Returns
 * 0, or -1 when memory is out. */
int ss_block_key(struct ss_block *b, bool encrypts, const uint8_t *key, size_t key_len);

/* Transforms one block; in and out may be the same.  Returns 0, or -1 when the library fails. */
int ss_block_run(struct ss_block *b, const uint8_t in[SS_BLOCK_LEN], uint8_t out[SS_BLOCK_LEN]);

void ss_block_wipe(struct ss_block *b);

#endif
