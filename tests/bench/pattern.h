/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - the bytes that every transfer carries, and a cheap proof that they arrived.
 *
 * The stream is pseudo-random with a period of one MiB.  Looking at both edges of
 * each piece that was read finds lost, doubled and moved bytes without costing the
 * receiver a pass over all of them.
 */
#ifndef LOADGEN_PATTERN_H
#define LOADGEN_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PATTERN_PERIOD = 1 << 20,
    SLICE = 256 << 10, /* bytes per read and write */
};

struct pattern {
    uint8_t bytes[PATTERN_PERIOD + SLICE]; /* any slice of the stream is contiguous */
};

/* Returns NULL without memory; the caller frees it with free(). */
struct pattern *pattern_new(void);

/* SLICE bytes of the stream, from offset on. */
const uint8_t *pattern_at(const struct pattern *p, uint64_t offset);

/* Whether both edges of the n bytes read at offset are the stream's. */
bool pattern_matches(const struct pattern *p, uint64_t offset, const uint8_t *data, size_t n);

#endif
