/* SPDX-License-Identifier: Apache-2.0 */
/*
 * inputs.h - hostile inputs, numbered: the same number and flight make the same bytes.
 */
#ifndef SSP_CHECK_INPUTS_H
#define SSP_CHECK_INPUTS_H

#include <stddef.h>
#include <stdint.h>

enum { INPUT_MAX = 20480, INPUT_ABOUT_MAX = 96 };

/* Recorded bytes of a genuine client. */
struct flights {
    const uint8_t *bytes;
    size_t len;
    size_t first; /* bytes of the first flight; what follows it is behind an answer */
};

/* Fills bytes with input number n and about with one line about it.  Returns its length. */
size_t input_make(const struct flights *good, unsigned n, uint8_t bytes[INPUT_MAX],
                  char about[INPUT_ABOUT_MAX]);

/* How many of its bytes are to be sent and read before the others; 0: all at once. */
size_t input_pause(const struct flights *good, unsigned n);

/* Greetings of other protocols, and noise.  n counts from 0; returns 0 when there are no more. */
size_t input_foreign(unsigned n, uint8_t bytes[INPUT_MAX], const char **about);

#endif
