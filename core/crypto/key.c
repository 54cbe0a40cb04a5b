/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stddef.h>
#include <string.h>

enum { DECODED_MAX = 64 };

int ss_key_from_password(uint8_t *key, const struct ss_cipher *cipher, const char *password)
{
    size_t len = strlen(password);
    if (len > INT_MAX)
        return -1;
    /* The cipher matters by its key length alone: 16, 24 or 32 bytes. */
    const EVP_CIPHER *of_length = cipher->key_len == 16   ? EVP_aes_128_gcm()
                                  : cipher->key_len == 24 ? EVP_aes_192_gcm()
                                                          : EVP_aes_256_gcm();
    int n = EVP_BytesToKey(of_length, EVP_md5(), NULL, (const unsigned char *)password, (int)len, 1,
                           key, NULL);
    return n == cipher->key_len ? 0 : -1;
}

/* The bytes of a text that is too long to be decoded; 0: it is not base64. */
static size_t base64_bytes(const char *text, const char *last_digits)
{
    size_t digits = 0;
    while (isalnum((unsigned char)text[digits]) != 0 ||
           (text[digits] != '\0' && strchr(last_digits, text[digits]) != NULL))
        digits++;
    const char *end = text + digits + strspn(text + digits, "=");
    return *end == '\0' && end - text - (ptrdiff_t)digits <= 2 ? digits / 4 * 3 + digits % 4 * 3 / 4
                                                               : 0;
}

enum ss_key_verdict ss_key_from_base64(uint8_t *key, const struct ss_cipher *cipher,
                                       const char *text, size_t *len)
{
    static const int variants[] = {
        sodium_base64_VARIANT_URLSAFE, sodium_base64_VARIANT_URLSAFE_NO_PADDING,
        sodium_base64_VARIANT_ORIGINAL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING};
    uint8_t decoded[DECODED_MAX];
    enum ss_key_verdict verdict = SS_KEY_MALFORMED;

    sodium_memzero(key, cipher->key_len);
    for (size_t i = 0; verdict == SS_KEY_MALFORMED && i < sizeof variants / sizeof variants[0];
         i++) {
        if (sodium_base642bin(decoded, sizeof decoded, text, strlen(text), NULL, len, NULL,
                              variants[i]) == 0)
            verdict = *len == cipher->key_len ? SS_KEY_OK : SS_KEY_WRONG_LENGTH;
    }
    size_t most = base64_bytes(text, "-_"), other = base64_bytes(text, "+/");
    most = most > other ? most : other;
    if (verdict == SS_KEY_MALFORMED && most > sizeof decoded) {
        *len = most;
        verdict = SS_KEY_WRONG_LENGTH;
    }
    if (verdict == SS_KEY_OK)
        memcpy(key, decoded, cipher->key_len);
    sodium_memzero(decoded, sizeof decoded);
    return verdict;
}

int ss_key_session(uint8_t *subkey, const struct ss_cipher *cipher, const uint8_t *key,
                   const uint8_t *salt)
{
    static const uint8_t purpose[] = {'s', 's', '-', 's', 'u', 'b', 'k', 'e', 'y'};
    return ss_hkdf_sha1((struct ss_span){key, cipher->key_len},
                        (struct ss_span){salt, cipher->salt_len},
                        (struct ss_span){purpose, sizeof purpose}, subkey, cipher->key_len);
}

int ss_key_rehearse(const struct ss_cipher *cipher, struct ss_contexts *contexts)
{
    static const uint8_t key[SS_KEY_MAX], salt[SS_SALT_MAX];
    struct ss_aead aead = {.cipher = NULL};
    uint8_t tag[SS_TAG_LEN];
    int rc = ss_key_start(&aead, cipher, contexts, key, salt);
    if (rc == 0)
        rc = ss_aead_seal(&aead, tag, 0, tag);
    ss_aead_wipe(&aead);
    return rc;
}

int ss_key_next(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                const uint8_t *key, const uint8_t *salt)
{
    uint8_t subkey[SS_KEY_MAX];
    int rc = ss_key_session(subkey, cipher, key, salt);
    if (rc == 0)
        rc = a->cipher != NULL ? ss_aead_restart(a, subkey)
                               : ss_aead_start(a, cipher, contexts, subkey);
    sodium_memzero(subkey, sizeof subkey);
    return rc;
}

int ss_key_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                 const uint8_t *key, const uint8_t *salt)
{
    *a = (struct ss_aead){.cipher = NULL};
    return ss_key_next(a, cipher, contexts, key, salt);
}
