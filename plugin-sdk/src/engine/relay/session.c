/* SPDX-License-Identifier: Apache-2.0 */
#include "net/far_end.h"
#include "relay/carrier.h"
#include "relay/codec_timer.h"
#include "relay/drain.h"
#include "relay/events.h"
#include "relay/handshake.h"
#include "relay/preface.h"
#include "relay/pump_io.h"
#include "relay/record.h"
#include "relay/throttle.h"
#include "relay/transition.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>

enum {
    DOUBT_MS = 100,      /* how long an end waits for news of a death, and for the next answer */
    ABSORB_REST_MS = 100 /* between two reads of input that is dropped */
};

/* The one destructor.  Sockets that are still open are closed as they are, by a reset where they
 * have failed: a FIN would claim that no byte is missing. */
static void session_free(struct ssp__session *s)
{
    struct ssp__instance *instance = s->instance;
    struct ssp__worker *worker = s->worker;
    ssp__record_end(s);
    ssp__timer_stop(&s->timer);
    if (s->diverted && ssp__session_begins_diverted(s))
        ssp__count(&instance->meter->counters.foreign, 1);
    ssp__admission_leave(s->worker->admission, &s->applicant);
    ssp__lease_free(s->lease);
    ssp__preface_end(s);
    ssp__greeting_free(s);
    ssp__slab_give(&worker->pool.slabs, s->client, sizeof *s->client);
    ssp__carrier_free(s);
    for (int i = 0; i < 2; i++) {
        ssp__direction_drop(s, (enum ssp__side)i);
        (s->dead[i] ? ssp__stream_reset : ssp__stream_close)(&s->side[i]);
    }
    ssp__session_end_codec(s);
    ssp__way_leave(s->way);
    *(s->prev != NULL ? &s->prev->next : &instance->sessions) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    ssp__slab_give(&worker->pool.slabs, s, ssp__session_size(s->service));
    ssp__worker_stir(worker);
    ssp__drain_left(instance);
}

void ssp__session_abort(struct ssp__session *s)
{
    ssp__stream_reset(&s->side[SSP_ACCEPTED]);
    ssp__stream_reset(&s->side[SSP_DIALED]);
    session_free(s);
}

void ssp__session_stop(struct ssp__session *s)
{
    ssp__record_reason(s, "stopped");
    ssp__session_abort(s);
}

/* ---- a side is readable ---- */

/* Input of a client stays plain until the dialed side stands. */
static void read_early(struct ssp__session *s)
{
    if (s->service->coded == SSP_DIALED)
        ssp__pump_io_store(s, SSP_ACCEPTED);
    else
        ssp__pump_io_read(s, SSP_ACCEPTED);
}

/* The time of GREET goes on. */
static void preface_readable(struct ssp__session *s)
{
    if (!ssp__preface_read(s))
        return;
    s->state = SSP_GREET;
    ssp__handshake_begin(s);
}

static void on_carried(void *arg); /* the first plain bytes may be those of several streams */
static void greet(struct ssp__session *s)
{
    if (!ssp__carrier_looks(s, on_carried))
        ssp__handshake(s);
    else if (ssp__carrier_due(s))
        ssp__handshake_carry(s);
}

static void greet_readable(struct ssp__session *s)
{
    read_early(s);
    greet(s);
}

static void dial_readable(struct ssp__session *s)
{
    read_early(s);
    if (s->dead[SSP_ACCEPTED])
        ssp__session_give_up(s);
}

static void hold_readable(struct ssp__session *s)
{
    ssp__pump_io_store(s, SSP_ACCEPTED);
    if (!ssp__session_fronted(s))
        ssp__session_relay(s);
}

/* A front that stays sees the bytes first, see front_turn(). */
static void accepted_readable(struct ssp__session *s)
{
    if (ssp__session_fronted(s))
        ssp__pump_io_store(s, SSP_ACCEPTED);
    else
        ssp__pump_io_read(s, SSP_ACCEPTED);
}

static void dialed_readable(struct ssp__session *s)
{
    ssp__pump_io_read(s, SSP_DIALED);
}

static void settle(struct ssp__session *s);

static void rested(void *arg)
{
    settle(arg);
}

