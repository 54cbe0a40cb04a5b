/* SPDX-License-Identifier: Apache-2.0 */
/* drive.c - the pump called by a test or a program instead of a session: see ssplugin/drive.h. */
#include "base/codec.h"
#include "codec/datagram.h"
#include "codec/pump.h"

#include <stdlib.h>
#include <string.h>

struct ssp_drive {
    ssp_codec codec; /* adopted */
    ssp_conn conn;
    ssp_world own; /* without one of the caller's */
    void *state;
    size_t room;
    uint64_t now_ms;
    bool fin[2];   /* the input has ended */
    bool diverted; /* from the beginning, and not recalled */
    struct ssp__pump pump[2];
    ssp_verdict ended[2];      /* SSP_MORE while the direction lives */
    const char *datagram_rule; /* broken, or NULL */
};

static void zeros(void *arg, void *bytes, size_t n)
{
    (void)arg;
    memset(bytes, 0, n);
}

static int64_t own_time(void *arg)
{
    const ssp_drive *d = arg;
    return (int64_t)(d->now_ms / 1000);
}

ssp_drive *ssp_drive_new(const ssp_codec *codec, ssp_role role, const void *conf,
                         const ssp_world *world)
{
    ssp_drive *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    if (ssp__codec_adopt(&d->codec, codec))
        d->state = calloc(1, d->codec.state_size > 0 ? d->codec.state_size : 1);
    if (d->state == NULL) {
        free(d);
        return NULL;
    }
    d->own = (ssp_world){.random = zeros, .unix_time = own_time, .arg = d};
    d->conn = (ssp_conn){.role = role, .conf = conf, .world = world != NULL ? world : &d->own};
    d->diverted = d->conn.divert_asked =
        role == SSP_SERVER && (d->codec.flags & SSP_BEGIN_DIVERTED) != 0;
    d->room = SSP_WINDOW;
    for (int i = 0; i < 2; i++) {
        ssp__pump_init(&d->pump[i], &d->codec, (ssp_dir)i);
        d->ended[i] = SSP_MORE;
    }
    return d;
}

void ssp_drive_free(ssp_drive *d)
{
    if (d == NULL)
        return;
    if (d->codec.close != NULL)
        d->codec.close(&d->conn, d->state);
    for (int i = 0; i < 2; i++) {
        ssp__bytes_clear(&d->pump[i].in, NULL);
        ssp__bytes_clear(&d->pump[i].out, NULL);
    }
    ssp__conn_release(&d->conn);
    free(d->state);
    free(d);
}

void ssp_drive_window(ssp_drive *d, size_t room)
{
    size_t least = ssp__pump_min_room(&d->codec);
    d->room = room > least ? room : least;
}

static int queue_pieces(struct ssp__bytes *out, const ssp_io *io)
{
    for (unsigned i = 0; i < io->pieces; i++) {
        if (ssp__bytes_append(out, NULL, io->piece[i].iov_base, io->piece[i].iov_len) == -1)
            return -1;
    }
    return 0;
}

/* Runs the codec once over memory of exactly the input's size, which is overwritten and freed
 * afterwards: a codec that keeps a pointer reads zeros, or the sanitizer reports it. */
static ssp_verdict run_once(ssp_drive *d, ssp_dir dir)
{
    struct ssp__pump *p = &d->pump[dir], *back = &d->pump[1 - dir];
    size_t len = ssp__bytes_len(&p->in);
    uint8_t *in = malloc(len > 0 ? len : 1), *out = malloc(d->room);
    ssp_io *io = calloc(1, sizeof *io);
    ssp_verdict verdict = SSP_FAIL;
    if (in == NULL || out == NULL || io == NULL)
        goto done;
    if (len > 0)
        memcpy(in, ssp__bytes_data(&p->in), len);
    *io = (ssp_io){.in = in,
                   .in_len = len,
                   .eof = d->fin[dir],
                   .timed = ssp__bytes_len(&p->out) == 0,
                   .now_ms = d->now_ms,
                   .out = out,
                   .out_cap = d->room,
                   .reply = d->ended[1 - dir] == SSP_MORE ? &back->out : NULL};
    ssp__pump_begin(p, io);
    verdict = ssp__pump_run(p, &d->conn, d->state, io);
    if (queue_pieces(&p->out, io) == -1)
        verdict = SSP_FAIL;
    ssp__bytes_take(&p->in, NULL, len - io->in_len);
    ssp__pump_finish(p, io);
    explicit_bzero(in, len);
    explicit_bzero(out, io->out_len);
done:
    free(io);
    free(out);
    free(in);
    return verdict;
}

/* As a session does: what waits for the fallback, and what is unread of it, is dropped. */
static bool recall(ssp_drive *d)
{
    struct ssp__pump *up = &d->pump[SSP_UNWRAP], *down = &d->pump[SSP_WRAP];
    if (!d->diverted || d->conn.divert_asked)
        return false;
    d->diverted = false;
    d->fin[SSP_WRAP] = false;
    ssp__bytes_clear(&up->out, NULL);
    ssp__bytes_clear(&down->in, NULL);
    ssp__pump_forget(down);
    if (d->ended[SSP_WRAP] == SSP_MORE && down->fn != NULL)
        return true;
    up->rule = "recalls a connection that has ended";
    return false;
}

