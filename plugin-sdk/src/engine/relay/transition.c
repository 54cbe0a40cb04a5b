/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/transition.h"

#include "relay/client.h"
#include "relay/codec_timer.h"
#include "relay/pump_io.h"
#include "relay/record.h"
#include "relay/throttle.h"
#include <ssplugin/log.h>

#include <stdlib.h>
#include <string.h>

enum { IDLE_CHECKS = 4 }; /* the idle limit is exact to a quarter */

void ssp__session_enter(struct ssp__session *s, enum ssp__session_state state, unsigned limit_ms)
{
    s->state = state;
    ssp__timer_start(s->worker->loop, &s->timer, limit_ms);
}

size_t ssp__session_size(const struct ssp__service *service)
{
    size_t own = service->codec->state_size;
    return sizeof(struct ssp__session) + (own > service->state_room ? own : service->state_room);
}

size_t ssp__greeting_size(const struct ssp__service *service)
{
    size_t state = service->front != NULL ? service->front->state_size : 0;
    return sizeof(struct ssp__greeting) + state;
}

void ssp__greeting_free(struct ssp__session *s)
{
    if (s->greeting != NULL) {
        ssp__dial_cancel(s->greeting->dial);
        ssp__front_pump_close(&s->greeting->front, &s->worker->pool);
    }
    ssp__slab_give(&s->worker->pool.slabs, s->greeting, ssp__greeting_size(s->service));
    s->greeting = NULL;
}

void ssp__greeting_release(struct ssp__session *s)
{
    if (!ssp__session_fronted(s) && !ssp__session_answering(s) && !ssp__session_recallable(s))
        ssp__greeting_free(s);
}

void ssp__session_begin_codec(struct ssp__session *s)
{
    const struct ssp__service *service = s->service;
    s->conn = (ssp_conn){.role = service->role,
                         .conf = s->way != NULL ? s->way->conf : service->conf,
                         .world = &s->worker->world,
                         .client = ssp__session_client_of};
    ssp__pump_io_code(s, true);
}

/* Another codec, which begins; none has run yet, or it has ended. */
static void go(struct ssp__session *s, struct ssp__way *way)
{
    struct ssp__way *old = s->way;
    ssp__session_end_codec(s);
    memset(s->codec_state, 0, ssp__session_size(s->service) - sizeof *s);
    ssp__way_hold(way);
    s->way = way;
    ssp__session_begin_codec(s);
    ssp__way_leave(old);
}

void ssp__session_go(struct ssp__session *s, struct ssp__way *way)
{
    if (way != s->way)
        go(s, way);
}

void ssp__session_end_codec(struct ssp__session *s)
{
    ssp__throttle_leave(s);
    if (ssp__session_codec(s)->close != NULL)
        ssp__session_codec(s)->close(&s->conn, s->codec_state);
    ssp__codec_timer_free(s);
    ssp__conn_release(&s->conn);
}

void ssp__session_hang_up(struct ssp__session *s)
{
    bool eof = s->dir[SSP_ACCEPTED].eof;
    ssp__dial_cancel(s->greeting->dial);
    s->greeting->dial = NULL;
    ssp__stream_close(&s->side[SSP_DIALED]);
    for (int i = 0; i < 2; i++) {
        ssp__direction_drop(s, (enum ssp__side)i);
        s->dir[i] = (struct ssp__direction){.state = SSP_OPEN};
    }
    s->dir[SSP_ACCEPTED].eof = eof;
    s->dead[SSP_DIALED] = s->diverted = false;
    s->doubted_ms = 0;
    if (s->service->coded == SSP_DIALED)
        s->peer_port = 0;
    go(s, NULL);
    ssp__front_pump_renew(&s->greeting->front, &s->worker->pool);
}

void ssp__session_leave_fallback(struct ssp__session *s)
{
    struct ssp__direction *up = &s->dir[SSP_ACCEPTED], *down = &s->dir[SSP_DIALED];
    ssp__dial_cancel(s->greeting->dial);
    s->greeting->dial = NULL;
    ssp__stream_close(&s->side[SSP_DIALED]);
    ssp__bytes_clear(&up->pump.out, &s->worker->pool);
    ssp__bytes_clear(&down->pump.in, &s->worker->pool);
    ssp__pump_forget(&down->pump);
    down->eof = down->stalled = false;
    s->dead[SSP_DIALED] = s->diverted = false;
}

