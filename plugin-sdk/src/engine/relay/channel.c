/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/channel.h"

#include "relay/client.h"
#include "relay/pump_io.h"
#include "relay/transition.h"
#include <ssplugin/log.h>

#include <string.h>

enum {
    READ_MAX = 32 * 1024, /* in one turn of a channel */
    SILENCE_MS = 1000     /* of a client whose target has ended, until it is told: v2ray's time */
};

static struct ssp__worker *worker_of(const struct ssp__carrier *c)
{
    return c->session->worker;
}

static uint64_t now_ms(const struct ssp__carrier *c)
{
    return ssp__loop_now_ms(worker_of(c)->loop);
}

/* ---- words to the client ---- */

bool ssp__carrier_may_say(const struct ssp__carrier *c)
{
    const struct ssp__direction *down = &c->session->dir[SSP_DIALED];
    return down->state == SSP_OPEN && ssp__direction_flushed(down) &&
           ssp__bytes_len(&down->pump.in) < SSP_WINDOW / 2;
}

void ssp__carrier_say(struct ssp__carrier *c, ssp_stream_event event, uint32_t stream)
{
    uint8_t head[SSP_CARRIER_HEAD_MAX];
    const ssp_carrier_event e = {.event = event, .stream = stream};
    if (ssp__bytes_append(&c->say, &worker_of(c)->pool, head, c->row->write(c->state, &e, head)) ==
        -1)
        c->session->broken = true;
}

/* ---- the end ---- */

static void leave_queue(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    struct ssp__channel *before = NULL;
    if (!ch->queued)
        return;
    for (struct ssp__channel *at = c->first; at != ch; at = at->after)
        before = at;
    *(before != NULL ? &before->after : &c->first) = ch->after;
    if (c->last == ch)
        c->last = before;
    ch->queued = false;
}

/* The one destructor. */
static void free_channel(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    struct ssp__pool *pool = &worker_of(c)->pool;
    ssp__dial_cancel(ch->dial);
    ssp__timer_stop(&ch->timer);
    ssp__stream_reset(&ch->target);
    ssp__bytes_clear(&ch->up, pool);
    leave_queue(ch);
    if (c->slow == ch)
        c->slow = NULL;
    *(ch->prev != NULL ? &ch->prev->next : &c->channel) = ch->next;
    if (ch->next != NULL)
        ch->next->prev = ch->prev;
    c->channels--;
    ssp__slab_give(&pool->slabs, ch, sizeof *ch);
}

void ssp__channel_abort(struct ssp__channel *ch)
{
    free_channel(ch);
}

void ssp__channel_fail(struct ssp__channel *ch)
{
    ssp__carrier_say(ch->carrier, SSP_STREAM_FAILS, ch->stream);
    free_channel(ch);
}

/* Both directions are complete, or the client has nothing more to say. */
static void finish(struct ssp__channel *ch)
{
    ssp__carrier_say(ch->carrier, SSP_STREAM_ENDS, ch->stream);
    if (ssp__bytes_len(&ch->up) == 0)
        ssp__stream_close(&ch->target);
    free_channel(ch);
}

/* ---- to the target ---- */

static bool wait_for_target(struct ssp__channel *ch)
{
    return ssp__stream_want(&ch->target, !ch->target_ended && !ch->queued,
                            ssp__bytes_len(&ch->up) > 0);
}

/* Everything has been written that the client has said so far. */
static void settle_up(struct ssp__channel *ch)
{
    if (ch->client_ended && !ch->shut && !ch->dead && ssp__bytes_len(&ch->up) == 0) {
        ch->shut = ssp__stream_shut(&ch->target);
        if (!ch->shut) {
            ssp__channel_fail(ch);
            return;
        }
    }
    if (ch->shut && ch->target_ended)
        finish(ch);
    else if ((ch->dead && ch->target_ended) || !wait_for_target(ch))
        ssp__channel_fail(ch);
}

/* Writing has failed: its answer may wait all the same. */
static void target_gone(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    ch->dead = true;
    ssp__bytes_clear(&ch->up, &worker_of(c)->pool);
    if (c->slow == ch)
        c->slow = NULL;
}

/* Writes as much as the target takes.  Returns the bytes, which count as written when it is gone;
 * -1 after an error of this machine. */