/* At a bounded rate. */
static void absorb_readable(struct ssp__session *s)
{
    if (ssp__pump_io_absorb(s, SSP_ACCEPTED) && s->applicant != NULL)
        ssp__applicant_rest(s->worker->loop, s->applicant, ABSORB_REST_MS, rested);
}

/* ---- a side is writable: its receiver has taken waiting bytes, which counts as traffic ---- */

static void accepted_writable(struct ssp__session *s)
{
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__pump_io_flush(s, SSP_DIALED);
}

/* A front that has waited for it goes on. */
static void greet_writable(struct ssp__session *s)
{
    bool waited = ssp__session_replies(s);
    accepted_writable(s);
    if (waited)
        greet(s);
}

static void dialed_writable(struct ssp__session *s)
{
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__pump_io_flush(s, SSP_ACCEPTED);
}

/* ---- the codec asked to be called ---- */

static void greet_called(struct ssp__session *s)
{
    ssp__codec_timer_run(s);
    greet(s);
}

/* ---- the time of a state is over ---- */

/* Ends as a FIN: bytes left unread would make it a reset. */
static void end_quietly(struct ssp__session *s)
{
    ssp__record_reason(s, "timeout");
    ssp__stream_discard_all(&s->side[SSP_ACCEPTED]);
    s->dir[SSP_ACCEPTED].eof = true;
    ssp__session_give_up(s);
}

/* A client whose packets are relayed has no need to say anything here. */
static void absorb_expired(struct ssp__session *s)
{
    if (s->lease != NULL && s->lease->assoc != NULL)
        ssp__timer_start(s->worker->loop, &s->timer, s->service->limits.idle_ms);
    else
        end_quietly(s);
}

static void dial_expired(struct ssp__session *s)
{
    const struct ssp__dial_request *dial = &s->greeting->request;
    if (ssp__session_replacing(s)) {
        ssp__session_give_up(s);
        return;
    }
    char whom[SSP_HOST_MAX + 8], why[sizeof whom + 24];
    ssp__endpoint_format(&dial->endpoint[dial->first], whom, sizeof whom);
    (void)snprintf(why, sizeof why, "dial %s: timed out", whom);
    ssp__handshake_redial(s, SSP_TIMED_OUT, why, ssp__dial_tried(s->greeting->dial));
}

/* Unsent bytes make it a reset: a FIN would claim that none is missing. */
static void end_idle(struct ssp__session *s)
{
    ssp__record_reason(s, "timeout");
    s->broken = !ssp__direction_flushed(&s->dir[SSP_ACCEPTED]) ||
                !ssp__direction_flushed(&s->dir[SSP_DIALED]);
    ssp__session_give_up(s);
}

static void relay_expired(struct ssp__session *s)
{
    ssp__carrier_sweep(s);
    uint64_t idle_ms = ssp__loop_now_ms(s->worker->loop) - s->active_ms;
    if (s->wait != NULL || idle_ms < ssp__session_silence_ms(s))
        ssp__session_watch_silence(s);
    else if (ssp__session_shakes_hands(s))
        ssp__session_unreachable(s, "handshake: timed out");
    else
        end_idle(s);
}

/* The client has not asked: the time of an answer tells nothing of the way. */
static void hold_expired(struct ssp__session *s)
{
    s->dialed_ms = 0;
    ssp__session_relay(s);
}

static void linger_expired(struct ssp__session *s)
{
    ssp__session_linger(s, s->dir[SSP_ACCEPTED].state == SSP_CUT ? SSP_DIALED : SSP_ACCEPTED);
}

/* ---- the table ---- */

typedef void step_fn(struct ssp__session *s);

enum session_event {
    ACCEPTED_READABLE,
    ACCEPTED_WRITABLE,
    DIALED_READABLE,
    DIALED_WRITABLE,
    CALLED,
    EXPIRED,
    SESSION_EVENTS
};

/* By state: the accepted side is readable, writable; the dialed side is readable, writable; the
 * codec is to be called; the time is over.  NULL: the state does not wait for it. */
