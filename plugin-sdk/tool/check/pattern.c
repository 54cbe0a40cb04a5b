/* SPDX-License-Identifier: Apache-2.0 */
#include "check/pattern.h"

#include <string.h>

enum { WORD = 8 };

uint64_t pattern_number(uint64_t seed, uint64_t n)
{
    uint64_t x = seed + (n + 1) * 0x9e3779b97f4a7c15U;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9U;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebU;
    return x ^ (x >> 31);
}

/* Bytes from offset to the end of its word, at most n. */
static size_t piece(uint64_t seed, uint64_t offset, size_t n, uint8_t bytes[WORD])
{
    uint64_t word = pattern_number(seed, offset / WORD);
    size_t skip = (size_t)(offset % WORD), len = WORD - skip;
    uint8_t whole[WORD];
    memcpy(whole, &word, WORD);
    memcpy(bytes, whole + skip, len);
    return len < n ? len : n;
}

void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t n)
{
    uint8_t part[WORD];
    for (size_t done = 0; done < n;) {
        size_t len = piece(seed, offset + done, n - done, part);
        memcpy(bytes + done, part, len);
        done += len;
    }
}

size_t pattern_match(uint64_t seed, uint64_t offset, const uint8_t *bytes, size_t n)
{
    uint8_t part[WORD];
    for (size_t done = 0; done < n;) {
        size_t len = piece(seed, offset + done, n - done, part), same = 0;
        while (same < len && bytes[done + same] == part[same])
            same++;
        done += same;
        if (same < len)
            return done;
    }
    return n;
}
