/* SPDX-License-Identifier: Apache-2.0 */
/*
 * datagrams.c - the laws of every seal and open.
 *
 * open recognises a whole datagram by the bytes that seal adds: a codec that adds none cannot
 * refuse a truncated one, all others must.
 */
#include "testing/datagrams.h"

#include "testing/chance.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER, ENDS };

enum {
    LARGEST = 65507, /* what an IPv4 packet holds beside its headers */
    CUT_PAYLOAD = 64
};

struct bench {
    struct ssp__chance chance;
    ssp_world world;
    ssp_drive *end[ENDS];
    size_t overhead;
    uint8_t *plain, *wire, *back; /* room for the largest datagram and its overhead */
    size_t room;
    char *why;
    size_t why_cap;
};

__attribute__((format(printf, 3, 4))) static int broken(struct bench *b, int from,
                                                        const char *format, ...)
{
    char reason[160];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    const char *rule = ssp_drive_broken_rule(b->end[from]);
    if (rule == NULL)
        rule = ssp_drive_broken_rule(b->end[1 - from]);
    (void)snprintf(b->why, b->why_cap, "datagrams, %s: %s%s%s",
                   from == CLIENT ? "client to server" : "server to client", reason,
                   rule != NULL ? ": the codec " : "", rule != NULL ? rule : "");
    return -1;
}

/* Seals the first n bytes of plain to wire.  Returns the length, or -1 when the law is broken. */
static ptrdiff_t seal(struct bench *b, int from, size_t n)
{
    ptrdiff_t len = ssp_drive_datagram(b->end[from], SSP_WRAP, b->plain, n, b->wire, b->room);
    return len >= 0 ? len : broken(b, from, "seal refuses %zu bytes", n);
}

static int opens(struct bench *b, int from, size_t wire_len, size_t n)
{
    ptrdiff_t len =
        ssp_drive_datagram(b->end[1 - from], SSP_UNWRAP, b->wire, wire_len, b->back, b->room);
    if (len < 0)
        return broken(b, from, "open refuses a sealed datagram of %zu bytes", n);
    if ((size_t)len != n || memcmp(b->back, b->plain, n) != 0)
        return broken(b, from, "%zu bytes come out as other bytes", n);
    return 0;
}

/* law: what goes in comes out, for each size */
static int round_trips(struct bench *b, int from)
{
    static const uint16_t sizes[] = {0,   1,   2,   3,    15,   16,   17,    255,   256,
                                     257, 511, 512, 1200, 1472, 1473, 16384, 65000, LARGEST};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        if (sizes[i] + b->overhead > LARGEST)
            continue; /* no packet could carry it */
        ssp__chance_fill(&b->chance, b->plain, sizes[i]);
        ptrdiff_t len = seal(b, from, sizes[i]);
        if (len == -1 || opens(b, from, (size_t)len, sizes[i]) == -1)
            return -1;
    }
    return 0;
}

/* law: each datagram stands alone; some are lost, some come late */
static int disorder(struct bench *b, int from)
{
    enum { KEPT = 4 };
    uint8_t *late = malloc(b->room);
    uint8_t text[KEPT];
    int rc = 0;
    if (late == NULL)
        return broken(b, from, "out of memory");
    for (size_t n = 1; n <= KEPT && rc == 0; n++) {
        ssp__chance_fill(&b->chance, b->plain, n);
        memcpy(text, b->plain, n);
        ptrdiff_t kept = seal(b, from, n);
        if (kept > 0)
            memcpy(late, b->wire, (size_t)kept);
        ssp__chance_fill(&b->chance, b->plain, CUT_PAYLOAD);
        ptrdiff_t len = kept == -1 ? -1 : seal(b, from, CUT_PAYLOAD);
        rc = len == -1 ? -1 : opens(b, from, (size_t)len, CUT_PAYLOAD);
        if (rc == -1)
            break;
        memcpy(b->plain, text, n);
        memcpy(b->wire, late, (size_t)kept);
        rc = opens(b, from, (size_t)kept, n);
    }
    free(late);
    return rc;
}

/* law: no part of a datagram is a datagram */
static int truncations(struct bench *b, int from)
{
    ssp__chance_fill(&b->chance, b->plain, CUT_PAYLOAD);
    ptrdiff_t len = b->overhead > 0 ? seal(b, from, CUT_PAYLOAD) : 0;
    for (ptrdiff_t at = 0; at < len; at++) {
        if (ssp_drive_datagram(b->end[1 - from], SSP_UNWRAP, b->wire, (size_t)at, b->back,
                               b->room) != -1)
            return broken(b, from, "open takes the first %ld of %ld bytes for a datagram", at, len);
        if (ssp_drive_broken_rule(b->end[1 - from]) != NULL)
            return broken(b, from, "the first %ld of %ld bytes break a rule", at, len);
    }
    return len == -1 ? -1 : 0;
}

static int try_all(struct bench *b)
{
    static int (*const laws[])(struct bench *, int) = {round_trips, disorder, truncations};
    for (size_t i = 0; i < ENDS * (sizeof laws / sizeof laws[0]); i++) {
        if (laws[i / ENDS](b, i % ENDS == 0 ? CLIENT : SERVER) == -1)
            return -1;
    }
    return 0;
}

/* An older struct ends before these fields. */
static bool carries_datagrams(const ssp_codec *codec)
{
    return codec->size >=
               offsetof(ssp_codec, datagram_overhead) + sizeof codec->datagram_overhead &&
           (codec->seal != NULL || codec->open != NULL);
}

int ssp__laws_datagrams(const ssp_law_subject *s, char *why, size_t why_cap)
{
    if (!carries_datagrams(s->codec))
        return 0;
    size_t overhead = s->codec->datagram_overhead;
    struct bench b = {.chance = {.state = 0x9e3779b97f4a7c15},
                      .overhead = overhead,
                      .room = LARGEST + overhead,
                      .why = why,
                      .why_cap = why_cap};
    int rc = -1;
    b.world = ssp__chance_world(&b.chance);
    b.end[CLIENT] = ssp_drive_new(s->codec, SSP_CLIENT, s->client_conf, &b.world);
    b.end[SERVER] = ssp_drive_new(s->codec, SSP_SERVER, s->server_conf, &b.world);
    b.plain = malloc(b.room);
    b.wire = malloc(b.room);
    b.back = malloc(b.room);
    if (b.end[CLIENT] != NULL && b.end[SERVER] != NULL && b.plain != NULL && b.wire != NULL &&
        b.back != NULL)
        rc = try_all(&b);
    else
        (void)snprintf(why, why_cap, "datagrams: out of memory");
    ssp_drive_free(b.end[CLIENT]);
    ssp_drive_free(b.end[SERVER]);
    free(b.plain);
    free(b.wire);
    free(b.back);
    return rc;
}
