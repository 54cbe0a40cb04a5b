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

/* Optimal string alignment: Levenshtein's distance, where two letters that changed places count
 * once.  Three rows of the table are enough. */
unsigned ssp__distance(const char *a, const char *b)
{
    size_t rows = strlen(a), columns = strlen(b);
    unsigned table[3][WORD_MAX + 1];
    if (rows > WORD_MAX || columns > WORD_MAX)
        return WORD_MAX;
    for (unsigned j = 0; j <= columns; j++)
        table[0][j] = j;
    for (size_t i = 1; i <= rows; i++) {
        unsigned *row = table[i % 3], *above = table[(i + 2) % 3], *second = table[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= columns; j++) {
            unsigned replaced = above[j - 1] + (same(a[i - 1], b[j - 1]) ? 0 : 1);
            row[j] = least(replaced, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) && same(a[i - 2], b[j - 1]))
                row[j] = least(row[j], second[j - 2] + 1);
        }
    }
    return table[rows % 3][columns];
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
