/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/seal.h"

#include "crypto/recent.h"

#include <sodium.h>
#include <stdbool.h>
#include <string.h>

enum { LATE_S = 30, CAPACITY = 1 << 14 };

static const uint8_t request_ad[] = "shadowplug manager request";
static const uint8_t answer_ad[] = "shadowplug manager answer";

enum { REQUEST_AD = sizeof request_ad - 1, ANSWER_AD = sizeof answer_ad - 1 };

struct ss_sealer {
    uint8_t key[SS_SEAL_KEY];
    struct ss_recent *recent; /* nonces */
};

struct ss_sealer *ss_sealer_new(const char *key, int64_t now, const char **why)
{
    static const int forms[] = {sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_URLSAFE,
                                sodium_base64_VARIANT_ORIGINAL_NO_PADDING,
                                sodium_base64_VARIANT_URLSAFE_NO_PADDING};
    struct ss_sealer *s = sodium_malloc(sizeof *s);
    size_t len = 0;
    *why = "out of memory";
    if (s == NULL)
        return NULL;
    s->recent = ss_recent_new(CAPACITY, now);
    for (size_t i = 0; i < sizeof forms / sizeof *forms && len != SS_SEAL_KEY; i++) {
        if (sodium_base642bin(s->key, sizeof s->key, key, strlen(key), NULL, &len, NULL,
                              forms[i]) == -1)
            len = 0;
    }
    if (s->recent != NULL && len == SS_SEAL_KEY)
        return s;
    if (len != SS_SEAL_KEY)
        *why = "not 32 bytes in base64 (ss-manager --genkey 2022-blake3-aes-256-gcm makes some)";
    ss_sealer_free(s);
    return NULL;
}

void ss_sealer_free(struct ss_sealer *s)
{
    if (s == NULL)
        return;
    ss_recent_free(s->recent);
    sodium_free(s);
}

static int64_t read_time(const uint8_t *bytes)
{
    uint64_t time = 0;
    for (int i = 0; i < SS_SEAL_TIME; i++)
        time = time << 8 | bytes[i];
    return (int64_t)time;
}

/* Decrypts to the beginning of bytes. */
static bool decrypt(const struct ss_sealer *s, uint8_t *bytes, size_t len, const uint8_t *nonce)
{
    return crypto_aead_xchacha20poly1305_ietf_decrypt(bytes, NULL, NULL, bytes + SS_SEAL_NONCE,
                                                      len - SS_SEAL_NONCE, request_ad, REQUEST_AD,
                                                      nonce, s->key) == 0;
}

/* Returns NULL when a request of that time counts. */
static const char *judge(const struct ss_sealer *s, int64_t stamp, int64_t now,
                         const uint8_t *nonce)
{
    if (stamp < now - LATE_S || stamp > now + LATE_S)
        return "its time is more than 30 s away from ours";
    if (!ss_recent_add(s->recent, (struct ss_recent_id){nonce, SS_SEAL_NONCE}, stamp, now))
        return "it has come before, or is older than our start";
    return NULL;
}

const char *ss_sealer_open(struct ss_sealer *s, uint8_t *bytes, size_t *len, int64_t now,
                           uint8_t nonce[SS_SEAL_NONCE])
{
    static const char foreign[] = "not sealed with the key";
    if (*len < SS_SEAL_REQUEST)
        return foreign;
    memcpy(nonce, bytes, SS_SEAL_NONCE);
    if (!decrypt(s, bytes, *len, nonce))
        return foreign;
    const char *why = judge(s, read_time(bytes), now, nonce);
    *len -= SS_SEAL_REQUEST;
    memmove(bytes, bytes + SS_SEAL_TIME, *len);
    return why;
}

size_t ss_sealer_answer(const struct ss_sealer *s, const uint8_t nonce[SS_SEAL_NONCE],
                        const char *text, size_t len, uint8_t *out)
{
    uint8_t ad[ANSWER_AD + SS_SEAL_NONCE];
    memcpy(ad, answer_ad, ANSWER_AD);
    memcpy(ad + ANSWER_AD, nonce, SS_SEAL_NONCE);
    randombytes_buf(out, SS_SEAL_NONCE);
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(
        out + SS_SEAL_NONCE, NULL, (const uint8_t *)text, len, ad, sizeof ad, NULL, out, s->key);
    return len + SS_SEAL_ANSWER;
}