static ssize_t write_some(struct ssp__channel *ch, const uint8_t *bytes, size_t n)
{
    const struct iovec piece = {(void *)(uintptr_t)bytes, n};
    ssize_t written = n > 0 ? ssp__stream_write(&ch->target, &piece, 1) : 0;
    if (written == SSP_GONE) {
        target_gone(ch);
        return ssp__stream_ended(&ch->target) ? (ssize_t)n : -1;
    }
    if (written > 0)
        ch->active_ms = ch->carrier->session->active_ms = now_ms(ch->carrier);
    return written > 0 ? written : 0;
}

static void flush(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    ssize_t n = write_some(ch, ssp__bytes_data(&ch->up), ssp__bytes_len(&ch->up));
    if (n == -1) {
        ssp__channel_fail(ch);
        return;
    }
    if (n > 0 && !ch->dead)
        ssp__bytes_take(&ch->up, &worker_of(c)->pool, (size_t)n);
    if (n > 0 && c->slow == ch)
        ssp__timer_stop(&c->timer); /* it moves: its time begins anew */
    if (c->slow == ch && ssp__bytes_len(&ch->up) < SSP_CHANNEL_HOLDS)
        c->slow = NULL;
    settle_up(ch);
}

static void note_slow(struct ssp__channel *ch)
{
    if (ssp__bytes_len(&ch->up) >= SSP_CHANNEL_HOLDS)
        ch->carrier->slow = ch;
}

void ssp__channel_deliver(struct ssp__channel *ch, const uint8_t *bytes, size_t n)
{
    bool direct = ch->target.fd != -1 && ssp__bytes_len(&ch->up) == 0;
    ssize_t written = ch->dead ? (ssize_t)n : direct ? write_some(ch, bytes, n) : 0;
    if (written == -1 || ssp__bytes_append(&ch->up, &worker_of(ch->carrier)->pool, bytes + written,
                                           n - (size_t)written) == -1) {
        ssp__channel_fail(ch);
        return;
    }
    ch->active_ms = now_ms(ch->carrier);
    note_slow(ch);
    if (ch->target.fd != -1)
        settle_up(ch);
}

/* A second end comes from a client that has given the stream up. */
void ssp__channel_end(struct ssp__channel *ch)
{
    bool again = ch->client_ended;
    ch->client_ended = true;
    if (again)
        ssp__channel_abort(ch);
    else if (ch->target.fd != -1)
        settle_up(ch);
}

/* ---- to the client ---- */

struct ssp__channel *ssp__channel_next(struct ssp__carrier *c)
{
    struct ssp__channel *ch = c->first;
    if (ch != NULL)
        leave_queue(ch);
    return ch;
}

static void wait_in_turn(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    *(c->first != NULL ? &c->last->after : &c->first) = ch;
    c->last = ch;
    ch->after = NULL;
    ch->queued = true;
}

static void forward(struct ssp__channel *ch, uint8_t *at, size_t n)
{
    struct ssp__carrier *c = ch->carrier;
    uint8_t head[SSP_CARRIER_HEAD_MAX];
    const ssp_carrier_event e = {.event = SSP_STREAM_SAYS, .stream = ch->stream, .n = n};
    (void)c->row->write(c->state, &e, head);
    memcpy(at, head, c->row->head_size);
    ch->active_ms = now_ms(c);
    ssp__pump_io_feed(c->session, SSP_DIALED, c->row->head_size + n);
}

/* A client that still sends is told only when it has been silent: for v2ray's the end of one
 * direction is that of both. */
static void target_has_ended(struct ssp__channel *ch)
{
    ch->target_ended = true;
    ssp__timer_start(worker_of(ch->carrier)->loop, &ch->timer, SILENCE_MS);
    settle_up(ch);
}

void ssp__channel_read(struct ssp__channel *ch)
{
    struct ssp__carrier *c = ch->carrier;
    size_t room, head = c->row->head_size;
    uint8_t *at = ssp__pump_io_lend(c->session, SSP_DIALED, &room);
    size_t most = c->row->data_max < READ_MAX ? c->row->data_max : READ_MAX;
    most = most < room - head ? most : room - head;
    ssize_t n = ssp__stream_read(&ch->target, at + head, most);
    if (n > 0)
        forward(ch, at, (size_t)n);
    if (n == SSP_GONE || (n == 0 && ch->dead)) {
        ssp__channel_fail(ch);
    } else if (n == 0) {
        target_has_ended(ch);
    } else {
        if (n > 0 && !ssp__carrier_may_say(c))
            wait_in_turn(ch);
        if (!wait_for_target(ch))
            ssp__channel_fail(ch);
    }
}

