/* SPDX-License-Identifier: Apache-2.0 */
#include "testing/pair.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_MAX = 131072, /* plain bytes in one feed: a codec may hold them during its handshake */
    TICKS_MAX = 64,    /* timers that fire before bytes count as held back */
    ROUNDS_MAX = 1000  /* replies to replies before the ends are called talkative */
};

/* Shadowsocks streams begin with a target header (127.0.0.1:80); other codecs accept any bytes. */
static const uint8_t target[TARGET_LEN] = {1, 127, 0, 0, 1, 0, 80};

static uint64_t draw(struct law_run *run)
{
    return ssp__chance_draw(&run->chance);
}

int ssp__broken(struct law_run *run, const char *format, ...)
{
    char reason[256];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    (void)snprintf(run->why, run->why_cap, "%s: %s", run->trial, reason);
    return -1;
}

const char *ssp__end_name(int end)
{
    return end == CLIENT ? "client" : "server";
}

int ssp__wrong_verdict(struct pair *p, int end, ssp_dir dir, ssp_verdict verdict)
{
    static const char *const names[] = {"FAIL", "OK", "MORE", "CLEAR", "END", "FOREIGN"};
    const char *rule = ssp_drive_broken_rule(p->end[end]), *why = ssp_drive_why(p->end[end]);
    return ssp__broken(p->run, "the %s's %s answers %s%s%s", ssp__end_name(end),
                       dir == SSP_WRAP ? "wrap" : "unwrap", names[verdict + 1],
                       rule != NULL  ? ": the codec "
                       : why != NULL ? ": "
                                     : "",
                       rule != NULL  ? rule
                       : why != NULL ? why
                                     : "");
}

void ssp__pair_close(struct pair *p)
{
    for (int i = 0; i < 2; i++) {
        ssp_drive_free(p->end[i]);
        free(p->stream[i].text);
    }
}

int ssp__pair_open(struct pair *p, struct law_run *run, size_t size)
{
    const ssp_law_subject *s = run->subject;
    *p = (struct pair){.run = run};
    p->end[CLIENT] = ssp_drive_new(s->codec, SSP_CLIENT, s->client_conf, &run->world);
    p->end[SERVER] = ssp_drive_new(s->codec, SSP_SERVER, s->server_conf, &run->world);
    for (int i = 0; i < 2; i++) {
        uint8_t *text = p->stream[i].text = malloc(size + GREETING_LEN);
        if (p->end[i] == NULL || text == NULL) {
            (void)ssp__broken(run, "out of memory");
            return -1;
        }
        ssp__chance_fill(&run->chance, text, size + GREETING_LEN);
        memcpy(text, target, i == CLIENT ? sizeof target : 0);
        if (run->least_window)
            ssp_drive_window(p->end[i], 1);
    }
    return 0;
}

/* Length of the next feed of a stream. */
static size_t cut(struct law_run *run, const struct cutter *c, size_t offset, size_t left)
{
    static const uint16_t most[] = {16, 300, 5000, 65535};
    size_t n = left;
    if (c->how == BYTES)
        n = 1;
    else if (c->how == RANDOM)
        n = 1 + (size_t)(draw(run) >> 32) % most[draw(run) >> 62];
    else if (c->how == ONCE && offset < c->at)
        n = c->at - offset;
    return n < left ? n : left;
}

int ssp__pair_take_plain(struct pair *p, int from)
{
    struct pair_stream *stream = &p->stream[from];
    size_t n;
    const uint8_t *plain = ssp_drive_output(p->end[1 - from], SSP_UNWRAP, &n);
    if (n > stream->sent - stream->got)
        return ssp__broken(p->run, "the %s receives more bytes than were sent",
                           ssp__end_name(1 - from));
    if (n > 0 && memcmp(plain, stream->text + stream->got, n) != 0)
        return ssp__broken(p->run, "the %s receives other bytes than were sent",
                           ssp__end_name(1 - from));
    stream->got += n;
    ssp_drive_take(p->end[1 - from], SSP_UNWRAP, n);
    return 0;
}