static ssp_verdict run(ssp_drive *d, ssp_dir dir)
{
    ssp_verdict verdict;
    do {
        verdict = run_once(d, dir);
    } while (verdict == SSP_OK || (verdict == SSP_MORE && recall(d)));
    if (d->pump[dir].rule != NULL)
        verdict = SSP_FAIL;
    if (verdict != SSP_MORE)
        d->ended[dir] = verdict;
    return verdict == SSP_MORE && d->pump[dir].fn == NULL ? SSP_CLEAR : verdict;
}

/* A session stops reading here and waits for the other direction, which a driver cannot. */
static ssp_verdict window_full(ssp_drive *d, ssp_dir dir)
{
    d->pump[dir].rule = "asks for more input than the window holds";
    return d->ended[dir] = SSP_FAIL;
}

ssp_verdict ssp_drive_feed(ssp_drive *d, ssp_dir dir, const void *bytes, size_t n, bool fin)
{
    const uint8_t *next = bytes;
    ssp_verdict verdict = d->ended[dir];
    if (verdict != SSP_MORE)
        return verdict;
    do {
        size_t room = SSP_WINDOW - ssp__bytes_len(&d->pump[dir].in);
        size_t take = n < room ? n : room;
        if (room == 0 && n > 0)
            return window_full(d, dir);
        if (ssp__bytes_append(&d->pump[dir].in, NULL, next, take) == -1)
            return SSP_FAIL;
        next += take;
        n -= take;
        d->fin[dir] |= fin && n == 0;
        verdict = run(d, dir);
    } while (n > 0 && (verdict == SSP_MORE || verdict == SSP_CLEAR));
    return verdict;
}

static uint64_t due_ms(const ssp_drive *d, ssp_dir dir)
{
    bool may = d->ended[dir] == SSP_MORE && ssp__bytes_len(&d->pump[dir].out) == 0;
    return may ? ssp__pump_due_ms(&d->pump[dir], &d->conn) : SSP_NEVER;
}

int64_t ssp_drive_timer(const ssp_drive *d, ssp_dir dir)
{
    uint64_t due = due_ms(d, dir);
    if (due == SSP_NEVER)
        return -1;
    return due > d->now_ms ? (int64_t)(due - d->now_ms) : 0;
}

void ssp_drive_advance(ssp_drive *d, unsigned ms)
{
    uint64_t end = d->now_ms + ms;
    for (;;) {
        ssp_dir dir = due_ms(d, SSP_WRAP) <= due_ms(d, SSP_UNWRAP) ? SSP_WRAP : SSP_UNWRAP;
        uint64_t due = due_ms(d, dir);
        if (due > end)
            break;
        d->now_ms = due > d->now_ms ? due : d->now_ms;
        (void)run(d, dir);
    }
    d->now_ms = end;
}

const uint8_t *ssp_drive_output(const ssp_drive *d, ssp_dir dir, size_t *n)
{
    *n = ssp__bytes_len(&d->pump[dir].out);
    return ssp__bytes_data(&d->pump[dir].out);
}

void ssp_drive_take(ssp_drive *d, ssp_dir dir, size_t n)
{
    ssp__bytes_take(&d->pump[dir].out, NULL, n);
}

const char *ssp_drive_why(const ssp_drive *d)
{
    return d->conn.why;
}

bool ssp_drive_diverted(const ssp_drive *d)
{
    return d->conn.divert_asked;
}

const char *ssp_drive_broken_rule(const ssp_drive *d)
{
    const char *rule = d->pump[SSP_WRAP].rule;
    if (rule == NULL)
        rule = d->pump[SSP_UNWRAP].rule;
    return rule != NULL ? rule : d->datagram_rule;
}

/* In memory of exactly the sizes that the codec may count on. */
/* NOLINTNEXTLINE(readability-function-size): two buffers and their lengths */
ptrdiff_t ssp_drive_datagram(ssp_drive *d, ssp_dir dir, const void *in, size_t n, void *out,
                             size_t cap)
{
    size_t room = n + d->codec.datagram_overhead;
    uint8_t *from = malloc(n > 0 ? n : 1), *to = malloc(room > 0 ? room : 1);
    ptrdiff_t len = -1;
    if (from != NULL && to != NULL) {
        if (n > 0)
            memcpy(from, in, n);
        len = ssp__datagram_run(&d->codec, &d->conn, dir, from, n, to, room, &d->datagram_rule);
    }
    if (len > 0 && (size_t)len <= cap)
        memcpy(out, to, (size_t)len);
    free(from);
    free(to);
    return len >= 0 && (size_t)len <= cap ? len : -1;
}
