/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laws.c - what holds for every codec, tried on live pairs of drivers.
 *
 * Every dialogue is a fresh connection with fresh randomness, so a codec may filter replays or pad
 * at random; all of it is the same from run to run.
 *
 * What is demanded of a cut (the wire form of a flight, without its last bytes, then the end):
 *  - what comes out is a prefix of what was sent: nothing wrong, nothing more;
 *  - the verdict is END or FAIL, on a server's first flight also FOREIGN when nothing came out.
 * A codec without an end marker accepts ends between its messages, and only it knows where those
 * are.  For the flights behind the first one (where no preface confuses the matter) two things
 * still hold, and catch codecs that keep half a message in their state and call that an end:
 *  - a cut before the first plain byte of a flight is not an end;
 *  - when a flight is longer on the wire than in plain, at most half of its cuts are ends, since
 *    a message then has two bytes at least.  A codec that answered CLEAR has no messages.
 */
#include <ssplugin/testing.h>

#include "testing/chance.h"
#include "testing/datagrams.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLIENT, SERVER };

enum {
    GREETING_LEN = 16,  /* a first flight that every codec can send */
    FEED_MAX = 262145,  /* plain bytes in the last feed: the largest size class but one */
    HELD_MAX = 131072,  /* in others: a codec may hold them while the ends shake hands */
    SPLIT_DEFAULT = 64, /* ssp_law_subject::split_payload */
    SECOND_FLIGHT = 8,
    ROUNDS_MAX = 1000 /* replies to replies before the ends are called talkative */
};

/* What Shadowsocks streams begin with, and others do not mind: a target header (127.0.0.1:80). */
static const uint8_t target[] = {1, 127, 0, 0, 1, 0, 80};

/* How a stream is cut into feeds. */
struct cutter {
    enum { WHOLE, RANDOM, BYTES, ONCE } how;
    size_t at; /* ONCE: offset of the cut in the stream */
};

struct lab {
    const ssp_law_subject *subject;
    ssp_world world;
    struct ssp__chance chance;
    struct cutter plain, wire;
    bool least_window; /* the ends get the smallest output window */
    char trial[160];   /* what is tried now */
    char *why;         /* the broken law */
    size_t why_cap;
};

/* One direction, named after the end that sends. */
struct way {
    uint8_t *text;       /* what is sent, owned */
    size_t sent, got;    /* plain bytes */
    size_t carried;      /* wire bytes */
    ssp_verdict verdict; /* of the receiver's last call */
};

struct pair {
    struct lab *lab;
    ssp_drive *end[2];
    struct way way[2];
};

static uint64_t draw(struct lab *lab)
{
    return ssp__chance_draw(&lab->chance);
}

__attribute__((format(printf, 2, 3))) static int broken(struct lab *lab, const char *format, ...)
{
    char reason[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    (void)snprintf(lab->why, lab->why_cap, "%s: %s", lab->trial, reason);
    return -1;
}

static const char *name_of(int end)
{
    return end == CLIENT ? "client" : "server";
}

static int wrong_verdict(struct pair *p, int end, ssp_dir dir, ssp_verdict verdict)
{
    static const char *const names[] = {"FAIL", "OK", "MORE", "CLEAR", "END", "FOREIGN"};
    const char *rule = ssp_drive_broken_rule(p->end[end]);
    return broken(p->lab, "the %s's %s answers %s%s%s", name_of(end),
                  dir == SSP_WRAP ? "wrap" : "unwrap", names[verdict + 1],
                  rule != NULL ? ": the codec " : "", rule != NULL ? rule : "");
}

static bool living(ssp_verdict verdict)
{
    return verdict == SSP_MORE || verdict == SSP_CLEAR;
}

static void pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        ssp_drive_free(p->end[i]);
        free(p->way[i].text);
    }
}

