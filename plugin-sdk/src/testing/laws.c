/* SPDX-License-Identifier: Apache-2.0 */
/*
 * laws.c - the laws of every codec, tried on live pairs of drivers.
 *
 * Every dialogue is a fresh connection with fresh randomness, so a codec may filter replays or pad
 * at random; all of it is the same from run to run.
 *
 * The law of a cut (the wire form of a flight, without its last bytes, then the end):
 *  - the output is a prefix of the input: nothing wrong, nothing more;
 *  - the verdict is END or FAIL, on a server's first flight also FOREIGN when nothing came out.
 * A codec that says the end itself (its wrap emits bytes for it) has no other end: each cut before
 * the last of these bytes is a FAIL.  A codec without such a message accepts ends between its
 * messages, and only it knows where those are.  For the flights behind the first one (where no
 * preface confuses the matter) two things still hold, and catch codecs that keep half a message in
 * their state and call that an end:
 *  - a cut before the first plain byte of a flight is not an end;
 *  - when a flight is longer on the wire than in plain, at most half of its cuts are ends, since
 *    a message then has two bytes at least.  A codec that answered CLEAR has no messages.
 */
#include "testing/datagrams.h"
#include "testing/pair.h"

#include <stdio.h>

enum { SECOND_FLIGHT = 8 };

/* A stream of size bytes.  later: behind others, with its end in the last feed. */
static int trip(struct law_run *run, int from, size_t size, bool later)
{
    struct pair p;
    size_t last = !later ? 0 : size < FEED_MAX ? size : FEED_MAX;
    bool kept = ssp__pair_open(&p, run, size) == 0 && ssp__pair_prepare(&p, from, later) == 0 &&
                ssp__pair_say(&p, from, size - last) == 0 &&
                (size < TARGET_LEN || ssp__pair_arrived(&p, from) == 0) &&
                ssp__pair_finish(&p, from, last) == 0;
    ssp__pair_close(&p);
    return kept ? 0 : -1;
}

/* Notes what is tried: a sentence that ends in a number. */
static void trial(struct law_run *run, int from, const char *what, size_t number)
{
    (void)snprintf(run->trial, sizeof run->trial, "%s to %s, %s%s %zu", ssp__end_name(from),
                   ssp__end_name(1 - from), run->ticks ? "timers between inputs, " : "", what,
                   number);
}

/* law: what goes in comes out, for each size class */
static int round_trips(struct law_run *run, int from)
{
    static const uint32_t sizes[] = {0,     1,     2,      3,      15,     16,     17,
                                     255,   256,   257,    1023,   1024,   1025,   2047,
                                     2048,  2049,  16382,  16383,  16384,  16385,  65535,
                                     65536, 65537, 262143, 262144, 262145, 1048576};
    static const char *const manner[] = {
        "first stream in one feed, bytes", "later stream in one feed, bytes",
        "first stream in random feeds, bytes", "later stream in random feeds, bytes"};
    for (size_t i = 0; i < 4 * (sizeof sizes / sizeof sizes[0]); i++) {
        run->plain.how = run->wire.how = i % 4 < 2 ? WHOLE : RANDOM;
        trial(run, from, manner[i % 4], sizes[i / 4]);
        if (trip(run, from, sizes[i / 4], i % 2 == 1) == -1)
            return -1;
    }
    return 0;
}

/* law: the least output room is enough for each call, and slow readers change nothing */
static int small_windows(struct law_run *run, int from)
{
    static const uint32_t sizes[] = {1, 17, 1025, 16385, 65537, 262145};
    run->least_window = true;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        run->wire.how = i < 4 ? BYTES : WHOLE;
        trial(run, from, "smallest output window, bytes", sizes[i]);
        if (trip(run, from, sizes[i], false) == -1)
            return -1;
    }
    return 0;
}

static size_t split_size(const struct law_run *run)
{
    return run->subject->split_payload > 0 ? run->subject->split_payload : SPLIT_DEFAULT;
}

