/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal.h - requests and answers that cross a network: encrypted with a key that both sides have.
 *
 *   request  nonce (24 bytes, random), then sealed: time (8 bytes, big endian, seconds since 1970),
 *            text
 *   answer   nonce (24 bytes, random), then sealed: text
 *
 * Sealed is XChaCha20-Poly1305 (IETF) with the nonce in front of it.  Additional data of a request
 * is "shadowplug manager request"; that of an answer is "shadowplug manager answer" and the nonce
 * of its request.  A request counts once, within 30 seconds.
 */
#ifndef SS_MANAGER_SEAL_H
#define SS_MANAGER_SEAL_H

#include <stddef.h>
#include <stdint.h>

enum {
    SS_SEAL_KEY = 32,
    SS_SEAL_NONCE = 24,
    SS_SEAL_TAG = 16,
    SS_SEAL_TIME = 8,
    SS_SEAL_REQUEST = SS_SEAL_NONCE + SS_SEAL_TIME + SS_SEAL_TAG, /* bytes around a request */
    SS_SEAL_ANSWER = SS_SEAL_NONCE + SS_SEAL_TAG
};

struct ss_sealer;

/* key is base64 of SS_SEAL_KEY bytes.  A request of that second or before is refused.  NULL with a
 * sentence in *why. */
struct ss_sealer *ss_sealer_new(const char *key, int64_t now, const char **why);
void ss_sealer_free(struct ss_sealer *s); /* accepts NULL */

/* Writes the text of a request over its beginning, its length, and its nonce.  Returns NULL, or why
 * it is refused (static). */
const char *ss_sealer_open(struct ss_sealer *s, uint8_t *bytes, size_t *len, int64_t now,
                           uint8_t nonce[SS_SEAL_NONCE]);

/* Writes the answer to the request of that nonce, SS_SEAL_ANSWER bytes longer than the text.
 * Returns its length. */
size_t ss_sealer_answer(const struct ss_sealer *s, const uint8_t nonce[SS_SEAL_NONCE],
                        const char *text, size_t len, uint8_t *out);

#endif