static step_fn *const steps[SSP_STATES][SESSION_EVENTS] = {
    [SSP_PREFACE] = {preface_readable, NULL, NULL, NULL, NULL, ssp__preface_expired},
    [SSP_GREET] = {greet_readable, greet_writable, NULL, NULL, greet_called, end_quietly},
    [SSP_DIAL] = {dial_readable, accepted_writable, NULL, NULL, ssp__codec_timer_run, dial_expired},
    [SSP_HOLD] = {hold_readable, accepted_writable, dialed_readable, dialed_writable,
                  ssp__codec_timer_run, hold_expired},
    [SSP_RELAY] = {accepted_readable, accepted_writable, dialed_readable, dialed_writable,
                   ssp__codec_timer_run, relay_expired},
    [SSP_LINGER] = {NULL, NULL, NULL, NULL, NULL, linger_expired},
    [SSP_ABSORB] = {absorb_readable, NULL, NULL, NULL, NULL, absorb_expired},
};

/* ---- a turn ---- */

static void linger_if_cut(struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__direction *d = &s->dir[from];
    if (s->state == SSP_RELAY && d->state == SSP_CUT && ssp__direction_flushed(d))
        ssp__session_linger(s, ssp__other(from));
}

static bool over(const struct ssp__session *s, enum ssp__side from)
{
    return s->dir[from].state == SSP_SHUT || s->dir[from].state == SSP_DROPPED;
}

static enum ssp__liveness peer_liveness(const struct ssp__session *s)
{
    const struct ssp__service *service = s->service;
    return s->peer_port != 0 ? service->liveness(service->liveness_arg, s->peer_port) : SSP_LIVES;
}

/* Returns true once the end of a direction is known to be meant. */
static bool end_is_meant(struct ssp__session *s, enum ssp__side from)
{
    enum ssp__liveness peer = from == s->service->coded ? peer_liveness(s) : SSP_LIVES;
    uint64_t now = ssp__loop_now_ms(s->worker->loop);
    if (peer == SSP_LIVES)
        return true;
    if (peer == SSP_DEAD) {
        ssp__pump_io_cut(s, from);
        return false;
    }
    if (s->doubted_ms == 0 || peer == SSP_LEAVING)
        s->doubted_ms = now;
    if (now - s->doubted_ms >= DOUBT_MS)
        return true;
    ssp__timer_start(s->worker->loop, &s->timer, DOUBT_MS);
    return false;
}

/* The second FIN is sent by the close that follows. */
static void send_fin(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__stream *to = &s->side[ssp__other(from)];
    if (d->state != SSP_ENDING || to->fd == -1 || !ssp__direction_flushed(d) ||
        !end_is_meant(s, from))
        return;
    if (!over(s, ssp__other(from)) && !ssp__stream_shut(to)) {
        s->broken = true; /* the receiver would wait for ever */
        return;
    }
    d->state = SSP_SHUT;
}

static void answer_turn(struct ssp__session *s)
{
    const struct ssp__direction *down = &s->dir[SSP_DIALED];
    if (ssp__session_answering(s) && !ssp__session_replacing(s) && down->state == SSP_OPEN &&
        ssp__direction_flushed(down))
        ssp__pump_io_answer(s);
}

/* Runs a front that stays: answers first, which it may wait for. */
static void front_turn(struct ssp__session *s)
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    if (s->greeting == NULL || s->state < SSP_DIAL || s->state > SSP_RELAY)
        return;
    if (s->state != SSP_DIAL)
        answer_turn(s);
    if (ssp__session_fronted(s) && up->state == SSP_OPEN && ssp__direction_flushed(up) &&
        (ssp__bytes_len(&s->greeting->front.pump.in) > 0 || up->eof)) {
        (void)ssp__pump_io_front(s);
        bool emitted = ssp__bytes_len(&up->pump.in) > 0 || !ssp__session_fronted(s);
        if (s->state == SSP_HOLD && emitted)
            ssp__session_relay(s);
        else if (s->state == SSP_RELAY && up->state == SSP_OPEN)
            ssp__pump_io_run(s, SSP_ACCEPTED);
    }
    if (s->state != SSP_DIAL)
        ssp__greeting_release(s);
}

static void on_called(void *arg);

/*
 * The end of every turn: a session that is over is freed here and nowhere else.
 *
 * A turn is
 *   1. the step of the table for this state and this event, which moves the bytes of one direction
 *      and may enter another state;
 *   2. front_turn(): a front that stays sees the bytes of both sides;
 *   3. nudge(): what the codec learnt or replied in that step moves the other direction;
 *   4. ssp__carrier_turn(): the streams that are in place of a dialed side move;
 *   5. settle(), in this order: a diversion or recall the codec has asked for; another target that
 *      the front has named, once the client has all that waits for it; bytes that are lost end all
 * by resets; a direction that has ended sends its FIN, unless a death has cut it; a cut direction
 *      whose last bytes are written turns into LINGER; then either both are over, or each side
 *      waits for its next event.
 */