/* A new connection for size bytes each way behind a greeting.  Closed by the caller, even if -1. */
static int pair_open(struct pair *p, struct lab *lab, size_t size)
{
    const ssp_law_subject *s = lab->subject;
    *p = (struct pair){.lab = lab};
    p->end[CLIENT] = ssp_drive_new(s->codec, SSP_CLIENT, s->client_conf, &lab->world);
    p->end[SERVER] = ssp_drive_new(s->codec, SSP_SERVER, s->server_conf, &lab->world);
    for (int i = 0; i < 2; i++) {
        uint8_t *text = p->way[i].text = malloc(size + GREETING_LEN);
        if (p->end[i] == NULL || text == NULL) {
            (void)broken(lab, "memory is out");
            return -1;
        }
        ssp__chance_fill(&lab->chance, text, size + GREETING_LEN);
        memcpy(text, target, i == CLIENT ? sizeof target : 0);
        if (lab->least_window)
            ssp_drive_window(p->end[i], 1);
    }
    return 0;
}

/* Length of the next feed of a stream. */
static size_t cut(struct lab *lab, const struct cutter *c, size_t offset, size_t left)
{
    static const uint16_t most[] = {16, 300, 5000, 65535};
    size_t n = left;
    if (c->how == BYTES)
        n = 1;
    else if (c->how == RANDOM)
        n = 1 + (size_t)(draw(lab) >> 32) % most[draw(lab) >> 62];
    else if (c->how == ONCE && offset < c->at)
        n = c->at - offset;
    return n < left ? n : left;
}

/* Takes the plain bytes that arrived and compares them with what was sent. */
static int take_plain(struct pair *p, int from)
{
    struct way *way = &p->way[from];
    size_t n;
    const uint8_t *plain = ssp_drive_output(p->end[1 - from], SSP_UNWRAP, &n);
    if (n > way->sent - way->got)
        return broken(p->lab, "the %s gets more than was sent", name_of(1 - from));
    if (n > 0 && memcmp(plain, way->text + way->got, n) != 0)
        return broken(p->lab, "the %s gets other bytes than were sent", name_of(1 - from));
    way->got += n;
    ssp_drive_take(p->end[1 - from], SSP_UNWRAP, n);
    return 0;
}

/* Moves one piece of what waits on the wire.  fin: the end of the wire comes with its last byte.
 * Returns 1, or 0 when nothing waits. */
static int carry_one(struct pair *p, int from, bool fin)
{
    struct way *way = &p->way[from];
    int to = 1 - from;
    size_t left;
    const uint8_t *wire = ssp_drive_output(p->end[from], SSP_WRAP, &left);
    if (left == 0)
        return 0;
    size_t n = cut(p->lab, &p->lab->wire, way->carried, left);
    way->verdict = ssp_drive_feed(p->end[to], SSP_UNWRAP, wire, n, fin && n == left);
    way->carried += n;
    ssp_drive_take(p->end[from], SSP_WRAP, n);
    if (take_plain(p, from) == -1)
        return -1;
    if (!living(way->verdict) && way->verdict != SSP_END)
        return wrong_verdict(p, to, SSP_UNWRAP, way->verdict);

    /* What arrived may be what the other direction waited for. */
    ssp_verdict woken = ssp_drive_feed(p->end[to], SSP_WRAP, "", 0, 0);
    return living(woken) || woken == SSP_END ? 1 : wrong_verdict(p, to, SSP_WRAP, woken);
}

/* Moves all of it.  Returns 1 when there was something. */
static int carry(struct pair *p, int from, bool fin)
{
    int rc, moved = 0;
    while ((rc = carry_one(p, from, fin)) == 1)
        moved = 1;
    return rc == -1 ? -1 : moved;
}

/* Carries in both directions until nothing waits: replies to replies, too. */
static int settle(struct pair *p)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int up = carry(p, CLIENT, false);
        int down = up == -1 ? -1 : carry(p, SERVER, false);
        if (down == -1 || (up == 0 && down == 0))
            return down;
    }
    return broken(p->lab, "the two ends never stop replying");
}

