/* SPDX-License-Identifier: Apache-2.0 */
/*
 * aead2022.h - the Shadowsocks stream of 2022 (SIP022), as a codec, and the configuration that it
 * shares with the packets.
 *
 * A client's stream: a random salt; one identity header for each key in front of its own (SIP023);
 * a fixed header, sealed: type, time, length; a variable header, sealed: target, padding, the first
 * payload; then chunks as in 2017, of up to 0xFFFF bytes.  A server's: a salt; a fixed header that
 * repeats the salt of the request, and has the length of the first payload; that payload; chunks.
 *
 * On the plain side a client's stream begins with the target header, as in 2017.
 *
 * SIP022 asks for the salt and the fixed header in one read, so that a probe learns nothing of what
 * was consumed.  Here they may come in any pieces, since plugins cut streams, and a probe learns
 * nothing either: what fails is drained until a time that does not depend on it.
 */
#ifndef SS_PROTO_AEAD2022_H
#define SS_PROTO_AEAD2022_H

#include "crypto/recent.h"
#include "proto/users.h"

#include <ssplugin/codec.h>

enum {
    SS_2022_CHUNK_MAX = 0xFFFF, /* payload bytes of a chunk */
    SS_2022_CLOCK_S = 30,       /* clocks may differ by so much */
    SS_2022_PADDING_MAX = 900,
    SS_IDENTITIES_MAX = 8 /* keys in front of a client's own */
};

enum { SS_2022_FROM_CLIENT = 0, SS_2022_FROM_SERVER = 1 };

/* Tells the operator of a client, once, by how many seconds the server's clock is ahead. */
struct ss_2022_clock {
    void (*tell)(int64_t seconds); /* NULL: it is not told */
    _Atomic bool told;
};

/* A key, and the name of the key behind it. */
struct ss_identity {
    uint8_t key[SS_KEY_MAX];
    uint8_t next[SS_USER_HASH_LEN];
};

/* The owner wipes the keys. */
struct ss_2022_conf {
    const struct ss_cipher *cipher;
    uint8_t key[SS_KEY_MAX];                        /* a client's own, or the server's */
    struct ss_identity identity[SS_IDENTITIES_MAX]; /* of a client, in the order of the wire */
    unsigned identities;
    uint8_t prefix[SS_SALT_PREFIX_MAX]; /* of a client's salt */
    size_t prefix_len;
    struct ss_users *users;                /* of a server, borrowed; NULL: it has none */
    struct ss_contexts *contexts;          /* borrowed */
    struct ss_recent *recent;              /* borrowed; NULL: replays are not noticed */
    const struct ss_recent_keeper *keeper; /* borrowed, for recent; NULL: none */
    struct ss_2022_clock *clock;           /* borrowed; NULL: differences are not told */
    void (*tell)(int64_t seconds);         /* for clock */
};

/* True for the ciphers whose streams and packets may name a user. */
bool ss_2022_has_identities(const struct ss_cipher *cipher);

/* conf is a struct ss_2022_conf. */
extern const ssp_codec ss_2022_codec;

/* The key of the stream, or the packets, of that salt. */
void ss_2022_session_key(const struct ss_2022_conf *conf, const uint8_t *key, const uint8_t *salt,
                         size_t salt_len, uint8_t out[SS_KEY_MAX]);

/* The reason to refuse what is older than a server remembers. */
extern const char ss_2022_too_old[];

/* True for a time that a message may have now; else a client's clock is told of. */
bool ss_2022_in_time(const struct ss_2022_conf *conf, ssp_role role, uint64_t stamp, int64_t now);

uint64_t ss_2022_load64(const uint8_t *p); /* big endian, as all numbers here */
void ss_2022_store64(uint8_t *p, uint64_t number);

#endif
