/* SPDX-License-Identifier: Apache-2.0 */
/*
 * method.h - the methods that a configuration may name: a row holds everything that the programs
 * need of one.
 *
 * Stream ciphers are not offered: see ss_method_legacy().
 */
#ifndef SS_PROTO_METHOD_H
#define SS_PROTO_METHOD_H

#include "base/packets.h"
#include "crypto/key.h"

#include <ssplugin/codec.h>

enum { SS_WHY_MAX = 160 };

struct ss_recent_keeper;
struct ss_users;

/* The secret as the operator wrote it: a password, or a key as text, which has precedence.  The
 * other may be NULL.  All is borrowed while it is read, but users for the life of what is made. */
struct ss_vault;

struct ss_secret {
    const char *password, *key;
    struct ss_vault *vault;                /* where it is kept; NULL: by itself */
    ssp_role role;                         /* of the program */
    struct ss_users *users;                /* of a server; NULL: it has none */
    struct ss_span prefix;                 /* bytes that the salts of a client begin with */
    void (*tell_clock)(int64_t seconds);   /* once, when the server's clock is that far ahead */
    const struct ss_recent_keeper *keeper; /* of a server's salts over a restart; NULL: none */
};

struct ss_method {
    const char *name; /* lower case, as configurations write it */
    const struct ss_cipher *cipher;
    const ssp_codec *codec;             /* of TCP */
    const struct ssp__packets *packets; /* of UDP; its configuration is of the same form */

    /* Parses the secret into a configuration of zeros.  Returns 0, or -1 with the reason to refuse
     * it. */
    int (*read_key)(void *conf, const struct ss_cipher *cipher, const struct ss_secret *secret,
                    char why[SS_WHY_MAX]);
    /* Adds what else it needs.  Returns 0, or -1 when memory is out.  All may be closed. */
    int (*open)(void *conf);
    void (*close)(const void *conf);
    struct ss_span (*main_key)(const void *conf); /* borrows from conf */
    uint64_t (*repeats)(const void *conf);        /* messages whose salts had come before */
    bool keys_only; /* the password is a key, too: base64 of its exact length */
    bool has_users; /* a server may tell users apart, and a client name itself */
};

/* The method of that name in any case, or NULL.  Prepares the libraries on the way. */
const struct ss_method *ss_method_find(const char *name);

/* Row i, or NULL past the last. */
const struct ss_method *ss_method_at(size_t i);

/* All names, joined by ", ". */
const char *ss_method_list(void);

/* True for a stream cipher that Shadowsocks once had: broken, and not offered here. */
bool ss_method_legacy(const char *name);

/* Returns 0, or -1 with what is wrong with the secret. */
int ss_method_check(const struct ss_method *method, const struct ss_secret *secret,
                    char why[SS_WHY_MAX]);

/* A configuration in guarded memory, read-only.  NULL with the reason. */
const void *ss_method_conf_new(const struct ss_method *method, const struct ss_secret *secret,
                               char why[SS_WHY_MAX]);
void ss_method_conf_free(const struct ss_method *method, const void *conf); /* accepts NULL */

#endif