/* ---- events ---- */

static void on_readable(void *arg)
{
    struct ssp__channel *ch = arg;
    struct ssp__carrier *c = ch->carrier;
    if (ssp__carrier_may_say(c)) {
        ssp__channel_read(ch);
    } else {
        wait_in_turn(ch);
        if (!wait_for_target(ch))
            ssp__channel_fail(ch);
    }
    c->turn(c->session);
}

static void on_writable(void *arg)
{
    struct ssp__channel *ch = arg;
    struct ssp__carrier *c = ch->carrier;
    flush(ch);
    c->turn(c->session);
}

static const struct ssp__reaction reaction = {on_readable, on_writable};

static void connected(struct ssp__channel *ch, struct ssp__stream *stream)
{
    ssp__timer_stop(&ch->timer);
    ssp__stream_take(&ch->target, stream);
    flush(ch);
}

static void unreachable(struct ssp__channel *ch, const char *why)
{
    ssp__count(&ch->carrier->session->instance->meter->counters.failed, 1);
    ssp__session_log_failure(ch->carrier->session, why);
    ssp__channel_fail(ch);
}

static void on_dialed(void *arg, struct ssp__stream *stream, const char *why, bool tried)
{
    struct ssp__channel *ch = arg;
    struct ssp__carrier *c = ch->carrier;
    (void)tried;
    ch->dial = NULL;
    if (stream == NULL)
        unreachable(ch, why);
    else
        connected(ch, stream);
    c->turn(c->session);
}

/* The limit of a dial, or the look at a client whose target has ended. */
static void on_time(void *arg)
{
    struct ssp__channel *ch = arg;
    struct ssp__carrier *c = ch->carrier;
    if (!ch->target_ended)
        unreachable(ch, "dial a stream's target: timed out");
    else if (now_ms(c) - ch->active_ms < SILENCE_MS)
        ssp__timer_start(worker_of(c)->loop, &ch->timer, SILENCE_MS);
    else
        finish(ch);
    c->turn(c->session);
}

/* ---- the beginning ---- */

static void dial(struct ssp__channel *ch)
{
    struct ssp__session *s = ch->carrier->session;
    const struct ssp__plan *plan = &ch->carrier->plan;
    unsigned limit = plan->dial_ms > 0 ? plan->dial_ms : s->service->limits.dial_ms;
    uint32_t chance = 0;
    if (plan->endpoints > 1)
        s->worker->world.random(s->worker->world.arg, &chance, sizeof chance);
    ch->request = (struct ssp__dial_request){.loop = s->worker->loop,
                                             .resolver = s->worker->resolver,
                                             .options = &s->service->dialed,
                                             .endpoint = plan->endpoint,
                                             .endpoints = plan->endpoints,
                                             .first = chance % plan->endpoints,
                                             .permit = {plan->permit, s->service->plan_arg},
                                             .on_dialed = on_dialed,
                                             .arg = ch};
    ssp__timer_start(s->worker->loop, &ch->timer, limit);
    ch->dial = ssp__dial_start(&ch->request);
    if (ch->dial == NULL)
        ssp__channel_fail(ch);
}

struct ssp__channel *ssp__channel_find(const struct ssp__carrier *c, uint32_t stream)
{
    struct ssp__channel *ch = c->channel;
    while (ch != NULL && ch->stream != stream)
        ch = ch->next;
    return ch;
}

void ssp__channel_open(struct ssp__carrier *c, uint32_t stream)
{
    struct ssp__channel *ch = ssp__slab_take(&worker_of(c)->pool.slabs, sizeof *ch);
    if (ch == NULL || c->channels >= c->row->streams) {
        ssp__slab_give(&worker_of(c)->pool.slabs, ch, sizeof *ch);
        ssp__carrier_say(c, SSP_STREAM_FAILS, stream);
        return;
    }
    ch->carrier = c;
    ch->stream = stream;
    ch->target = (struct ssp__stream){.interest = {.reaction = &reaction, .arg = ch}, .fd = -1};
    ch->timer.fire = on_time;
    ch->timer.arg = ch;
    ch->active_ms = now_ms(c);
    ch->next = c->channel;
    if (ch->next != NULL)
        ch->next->prev = ch;
    c->channel = ch;
    c->channels++;
    if (ssp__session_introduce(c->session, &ch->up))
        dial(ch);
    else
        ssp__channel_fail(ch);
}
