/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seats.h - which association makes room for a new one, and which has been idle for longest.
 *
 * First those go whose client never got an answer, unless another one has been quiet for longer.
 * A source that has a quarter of all makes room for itself, and one that has most of them for
 * everybody: others, which are quiet for a while, keep theirs.
 */
#ifndef SSP_UDP_SEATS_H
#define SSP_UDP_SEATS_H

#include <stdbool.h>
#include <stdint.h>

enum ssp__seat_kind { SSP_UNANSWERED, SSP_ANSWERED, SSP_SEAT_KINDS };

#define SSP_SEAT_SOURCE_MAX UINT32_C(0x7fffffff)

/* The place of an association, which owns it. */
struct ssp__seat {
    struct ssp__seat *prev, *next;  /* in the queue of its kind */
    uint32_t active_ms;             /* the clock's lower half */
    uint32_t source : 31, kind : 1; /* a hash of ssp__address_source(); enum ssp__seat_kind */
};

/* The least recently active one first.  Zeroed: none. */
struct ssp__seats {
    struct {
        struct ssp__seat *first, *last;
    } queue[SSP_SEAT_KINDS];
};

void ssp__seats_join(struct ssp__seats *seats, struct ssp__seat *seat, enum ssp__seat_kind kind,
                     uint64_t now_ms);
void ssp__seats_leave(struct ssp__seats *seats, const struct ssp__seat *seat);

/* It is active now, as one of that kind. */
void ssp__seats_note(struct ssp__seats *seats, struct ssp__seat *seat, enum ssp__seat_kind kind,
                     uint64_t now_ms);

uint32_t ssp__seat_idle_ms(const struct ssp__seat *seat, uint64_t now_ms);
bool ssp__seat_quiet(const struct ssp__seat *seat, uint64_t now_ms);

/* NULL when there is none. */
struct ssp__seat *ssp__seats_first(const struct ssp__seats *seats);
struct ssp__seat *ssp__seats_longest_idle(const struct ssp__seats *seats, uint64_t now_ms);

/* The one that makes room for a new one of that source, where there are max of them. */
struct ssp__seat *ssp__seats_least_needed(const struct ssp__seats *seats, uint32_t source,
                                          unsigned max, uint64_t now_ms);

#endif
