/* SPDX-License-Identifier: Apache-2.0 */
/*
 * recent.h - the salts and the sessions of the last minute, so that a replay is recognised.
 *
 * Exact: no entry is taken for another one.  A message of AEAD-2022 has a timestamp, which makes it
 * worthless 30 seconds later, so that entries are forgotten after a minute.  The timestamp of what
 * was forgotten stays as a floor: a message at or below it is refused.  Therefore neither a clock
 * that steps back nor a flood, which makes entries go early, opens a window.  A restart does for
 * messages of clients whose clocks are ahead: until their time, and 30 seconds.
 *
 * Thread-safe: all workers of a program share one.
 */
#ifndef SS_CRYPTO_RECENT_H
#define SS_CRYPTO_RECENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SS_RECENT_ID_MAX = 32 };

struct ss_recent;

/* Entries at once: 32 MiB of memory, touched as it fills. */
#define SS_RECENT_CAPACITY ((size_t)1 << 19)

/* A salt, or a session, of n bytes; times are seconds since 1970. */
struct ss_recent_id {
    const uint8_t *bytes;
    size_t n; /* at most SS_RECENT_ID_MAX */
};

/* capacity is a power of two; messages up to the time floor are refused.  NULL when memory is out.
 */
struct ss_recent *ss_recent_new(size_t capacity, int64_t floor);
void ss_recent_free(struct ss_recent *r); /* accepts NULL */

/* Remembers a new id, of a message with that timestamp.  Returns true, or false when it is known or
 * too old to tell. */
bool ss_recent_add(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now);

/* Remembers the id with a number, in place of what was known of it. */
void ss_recent_put(struct ss_recent *r, struct ss_recent_id id, int64_t stamp, int64_t now,
                   uint64_t number);

/* True, with the number, for an id that is known. */
bool ss_recent_find(struct ss_recent *r, struct ss_recent_id id, int64_t now, uint64_t *number);

/* True for a timestamp of which entries may have been forgotten. */
bool ss_recent_too_old(struct ss_recent *r, int64_t stamp);

#endif