/* Two flights that meet on the wire.  Reports the length of their wire form. */
static int coalesced(struct law_run *run, int from, size_t *wire_len)
{
    struct pair p;
    bool kept = ssp__pair_open(&p, run, split_size(run) + SECOND_FLIGHT) == 0 &&
                ssp__pair_prepare(&p, from, false) == 0 &&
                ssp__pair_wrap(&p, from, split_size(run)) == 0 &&
                ssp__pair_wrap(&p, from, SECOND_FLIGHT) == 0 && ssp__pair_settle(&p) == 0 &&
                ssp__pair_arrived(&p, from) == 0 && ssp__pair_finish(&p, from, 0) == 0;
    *wire_len = p.stream[from].carried;
    ssp__pair_close(&p);
    return kept ? 0 : -1;
}

/* law: the wire may be cut anywhere; at 0: everywhere */
static int wire_splits(struct law_run *run, int from)
{
    size_t wire_len = SIZE_MAX;
    for (size_t at = 0; at <= wire_len; at++) {
        run->wire = (struct cutter){.how = at == 0 ? BYTES : ONCE, .at = at};
        trial(run, from, "two flights, wire cut at", at);
        if (coalesced(run, from, &wire_len) == -1)
            return -1;
    }
    return 0;
}

/* law: the plain side may be cut anywhere; at 0: everywhere */
static int plain_splits(struct law_run *run, int from)
{
    size_t size = split_size(run);
    for (size_t at = 0; at < size; at++) {
        run->plain = (struct cutter){.how = at == 0 ? BYTES : ONCE, .at = at};
        trial(run, from, "plain cut at", at);
        if (trip(run, from, size, false) == -1)
            return -1;
    }
    return 0;
}

/* The result of one cut flight. */
struct truncation {
    size_t wire_len; /* of the flight before the cut */
    size_t got;      /* plain bytes that came out */
    ssp_verdict verdict;
    bool clear; /* the receiver had answered CLEAR */
};

static int chop(struct pair *p, int from, size_t at, struct truncation *t)
{
    struct pair_stream *stream = &p->stream[from];
    ssp_drive *to = p->end[1 - from];
    size_t before = stream->got;
    if (ssp__pair_wrap(p, from, split_size(p->run)) == -1)
        return -1;
    const uint8_t *wire = ssp_drive_output(p->end[from], SSP_WRAP, &t->wire_len);
    if (t->wire_len == 0 && ssp__pair_tick(p) == 1) /* a flush that comes late */
        wire = ssp_drive_output(p->end[from], SSP_WRAP, &t->wire_len);
    at = at < t->wire_len ? at : t->wire_len;
    t->verdict = ssp_drive_feed(to, SSP_UNWRAP, wire, at, 0);
    t->clear = t->verdict == SSP_CLEAR;
    if (ssp__living(t->verdict))
        t->verdict = ssp_drive_feed(to, SSP_UNWRAP, "", 0, 1);
    if (ssp__pair_take_plain(p, from) == -1)
        return -1;
    t->got = stream->got - before;
    bool foreign = t->verdict == SSP_FOREIGN && from == CLIENT && stream->got == 0;
    bool allowed = t->verdict == SSP_END || t->verdict == SSP_FAIL || foreign;
    if (!allowed || ssp_drive_broken_rule(to) != NULL)
        return ssp__wrong_verdict(p, 1 - from, SSP_UNWRAP, t->verdict);
    return 0;
}

/* Cuts a flight of a new connection.  later: behind others. */
static int chop_new(struct law_run *run, int from, bool later, size_t at, struct truncation *t)
{
    struct pair p;
    trial(run, from, later ? "later flight cut at" : "first flight cut at", at);
    bool kept = ssp__pair_open(&p, run, split_size(run)) == 0 &&
                ssp__pair_prepare(&p, from, later) == 0 && chop(&p, from, at, t) == 0;
    ssp__pair_close(&p);
    return kept ? 0 : -1;
}