/* ---- DIAL ---- */

/* A session that goes around the process on the coded side does not depend on its life. */
static bool meets_process(const struct ssp__session *s, enum ssp__side side)
{
    bool around = side == SSP_DIALED && ((s->greeting != NULL && !s->greeting->plan.coded) ||
                                         (s->way != NULL && !s->way->hosted));
    return s->service->liveness != NULL && side == s->service->coded && !around;
}

/* A plugin's process hears of a connection at once: it may dial while the client still thinks. */
static enum ssp__first_word first_word(const struct ssp__session *s)
{
    const struct ssp__bytes *plain = &s->dir[SSP_ACCEPTED].pump.out;
    bool waits = s->service->coded == SSP_ACCEPTED && ssp__bytes_len(plain) > 0;
    bool says = s->greeting->plan.say_target && !meets_process(s, SSP_DIALED);
    return waits || says ? SSP_SPEAKS : SSP_LISTENS;
}

void ssp__session_dial(struct ssp__session *s)
{
    struct ssp__dial_request *request = &s->greeting->request;
    const struct ssp__plan *plan = &s->greeting->plan;
    uint32_t first = 0;
    if (plan->endpoints > 1)
        s->worker->world.random(s->worker->world.arg, &first, sizeof first);
    request->endpoint = plan->endpoint;
    request->endpoints = plan->endpoints;
    request->permit = (struct ssp__permit){plan->permit, s->service->plan_arg};
    request->first = first % plan->endpoints;
    request->options = plan->way != NULL ? plan->way->options : &s->service->dialed;
    request->first_word = first_word(s);
    s->dialed_ms = (uint32_t)ssp__loop_now_ms(s->worker->loop);
    s->noted = false;
    if (!s->diverted || !ssp__session_begins_diverted(s))
        ssp__admission_leave(s->worker->admission, &s->applicant);
    ssp__dial_cancel(s->greeting->dial);
    ssp__session_enter(s, SSP_DIAL, plan->dial_ms > 0 ? plan->dial_ms : s->service->limits.dial_ms);
    s->greeting->dial = ssp__dial_start(request);
    if (s->greeting->dial == NULL)
        s->broken = true;
}

/* Returns true when the front has answered in place of a target that was not reached. */
static bool answer_for_target(struct ssp__session *s)
{
    if (!ssp__session_answering(s))
        return false;
    struct ssp__front_pump *f = &s->greeting->front;
    ssp__dial_cancel(
        s->greeting->dial); /* it may stand after all, while the client reads why not */
    s->greeting->dial = NULL;
    f->reach = f->reach == SSP_REACHED ? SSP_UNREACHABLE : f->reach;
    f->ended = true;
    ssp__pump_io_answer(s);
    if (ssp__session_replacing(s))
        return true;
    if (s->dir[SSP_DIALED].state != SSP_ENDING)
        return false;
    ssp__pump_io_flush_all(s, SSP_DIALED);
    (void)ssp__stream_shut(&s->side[SSP_ACCEPTED]);
    ssp__session_absorb(s);
    return true;
}

void ssp__session_log_failure(const struct ssp__session *s, const char *why)
{
    if (ssp__log_limit_take(s->worker->failures))
        ssp_error("%s: %s", s->service->name, why);
}

void ssp__session_unreachable(struct ssp__session *s, const char *why)
{
    ssp__count(&s->instance->meter->counters.failed, 1);
    ssp__record_reason(s, "unreachable");
    ssp__session_log_failure(s, why);
    if (answer_for_target(s))
        return;
    ssp__stream_reset(&s->side[SSP_ACCEPTED]);
    ssp__session_give_up(s);
}

/* ---- HOLD and RELAY ---- */

/* Puts the target header before the payload that has come already.  Returns true when none has. */
static bool say_target(struct ssp__session *s)
{
    struct ssp__bytes *in = &s->dir[SSP_ACCEPTED].pump.in, said = {.base = NULL};
    struct ssp__pool *pool = &s->worker->pool;
    const struct ssp__target *target = &s->greeting->front.target;
    bool alone = ssp__bytes_len(in) == 0 && !s->dir[SSP_ACCEPTED].eof;
    if (ssp__bytes_append(&said, pool, target->header, target->header_len) == -1 ||
        ssp__bytes_move(&said, in, pool) == -1)
        s->broken = true;
    ssp__bytes_clear(in, pool);
    *in = said;
    return alone;
}

