/* SPDX-License-Identifier: Apache-2.0 */
/*
 * choice.h - which of several servers a connection goes to: a pure function of how they stood the
 * connections before, and of chance.
 *
 * A server that has not failed is taken into account always; one that failed n times in a row, n
 * counted up to 30, with a probability of 1 / (n + 20).  The quickest of them is chosen, where
 * times that are about the same count as one; a server without a known time goes first.  When there
 * is none, the servers that were passed over are the last resort, those that failed least first.
 */
#ifndef SS_APP_CHOICE_H
#define SS_APP_CHOICE_H

#include <stdbool.h>
#include <stdint.h>

enum { SS_FAILURES_MAX = 30, SS_FAILURES_BASE = 20 };

/* Zero is that of a server that is new. */
struct ss_standing {
    unsigned failures;   /* since it answered last */
    unsigned latency_ms; /* until it answers; 0: not known */
};

void ss_standing_fail(struct ss_standing *standing);
void ss_standing_answer(struct ss_standing *standing, unsigned ms); /* 0: the time tells nothing */

/* Zero is a choice among none. */
struct ss_choice {
    bool made, passed;
    struct ss_standing best;
    uint32_t rank;
};

/*
 * Offers one more server.  draw is a random number; rank decides among equals, the lowest first: a
 * place in a list, or another random number.  Returns true when it is chosen so far: the last one
 * of which that was said is the choice.
 */
bool ss_choice_offer(struct ss_choice *choice, const struct ss_standing *standing, uint32_t draw,
                     uint32_t rank);

#endif
