/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent.h - the salts and the sessions of the last minute, so that a replay is recognised.
 *
 * Exact: of an id its keyed hash of 128 bits is remembered, so that no entry is taken for another
 * one.  A message of AEAD-2022 has a timestamp, which makes it worthless 30 seconds later, so that
 * entries are forgotten after a minute.  The timestamp of what was forgotten stays as a floor: a
 * message at or below it is refused.  Therefore neither a clock that steps back nor a flood, which
 * makes entries go early, opens a window.  A keeper remembers over a restart; without one, messages
 * of clients whose clocks are ahead are taken a second time then: until their time, and 30 seconds.
 *
 * Thread-safe: all workers of a program share one.
 */
#ifndef SS_CRYPTO_RECENT_H
#define SS_CRYPTO_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SS_RECENT_ID_MAX = 32, SS_RECENT_HASH = 16, SS_RECENT_KEY = 32 };

struct ss_recent;

/* Entries at once: 26 MiB of memory, touched as it fills. */
#define SS_RECENT_CAPACITY ((size_t)1 << 19)

/* A salt, or a session, of n bytes; times are seconds since 1970. */
struct ss_recent_id {
    const uint8_t *bytes;
    size_t n; /* at most SS_RECENT_ID_MAX */
};

/* An entry, as it outlives the process. */
struct ss_recent_kept {
    uint8_t hash[SS_RECENT_HASH];
    uint64_t ring; /* the one that it belongs to */
    int64_t stamp, seen;
};

/* Keeps entries beyond the process, for many rings.  Thread-safe. */
struct ss_recent_keeper {
    /* Another number than before: other processes may have kept something. */
    uint64_t (*era)(void *arg, int64_t now);
    /* Returns false when this process keeps nothing. */
    bool (*keep)(void *arg, const struct ss_recent_kept *kept);
    /* Restores what was kept of a ring since that era, the oldest first; 0: from the beginning.
     * Returns the time of the latest message of which nothing may have been kept. */
    int64_t (*load)(void *arg, uint64_t ring, uint64_t since, struct ss_recent *r, int64_t now);
    /* The ring, which was loaded, is about to be freed; may be NULL. */
    void (*leave)(void *arg, struct ss_recent *r);
    void *arg;
};

/* capacity is a power of two; messages up to the time floor are refused.  NULL when memory is out.
 */
struct ss_recent *ss_recent_new(size_t capacity, int64_t floor);
void ss_recent_free(struct ss_recent *r); /* accepts NULL */

/* Goes on from what the keeper, borrowed, has of the ring with that secret key, in place of the
 * floor.  It comes before the first use. */
void ss_recent_bind(struct ss_recent *r, const struct ss_recent_keeper *keeper,
                    const uint8_t key[SS_RECENT_KEY], int64_t now);

/* Takes what was kept, for a keeper that loads. */
void ss_recent_restore(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now);

/* Takes what another process has seen, at any time. */
void ss_recent_learn(struct ss_recent *r, const struct ss_recent_kept *kept, int64_t now);

/* Remembers a new id, of a message with that timestamp.  Returns true, or false when it is known or
 * too old to tell. */
bool ss_recent_add(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now);

/* A window over the numbers of a session has found a message that has come before. */
void ss_recent_repeated(struct ss_recent *r);

/* Ids that ss_recent_add() knew already, and messages that windows did, since its creation. */
uint64_t ss_recent_repeats(struct ss_recent *r);

/* Remembers the id with a number, in place of what was known of it. */
void ss_recent_put(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now,
                   uint64_t number);

/* A session has had a message of a later time, which the keeper is told. */
void ss_recent_note(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now);

struct ss_recent_session {
    uint64_t number; /* as it was put */
    int64_t after;   /* messages up to this time may have come already */
};

/* True for an id that is known.  after is told of any. */
bool ss_recent_find(struct ss_recent *r, struct ss_recent_id id, int64_t now,
                    struct ss_recent_session *session);

/* True for a timestamp of which entries may have been forgotten. */
bool ss_recent_too_old(struct ss_recent *r, int64_t stamp);

#endif
