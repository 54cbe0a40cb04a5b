/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/carrier.h"

#include "relay/channel.h"
#include "relay/pump_io.h"
#include "relay/transition.h"
#include <ssplugin/log.h>

enum {
    LOOK_MS = 200,       /* for the bytes that tell */
    PATIENCE_MS = 30000, /* with a channel that holds all that it may, and gets rid of none */
    SAY_MAX = 4096       /* bytes of heads that wait for the client: then it has to wait, too */
};

static size_t size_of(const ssp_carrier *row)
{
    return sizeof(struct ssp__carrier) + row->state_size;
}

static void abort_channels(struct ssp__carrier *c)
{
    while (c->channel != NULL)
        ssp__channel_abort(c->channel);
}

void ssp__carrier_free(struct ssp__session *s)
{
    struct ssp__carrier *c = s->carrier;
    if (c == NULL)
        return;
    abort_channels(c);
    ssp__timer_stop(&c->timer);
    ssp__bytes_clear(&c->in, &s->worker->pool);
    ssp__bytes_clear(&c->say, &s->worker->pool);
    ssp__slab_give(&s->worker->pool.slabs, c, size_of(c->row));
    s->carrier = NULL;
}

/* ---- the first bytes ---- */

/* Too few bytes have come to tell, or a channel stops all others. */
static void on_time(void *arg)
{
    struct ssp__carrier *c = arg;
    void (*turn)(void *session) = c->turn;
    struct ssp__session *s = c->session;
    if (c->begun && c->slow != NULL)
        ssp__channel_fail(c->slow);
    turn(s);
}

static bool looked_long(const struct ssp__session *s)
{
    return s->carrier != NULL && s->carrier->timer.lane == NULL;
}

static struct ssp__carrier *carrier_of(struct ssp__session *s, void (*turn)(void *session))
{
    const ssp_carrier *row = s->service->carrier;
    struct ssp__carrier *c = s->carrier;
    if (c != NULL)
        return c;
    c = s->carrier = ssp__slab_take(&s->worker->pool.slabs, size_of(row));
    if (c == NULL)
        return NULL;
    c->session = s;
    c->row = row;
    c->turn = turn;
    c->timer.fire = on_time;
    c->timer.arg = c;
    ssp__timer_start(s->worker->loop, &c->timer, LOOK_MS);
    return c;
}

bool ssp__carrier_looks(struct ssp__session *s, void (*turn)(void *session))
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    const struct ssp__bytes *said = &up->pump.out;
    if (s->service->carrier == NULL || s->foreign || s->conn.divert_asked ||
        s->dead[SSP_ACCEPTED] || ssp__bytes_len(said) == 0)
        return false;
    ssp_carried carried = s->service->carrier->look(ssp__bytes_data(said), ssp__bytes_len(said));
    if (carried == SSP_CARRIES_UNKNOWN && (up->eof || up->state != SSP_OPEN || looked_long(s)))
        carried = SSP_CARRIES_ONE;
    if (carried == SSP_CARRIES_ONE) {
        ssp__carrier_free(s);
        return false;
    }
    struct ssp__carrier *c = carrier_of(s, turn);
    if (c == NULL)
        s->broken = true;
    else
        c->begun = carried == SSP_CARRIES_SEVERAL;
    return true;
}

bool ssp__carrier_due(const struct ssp__session *s)
{
    return s->carrier != NULL && s->carrier->begun && s->state == SSP_GREET;
}

void ssp__carrier_begin(struct ssp__session *s, const struct ssp__plan *plan)
{
    ssp__timer_stop(&s->carrier->timer);
    s->carrier->plan = *plan;
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__admission_leave(s->worker->admission, &s->applicant);
    ssp__greeting_free(s);
    ssp__session_watch_silence(s);
}

/* ---- what the client says ---- */

static bool full(const struct ssp__carrier *c)
{
    return c->slow != NULL || ssp__bytes_len(&c->say) >= SAY_MAX;
}

bool ssp__carrier_full(const struct ssp__session *s)
{
    return full(s->carrier);
}

static void cut(struct ssp__carrier *c, const char *why)
{
    struct ssp__session *s = c->session;
    ssp_debug("%s: %s", s->service->name, why);
    ssp__pump_io_cut(s, SSP_ACCEPTED);
}

/* Returns why the event may not come, or NULL. */
static const char *hear(struct ssp__carrier *c, const ssp_carrier_event *e)
{
    struct ssp__channel *ch = ssp__channel_find(c, e->stream);
    switch (e->event) {
    case SSP_STREAM_OPENS:
        if (ch != NULL)
            return "the client opens a stream that is open";
        ssp__channel_open(c, e->stream);
        return NULL;
    case SSP_STREAM_REFUSED:
        ssp__carrier_say(c, SSP_STREAM_FAILS, e->stream);
        return NULL;
    case SSP_STREAM_SAYS:
        if (ch != NULL && !ch->client_ended)
            ssp__channel_deliver(ch, e->data, e->n);
        return NULL;
    case SSP_STREAM_ENDS:
    case SSP_STREAM_FAILS:
        if (ch != NULL)
            ssp__channel_end(ch);
        return NULL;
    case SSP_STREAM_NONE:
        break;
    }
    return NULL;
}

