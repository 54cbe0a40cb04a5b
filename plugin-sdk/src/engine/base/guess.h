/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guess.h - "did you mean": of several known words the one that a mistyped word resembles most.
 */
#ifndef SSP_BASE_GUESS_H
#define SSP_BASE_GUESS_H

#include <stdbool.h>

struct ssp__guess {
    const char *text;  /* what was typed; borrowed */
    const char *best;  /* the closest word so far; NULL: none is close enough */
    unsigned distance; /* of best, or from which on a word is none */
};

void ssp__guess_begin(struct ssp__guess *g, const char *text);

/* Considers a known word (borrowed).  Returns true when it is the closest so far. */
bool ssp__guess_offer(struct ssp__guess *g, const char *word);

/* How many bytes to change, add, drop or exchange with their neighbour to make b of a; '-' and '_'
 * are the same. */
unsigned ssp__distance(const char *a, const char *b);

#endif
