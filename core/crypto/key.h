/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - the main key from a password or a text, and the key of one stream from the main key.
 */
#ifndef SS_CRYPTO_KEY_H
#define SS_CRYPTO_KEY_H

#include "crypto/cipher.h"
#include "crypto/hkdf.h"

#include <stddef.h>
#include <stdint.h>

/* Derives the main key of cipher->key_len bytes as every Shadowsocks does: EVP_BytesToKey with MD5,
 * no salt, one round.  Returns 0, or -1 when the library fails. */
int ss_key_from_password(uint8_t *key, const struct ss_cipher *cipher, const char *password);

enum ss_key_verdict {
    SS_KEY_OK,
    SS_KEY_MALFORMED,   /* neither base64 nor base64url */
    SS_KEY_WRONG_LENGTH /* not exactly cipher->key_len bytes */
};

/* Decodes the main key from base64 or base64url, with or without padding.  *len is the decoded
 * length of SS_KEY_WRONG_LENGTH.  key is zeroed unless the answer is SS_KEY_OK. */
enum ss_key_verdict ss_key_from_base64(uint8_t *key, const struct ss_cipher *cipher,
                                       const char *text, size_t *len);

/* Derives the key of one stream from the main key and the stream's salt (cipher->salt_len bytes):
 * HKDF-SHA1 with info "ss-subkey".  Returns 0, or -1 when memory is out. */
int ss_key_session(uint8_t *subkey, const struct ss_cipher *cipher, const uint8_t *key,
                   const uint8_t *salt);

/* Starts a direction with the key of the stream, or packet, of that salt.  Returns 0, or -1 when
 * memory is out: then a is without a key. */
int ss_key_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                 const uint8_t *key, const uint8_t *salt);

/* Makes one message with a key of zeros, and forgets it.  libcrypto loads at its first use, and not
 * again when memory was out then: that must not be a client's connection.  Returns 0 or -1. */
int ss_key_rehearse(const struct ss_cipher *cipher, struct ss_contexts *contexts);

/* The same for one packet after another, whose a is used again: zero at first.  Returns 0, or -1
 * when memory is out. */
int ss_key_next(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                const uint8_t *key, const uint8_t *salt);

#endif