/* One feed of plain bytes. */
static int wrap(struct pair *p, int from, size_t n)
{
    struct way *way = &p->way[from];
    ssp_verdict v = ssp_drive_feed(p->end[from], SSP_WRAP, way->text + way->sent, n, 0);
    way->sent += n;
    return living(v) ? 0 : wrong_verdict(p, from, SSP_WRAP, v);
}

/* Wraps and carries n bytes, cut as the lab says. */
static int say(struct pair *p, int from, size_t n)
{
    size_t end = p->way[from].sent + n;
    while (p->way[from].sent < end) {
        size_t part = cut(p->lab, &p->lab->plain, p->way[from].sent, end - p->way[from].sent);
        if (wrap(p, from, part < HELD_MAX ? part : HELD_MAX) == -1 || settle(p) == -1)
            return -1;
    }
    return 0;
}

/* All that was sent must be there: interactive protocols wait for it. */
static int arrived(struct pair *p, int from)
{
    struct way *way = &p->way[from];
    size_t held = way->sent - way->got;
    return held == 0 ? 0 : broken(p->lab, "%zu of %zu bytes are held back", held, way->sent);
}

/* What was said before from speaks: a server answers a client.  later: both have spoken. */
static int prepare(struct pair *p, int from, bool later)
{
    for (int i = CLIENT; i <= SERVER; i++) {
        bool first = i == CLIENT && from == SERVER;
        if ((first || later) && (say(p, i, GREETING_LEN) == -1 || arrived(p, i) == -1))
            return -1;
    }
    return 0;
}

/* Ends a stream: an event of its own, or one feed with the last bytes, on both faces. */
static int finish(struct pair *p, int from, size_t last)
{
    struct way *way = &p->way[from];
    ssp_verdict v = ssp_drive_feed(p->end[from], SSP_WRAP, way->text + way->sent, last, 1);
    way->sent += last;
    if (v == SSP_MORE) { /* it waits for the other end, see ssp_wait() */
        if (settle(p) == -1)
            return -1;
        v = ssp_drive_feed(p->end[from], SSP_WRAP, "", 0, 1);
    }
    bool tiny = from == CLIENT && way->sent < sizeof target;
    if (v == SSP_FAIL && tiny && ssp_drive_broken_rule(p->end[from]) == NULL)
        return 0; /* no whole target header: a Shadowsocks client may refuse that */
    if (v != SSP_END)
        return wrong_verdict(p, from, SSP_WRAP, v);
    if ((last > 0 ? carry(p, from, true) : settle(p)) == -1)
        return -1;
    if (last == 0)
        way->verdict = ssp_drive_feed(p->end[1 - from], SSP_UNWRAP, "", 0, 1);
    if (way->verdict != SSP_END)
        return wrong_verdict(p, 1 - from, SSP_UNWRAP, way->verdict);
    return take_plain(p, from) == -1 ? -1 : arrived(p, from);
}

/* A stream of size bytes.  later: behind others, with its end in the last feed. */
static int trip(struct lab *lab, int from, size_t size, bool later)
{
    struct pair p;
    size_t last = !later ? 0 : size < FEED_MAX ? size : FEED_MAX;
    bool kept = pair_open(&p, lab, size) == 0 && prepare(&p, from, later) == 0 &&
                say(&p, from, size - last) == 0 &&
                (size < sizeof target || arrived(&p, from) == 0) && finish(&p, from, last) == 0;
    pair_close(&p);
    return kept ? 0 : -1;
}

/* Notes what is tried: a sentence that ends in a number. */
static void trial(struct lab *lab, int from, const char *what, size_t number)
{
    (void)snprintf(lab->trial, sizeof lab->trial, "%s to %s, %s %zu", name_of(from),
                   name_of(1 - from), what, number);
}