/* law: truncation never succeeds, see the top of this file */
static int truncations(struct law_run *run, int from)
{
    struct truncation t = {.wire_len = SIZE_MAX};
    for (size_t at = 0; at < t.wire_len; at++) {
        if (chop_new(run, from, false, at, &t) == -1)
            return -1;
    }
    size_t ends = 0, cuts = 0;
    t.wire_len = SIZE_MAX;
    for (size_t at = 1; at < t.wire_len; at++) {
        if (chop_new(run, from, true, at, &t) == -1)
            return -1;
        cuts++;
        if (t.verdict != SSP_END || t.clear)
            continue;
        if (t.got == 0)
            return ssp__broken(run, "a cut before the first plain byte passes for an end");
        ends++;
    }
    if (t.wire_len > split_size(run) && ends > cuts / 2)
        return ssp__broken(run, "cuts inside a message pass for ends");
    return 0;
}

/* Whether the end of a stream is bytes of its own on the wire. */
static int says_end(struct law_run *run, int from, bool later, bool *says)
{
    struct pair p;
    size_t n = 0;
    bool kept = ssp__pair_open(&p, run, split_size(run)) == 0 &&
                ssp__pair_prepare(&p, from, later) == 0 &&
                ssp__pair_say(&p, from, split_size(run)) == 0 && ssp__pair_arrived(&p, from) == 0;
    if (kept && ssp_drive_feed(p.end[from], SSP_WRAP, "", 0, 1) == SSP_END)
        (void)ssp_drive_output(p.end[from], SSP_WRAP, &n);
    *says = n > 0;
    ssp__pair_close(&p);
    return kept ? 0 : -1;
}

/* Carries a stream that has its end in one feed, as far as the first at bytes of its wire form.
 * Returns 1 with the receiver's verdict when that was a cut, 0 when it was everything. */
static int sever(struct pair *p, int from, size_t at)
{
    struct pair_stream *stream = &p->stream[from];
    size_t left, n = split_size(p->run);
    ssp_verdict v = ssp_drive_feed(p->end[from], SSP_WRAP, stream->text + stream->sent, n, 1);
    stream->sent += n;
    for (;; at -= left) {
        const uint8_t *wire = ssp_drive_output(p->end[from], SSP_WRAP, &left);
        if (left > at) {
            stream->verdict = ssp_drive_feed(p->end[1 - from], SSP_UNWRAP, wire, at, 1);
            return ssp__pair_take_plain(p, from) == -1 ? -1 : 1;
        }
        if (v == SSP_END)
            return 0;
        int up = v == SSP_MORE ? ssp__pair_carry(p, from, false) : -2;
        int down = up >= 0 ? ssp__pair_carry(p, 1 - from, false) : up;
        if (down == -2 || (up == 0 && down == 0))
            return ssp__wrong_verdict(p, from, SSP_WRAP, v);
        if (down == -1)
            return -1;
        v = ssp_drive_feed(p->end[from], SSP_WRAP, "", 0, 1);
    }
}

/* law: an end that is said is not to be had by a cut, wherever that is */
static int said_ends(struct law_run *run, int from)
{
    for (int later = 0; later < 2; later++) {
        bool says;
        trial(run, from, "the end of flight", (size_t)later + 1);
        int cut = says_end(run, from, later, &says) == -1 ? -1 : says;
        for (size_t at = 0; cut == 1; at++) {
            struct pair p;
            trial(run, from,
                  later ? "later flight and its end, cut at" : "first flight and its end, cut at",
                  at);
            cut = ssp__pair_open(&p, run, split_size(run)) == 0 &&
                          ssp__pair_prepare(&p, from, later) == 0
                      ? sever(&p, from, at)
                      : -1;
            if (cut == 1 && p.stream[from].verdict == SSP_END)
                cut = ssp__broken(run,
                                  "the cut passes for the end, which needs a message of its own");
            ssp__pair_close(&p);
        }
        if (cut == -1)
            return -1;
    }
    return 0;
}

