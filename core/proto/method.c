/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/method.h"

#include "proto/aead.h"
#include "proto/packet.h"

#include <sodium.h>
#include <stdint.h>
#include <strings.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- AEAD of 2017: a password of any length, or the main key itself ---- */

static const char *aead_read_key(void *conf, const struct ss_cipher *cipher,
                                 const struct ss_secret *secret)
{
    struct ss_aead_conf *aead = conf;
    aead->cipher = cipher;
    if (secret->key == NULL)
        return ss_key_from_password(aead->key, cipher, secret->password) == 0 ? NULL
                                                                              : "out of memory";
    enum ss_key_verdict verdict = ss_key_from_base64(aead->key, cipher, secret->key);
    if (verdict == SS_KEY_OK)
        return NULL;
    return verdict == SS_KEY_MALFORMED ? "not base64" : "wrong length";
}

static int aead_open(void *conf)
{
    struct ss_aead_conf *aead = conf;
    aead->replay = ss_replay_new(SS_REPLAY_CAPACITY);
    aead->contexts = ss_contexts_new();
    return aead->replay != NULL && aead->contexts != NULL ? 0 : -1;
}

static void aead_close(const void *conf)
{
    const struct ss_aead_conf *aead = conf;
    ss_replay_free(aead->replay);
    ss_contexts_free(aead->contexts);
}

static struct ss_span aead_main_key(const void *conf)
{
    const struct ss_aead_conf *aead = conf;
    return (struct ss_span){aead->key, aead->cipher->key_len};
}

#define AEAD_2017(id)                                                                              \
    &ss_ciphers[id], &ss_aead_codec, &ss_aead_packets, aead_read_key, aead_open, aead_close,       \
        aead_main_key

/* ---- all of them ---- */

static const struct ss_method methods[] = {
    {"aes-128-gcm", AEAD_2017(SS_AES_128_GCM)},
    {"aes-192-gcm", AEAD_2017(SS_AES_192_GCM)},
    {"aes-256-gcm", AEAD_2017(SS_AES_256_GCM)},
    {"chacha20-ietf-poly1305", AEAD_2017(SS_CHACHA20_POLY1305)},
    {"xchacha20-ietf-poly1305", AEAD_2017(SS_XCHACHA20_POLY1305)},
};

const struct ss_method *ss_method_at(size_t i)
{
    return i < sizeof methods / sizeof methods[0] ? &methods[i] : NULL;
}

const struct ss_method *ss_method_find(const char *name)
{
    /* libsodium picks its implementations for this processor. */
    if (sodium_init() == -1)
        return NULL;
    for (size_t i = 0; ss_method_at(i) != NULL; i++) {
        if (strcasecmp(name, methods[i].name) == 0)
            return &methods[i];
    }
    return NULL;
}

const char *ss_method_list(void)
{
    return "aes-128-gcm, aes-192-gcm, aes-256-gcm, chacha20-ietf-poly1305, "
           "xchacha20-ietf-poly1305";
}

bool ss_method_legacy(const char *name)
{
    static const char *const streams[] = {
        "table",
        "rc4",
        "rc4-md5",
        "rc4-md5-6",
        "aes-128-cfb",
        "aes-192-cfb",
        "aes-256-cfb",
        "aes-128-cfb1",
        "aes-192-cfb1",
        "aes-256-cfb1",
        "aes-128-cfb8",
        "aes-192-cfb8",
        "aes-256-cfb8",
        "aes-128-cfb128",
        "aes-192-cfb128",
        "aes-256-cfb128",
        "aes-128-ofb",
        "aes-192-ofb",
        "aes-256-ofb",
        "aes-128-ctr",
        "aes-192-ctr",
        "aes-256-ctr",
        "bf-cfb",
        "camellia-128-cfb",
        "camellia-192-cfb",
        "camellia-256-cfb",
        "camellia-128-ctr",
        "camellia-192-ctr",
        "camellia-256-ctr",
        "cast5-cfb",
        "des-cfb",
        "idea-cfb",
        "rc2-cfb",
        "seed-cfb",
        "salsa20",
        "salsa20-ctr",
        "chacha20",
        "chacha20-ietf",
        "xchacha20",
        "xsalsa20",
    };
    for (size_t i = 0; i < sizeof streams / sizeof streams[0]; i++) {
        if (strcasecmp(name, streams[i]) == 0)
            return true;
    }
    return false;
}

/* A fork, such as the guardian of a plugin, gets zeros instead; before Linux 4.14, nothing. */
static void keep_from_forks(void *conf, size_t size)
{
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), begin = (uintptr_t)conf & ~(page - 1);
    size_t len = (uintptr_t)conf + size - begin;
    if (madvise((void *)begin, len, MADV_WIPEONFORK) == -1)
        (void)madvise((void *)begin, len, MADV_DONTFORK);
}

/* A configuration that has its key and nothing else, in guarded memory. */
static void *keyed(const struct ss_method *m, const struct ss_secret *secret, const char **why)
{
    void *conf = sodium_malloc(m->codec->conf_size);
    *why = "out of memory";
    if (conf == NULL)
        return NULL;
    keep_from_forks(conf, m->codec->conf_size);
    sodium_memzero(conf, m->codec->conf_size);
    *why = m->read_key(conf, m->cipher, secret);
    if (*why == NULL)
        return conf;
    sodium_free(conf);
    return NULL;
}

const char *ss_method_check(const struct ss_method *m, const struct ss_secret *secret)
{
    const char *why;
    sodium_free(keyed(m, secret, &why));
    return why;
}

const void *ss_method_conf_new(const struct ss_method *m, const struct ss_secret *secret,
                               const char **why)
{
    void *conf = keyed(m, secret, why);
    if (conf == NULL)
        return NULL;
    if (m->open(conf) == 0) {
        (void)sodium_mprotect_readonly(conf);
        return conf;
    }
    *why = "out of memory";
    m->close(conf);
    sodium_free(conf);
    return NULL;
}

void ss_method_conf_free(const struct ss_method *m, const void *conf)
{
    if (conf == NULL)
        return;
    m->close(conf);
    sodium_free((void *)(uintptr_t)conf);
}
