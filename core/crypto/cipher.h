/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cipher.h - the AEAD ciphers as const rows, one keyed direction of a stream, and the contexts that
 * the directions of a thread share.
 *
 * AES-GCM and ChaCha20-Poly1305 are libcrypto's, XChaCha20-Poly1305 is libsodium's.  A process may
 * choose another library in place of libcrypto when it starts: see engine.h.
 */
#ifndef SS_CRYPTO_CIPHER_H
#define SS_CRYPTO_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In bytes; no row exceeds them, and every row's tag is SS_TAG_LEN long. */
enum { SS_KEY_MAX = 32, SS_SALT_MAX = 32, SS_NONCE_MAX = 24, SS_TAG_LEN = 16 };

/* Bytes that a salt may begin with by choice; so many others stay random at least. */
enum { SS_SALT_PREFIX_MAX = 16, SS_SALT_RANDOM_MIN = 8 };

struct ss_engine; /* the library that computes it: see engine.h */

/* Lengths are in bytes. */
struct ss_cipher {
    const char *name;
    uint8_t key_len, salt_len, nonce_len, tag_len;
    const struct ss_engine *engine;
    bool is_gcm; /* false: ChaCha20-Poly1305, or XChaCha20-Poly1305 */
};

enum {
    SS_AES_128_GCM,
    SS_AES_192_GCM,
    SS_AES_256_GCM,
    SS_CHACHA20_POLY1305,
    SS_XCHACHA20_POLY1305,
    SS_CIPHERS
};
extern const struct ss_cipher ss_ciphers[SS_CIPHERS];

/*
 * The expanded keys of the directions that each thread has used last, 1 KiB each.
 *
 * A direction that is quiet keeps its key alone, and takes a context from another one when it goes
 * on: setting a key anew costs less than half a microsecond.  A direction is of the thread that has
 * started it.
 */
struct ss_contexts;
struct ss_contexts *ss_contexts_new(void); /* of the chosen engine; NULL when memory is out */
void ss_contexts_free(struct ss_contexts *contexts); /* wipes; accepts NULL */

/*
 * One direction of one stream: a key and the number of the next message.
 *
 * All zero is a valid direction without a key.  Not locked.
 */
struct ss_aead {
    const struct ss_cipher *cipher; /* NULL: no key yet */
    struct ss_contexts *contexts;   /* borrowed, those of its thread */
    uint64_t serial;                /* by which contexts knows this direction */
    uint8_t key[SS_KEY_MAX];
    uint8_t nonce[SS_NONCE_MAX]; /* of the next message: a little-endian counter */
};

/* Sets key (cipher->key_len bytes, copied) on a direction without one; messages count from 0.
 * contexts serves any number of directions, of any cipher, and outlives them.  Returns 0, or -1
 * when memory is out. */
int ss_aead_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                  const uint8_t *key);

/* Sets another key on a direction that has one; messages count from 0 again.  Returns 0, or -1 when
 * memory is out. */
int ss_aead_restart(struct ss_aead *a, const uint8_t *key);

/* Writes the n bytes of in, encrypted, and their tag: n + SS_TAG_LEN bytes; in and out do not
 * overlap.  Returns 0, or -1 when memory is out. */
int ss_aead_seal(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out);

/* Verifies and decrypts the n bytes of in, tag included, into n - SS_TAG_LEN bytes of out; in and
 * out do not overlap.  Returns 0, or -1 for a message that is not authentic, or when memory is out:
 * out is zeroed then. */
int ss_aead_open(struct ss_aead *a, const uint8_t *in, size_t n, uint8_t *out);

/* Releases and wipes; a is without a key afterwards. */
void ss_aead_wipe(struct ss_aead *a);

#endif
