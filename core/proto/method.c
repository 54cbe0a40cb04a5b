/* SPDX-License-Identifier: Apache-2.0 */
#include "proto/method.h"

#include "crypto/blake3.h"
#include "crypto/vault.h"
#include "proto/aead.h"
#include "proto/aead2022.h"
#include "proto/packet.h"
#include "proto/packet2022.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static int refuse(char why[SS_WHY_MAX], const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int refuse(char why[SS_WHY_MAX], const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, SS_WHY_MAX, format, args);
    va_end(args);
    return -1;
}

/* which names the key in the reason. */
static int read_base64(uint8_t *key, const struct ss_cipher *cipher, const char *text,
                       const char *which, char why[SS_WHY_MAX])
{
    size_t len = 0;
    switch (ss_key_from_base64(key, cipher, text, &len)) {
    case SS_KEY_OK:
        return 0;
    case SS_KEY_MALFORMED:
        return refuse(why, "%snot base64", which);
    case SS_KEY_WRONG_LENGTH:
        break;
    }
    return refuse(why, "%swrong length: %zu bytes", which, len);
}

static int read_prefix(uint8_t *prefix, size_t *len, const struct ss_cipher *cipher,
                       const struct ss_secret *secret, char why[SS_WHY_MAX])
{
    size_t most = cipher->salt_len - SS_SALT_RANDOM_MIN;
    most = most < SS_SALT_PREFIX_MAX ? most : SS_SALT_PREFIX_MAX;
    if (secret->prefix.len > most)
        return refuse(why, "prefix of %zu bytes: at most %zu with this method", secret->prefix.len,
                      most);
    if (secret->prefix.len > 0)
        memcpy(prefix, secret->prefix.bytes, secret->prefix.len);
    *len = secret->prefix.len;
    return 0;
}

/* ---- AEAD of 2017: a password of any length, or the main key itself ---- */

static int aead_read_key(void *conf, const struct ss_cipher *cipher, const struct ss_secret *secret,
                         char why[SS_WHY_MAX])
{
    struct ss_aead_conf *aead = conf;
    aead->cipher = cipher;
    if (secret->users != NULL)
        return refuse(why, "users need a method of AEAD-2022 with AES");
    if (read_prefix(aead->prefix, &aead->prefix_len, cipher, secret, why) == -1)
        return -1;
    if (secret->key != NULL)
        return read_base64(aead->key, cipher, secret->key, "", why);
    if (ss_key_from_password(aead->key, cipher, secret->password) == -1)
        return refuse(why, "out of memory");
    return 0;
}

static int aead_open(void *conf)
{
    struct ss_aead_conf *aead = conf;
    aead->replay = ss_replay_new(SS_REPLAY_CAPACITY);
    aead->contexts = ss_contexts_new();
    if (aead->replay == NULL || aead->contexts == NULL)
        return -1;
    return ss_key_rehearse(aead->cipher, aead->contexts);
}

static void aead_close(const void *conf)
{
    const struct ss_aead_conf *aead = conf;
    ss_replay_free(aead->replay);
    ss_contexts_free(aead->contexts);
}

static uint64_t aead_repeats(const void *conf)
{
    return ss_replay_repeats(((const struct ss_aead_conf *)conf)->replay);
}

static struct ss_span aead_main_key(const void *conf)
{
    const struct ss_aead_conf *aead = conf;
    return (struct ss_span){aead->key, aead->cipher->key_len};
}

/* ---- AEAD of 2022: keys alone, those of a client in a chain ---- */

/* Keys joined by colons: the last one is the client's own, the others name it to servers on the
 * way. */
static int read_chain(struct ss_2022_conf *c, char *text, char why[SS_WHY_MAX])
{
    uint8_t key[SS_IDENTITIES_MAX + 1][SS_KEY_MAX];
    char *rest = text, *item;
    unsigned n = 0;
    int rc = 0;
    while (rc == 0 && (item = strsep(&rest, ":")) != NULL) {
        char which[24] = "";
        if (n > 0 || rest != NULL)
            (void)snprintf(which, sizeof which, "key %u of the chain: ", n + 1);
        rc = n <= SS_IDENTITIES_MAX ? read_base64(key[n], c->cipher, item, which, why)
                                    : refuse(why, "more than %d keys", SS_IDENTITIES_MAX + 1);
        n++;
    }
    for (unsigned i = 0; rc == 0 && i + 1 < n; i++) {
        memcpy(c->identity[i].key, key[i], c->cipher->key_len);
        ss_user_hash(key[i + 1], c->cipher->key_len, c->identity[i].next);
    }
    if (rc == 0)
        memcpy(c->key, key[n - 1], c->cipher->key_len);
    c->identities = n - 1;
    sodium_memzero(key, sizeof key);
    return rc;
}

/* A user with the server's own key could not be told from one that names itself not at all. */
static bool server_key_is_a_users(const struct ss_2022_conf *c)
{
    uint8_t hash[SS_USER_HASH_LEN];
    if (c->users == NULL)
        return false;
    ss_user_hash(c->key, c->cipher->key_len, hash);
    struct ss_user *user = ss_users_take(c->users, hash);
    ss_user_release(user);
    return user != NULL;
}

static int check_2022(const struct ss_2022_conf *c, const struct ss_secret *secret,
                      char why[SS_WHY_MAX])
{
    bool aes = ss_2022_has_identities(c->cipher);
    if (c->identities > 0 && secret->role == SSP_SERVER)
        return refuse(why, "several keys (expected the server's alone)");
    if (!aes && (c->identities > 0 || c->users != NULL))
        return refuse(why, "users and chains of keys need a method of AEAD-2022 with AES");
    if (server_key_is_a_users(c))
        return refuse(why, "a user has the same key");
    return 0;
}

