/* SPDX-License-Identifier: Apache-2.0 */
#include "app/choice.h"

enum { SLOWING = 16, SAME_MS = 16 };

void ss_standing_fail(struct ss_standing *s)
{
    if (s->failures < SS_FAILURES_MAX)
        s->failures++;
    s->latency_ms = 0;
}

/* A target that is slow is no sign of a slow server, and a quick one is one of a quick server. */
void ss_standing_answer(struct ss_standing *s, unsigned ms)
{
    s->failures = 0;
    if (ms == 0)
        return;
    if (s->latency_ms == 0)
        s->latency_ms = ms;
    else if (ms < s->latency_ms)
        s->latency_ms = (s->latency_ms + ms) / 2;
    else
        s->latency_ms += (ms - s->latency_ms) / SLOWING;
}

static bool passes(const struct ss_standing *s, uint32_t draw)
{
    return s->failures == 0 || (uint64_t)draw * (s->failures + SS_FAILURES_BASE) >> 32 == 0;
}

/* Times of one class are about the same: two classes to each power of two. */
static unsigned latency_class(unsigned ms)
{
    unsigned power = 0;
    if (ms < SAME_MS)
        return ms > 0 ? 1 : 0;
    while (ms >> power > 1)
        power++;
    return 2 * power + (ms >> (power - 1) & 1U);
}

/* Less than 0: a comes first. */
static int compare(unsigned a, unsigned b)
{
    return a < b ? -1 : a > b ? 1 : 0;
}

bool ss_choice_offer(struct ss_choice *c, const struct ss_standing *s, uint32_t draw, uint32_t rank)
{
    bool passed = passes(s, draw);
    int order = compare(passed ? 0 : 1, c->passed ? 0 : 1);
    if (order == 0 && !passed)
        order = compare(s->failures, c->best.failures);
    if (order == 0)
        order = compare(latency_class(s->latency_ms), latency_class(c->best.latency_ms));
    if (order == 0)
        order = compare(rank, c->rank);
    if (c->made && order >= 0)
        return false;
    *c = (struct ss_choice){.made = true, .passed = passed, .best = *s, .rank = rank};
    return true;
}
