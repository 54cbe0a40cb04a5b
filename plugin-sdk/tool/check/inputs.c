/* SPDX-License-Identifier: Apache-2.0 */
#include "check/inputs.h"

#include "check/pattern.h"

#include <stdio.h>
#include <string.h>

enum { NOISE_MAX = 2000, HEADER = 5, TAIL_MAX = 600 };

#define SEED 0xbadc0deU

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t copy_good(const struct flights *good, size_t n, uint8_t *bytes)
{
    n = least(least(n, good->len), INPUT_MAX);
    memcpy(bytes, good->bytes, n);
    return n;
}

static size_t noise(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    (void)good;
    size_t len = 1 + (size_t)(pattern_number(SEED, n) % NOISE_MAX);
    pattern_fill(SEED + n, 0, bytes, len);
    (void)snprintf(about, INPUT_ABOUT_MAX, "%zu random bytes", len);
    return len;
}

/* Every place of the first flight, one after another, then again. */
static size_t prefix(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    size_t len = copy_good(good, 1 + n % good->first, bytes);
    (void)snprintf(about, INPUT_ABOUT_MAX, "the first %zu bytes of a good flight", len);
    return len;
}

static size_t prefix_and_noise(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    size_t len = copy_good(good, 1 + (size_t)n * 7 % good->first, bytes);
    size_t more = 1 + (size_t)(pattern_number(SEED, n) % TAIL_MAX);
    pattern_fill(SEED ^ n, 0, bytes + len, more);
    (void)snprintf(about, INPUT_ABOUT_MAX, "%zu bytes of a good flight and %zu random ones", len,
                   more);
    return len + more;
}

/* A length of two bytes that is far too big, at each place in turn. */
static size_t oversized(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    static const uint8_t high[] = {0x80, 0xff}, low[] = {0x00, 0xff};
    size_t len = copy_good(good, good->first, bytes);
    size_t at = len < 2 ? 0 : n / 2 % (len - 1);
    bytes[at] = high[n % 2];
    bytes[at + 1] = low[n % 2];
    (void)snprintf(about, INPUT_ABOUT_MAX, "a good flight with %02x %02x at offset %zu",
                   high[n % 2], low[n % 2], at);
    return len < 2 ? 2 : len;
}

/* The same in what would be the header of the next record, which many protocols frame alike. */
static size_t oversized_next(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    static const uint8_t record[] = {0x17, 0x03, 0x03};
    static const uint16_t length[] = {0x8000, 0xffff, 0x4001, 0xff00, 0x7fff, 0x0000};
    uint16_t value = length[pattern_number(SEED, n) % (sizeof length / sizeof length[0])];
    size_t len = copy_good(good, least(good->first, INPUT_MAX / 2), bytes);
    size_t head = good->len > good->first ? least(good->len - good->first, HEADER) : 0;
    if (n % 3 != 0 || head < HEADER)
        memcpy(bytes + len, record, sizeof record);
    else
        memcpy(bytes + len, good->bytes + good->first, sizeof record);
    bytes[len + 3] = (uint8_t)(value >> 8);
    bytes[len + 4] = (uint8_t)value;
    size_t more = (size_t)(pattern_number(SEED, n) % TAIL_MAX);
    pattern_fill(SEED ^ n, 0, bytes + len + HEADER, more);
    (void)snprintf(about, INPUT_ABOUT_MAX, "a good flight, then a record of length 0x%04x", value);
    return len + HEADER + more;
}

static size_t flipped(const struct flights *good, unsigned n, uint8_t *bytes, char *about)
{
    size_t len = copy_good(good, good->len, bytes);
    uint64_t bit = pattern_number(SEED, n) % (least(len, 2 * good->first) * 8);
    bytes[bit / 8] ^= (uint8_t)(1U << bit % 8);
    (void)snprintf(about, INPUT_ABOUT_MAX, "a good flight with bit %u of offset %u flipped",
                   (unsigned)(bit % 8), (unsigned)(bit / 8));
    return len;
}

/* Some makers walk along the flight; each of their rows covers other places. */
static const struct maker {
    size_t (*make)(const struct flights *good, unsigned n, uint8_t *bytes, char *about);
    unsigned step, first;
} maker[] = {
    {noise, 1, 0},          {prefix, 2, 0}, {oversized, 2, 0}, {prefix_and_noise, 1, 0},
    {oversized_next, 1, 0}, {prefix, 2, 1}, {oversized, 2, 1}, {flipped, 1, 0},
};

enum { MAKERS = sizeof maker / sizeof maker[0] };

size_t input_make(const struct flights *good, unsigned n, uint8_t bytes[INPUT_MAX],
                  char about[INPUT_ABOUT_MAX])
{
    const struct maker *m = &maker[n % MAKERS];
    if (good->first == 0)
        return noise(good, n, bytes, about);
    return m->make(good, n / MAKERS * m->step + m->first, bytes, about);
}

size_t input_pause(const struct flights *good, unsigned n)
{
    uint64_t r = pattern_number(~(uint64_t)SEED, n);
    if (good->first == 0 || r % 2 == 0)
        return 0;
    /* Half of them behind the good flight, where something else goes on. */
    return r % 4 == 1 ? good->first : 1 + (size_t)(r >> 8) % good->first;
}

size_t input_foreign(unsigned n, uint8_t bytes[INPUT_MAX], const char **about)
{
    static const uint8_t hello[] = {
        0x16, 0x03, 0x01, 0x00, 0x2f, 0x01, 0x00, 0x00, 0x2b, 0x03, 0x03, 0x11, 0x22,
        0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
        0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99, 0xaa, 0xbb, 0xcc,
        0xdd, 0xee, 0xff, 0x00, 0x00, 0x00, 0x04, 0x13, 0x01, 0x13, 0x02, 0x01, 0x00};
    static const char web[] = "GET / HTTP/1.1\r\nHost: example.org\r\nAccept: */*\r\n\r\n";
    static const char ssh[] = "SSH-2.0-OpenSSH_9.2\r\n";
    static const uint8_t socks[] = {5, 1, 0};
    static const struct {
        const char *about;
        const void *bytes;
        size_t len;
    } row[] = {{"a web request", web, sizeof web - 1},
               {"a TLS hello", hello, sizeof hello},
               {"an SSH banner", ssh, sizeof ssh - 1},
               {"a SOCKS greeting", socks, sizeof socks}};
    enum { ROWS = sizeof row / sizeof row[0], NOISES = 6 };
    if (n < ROWS) {
        memcpy(bytes, row[n].bytes, row[n].len);
        *about = row[n].about;
        return row[n].len;
    }
    if (n >= ROWS + NOISES)
        return 0;
    size_t len = (size_t)1 << (2 * (n - ROWS) + 1); /* 2 to 2048 */
    pattern_fill(SEED - n, 0, bytes, len);
    *about = "random bytes";
    return len;
}
