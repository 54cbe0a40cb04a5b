/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keys.h - a method with its key: the configurations of its codecs, for streams and for packets.
 */
#ifndef SS_APP_KEYS_H
#define SS_APP_KEYS_H

#include "conf/compare.h"
#include "proto/method.h"

/* Zero is a closed one. */
struct ss_keys {
    const struct ss_method *method;
    const void *codec_conf, *packets_conf; /* owned */
    struct ss_users *users;                /* held; NULL: none are told apart */
};

/* Keys that servers have together, and one server with the one that follows it: salts that were
 * used stay known. */
struct ss_shared_keys {
    struct ss_keys keys;
    unsigned holders;
    uint8_t print[SS_KEY_PRINT];
};

/* The program that uses them, and what for. */
struct ss_keys_purpose {
    enum ss_program program;
    bool packets;                          /* too */
    struct ss_vault *vault;                /* where they lie; NULL: by themselves */
    const struct ss_recent_keeper *keeper; /* of salts over a restart; NULL: none */
};

/* Makes them from conf, which forgets the key.  Returns 0, or -1 with a sentence in why; to close
 * them is due either way. */
int ss_keys_read(struct ss_keys *keys, struct ss_conf *conf, const struct ss_keys_purpose *purpose,
                 char why[SS_WHY_MAX]);

/* The same as the start of a program: a weak password is told, and why the key cannot be read. */
int ss_keys_open(struct ss_keys *keys, struct ss_conf *conf, const struct ss_keys_purpose *purpose);

/* How long a client of a server may take to authenticate, in milliseconds. */
unsigned ss_keys_handshake_ms(const struct ss_keys *keys, const struct ss_conf *conf);

/* Messages whose salts had come before, of streams and packets. */
uint64_t ss_keys_repeats(const struct ss_keys *keys);

void ss_keys_close(struct ss_keys *keys);

/* Returns the keys of conf, whose print is given: those that are offered, if they are the same, or
 * new ones.  NULL after a log line. */
struct ss_shared_keys *ss_shared_keys_take(struct ss_shared_keys *offered, struct ss_conf *conf,
                                           const struct ss_keys_purpose *purpose,
                                           const uint8_t print[SS_KEY_PRINT]);
bool ss_shared_keys_fit(const struct ss_shared_keys *shared, bool packets,
                        const uint8_t print[SS_KEY_PRINT]);
void ss_shared_keys_leave(struct ss_shared_keys *shared); /* accepts NULL */

#endif
