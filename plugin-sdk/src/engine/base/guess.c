/* SPDX-License-Identifier: Apache-2.0 */
#include "base/guess.h"

#include <stddef.h>
#include <string.h>

/* Longer words resemble nothing.  At most half of a word is mistyped, and no more than TYPOS_MAX
 * letters. */
enum { WORD_MAX = 64, TYPOS_MAX = 2 };

static bool same(char a, char b)
{
    return a == b || (a == '-' && b == '_') || (a == '_' && b == '-');
}

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Levenshtein, one row at a time. */
unsigned ssp__distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    unsigned row[WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= columns; j++)
        row[j] = j;
    for (unsigned i = 1; i <= rows; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = diagonal + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            diagonal = row[j];
            row[j] = least(replaced, least(row[j], row[j - 1]) + 1);
        }
    }
    return row[columns];
}

void ssp__guess_begin(struct ssp__guess *g, const char *text)
{
    size_t half = (strlen(text) + 1) / 2;
    *g = (struct ssp__guess){.text = text,
                             .distance = half > TYPOS_MAX ? TYPOS_MAX + 1 : (unsigned)half};
}

bool ssp__guess_offer(struct ssp__guess *g, const char *word)
{
    unsigned distance = ssp__distance(g->text, word);
    if (distance >= g->distance)
        return false;
    g->best = word;
    g->distance = distance;
    return true;
}
