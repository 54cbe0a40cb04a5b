/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/strength.h"

#include <stdbool.h>
#include <stddef.h>

static const struct kind {
    unsigned char first, last;
    unsigned kind; /* a bit */
} ranges[] = {{'a', 'z', 1}, {'A', 'Z', 2}, {'0', '9', 4}, {0x80, 0xff, 8}, {0x01, 0x7f, 16}};

static const unsigned sizes[] = {26, 26, 10, 128, 33};

enum { KINDS = sizeof sizes / sizeof *sizes };

static unsigned kind_of(unsigned char c)
{
    size_t i = 0;
    while (c < ranges[i].first || c > ranges[i].last)
        i++;
    return ranges[i].kind;
}

static unsigned alphabet(const char *password)
{
    unsigned kinds = 0, size = 0;
    for (const char *c = password; *c != '\0'; c++)
        kinds |= kind_of((unsigned char)*c);
    for (unsigned i = 0; i < KINDS; i++)
        size += (kinds & 1U << i) != 0 ? sizes[i] : 0;
    return size;
}

unsigned ss_strength_bits(const char *password)
{
    double choices = 1;
    unsigned bits = 0, size = alphabet(password);
    for (const char *c = password; *c != '\0'; c++) {
        int step = c > password ? c[0] - c[-1] : 2;
        if (step >= -1 && step <= 1)
            continue;
        choices *= size;
        while (choices >= 2) {
            choices /= 2;
            bits++;
        }
    }
    return bits;
}