static int read_2022_key(void *conf, const struct ss_cipher *cipher, const struct ss_secret *secret,
                         char why[SS_WHY_MAX])
{
    struct ss_2022_conf *c = conf;
    char *text = strdup(secret->key != NULL ? secret->key : secret->password);
    c->cipher = cipher;
    c->users = secret->users;
    c->tell = secret->tell_clock;
    c->keeper = secret->keeper;
    if (text == NULL)
        return refuse(why, "out of memory");
    int rc = read_prefix(c->prefix, &c->prefix_len, cipher, secret, why);
    size_t len = strlen(text);
    if (rc == 0)
        rc = read_chain(c, text, why);
    sodium_memzero(text, len);
    free(text);
    return rc == 0 ? check_2022(c, secret, why) : -1;
}

/* Without a keeper, a message from before this second may have been seen by the process that ran
 * before. */
static struct ss_recent *remember(const struct ss_2022_conf *c)
{
    uint8_t key[SS_BLAKE3_LEN];
    int64_t now = (int64_t)time(NULL);
    struct ss_recent *recent = ss_recent_new(SS_RECENT_CAPACITY, now - 1);
    if (recent == NULL || c->keeper == NULL)
        return recent;
    ss_blake3_derive("shadowplug salts kept over a restart", c->key, c->cipher->key_len, key);
    ss_recent_bind(recent, c->keeper, key, now);
    sodium_memzero(key, sizeof key);
    return recent;
}

static int open_2022(void *conf)
{
    struct ss_2022_conf *c = conf;
    c->recent = remember(c);
    c->contexts = ss_contexts_new();
    c->clock = calloc(1, sizeof *c->clock);
    if (c->clock != NULL)
        c->clock->tell = c->tell;
    if (c->recent == NULL || c->contexts == NULL || c->clock == NULL)
        return -1;
    return ss_key_rehearse(c->cipher, c->contexts);
}

static void close_2022(const void *conf)
{
    const struct ss_2022_conf *c = conf;
    ss_recent_free(c->recent);
    ss_contexts_free(c->contexts);
    free(c->clock);
}

static uint64_t repeats_2022(const void *conf)
{
    return ss_recent_repeats(((const struct ss_2022_conf *)conf)->recent);
}

static struct ss_span main_key_2022(const void *conf)
{
    const struct ss_2022_conf *c = conf;
    return (struct ss_span){c->key, c->cipher->key_len};
}

#define AEAD_2017(id)                                                                              \
    .cipher = &ss_ciphers[id], .codec = &ss_aead_codec, .packets = &ss_aead_packets,               \
    .read_key = aead_read_key, .open = aead_open, .close = aead_close, .main_key = aead_main_key,  \
    .repeats = aead_repeats

#define AEAD_2022(id)                                                                              \
    .cipher = &ss_ciphers[id], .codec = &ss_2022_codec, .packets = &ss_2022_packets,               \
    .read_key = read_2022_key, .open = open_2022, .close = close_2022, .main_key = main_key_2022,  \
    .repeats = repeats_2022, .keys_only = true

/* ---- all of them ---- */

static const struct ss_method methods[] = {
    {"aes-128-gcm", AEAD_2017(SS_AES_128_GCM)},
    {"aes-192-gcm", AEAD_2017(SS_AES_192_GCM)},
    {"aes-256-gcm", AEAD_2017(SS_AES_256_GCM)},
    {"chacha20-ietf-poly1305", AEAD_2017(SS_CHACHA20_POLY1305)},
    {"xchacha20-ietf-poly1305", AEAD_2017(SS_XCHACHA20_POLY1305)},
    {"2022-blake3-aes-128-gcm", AEAD_2022(SS_AES_128_GCM), .has_users = true},
    {"2022-blake3-aes-256-gcm", AEAD_2022(SS_AES_256_GCM), .has_users = true},
    {"2022-blake3-chacha20-poly1305", AEAD_2022(SS_CHACHA20_POLY1305)},
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
           "xchacha20-ietf-poly1305, 2022-blake3-aes-128-gcm, 2022-blake3-aes-256-gcm, "
           "2022-blake3-chacha20-poly1305";
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

/* A configuration that has its key and nothing else, in guarded memory. */
static void *keyed(const struct ss_method *m, const struct ss_secret *secret, char why[SS_WHY_MAX])
{
    void *conf = ss_vault_take(secret->vault, m->codec->conf_size);
    if (conf == NULL) {
        (void)refuse(why, "out of memory");
        return NULL;
    }
    if (m->read_key(conf, m->cipher, secret, why) == 0)
        return conf;
    ss_vault_give(conf);
    return NULL;
}

int ss_method_check(const struct ss_method *m, const struct ss_secret *secret, char why[SS_WHY_MAX])
{
    void *conf = keyed(m, secret, why);
    ss_vault_give(conf);
    return conf != NULL ? 0 : -1;
}

const void *ss_method_conf_new(const struct ss_method *m, const struct ss_secret *secret,
                               char why[SS_WHY_MAX])
{
    void *conf = keyed(m, secret, why);
    if (conf == NULL)
        return NULL;
    if (m->open(conf) == 0) {
        ss_vault_seal(conf);
        return conf;
    }
    (void)refuse(why, "out of memory");
    m->close(conf);
    ss_vault_give(conf);
    return NULL;
}

void ss_method_conf_free(const struct ss_method *m, const void *conf)
{
    if (conf == NULL)
        return;
    m->close(conf);
    ss_vault_give((void *)(uintptr_t)conf);
}