static void settle(struct ssp__session *s)
{
    if (s->conn.divert_asked != s->diverted)
        ssp__handshake_redirect(s);
    while (ssp__session_replacing(s) && !s->broken && ssp__direction_flushed(&s->dir[SSP_DIALED])) {
        ssp__handshake_again(s);
        front_turn(s);
    }
    if (!s->broken) {
        send_fin(s, SSP_ACCEPTED);
        send_fin(s, SSP_DIALED);
    }
    if (s->broken) {
        ssp__session_abort(s);
        return;
    }
    linger_if_cut(s, SSP_ACCEPTED);
    linger_if_cut(s, SSP_DIALED);
    bool done = s->state == SSP_ABSORB ? s->dir[SSP_ACCEPTED].eof
                                       : over(s, SSP_ACCEPTED) && over(s, SSP_DIALED);
    if (done) {
        session_free(s);
        return;
    }
    if ((s->starved && !ssp__throttle_wait(s, rested)) || !ssp__session_arm(s, SSP_ACCEPTED) ||
        !ssp__session_arm(s, SSP_DIALED) || ssp__codec_timer_arm(s, on_called) == -1)
        ssp__session_abort(s);
}

/* The codec may have replied into this direction, or may no longer have to wait.  Replies for which
 * the front waits leave in turns of their own: others have theirs in between. */
static void nudge(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    const struct ssp__stream *to = &s->side[ssp__other(from)];
    bool ended = from == SSP_DIALED && ssp__session_answering(s) && s->greeting->front.ended;
    bool later = from == SSP_DIALED && ssp__session_replies(s);
    if (ssp__bytes_len(&d->pump.out) > 0 && to->fd != -1 && !to->interest.writing && !later)
        ssp__pump_io_flush(s, from);
    if (s->state == SSP_RELAY && d->state == SSP_OPEN && ssp__direction_flushed(d) && !ended &&
        (ssp__bytes_len(&d->pump.in) > 0 || d->eof))
        ssp__pump_io_run(s, from);
}

static void turn(struct ssp__session *s, enum session_event event)
{
    steps[s->state][event](s);
    bool fronted = s->greeting != NULL;
    front_turn(s);
    if (event == ACCEPTED_READABLE || event == DIALED_WRITABLE || event == CALLED || fronted)
        nudge(s, SSP_DIALED);
    if (event == DIALED_READABLE || event == ACCEPTED_WRITABLE || event == CALLED || fronted)
        nudge(s, SSP_ACCEPTED);
    if (s->carrier != NULL)
        ssp__carrier_turn(s);
    settle(s);
}

/* One of several streams has moved, or the time to look for them is over. */
static void on_carried(void *arg)
{
    struct ssp__session *s = arg;
    if (s->state == SSP_GREET)
        greet(s);
    nudge(s, SSP_DIALED);
    nudge(s, SSP_ACCEPTED);
    if (s->carrier != NULL)
        ssp__carrier_turn(s);
    settle(s);
}

static void on_accepted_readable(void *arg)
{
    turn(arg, ACCEPTED_READABLE);
}

static void on_accepted_writable(void *arg)
{
    turn(arg, ACCEPTED_WRITABLE);
}

static void on_dialed_readable(void *arg)
{
    turn(arg, DIALED_READABLE);
}

static void on_dialed_writable(void *arg)
{
    turn(arg, DIALED_WRITABLE);
}

static void on_called(void *arg)
{
    turn(arg, CALLED);
}

/* By the side that is ready. */
static const struct ssp__reaction reactions[] = {
    [SSP_ACCEPTED] = {on_accepted_readable, on_accepted_writable},
    [SSP_DIALED] = {on_dialed_readable, on_dialed_writable},
};

static void on_expired(void *arg)
{
    turn(arg, EXPIRED);
}

static void on_dialed(void *arg, struct ssp__stream *stream, const char *why, bool tried)
{
    struct ssp__session *s = arg;
    s->greeting->dial = NULL;
    if (stream == NULL)
        ssp__handshake_redial(s, SSP_UNREACHABLE, why, tried);
    else
        ssp__session_connected(s, stream);
    front_turn(s);
    settle(s);
}