/* law: what ends at once is not lost: all input and its end are there before the other end moves */
static int hasty_ends(struct law_run *run, int from)
{
    static const uint32_t sizes[] = {TARGET_LEN, 17, 1025, 65537};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct pair p;
        trial(run, from, "stream and its end at once (ssp_wait() in a handshake), bytes", sizes[i]);
        bool kept = ssp__pair_open(&p, run, sizes[i]) == 0 &&
                    ssp__pair_prepare(&p, from, false) == 0 &&
                    ssp__pair_finish(&p, from, sizes[i]) == 0;
        ssp__pair_close(&p);
        if (!kept)
            return -1;
    }
    return 0;
}

static bool alternate(struct pair p[2], int from, size_t size)
{
    while (p[0].stream[from].sent < size) {
        size_t n = 1 + (size_t)(ssp__chance_draw(&p->run->chance) >> 32) % SPLIT_DEFAULT;
        if (ssp__pair_wrap(&p[0], from, n) == -1 || ssp__pair_wrap(&p[1], from, n) == -1)
            return false;
        for (int idle = 0, i = 0; idle < 4; i++) {
            int rc = ssp__pair_carry_one(&p[i % 2], i / 2 % 2, false);
            if (rc == -1)
                return false;
            idle = rc == 0 ? idle + 1 : 0;
        }
    }
    return ssp__pair_finish(&p[0], from, 0) == 0 && ssp__pair_finish(&p[1], from, 0) == 0;
}

/* law: two connections share no state */
static int neighbours(struct law_run *run, int from)
{
    struct pair p[2] = {{.run = run}, {.run = run}};
    size_t size = (size_t)64 * SPLIT_DEFAULT;
    trial(run, from, "interleaved connections, bytes", size);
    run->wire.how = RANDOM;
    bool kept = true;
    for (int i = 0; i < 2 && kept; i++)
        kept = ssp__pair_open(&p[i], run, size + SPLIT_DEFAULT) == 0 &&
               ssp__pair_prepare(&p[i], from, false) == 0;
    kept = kept && alternate(p, from, size);
    ssp__pair_close(&p[0]);
    ssp__pair_close(&p[1]);
    return kept ? 0 : -1;
}

/* law: timers may fire between any two inputs, and end with their direction */
static int timers(struct law_run *run, int from)
{
    static const uint32_t sizes[] = {17, TARGET_LEN, 1025, 16385, 65537};
    run->ticks = true;
    for (size_t i = 0; i < 2 * (sizeof sizes / sizeof sizes[0]); i++) {
        run->plain.how = run->wire.how = i == 0 ? BYTES : RANDOM;
        trial(run, from, i % 2 == 0 ? "later stream, bytes" : "first stream, bytes", sizes[i / 2]);
        if (trip(run, from, sizes[i / 2], i % 2 == 0) == -1)
            return -1;
        if (!run->timed)
            return 0; /* it has none */
    }
    run->plain.how = WHOLE;
    return wire_splits(run, from) == -1 ? -1 : plain_splits(run, from);
}

const char *ssp_laws_check(const ssp_law_subject *subject)
{
    static _Thread_local char why[512];
    static int (*const laws[])(struct law_run *, int) = {
        round_trips, small_windows, wire_splits, plain_splits, truncations,
        hasty_ends,  said_ends,     neighbours,  timers,
    };
    struct ssp__chance chance = {.state = 0x9e3779b97f4a7c15};
    for (size_t i = 0; i < 2 * (sizeof laws / sizeof laws[0]); i++) {
        struct law_run run = {
            .subject = subject, .chance = chance, .why = why, .why_cap = sizeof why};
        run.world = ssp__chance_world(&run.chance);
        if (laws[i / 2](&run, i % 2 == 0 ? CLIENT : SERVER) == -1)
            return why;
        chance = run.chance;
    }
    return ssp__laws_datagrams(subject, why, sizeof why) == 0 ? NULL : why;
}
