/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/seats.h"

#include <stddef.h>

enum {
    SHARE = 4,      /* a source has a quarter of the associations when there is no room */
    QUIET_MS = 5000 /* an answered client counts as active that long */
};

void ssp__seats_join(struct ssp__seats *seats, struct ssp__seat *seat, enum ssp__seat_kind kind,
                     uint64_t now_ms)
{
    seat->kind = (unsigned)kind & 1U;
    seat->active_ms = (uint32_t)now_ms;
    seat->prev = seats->queue[kind].last;
    seat->next = NULL;
    *(seat->prev != NULL ? &seat->prev->next : &seats->queue[kind].first) = seat;
    seats->queue[kind].last = seat;
}

void ssp__seats_leave(struct ssp__seats *seats, const struct ssp__seat *seat)
{
    *(seat->prev != NULL ? &seat->prev->next : &seats->queue[seat->kind].first) = seat->next;
    *(seat->next != NULL ? &seat->next->prev : &seats->queue[seat->kind].last) = seat->prev;
}

void ssp__seats_note(struct ssp__seats *seats, struct ssp__seat *seat, enum ssp__seat_kind kind,
                     uint64_t now_ms)
{
    ssp__seats_leave(seats, seat);
    ssp__seats_join(seats, seat, kind, now_ms);
}

uint32_t ssp__seat_idle_ms(const struct ssp__seat *seat, uint64_t now_ms)
{
    return (uint32_t)now_ms - seat->active_ms;
}

bool ssp__seat_quiet(const struct ssp__seat *seat, uint64_t now_ms)
{
    return ssp__seat_idle_ms(seat, now_ms) >= QUIET_MS;
}

static bool idle_for_longer(const struct ssp__seat *a, const struct ssp__seat *b, uint64_t now_ms)
{
    return ssp__seat_idle_ms(a, now_ms) > ssp__seat_idle_ms(b, now_ms);
}

struct ssp__seat *ssp__seats_first(const struct ssp__seats *seats)
{
    struct ssp__seat *unanswered = seats->queue[SSP_UNANSWERED].first;
    return unanswered != NULL ? unanswered : seats->queue[SSP_ANSWERED].first;
}

struct ssp__seat *ssp__seats_longest_idle(const struct ssp__seats *seats, uint64_t now_ms)
{
    struct ssp__seat *a = seats->queue[SSP_UNANSWERED].first;
    struct ssp__seat *b = seats->queue[SSP_ANSWERED].first;
    if (a == NULL || b == NULL)
        return a != NULL ? a : b;
    return idle_for_longer(b, a, now_ms) ? b : a;
}

static struct ssp__seat *less_needed(struct ssp__seat *const first[SSP_SEAT_KINDS], uint64_t now_ms)
{
    struct ssp__seat *unanswered = first[SSP_UNANSWERED], *answered = first[SSP_ANSWERED];
    if (unanswered == NULL || answered == NULL)
        return unanswered != NULL ? unanswered : answered;
    return ssp__seat_quiet(answered, now_ms) && idle_for_longer(answered, unanswered, now_ms)
               ? answered
               : unanswered;
}

/* The least needed one of a source that has a share, or NULL. */
static struct ssp__seat *surplus_of(const struct ssp__seats *seats, uint32_t source, unsigned max,
                                    uint64_t now_ms)
{
    struct ssp__seat *first[SSP_SEAT_KINDS] = {NULL};
    unsigned n = 0;
    for (unsigned kind = 0; kind < SSP_SEAT_KINDS; kind++) {
        for (struct ssp__seat *s = seats->queue[kind].first; s != NULL; s = s->next) {
            if (s->source != source)
                continue;
            first[kind] = first[kind] != NULL ? first[kind] : s;
            n++;
        }
    }
    return n > 0 && n >= max / SHARE ? less_needed(first, now_ms) : NULL;
}

/* The source of more than half of all, where there is one (the vote of Boyer and Moore). */
static uint32_t most_frequent(const struct ssp__seats *seats)
{
    uint32_t candidate = 0;
    unsigned votes = 0;
    for (unsigned kind = 0; kind < SSP_SEAT_KINDS; kind++) {
        for (const struct ssp__seat *s = seats->queue[kind].first; s != NULL; s = s->next) {
            candidate = votes > 0 ? candidate : s->source;
            if (s->source == candidate)
                votes++;
            else
                votes--;
        }
    }
    return candidate;
}

struct ssp__seat *ssp__seats_least_needed(const struct ssp__seats *seats, uint32_t source,
                                          unsigned max, uint64_t now_ms)
{
    struct ssp__seat *const first[] = {seats->queue[SSP_UNANSWERED].first,
                                       seats->queue[SSP_ANSWERED].first};
    struct ssp__seat *seat = surplus_of(seats, source, max, now_ms);
    if (seat == NULL)
        seat = surplus_of(seats, most_frequent(seats), max, now_ms);
    return seat != NULL ? seat : less_needed(first, now_ms);
}
