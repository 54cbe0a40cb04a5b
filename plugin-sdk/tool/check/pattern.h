/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pattern.h - endless pseudo-random bytes, known by a seed, that can be looked at anywhere.
 *
 * Compared byte for byte they are better evidence than a hash: they show the first wrong offset.
 */
#ifndef SSP_CHECK_PATTERN_H
#define SSP_CHECK_PATTERN_H

#include <stddef.h>
#include <stdint.h>

/* A number that looks random and depends on seed and n only. */
uint64_t pattern_number(uint64_t seed, uint64_t n);

/* The n bytes of seed at offset. */
void pattern_fill(uint64_t seed, uint64_t offset, uint8_t *bytes, size_t n);

/* How many of the n bytes are those of seed at offset, up to the first that is not. */
size_t pattern_match(uint64_t seed, uint64_t offset, const uint8_t *bytes, size_t n);

#endif