void ssp__session_note_peer(struct ssp__session *s, enum ssp__side side)
{
    struct ssp__address peer;
    if (!meets_process(s, side))
        return;
    ssp__stream_peer_address(&s->side[side], &peer);
    s->peer_port = peer.len > 0 ? ssp__address_port(&peer) : 0;
}

/* Puts the client's address before the payload that has come already. */
static void introduce(struct ssp__session *s)
{
    struct ssp__bytes *out = &s->dir[SSP_ACCEPTED].pump.out, said = {.base = NULL};
    struct ssp__pool *pool = &s->worker->pool;
    if (!ssp__session_introduce(s, &said) || ssp__bytes_move(&said, out, pool) == -1)
        s->broken = true;
    ssp__bytes_clear(out, pool);
    *out = said;
}

void ssp__session_connected(struct ssp__session *s, struct ssp__stream *stream)
{
    unsigned hold_ms = s->service->limits.hold_ms;
    ssp__stream_take(&s->side[SSP_DIALED], stream);
    ssp__session_note_peer(s, SSP_DIALED);
    s->greeting->front.reach = SSP_REACHED;
    if (s->service->introduces && s->greeting->occasion <= SSP_ON_TARGET)
        introduce(s);
    if (s->greeting->plan.say_target && say_target(s) && hold_ms > 0)
        ssp__session_enter(s, SSP_HOLD, hold_ms);
    else
        ssp__session_relay(s);
    ssp__greeting_release(s);
}

unsigned ssp__session_silence_ms(const struct ssp__session *s)
{
    const struct ssp__limits *limits = &s->service->limits;
    return ssp__session_shakes_hands(s) && limits->greet_ms < limits->idle_ms ? limits->greet_ms
                                                                              : limits->idle_ms;
}

void ssp__session_watch_silence(struct ssp__session *s)
{
    ssp__session_enter(s, SSP_RELAY, ssp__session_silence_ms(s) / IDLE_CHECKS + 1);
}

void ssp__session_relay(struct ssp__session *s)
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__pump_io_flush(s, SSP_ACCEPTED);
    s->state = SSP_RELAY;
    if (ssp__direction_flushed(up) && up->state == SSP_OPEN)
        ssp__pump_io_run(s, SSP_ACCEPTED);
    ssp__session_watch_silence(s);
}

/* ---- LINGER ---- */

/* A reset sent earlier would take acknowledged bytes back. */
void ssp__session_linger(struct ssp__session *s, enum ssp__side receiver)
{
    enum ssp__side source = ssp__other(receiver);
    if (!s->dead[receiver] && ssp__stream_unacked(&s->side[receiver]) > 0 &&
        s->linger_ticks-- > 0) {
        ssp__session_enter(s, SSP_LINGER, SSP_LINGER_TICK_MS);
        return;
    }
    ssp__stream_reset(&s->side[receiver]);
    bool hide = s->service->coded == source && source == SSP_ACCEPTED;
    if (hide && !s->dir[source].eof && !s->dead[source])
        ssp__session_absorb(s);
    else
        ssp__session_give_up(s);
}

/* ---- the ends ---- */

/* The deadline of GREET goes on, so that the time of the end reveals nothing. */
void ssp__session_absorb(struct ssp__session *s)
{
    ssp__greeting_free(s);
    ssp__stream_close(&s->side[SSP_DIALED]);
    ssp__direction_drop(s, SSP_ACCEPTED);
    ssp__direction_drop(s, SSP_DIALED);
    if (s->state != SSP_GREET)
        ssp__timer_start(s->worker->loop, &s->timer, s->service->limits.greet_ms);
    s->state = SSP_ABSORB;
    if (s->service->coded == SSP_ACCEPTED && (s->service->codec->flags & SSP_CLOSE_REFUSED) != 0) {
        ssp__stream_discard_all(&s->side[SSP_ACCEPTED]);
        s->dir[SSP_ACCEPTED].eof = true;
    }
    if (s->applicant == NULL)
        s->applicant = ssp__admission_enter(s->worker->admission, NULL, s);
}

void ssp__session_give_up(struct ssp__session *s)
{
    s->dir[SSP_ACCEPTED].state = s->dir[SSP_DIALED].state = SSP_DROPPED;
}
