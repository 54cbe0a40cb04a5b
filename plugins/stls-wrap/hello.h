/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hello.h - the two messages that begin TLS, as far as shadow-tls looks at them.
 *
 * The session id of a ClientHello of ours ends with a tag over the whole message, in which the tag
 * counts as zeros.  It is recognised while its bytes pass, in any pieces: nothing is held back.
 */
#ifndef STLS_WRAP_HELLO_H
#define STLS_WRAP_HELLO_H

#include "stls-wrap/tag.h"

enum {
    STLS_RANDOM_LEN = 32,
    STLS_SESSION_ID_LEN = 32,
    STLS_SESSION_ID_AT = 44, /* in a record with a ClientHello */
    STLS_TAG_AT = STLS_SESSION_ID_AT + STLS_SESSION_ID_LEN - STLS_TAG_LEN
};

enum stls_sign { STLS_UNDECIDED, STLS_OURS, STLS_FOREIGN };

/* Zeroed before the first byte. */
struct stls_hello {
    uint8_t head[STLS_TAG_AT + STLS_TAG_LEN];
    uint32_t seen, total; /* bytes of the record; total is 0 while it is not known */
    EVP_MAC_CTX *mac;     /* owned, from the end of the head on */
};

/* Looks at the next *n bytes of a connection.  *n becomes the number of those that belong to the
 * ClientHello.  Without memory it is foreign. */
enum stls_sign stls_hello_feed(struct stls_hello *hello, const EVP_MAC_CTX *key,
                               const uint8_t *bytes, size_t *n);
void stls_hello_release(struct stls_hello *hello);

/* Writes the tag of a record of n bytes with a ClientHello to the end of its session id.  Returns
 * false when it has none of 32 bytes, or when memory is out. */
bool stls_hello_sign(uint8_t *record, size_t n, const EVP_MAC_CTX *key);

/* The content of a ServerHello. */
struct stls_answer {
    uint8_t random[STLS_RANDOM_LEN];
    bool tls13;
};

/* Returns false when the record of n bytes is no ServerHello. */
bool stls_answer_read(struct stls_answer *answer, const uint8_t *record, size_t n);

#endif