static int64_t next_timer(const struct pair *p)
{
    int64_t next = -1;
    for (int i = 0; i < 4; i++) {
        int64_t ms = ssp_drive_timer(p->end[i / 2], (ssp_dir)(i % 2));
        next = ms >= 0 && (next < 0 || ms < next) ? ms : next;
    }
    return next;
}

int ssp__pair_tick(struct pair *p)
{
    int64_t ms = next_timer(p);
    if (ms < 0)
        return 0;
    p->run->chance.ms += (uint64_t)ms;
    for (int i = 0; i < 2; i++) {
        ssp_drive_advance(p->end[i], (unsigned)ms);
        const char *rule = ssp_drive_broken_rule(p->end[i]);
        if (rule != NULL)
            return ssp__broken(p->run, "the %s's timer: the codec %s", ssp__end_name(i), rule);
    }
    return ssp__pair_take_plain(p, CLIENT) == -1 || ssp__pair_take_plain(p, SERVER) == -1 ? -1 : 1;
}

/* Between two inputs: seldom enough that pings, each of which is an input, come to an end. */
static int tick_at_random(struct pair *p)
{
    p->run->timed |= p->run->ticks && next_timer(p) >= 0;
    return p->run->ticks && draw(p->run) >> 61 == 0 ? ssp__pair_tick(p) : 0;
}

/* As long as timers fire that may be what is missing. */
static int tick_and_settle(struct pair *p)
{
    int rc = ssp__pair_tick(p);
    return rc == 1 && ssp__pair_settle(p) == -1 ? -1 : rc;
}

int ssp__pair_carry_one(struct pair *p, int from, bool fin)
{
    struct pair_stream *stream = &p->stream[from];
    int to = 1 - from;
    size_t left;
    const uint8_t *wire = ssp_drive_output(p->end[from], SSP_WRAP, &left);
    if (left == 0)
        return 0;
    size_t n = cut(p->run, &p->run->wire, stream->carried, left);
    stream->verdict = ssp_drive_feed(p->end[to], SSP_UNWRAP, wire, n, fin && n == left);
    stream->carried += n;
    ssp_drive_take(p->end[from], SSP_WRAP, n);
    if (ssp__pair_take_plain(p, from) == -1)
        return -1;
    if (!ssp__living(stream->verdict) && stream->verdict != SSP_END)
        return ssp__wrong_verdict(p, to, SSP_UNWRAP, stream->verdict);

    /* The other direction may have waited for this input. */
    ssp_verdict woken = ssp_drive_feed(p->end[to], SSP_WRAP, "", 0, 0);
    if (!ssp__living(woken) && woken != SSP_END)
        return ssp__wrong_verdict(p, to, SSP_WRAP, woken);
    return tick_at_random(p) == -1 ? -1 : 1;
}

int ssp__pair_carry(struct pair *p, int from, bool fin)
{
    int rc, moved = 0;
    while ((rc = ssp__pair_carry_one(p, from, fin)) == 1)
        moved = 1;
    return rc == -1 ? -1 : moved;
}

int ssp__pair_settle(struct pair *p)
{
    for (int round = 0; round < ROUNDS_MAX; round++) {
        int up = ssp__pair_carry(p, CLIENT, false);
        int down = up == -1 ? -1 : ssp__pair_carry(p, SERVER, false);
        if (down == -1 || (up == 0 && down == 0))
            return down;
    }
    return ssp__broken(p->run, "the two ends never stop replying");
}

int ssp__pair_wrap(struct pair *p, int from, size_t n)
{
    struct pair_stream *stream = &p->stream[from];
    ssp_verdict v = ssp_drive_feed(p->end[from], SSP_WRAP, stream->text + stream->sent, n, 0);
    stream->sent += n;
    if (!ssp__living(v))
        return ssp__wrong_verdict(p, from, SSP_WRAP, v);
    return tick_at_random(p) == -1 ? -1 : 0;
}