/* Reads events as long as their streams have room.  Returns false when the client is cut. */
static bool read_events(struct ssp__carrier *c)
{
    ptrdiff_t used = 1;
    while (used > 0 && !full(c) && ssp__bytes_len(&c->in) > 0) {
        ssp_carrier_event e = {.event = SSP_STREAM_NONE};
        size_t n = ssp__bytes_len(&c->in);
        const char *why = NULL;
        used = c->row->read(c->state, ssp__bytes_data(&c->in), n, &e, &why);
        if (used == 0 && n >= SSP_CARRIER_EVENT_MAX)
            why = "the carrier asks for more bytes than an event may have";
        else if (used > 0)
            why = hear(c, &e);
        if (why != NULL || used < 0) {
            cut(c, why != NULL ? why : "the streams of the client are malformed");
            return false;
        }
        ssp__bytes_take(&c->in, &c->session->worker->pool, (size_t)used);
    }
    return true;
}

/* Bytes that the codec has unwrapped wait behind it, and more may follow from input that it has. */
static void hear_client(struct ssp__carrier *c)
{
    struct ssp__session *s = c->session;
    struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    for (;;) {
        if (ssp__bytes_move(&c->in, &up->pump.out, &s->worker->pool) == -1) {
            s->broken = true;
            return;
        }
        if (!read_events(c) || full(c) || !up->stalled || up->state != SSP_OPEN)
            return;
        ssp__pump_io_run(s, SSP_ACCEPTED);
        if (ssp__bytes_len(&up->pump.out) == 0)
            return;
    }
}

/* A client that goes without a word leaves its streams cut; those that it has ended go on. */
static void note_end(struct ssp__carrier *c)
{
    struct ssp__session *s = c->session;
    if (s->dir[SSP_ACCEPTED].state != SSP_ENDING || full(c))
        return;
    if (ssp__bytes_len(&c->in) > 0) {
        cut(c, "the client ends inside of a frame of its streams");
        return;
    }
    for (struct ssp__channel *ch = c->channel, *next; ch != NULL; ch = next) {
        next = ch->next;
        if (!ch->client_ended)
            ssp__channel_abort(ch);
    }
    s->dir[SSP_ACCEPTED].state = SSP_SHUT;
}

/* ---- what it gets ---- */

static void say_heads(struct ssp__carrier *c)
{
    struct ssp__session *s = c->session;
    struct ssp__bytes *in = &s->dir[SSP_DIALED].pump.in;
    if (ssp__bytes_len(&c->say) == 0 || !ssp__carrier_may_say(c))
        return;
    if (ssp__bytes_move(in, &c->say, &s->worker->pool) == -1)
        s->broken = true;
    ssp__pump_io_run(s, SSP_DIALED);
}

/* Each of those that waited, once. */
static void read_channels(struct ssp__carrier *c)
{
    const struct ssp__channel *last = c->last;
    bool again = last != NULL;
    while (again && ssp__carrier_may_say(c)) {
        struct ssp__channel *ch = ssp__channel_next(c);
        again = ch != last;
        ssp__channel_read(ch);
    }
}

/* The last stream is over, and so is the client's direction. */
static void end_answers(struct ssp__carrier *c)
{
    struct ssp__session *s = c->session;
    struct ssp__direction *down = &s->dir[SSP_DIALED];
    if (s->dir[SSP_ACCEPTED].state != SSP_SHUT || c->channels > 0 || down->eof ||
        down->state != SSP_OPEN || ssp__bytes_len(&c->say) > 0)
        return;
    down->eof = true;
    if (ssp__direction_flushed(down))
        ssp__pump_io_run(s, SSP_DIALED);
}

/* A channel that takes nothing for so long may not stop the others for ever. */
static void watch_slow(struct ssp__carrier *c, const struct ssp__channel *before)
{
    if (c->slow == NULL)
        ssp__timer_stop(&c->timer);
    else if (c->slow != before || c->timer.lane == NULL)
        ssp__timer_start(c->session->worker->loop, &c->timer, PATIENCE_MS);
}

/* Heads that have left make room for what causes more of them. */
static void hear_and_say(struct ssp__carrier *c)
{
    bool was_full;
    do {
        hear_client(c);
        was_full = full(c);
        say_heads(c);
    } while (was_full && !full(c));
}

/* The client has failed: nothing of its streams counts any more. */
static void drop_all(struct ssp__carrier *c)
{
    ssp__timer_stop(&c->timer);
    abort_channels(c);
    ssp__bytes_clear(&c->session->dir[SSP_ACCEPTED].pump.out, &c->session->worker->pool);
}

void ssp__carrier_turn(struct ssp__session *s)
{
    struct ssp__carrier *c = s->carrier;
    if (s->state != SSP_RELAY)
        return;
    const struct ssp__channel *slow = c->slow;
    if (s->dir[SSP_ACCEPTED].state <= SSP_ENDING)
        hear_and_say(c);
    note_end(c);
    read_channels(c);
    say_heads(c);
    end_answers(c);
    watch_slow(c, slow);
    if (s->dir[SSP_ACCEPTED].state == SSP_CUT)
        drop_all(c);
    else if (s->dir[SSP_DIALED].state >= SSP_CUT && s->dir[SSP_ACCEPTED].state != SSP_DROPPED)
        s->broken = true; /* the client does not hear its streams any more */
}

void ssp__carrier_sweep(struct ssp__session *s)
{
    uint64_t now = ssp__loop_now_ms(s->worker->loop);
    struct ssp__channel *next;
    struct ssp__channel *ch = s->carrier != NULL ? s->carrier->channel : NULL;
    for (; ch != NULL; ch = next) {
        next = ch->next;
        if (now - ch->active_ms >= s->service->limits.idle_ms)
            ssp__channel_fail(ch);
    }
}
