/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/key.h"

#include <ctype.h>
#include <limits.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

enum { HASH_LEN = 20, BLOCK_LEN = 64, DECODED_MAX = 64, HKDF_MAX = 255 * HASH_LEN };

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

/* As for ciphers: fetched once, because a fetch costs more than the hash. */
static EVP_MD *sha1(void)
{
    static _Atomic(EVP_MD *) cache;
    EVP_MD *known = atomic_load(&cache);
    if (known != NULL)
        return known;
    EVP_MD *fresh = EVP_MD_fetch(NULL, "SHA1", NULL);
    if (atomic_compare_exchange_strong(&cache, &known, fresh))
        return fresh;
    EVP_MD_free(fresh);
    return known;
}

/* SHA-1 of (key xor pad) and the parts; a part may be empty. */
static int padded_hash(EVP_MD_CTX *md, const uint8_t *key, uint8_t pad,
                       const struct ss_span part[3], uint8_t *out)
{
    uint8_t block[BLOCK_LEN];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = key[i] ^ pad;
    bool ok =
        EVP_DigestInit_ex2(md, NULL, NULL) == 1 && EVP_DigestUpdate(md, block, sizeof block) == 1;
    for (int i = 0; i < 3; i++)
        ok = ok && EVP_DigestUpdate(md, part[i].bytes, part[i].len) == 1;
    ok = ok && EVP_DigestFinal_ex(md, out, NULL) == 1;
    sodium_memzero(block, sizeof block);
    return ok ? 0 : -1;
}

/* HMAC-SHA1; key is zero-padded to BLOCK_LEN.  out may be one of the parts. */
static int hmac(EVP_MD_CTX *md, const uint8_t *key, const struct ss_span part[3], uint8_t *out)
{
    uint8_t inner[HASH_LEN];
    const struct ss_span outer[3] = {{inner, sizeof inner}};
    if (padded_hash(md, key, 0x36, part, inner) == -1)
        return -1;
    return padded_hash(md, key, 0x5c, outer, out);
}

static int expand(EVP_MD_CTX *md, const uint8_t *prk, struct ss_span info, uint8_t *out, size_t n)
{
    uint8_t mac[HASH_LEN];
    int rc = 0;
    for (uint8_t round = 1; rc == 0 && n > 0; round++) {
        const struct ss_span part[3] = {{mac, round > 1 ? sizeof mac : 0}, info, {&round, 1}};
        rc = hmac(md, prk, part, mac);
        size_t take = n < sizeof mac ? n : sizeof mac;
        memcpy(out, mac, take);
        out += take;
        n -= take;
    }
    sodium_memzero(mac, sizeof mac);
    return rc;
}

/* A context that is about to hash, or NULL. */
static EVP_MD_CTX *digest_new(void)
{
    EVP_MD *hash = sha1();
    EVP_MD_CTX *md = hash != NULL ? EVP_MD_CTX_new() : NULL;
    if (md != NULL && EVP_DigestInit_ex2(md, hash, NULL) == 1)
        return md;
    EVP_MD_CTX_free(md);
    return NULL;
}

/* Written out over one digest context, because EVP_KDF costs three times as much per connection. */
static int hkdf(EVP_MD_CTX *md, const struct ss_span part[3], uint8_t *out, size_t out_len)
{
    const struct ss_span secret = part[0], salt = part[1], info = part[2];
    uint8_t key[BLOCK_LEN] = {0}, prk[BLOCK_LEN] = {0};
    const struct ss_span extract[3] = {secret};
    if (md == NULL || salt.len > sizeof key || out_len > HKDF_MAX)
        return -1;
    if (salt.len > 0)
        memcpy(key, salt.bytes, salt.len);
    int rc = hmac(md, key, extract, prk);
    if (rc == 0)
        rc = expand(md, prk, info, out, out_len);
    sodium_memzero(prk, sizeof prk);
    return rc;
}

int ss_hkdf_sha1(struct ss_span secret, struct ss_span salt, struct ss_span info, uint8_t *out,
                 size_t out_len)
{
    EVP_MD_CTX *md = digest_new();
    int rc = hkdf(md, (const struct ss_span[]){secret, salt, info}, out, out_len);
    EVP_MD_CTX_free(md);
    return rc;
}

static int session_key(EVP_MD_CTX *md, uint8_t *subkey, const struct ss_cipher *cipher,
                       const uint8_t *key, const uint8_t *salt)
{
    static const uint8_t purpose[] = {'s', 's', '-', 's', 'u', 'b', 'k', 'e', 'y'};
    const struct ss_span part[] = {
        {key, cipher->key_len}, {salt, cipher->salt_len}, {purpose, sizeof purpose}};
    return hkdf(md, part, subkey, cipher->key_len);
}

int ss_key_session(uint8_t *subkey, const struct ss_cipher *cipher, const uint8_t *key,
                   const uint8_t *salt)
{
    EVP_MD_CTX *md = digest_new();
    int rc = session_key(md, subkey, cipher, key, salt);
    EVP_MD_CTX_free(md);
    return rc;
}

int ss_key_rehearse(const struct ss_cipher *cipher, struct ss_contexts *contexts)
{
    static const uint8_t key[SS_KEY_MAX], salt[SS_SALT_MAX];
    struct ss_aead aead = {.cipher = NULL};
    struct ss_packet_keys keys = {.digest = NULL};
    uint8_t tag[SS_TAG_LEN];
    int rc = ss_key_start(&aead, cipher, contexts, key, salt);
    if (rc == 0)
        rc = ss_aead_seal(&aead, tag, 0, tag);
    ss_aead_wipe(&aead);
    if (rc == 0)
        rc = ss_packet_keys_next(&keys, cipher, contexts, key, salt);
    ss_packet_keys_wipe(&keys);
    return rc;
}

int ss_packet_keys_next(struct ss_packet_keys *k, const struct ss_cipher *cipher,
                        struct ss_contexts *contexts, const uint8_t *key, const uint8_t *salt)
{
    uint8_t subkey[SS_KEY_MAX];
    if (k->digest == NULL)
        k->digest = digest_new();
    int rc = session_key(k->digest, subkey, cipher, key, salt);
    if (rc == 0)
        rc = k->aead.cipher != NULL ? ss_aead_restart(&k->aead, subkey)
                                    : ss_aead_start(&k->aead, cipher, contexts, subkey);
    sodium_memzero(subkey, sizeof subkey);
    return rc;
}

void ss_packet_keys_wipe(struct ss_packet_keys *k)
{
    EVP_MD_CTX_free(k->digest);
    ss_aead_wipe(&k->aead);
    k->digest = NULL;
}

int ss_key_start(struct ss_aead *a, const struct ss_cipher *cipher, struct ss_contexts *contexts,
                 const uint8_t *key, const uint8_t *salt)
{
    uint8_t subkey[SS_KEY_MAX];
    *a = (struct ss_aead){.cipher = NULL};
    int rc = ss_key_session(subkey, cipher, key, salt);
    if (rc == 0)
        rc = ss_aead_start(a, cipher, contexts, subkey);
    sodium_memzero(subkey, sizeof subkey);
    return rc;
}