/* It makes room.  One that counts in DIAL or RELAY is at the fallback, whose dial has not failed.
 */
void ssp__session_expire(struct ssp__session *s)
{
    if (s->state == SSP_PREFACE) {
        ssp__preface_displaced(s);
        settle(s);
    } else if (s->state == SSP_DIAL || s->state == SSP_RELAY) {
        end_idle(s);
        settle(s);
    } else {
        turn(s, EXPIRED);
    }
}

/* ---- a death on the coded side ---- */

/* The port of a server's plugin is open to others, who hold their ends. */
void ssp__session_note_deaths(const struct ssp__instance *instance)
{
    for (struct ssp__session *s = instance->sessions, *next; s != NULL; s = next) {
        next = s->next;
        if (peer_liveness(s) != SSP_DEAD || ssp__far_end_held(s->side[s->service->coded].fd))
            continue;
        ssp__record_reason(s, "plugin");
        ssp__session_abort(s);
    }
}

/* ---- the beginning ---- */

static void join(struct ssp__session *s)
{
    s->next = s->instance->sessions;
    if (s->next != NULL)
        s->next->prev = s;
    s->instance->sessions = s;
    ssp__drain_joined(s->instance);
}

static struct ssp__greeting *greeting_new(struct ssp__worker *w, const struct ssp__service *service)
{
    struct ssp__greeting *greeting = ssp__slab_take(&w->pool.slabs, ssp__greeting_size(service));
    if (greeting != NULL)
        greeting->front.state = greeting->front_state;
    return greeting;
}

static void open_greeting(struct ssp__session *s, const struct ssp__address *reached)
{
    const struct ssp__service *service = s->service;
    struct ssp__greeting *greeting = s->greeting;
    greeting->request = (struct ssp__dial_request){.loop = s->worker->loop,
                                                   .resolver = s->worker->resolver,
                                                   .options = &service->dialed,
                                                   .on_dialed = on_dialed,
                                                   .arg = s};
    if (service->front == NULL)
        return;
    greeting->front.conn =
        (ssp_conn){.role = service->role, .conf = service->front_conf, .world = &s->worker->world};
    ssp__front_pump_open(&greeting->front, service->front, reached);
}

static void refuse(int fd)
{
    struct ssp__stream refused = {.fd = fd};
    ssp__stream_reset(&refused);
}

void ssp__session_open(struct ssp__instance *instance, const struct ssp__service *service, int fd,
                       const struct ssp__address *source, const struct ssp__address *reached)
{
    struct ssp__worker *w = instance->program->worker;
    struct ssp__session *s = ssp__slab_take(&w->pool.slabs, ssp__session_size(service));
    struct ssp__greeting *greeting = greeting_new(w, service);
    struct ssp__applicant *applicant =
        s != NULL && greeting != NULL ? ssp__admission_enter(w->admission, source, s) : NULL;
    if (applicant == NULL) {
        ssp__slab_give(&w->pool.slabs, s, ssp__session_size(service));
        ssp__slab_give(&w->pool.slabs, greeting, ssp__greeting_size(service));
        refuse(fd);
        return;
    }
    s->instance = instance;
    s->worker = w;
    s->service = service;
    s->greeting = greeting;
    s->applicant = applicant;
    s->linger_ticks = (uint16_t)(service->limits.linger_ms / SSP_LINGER_TICK_MS);
    s->timer.fire = on_expired;
    s->timer.arg = s;
    for (int i = 0; i < 2; i++)
        s->side[i] =
            (struct ssp__stream){.interest = {.reaction = &reactions[i], .arg = s}, .fd = -1};
    ssp__stream_open(&s->side[SSP_ACCEPTED], w->loop, fd);
    ssp__session_note_peer(s, SSP_ACCEPTED);
    open_greeting(s, reached);
    ssp__record_begin(s);
    ssp__session_begin_codec(s);
    join(s);
    ssp__session_enter(s, SSP_GREET, service->limits.greet_ms);
    if (service->preface == NULL) {
        ssp__handshake_begin(s);
    } else {
        s->state = SSP_PREFACE;
        s->broken = !ssp__preface_begin(s);
    }
    settle(s);
}