int ssp__pair_say(struct pair *p, int from, size_t n)
{
    size_t end = p->stream[from].sent + n;
    while (p->stream[from].sent < end) {
        size_t part = cut(p->run, &p->run->plain, p->stream[from].sent, end - p->stream[from].sent);
        if (ssp__pair_wrap(p, from, part < HELD_MAX ? part : HELD_MAX) == -1 ||
            ssp__pair_settle(p) == -1)
            return -1;
    }
    return 0;
}

int ssp__pair_arrived(struct pair *p, int from)
{
    struct pair_stream *stream = &p->stream[from];
    int rc = 1;
    for (int i = 0; i < TICKS_MAX && stream->got < stream->sent && rc == 1; i++)
        rc = tick_and_settle(p);
    if (rc == -1)
        return -1;
    size_t held = stream->sent - stream->got;
    return held == 0 ? 0
                     : ssp__broken(p->run, "%zu of %zu bytes are held back", held, stream->sent);
}

int ssp__pair_prepare(struct pair *p, int from, bool later)
{
    for (int i = CLIENT; i <= SERVER; i++) {
        bool first = i == CLIENT && from == SERVER;
        if ((first || later) &&
            (ssp__pair_say(p, i, GREETING_LEN) == -1 || ssp__pair_arrived(p, i) == -1))
            return -1;
    }
    return 0;
}

/* It waits for the other end, see ssp_wait(), or for its timer. */
static int end_late(struct pair *p, int from, ssp_verdict *v)
{
    int rc = ssp__pair_settle(p) == -1 ? -1 : 1;
    for (int i = 0; i < TICKS_MAX && rc == 1; i++) {
        *v = ssp_drive_feed(p->end[from], SSP_WRAP, "", 0, 1);
        rc = *v == SSP_MORE ? tick_and_settle(p) : 0;
    }
    return rc;
}

/* Behind an end nothing is said any more. */
static int stay_silent(struct pair *p, int from)
{
    size_t n = 0;
    for (int i = 0; i < 4 && n == 0; i++) {
        if (tick_and_settle(p) == -1)
            return -1;
        (void)ssp_drive_output(p->end[from], SSP_WRAP, &n);
    }
    return n == 0 ? 0 : ssp__broken(p->run, "the %s speaks behind its end", ssp__end_name(from));
}

int ssp__pair_finish(struct pair *p, int from, size_t last)
{
    struct pair_stream *stream = &p->stream[from];
    ssp_verdict v = ssp_drive_feed(p->end[from], SSP_WRAP, stream->text + stream->sent, last, 1);
    stream->sent += last;
    if (v == SSP_MORE && end_late(p, from, &v) == -1)
        return -1;
    bool tiny = from == CLIENT && stream->sent < sizeof target;
    if (v == SSP_FAIL && tiny && ssp_drive_broken_rule(p->end[from]) == NULL)
        return 0; /* no whole target header: a Shadowsocks client may refuse that */
    if (v != SSP_END)
        return ssp__wrong_verdict(p, from, SSP_WRAP, v);
    int moved = last > 0 ? ssp__pair_carry(p, from, true) : ssp__pair_settle(p);
    if (moved == -1)
        return -1;
    if (moved == 0) /* settle() answers 0 as well: the end comes alone */
        stream->verdict = ssp_drive_feed(p->end[1 - from], SSP_UNWRAP, "", 0, 1);
    if (stream->verdict != SSP_END)
        return ssp__wrong_verdict(p, 1 - from, SSP_UNWRAP, stream->verdict);
    if (ssp__pair_take_plain(p, from) == -1 || ssp__pair_arrived(p, from) == -1)
        return -1;
    return p->run->ticks ? stay_silent(p, from) : 0;
}
