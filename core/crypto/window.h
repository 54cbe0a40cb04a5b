/* SPDX-License-Identifier: Apache-2.0 */
/*
 * window.h - the numbers of the packets that came lately, so that none is taken twice (RFC 6479).
 */
#ifndef SS_CRYPTO_WINDOW_H
#define SS_CRYPTO_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

/* A packet may come after one that was sent SS_WINDOW_SPAN packets later, and no more. */
enum { SS_WINDOW_WORDS = 16, SS_WINDOW_SPAN = (SS_WINDOW_WORDS - 1) * 64 };

/* Zero is valid: nothing came. */
struct ss_window {
    uint64_t next; /* the highest number that came, plus 1 */
    uint64_t came[SS_WINDOW_WORDS];
};

/* True for a number that may come. */
bool ss_window_admits(const struct ss_window *w, uint64_t number);

/* Notes a number that is admitted. */
void ss_window_note(struct ss_window *w, uint64_t number);

/* Begins a window at next: no number below it is admitted. */
void ss_window_resume(struct ss_window *w, uint64_t next);

#endif
