/* SPDX-License-Identifier: Apache-2.0 */
#include "crypto/window.h"

#include <string.h>

enum { BITS = 64 };

static uint64_t *word_of(const struct ss_window *w, uint64_t number)
{
    return (uint64_t *)(uintptr_t)&w->came[number / BITS % SS_WINDOW_WORDS];
}

static uint64_t bit_of(uint64_t number)
{
    return UINT64_C(1) << number % BITS;
}

bool ss_window_admits(const struct ss_window *w, uint64_t number)
{
    if (number >= w->next)
        return number != UINT64_MAX; /* next would wrap */
    return w->next - 1 - number < SS_WINDOW_SPAN && (*word_of(w, number) & bit_of(number)) == 0;
}

/* Words between the highest number and the new one hold numbers of long ago. */
void ss_window_note(struct ss_window *w, uint64_t number)
{
    if (number >= w->next) {
        uint64_t from = w->next == 0 ? 0 : (w->next - 1) / BITS + 1, to = number / BITS;
        if (to >= from && to - from >= SS_WINDOW_WORDS)
            from = to - SS_WINDOW_WORDS + 1;
        for (uint64_t i = from; i <= to; i++)
            w->came[i % SS_WINDOW_WORDS] = 0;
        w->next = number + 1;
    }
    *word_of(w, number) |= bit_of(number);
}

void ss_window_resume(struct ss_window *w, uint64_t next)
{
    w->next = next;
    memset(w->came, 0xff, sizeof w->came);
    /* Numbers from next on have not come, though they share the word of the last one. */
    if (next % BITS != 0)
        *word_of(w, next) = bit_of(next) - 1;
}
