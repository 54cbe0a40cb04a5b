/* SPDX-License-Identifier: Apache-2.0 */
/*
 * key.h - the main key from a password or a text, and the key of one stream from the main key.
 */
#ifndef SS_CRYPTO_KEY_H
#define SS_CRYPTO_KEY_H

#include "crypto/cipher.h"

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

/* The keys of one packet after another, in memory that is used again.  Zero is valid and empty. */
struct ss_packet_keys {
    void *digest;        /* libcrypto's, owned */
    struct ss_aead aead; /* with the key of the last packet */
};

/* Starts k->aead with the key of the packet of that salt.  Returns 0, or -1 when memory is out. */
int ss_packet_keys_next(struct ss_packet_keys *k, const struct ss_cipher *cipher,
                        struct ss_contexts *contexts, const uint8_t *key, const uint8_t *salt);
void ss_packet_keys_wipe(struct ss_packet_keys *k);

struct ss_span {
    const uint8_t *bytes;
    size_t len;
};

/* HKDF with SHA-1 (RFC 5869); salt.len <= 64, out_len <= 255 * 20.  Returns 0 or -1. */
int ss_hkdf_sha1(struct ss_span secret, struct ss_span salt, struct ss_span info, uint8_t *out,
                 size_t out_len);

#endif
