/* SPDX-License-Identifier: Apache-2.0 */
#include "stls-wrap/hello.h"

#include <string.h>

enum {
    HANDSHAKE = 0x16,
    CLIENT_HELLO = 1,
    SERVER_HELLO = 2,
    LENGTH_AT = 3, /* in a record */
    MESSAGE_AT = 5,
    RANDOM_AT = 11,
    SESSION_ID_LEN_AT = 43,
    RECORD_MAX = 16384,
    SUPPORTED_VERSIONS = 43,
    TLS_1_3 = 0x0304
};

static uint32_t number(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 8 | bytes[1];
}

/* ---- ClientHello ---- */

static bool may_be_ours(const struct stls_hello *h)
{
    return h->head[0] == HANDSHAKE &&
           (h->seen <= MESSAGE_AT || h->head[MESSAGE_AT] == CLIENT_HELLO) &&
           (h->seen <= SESSION_ID_LEN_AT || h->head[SESSION_ID_LEN_AT] == STLS_SESSION_ID_LEN) &&
           (h->total == 0 || (h->total >= sizeof h->head && h->total <= RECORD_MAX + MESSAGE_AT));
}

/* Everything up to the tag, in whose place zeros are. */
static bool begin(struct stls_hello *h, const EVP_MAC_CTX *key)
{
    static const uint8_t no_tag[STLS_TAG_LEN];
    h->mac = stls_tag_fork(key);
    return h->mac != NULL &&
           stls_tag_feed(h->mac, h->head + MESSAGE_AT, STLS_TAG_AT - MESSAGE_AT) &&
           stls_tag_feed(h->mac, no_tag, sizeof no_tag);
}

/* Returns how many of the n bytes belong to the head, or n + 1 when they are none of ours. */
static size_t feed_head(struct stls_hello *h, const EVP_MAC_CTX *key, const uint8_t *bytes,
                        size_t n)
{
    if (n == 0 || h->seen >= sizeof h->head)
        return 0;
    size_t missing = sizeof h->head - h->seen, take = n < missing ? n : missing;
    memcpy(h->head + h->seen, bytes, take);
    h->seen += (uint32_t)take;
    if (h->seen >= MESSAGE_AT)
        h->total = number(h->head + LENGTH_AT) + MESSAGE_AT;
    bool begins = h->seen == sizeof h->head;
    return may_be_ours(h) && (!begins || begin(h, key)) ? take : n + 1;
}

enum stls_sign stls_hello_feed(struct stls_hello *h, const EVP_MAC_CTX *key, const uint8_t *bytes,
                               size_t *n)
{
    uint8_t tag[STLS_TAG_LEN];
    size_t head = feed_head(h, key, bytes, *n);
    if (head > *n)
        return STLS_FOREIGN;
    size_t rest = *n - head, missing = h->total - h->seen;
    if (h->mac == NULL)
        return STLS_UNDECIDED;
    rest = rest < missing ? rest : missing;
    if (!stls_tag_feed(h->mac, bytes + head, rest))
        return STLS_FOREIGN;
    h->seen += (uint32_t)rest;
    *n = head + rest;
    if (h->seen < h->total)
        return STLS_UNDECIDED;
    bool ours = stls_tag_take(h->mac, tag) && stls_tag_same(tag, h->head + STLS_TAG_AT);
    return ours ? STLS_OURS : STLS_FOREIGN;
}

void stls_hello_release(struct stls_hello *h)
{
    stls_tag_free(h->mac);
    h->mac = NULL;
}

bool stls_hello_sign(uint8_t *record, size_t n, const EVP_MAC_CTX *key)
{
    struct stls_hello h = {.seen = 0};
    size_t len = n;
    if (n < sizeof h.head)
        return false;
    (void)stls_hello_feed(&h, key, record, &len);
    bool known =
        h.mac != NULL && h.total == n && h.seen == n && stls_tag_take(h.mac, record + STLS_TAG_AT);
    stls_hello_release(&h);
    return known;
}

/* ---- ServerHello ---- */

/* The extensions of a ServerHello.  NULL when there are none. */
static const uint8_t *extensions(const uint8_t *record, size_t n, size_t *len)
{
    size_t at = (size_t)SESSION_ID_LEN_AT + 1;
    if (n < at)
        return NULL;
    at += (size_t)record[SESSION_ID_LEN_AT] + 3; /* cipher suite, compression */
    if (n < at + 2)
        return NULL;
    *len = number(record + at);
    at += 2;
    if (*len > n - at)
        *len = n - at;
    return record + at;
}

static bool says_tls13(const uint8_t *record, size_t n)
{
    size_t len = 0;
    const uint8_t *at = extensions(record, n, &len);
    while (at != NULL && len >= 4) {
        size_t body = number(at + 2);
        if (body > len - 4)
            return false;
        if (number(at) == SUPPORTED_VERSIONS)
            return body == 2 && number(at + 4) == TLS_1_3;
        at += 4 + body;
        len -= 4 + body;
    }
    return false;
}

bool stls_answer_read(struct stls_answer *answer, const uint8_t *record, size_t n)
{
    if (n < SESSION_ID_LEN_AT || record[0] != HANDSHAKE || record[MESSAGE_AT] != SERVER_HELLO)
        return false;
    memcpy(answer->random, record + RANDOM_AT, sizeof answer->random);
    answer->tls13 = says_tls13(record, n);
    return true;
}