/* law: what goes in comes out, for each size class */
static int round_trips(struct lab *lab, int from)
{
    static const uint32_t sizes[] = {0,     1,     2,      3,      15,     16,     17,
                                     255,   256,   257,    1023,   1024,   1025,   2047,
                                     2048,  2049,  16382,  16383,  16384,  16385,  65535,
                                     65536, 65537, 262143, 262144, 262145, 1048576};
    static const char *const manner[] = {
        "first stream in one feed, bytes", "later stream in one feed, bytes",
        "first stream in random feeds, bytes", "later stream in random feeds, bytes"};
    for (size_t i = 0; i < 4 * (sizeof sizes / sizeof sizes[0]); i++) {
        lab->plain.how = lab->wire.how = i % 4 < 2 ? WHOLE : RANDOM;
        trial(lab, from, manner[i % 4], sizes[i / 4]);
        if (trip(lab, from, sizes[i / 4], i % 2 == 1) == -1)
            return -1;
    }
    return 0;
}

/* law: the least output room is enough for each call, and slow readers change nothing */
static int small_windows(struct lab *lab, int from)
{
    static const uint32_t sizes[] = {1, 17, 1025, 16385, 65537, 262145};
    lab->least_window = true;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        lab->wire.how = i < 4 ? BYTES : WHOLE;
        trial(lab, from, "smallest output window, bytes", sizes[i]);
        if (trip(lab, from, sizes[i], false) == -1)
            return -1;
    }
    return 0;
}

static size_t split_size(const struct lab *lab)
{
    return lab->subject->split_payload > 0 ? lab->subject->split_payload : SPLIT_DEFAULT;
}

/* Two flights that meet on the wire.  Reports the length of their wire form. */
static int coalesced(struct lab *lab, int from, size_t *wire_len)
{
    struct pair p;
    bool kept = pair_open(&p, lab, split_size(lab) + SECOND_FLIGHT) == 0 &&
                prepare(&p, from, false) == 0 && wrap(&p, from, split_size(lab)) == 0 &&
                wrap(&p, from, SECOND_FLIGHT) == 0 && settle(&p) == 0 && arrived(&p, from) == 0 &&
                finish(&p, from, 0) == 0;
    *wire_len = p.way[from].carried;
    pair_close(&p);
    return kept ? 0 : -1;
}

/* law: the wire may be cut anywhere; at 0: everywhere */
static int wire_splits(struct lab *lab, int from)
{
    size_t wire_len = SIZE_MAX;
    for (size_t at = 0; at <= wire_len; at++) {
        lab->wire = (struct cutter){.how = at == 0 ? BYTES : ONCE, .at = at};
        trial(lab, from, "two flights, wire cut at", at);
        if (coalesced(lab, from, &wire_len) == -1)
            return -1;
    }
    return 0;
}

/* law: the plain side may be cut anywhere; at 0: everywhere */
static int plain_splits(struct lab *lab, int from)
{
    size_t size = split_size(lab);
    for (size_t at = 0; at < size; at++) {
        lab->plain = (struct cutter){.how = at == 0 ? BYTES : ONCE, .at = at};
        trial(lab, from, "plain cut at", at);
        if (trip(lab, from, size, false) == -1)
            return -1;
    }
    return 0;
}

/* What became of one cut flight. */
struct stump {
    size_t wire_len; /* of the flight before the cut */
    size_t got;      /* plain bytes that came out */
    ssp_verdict verdict;
    bool clear; /* the receiver had answered CLEAR */
};

static int chop(struct pair *p, int from, size_t at, struct stump *stump)
{
    struct way *way = &p->way[from];
    ssp_drive *to = p->end[1 - from];
    size_t before = way->got;
    if (wrap(p, from, split_size(p->lab)) == -1)
        return -1;
    const uint8_t *wire = ssp_drive_output(p->end[from], SSP_WRAP, &stump->wire_len);
    at = at < stump->wire_len ? at : stump->wire_len;
    stump->verdict = ssp_drive_feed(to, SSP_UNWRAP, wire, at, 0);
    stump->clear = stump->verdict == SSP_CLEAR;
    if (living(stump->verdict))
        stump->verdict = ssp_drive_feed(to, SSP_UNWRAP, "", 0, 1);
    if (take_plain(p, from) == -1)
        return -1;
    stump->got = way->got - before;
    bool foreign = stump->verdict == SSP_FOREIGN && from == CLIENT && way->got == 0;
    bool allowed = stump->verdict == SSP_END || stump->verdict == SSP_FAIL || foreign;
    if (!allowed || ssp_drive_broken_rule(to) != NULL)
        return wrong_verdict(p, 1 - from, SSP_UNWRAP, stump->verdict);
    return 0;
}

