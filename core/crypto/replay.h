/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.h - the salts that were used recently, so that a replayed stream is recognised.
 *
 * Exact, not a Bloom filter: a ring of keyed 64-bit marks, the oldest forgotten first, with a hash
 * table over it.  An unknown salt is taken for a known one with probability capacity / 2^64.  Only
 * salts of authenticated streams belong here, or anyone could make it forget.
 *
 * A service has one for its streams and one for its packets, so that a flood of packets does not
 * make it forget streams.  Thread-safe: all workers of a program share them.  The two ends of one
 * connection must not, since a program's own salts are in it too.
 */
#ifndef SS_CRYPTO_REPLAY_H
#define SS_CRYPTO_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ss_replay;

/* Salts remembered by default: 16 MiB of memory, taken with the first one and touched as it fills.
 */
#define SS_REPLAY_CAPACITY ((size_t)1 << 20)

/* Remembers capacity salts, a power of two of at most 2^21 (32 MiB).  NULL when memory is out. */
struct ss_replay *ss_replay_new(size_t capacity);
void ss_replay_free(struct ss_replay *r);

/* A salt as the filter stores it: its hash under a key that only this filter has. */
uint64_t ss_replay_mark(const struct ss_replay *r, const uint8_t *salt, size_t n);

/* Remembers mark.  Returns true, or false when it is known already, or when the first one finds no
 * memory. */
bool ss_replay_add(struct ss_replay *r, uint64_t mark);

/* Marks that were known already, since its creation. */
uint64_t ss_replay_repeats(struct ss_replay *r);

#endif