/* Cuts a flight of a new connection.  later: behind others. */
static int chop_new(struct lab *lab, int from, bool later, size_t at, struct stump *stump)
{
    struct pair p;
    trial(lab, from, later ? "later flight cut at" : "first flight cut at", at);
    bool kept = pair_open(&p, lab, split_size(lab)) == 0 && prepare(&p, from, later) == 0 &&
                chop(&p, from, at, stump) == 0;
    pair_close(&p);
    return kept ? 0 : -1;
}

/* law: truncation never succeeds, see the top of this file */
static int truncations(struct lab *lab, int from)
{
    struct stump stump = {.wire_len = SIZE_MAX};
    for (size_t at = 0; at < stump.wire_len; at++) {
        if (chop_new(lab, from, false, at, &stump) == -1)
            return -1;
    }
    size_t ends = 0, cuts = 0;
    stump.wire_len = SIZE_MAX;
    for (size_t at = 1; at < stump.wire_len; at++) {
        if (chop_new(lab, from, true, at, &stump) == -1)
            return -1;
        cuts++;
        if (stump.verdict != SSP_END || stump.clear)
            continue;
        if (stump.got == 0)
            return broken(lab, "a cut before the first plain byte is taken for an end");
        ends++;
    }
    if (stump.wire_len > split_size(lab) && ends > cuts / 2)
        return broken(lab, "cuts inside a message are taken for ends");
    return 0;
}

static bool alternate(struct pair p[2], int from, size_t size)
{
    while (p[0].way[from].sent < size) {
        size_t n = 1 + (size_t)(draw(p->lab) >> 32) % SPLIT_DEFAULT;
        if (wrap(&p[0], from, n) == -1 || wrap(&p[1], from, n) == -1)
            return false;
        for (int idle = 0, i = 0; idle < 4; i++) {
            int rc = carry_one(&p[i % 2], i / 2 % 2, false);
            if (rc == -1)
                return false;
            idle = rc == 0 ? idle + 1 : 0;
        }
    }
    return finish(&p[0], from, 0) == 0 && finish(&p[1], from, 0) == 0;
}

/* law: two connections know nothing of each other */
static int neighbours(struct lab *lab, int from)
{
    struct pair p[2] = {{.lab = lab}, {.lab = lab}};
    size_t size = (size_t)64 * SPLIT_DEFAULT;
    trial(lab, from, "interleaved connections, bytes", size);
    lab->wire.how = RANDOM;
    bool kept = true;
    for (int i = 0; i < 2 && kept; i++)
        kept = pair_open(&p[i], lab, size + SPLIT_DEFAULT) == 0 && prepare(&p[i], from, false) == 0;
    kept = kept && alternate(p, from, size);
    pair_close(&p[0]);
    pair_close(&p[1]);
    return kept ? 0 : -1;
}

const char *ssp_laws_check(const ssp_law_subject *subject)
{
    static _Thread_local char why[512];
    static int (*const laws[])(struct lab *, int) = {
        round_trips, small_windows, wire_splits, plain_splits, truncations, neighbours,
    };
    struct ssp__chance chance = {.state = 0x9e3779b97f4a7c15};
    for (size_t i = 0; i < 2 * (sizeof laws / sizeof laws[0]); i++) {
        struct lab lab = {.subject = subject, .chance = chance, .why = why, .why_cap = sizeof why};
        lab.world = ssp__chance_world(&lab.chance);
        if (laws[i / 2](&lab, i % 2 == 0 ? CLIENT : SERVER) == -1)
            return why;
        chance = lab.chance;
    }
    return ssp__laws_datagrams(subject, why, sizeof why) == 0 ? NULL : why;
}
