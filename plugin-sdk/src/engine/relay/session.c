/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/session.h"

#include "relay/handshake.h"
#include <ssplugin/log.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    EARLY_MAX = 64 * 1024, /* bytes that may wait before the connection stands */
    LINGER_TICK_MS = 10,
    IDLE_CHECKS = 4 /* the idle limit is exact to a quarter */
};

static void settle(struct ssp__session *s);

size_t ssp__session_size(const struct ssp__service *service)
{
    return sizeof(struct ssp__session) + service->codec->state_size;
}

static void greeting_free(struct ssp__session *s)
{
    if (s->greeting != NULL)
        ssp__dial_cancel(s->greeting->dial);
    free(s->greeting);
    s->greeting = NULL;
}

/* The one destructor.  Sockets that are still open are closed as they are. */
static void session_free(struct ssp__session *s)
{
    struct ssp__worker *w = s->worker;
    ssp__timer_stop(&s->timer);
    ssp__peer_limit_leave(w->crowd, &s->crowd);
    greeting_free(s);
    for (int i = 0; i < 2; i++) {
        ssp__direction_drop(s, (enum ssp__side)i);
        ssp__stream_close(&s->side[i]);
    }
    if (s->service->codec->close != NULL)
        s->service->codec->close(&s->conn, s->codec_state);
    *(s->prev != NULL ? &s->prev->next : &w->sessions) = s->next;
    if (s->next != NULL)
        s->next->prev = s->prev;
    free(s->conn.why);
    free(s);
    if (--w->live == 0 && w->on_idle != NULL)
        w->on_idle(w->idle_arg);
}

void ssp__session_abort(struct ssp__session *s)
{
    ssp__stream_reset(&s->side[SSP_ACCEPTED]);
    ssp__stream_reset(&s->side[SSP_DIALED]);
    session_free(s);
}

static void enter(struct ssp__session *s, enum ssp__session_state state, unsigned limit_ms)
{
    s->state = state;
    ssp__timer_start(s->worker->loop, &s->timer, limit_ms);
}

/* Nothing more is to be moved: settle() ends the session. */
void ssp__session_give_up(struct ssp__session *s)
{
    s->dir[SSP_ACCEPTED].drop = s->dir[SSP_DIALED].drop = true;
}

/* ---- ABSORB ---- */

/* From here on the accepted side is read and forgotten, as if nothing had been understood.  The
 * deadline of GREET goes on, so that its time tells nothing either. */
void ssp__session_absorb(struct ssp__session *s)
{
    greeting_free(s);
    ssp__stream_close(&s->side[SSP_DIALED]);
    ssp__direction_drop(s, SSP_ACCEPTED);
    ssp__direction_drop(s, SSP_DIALED);
    if (s->state != SSP_GREET)
        ssp__timer_start(s->worker->loop, &s->timer, s->service->limits.greet_ms);
    s->state = SSP_ABSORB;
}

/* ---- GREET ---- */

static void dialed(void *arg, int fd, const char *why);

void ssp__session_dial(struct ssp__session *s, const struct ssp__endpoint *endpoint,
                       unsigned endpoints)
{
    const struct ssp__service *service = s->service;
    uint32_t first = 0;
    if (endpoints > 1)
        s->worker->world.random(s->worker->world.arg, &first, sizeof first);
    struct ssp__dial_request request = {.loop = s->worker->loop,
                                        .resolver = s->worker->resolver,
                                        .options = &service->dialed,
                                        .endpoint = endpoint,
                                        .endpoints = endpoints,
                                        .first = endpoints > 1 ? first % endpoints : 0,
                                        .on_dialed = dialed,
                                        .arg = s};
    ssp__peer_limit_leave(s->worker->crowd, &s->crowd);
    ssp__dial_cancel(s->greeting->dial);
    s->greeting->endpoint = &endpoint[request.first];
    enter(s, SSP_DIAL, service->limits.dial_ms);
    int fd = ssp__dial_start(&s->greeting->dial, &request);
    if (fd == -2)
        s->broken = true;
    else if (fd >= 0)
        dialed(s, fd, NULL);
}

static void greet_readable(struct ssp__session *s)
{
    if (s->service->coded == SSP_DIALED)
        ssp__pump_io_store(s, SSP_ACCEPTED);
    else
        ssp__pump_io_read(s, SSP_ACCEPTED);
    ssp__handshake(s);
}

/* ---- DIAL and HOLD ---- */

/* A client's codec that keeps plain bytes back waits for an answer of its peer. */
static bool shakes_hands(const struct ssp__session *s)
{
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    return s->service->coded == SSP_DIALED && up->pump.fn != NULL &&
           ssp__bytes_len(&up->pump.in) > 0 && ssp__direction_flushed(up);
}

static unsigned silence_ms(const struct ssp__session *s)
{
    const struct ssp__limits *limits = &s->service->limits;
    return shakes_hands(s) && limits->greet_ms < limits->idle_ms ? limits->greet_ms
                                                                 : limits->idle_ms;
}

static void relay(struct ssp__session *s)
{
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__pump_io_flush(s, SSP_ACCEPTED);
    const struct ssp__direction *up = &s->dir[SSP_ACCEPTED];
    s->state = SSP_RELAY;
    if (ssp__direction_flushed(up) && !up->ended && !up->cut && !up->drop)
        ssp__pump_io_run(s, SSP_ACCEPTED);
    enter(s, SSP_RELAY, silence_ms(s) / IDLE_CHECKS + 1);
}

static void dial_failed(struct ssp__session *s, const char *why)
{
    ssp_error("%s: %s", s->service->name, why);
    ssp__stream_reset(&s->side[SSP_ACCEPTED]);
    ssp__session_give_up(s);
}

static bool header_waits_alone(const struct ssp__session *s)
{
    const struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    return s->service->say_target && s->service->limits.hold_ms > 0 && !d->eof &&
           ssp__bytes_len(&d->pump.in) == s->greeting->target.header_len;
}

static void connected(struct ssp__session *s, int fd)
{
    ssp__stream_open(&s->side[SSP_DIALED], s->worker->loop, fd);
    if (header_waits_alone(s))
        enter(s, SSP_HOLD, s->service->limits.hold_ms);
    else
        relay(s);
    greeting_free(s);
}

/* From ssp__dial_start() itself, or later from the loop. */
static void dialed(void *arg, int fd, const char *why)
{
    struct ssp__session *s = arg;
    bool from_loop = s->greeting->dial != NULL;
    s->greeting->dial = NULL;
    if (fd == -1)
        dial_failed(s, why);
    else
        connected(s, fd);
    if (from_loop)
        settle(s);
}

static void dial_readable(struct ssp__session *s)
{
    if (s->service->coded == SSP_DIALED)
        ssp__pump_io_store(s, SSP_ACCEPTED);
    else
        ssp__pump_io_read(s, SSP_ACCEPTED);
    if (s->dead[SSP_ACCEPTED])
        ssp__session_give_up(s);
}

static void hold_readable(struct ssp__session *s)
{
    ssp__pump_io_store(s, SSP_ACCEPTED);
    relay(s);
}

/* ---- RELAY and LINGER ---- */

static void relay_readable(struct ssp__session *s)
{
    ssp__pump_io_read(s, SSP_ACCEPTED);
}

static void absorb_readable(struct ssp__session *s)
{
    ssp__pump_io_absorb(s, SSP_ACCEPTED);
}

/* A direction was cut and its last bytes are written: the receiver gets its reset once it has them.
 * A reset sent earlier would take acknowledged bytes back. */
static void linger(struct ssp__session *s, enum ssp__side receiver)
{
    enum ssp__side source = ssp__other(receiver);
    if (ssp__stream_unacked(&s->side[receiver]) > 0 && s->linger_ticks-- > 0) {
        enter(s, SSP_LINGER, LINGER_TICK_MS);
        return;
    }
    ssp__stream_reset(&s->side[receiver]);
    bool hide = s->service->coded == source && source == SSP_ACCEPTED;
    if (hide && !s->dir[source].eof && !s->dead[source])
        ssp__session_absorb(s);
    else
        ssp__session_give_up(s);
}

static bool over(const struct ssp__session *s, enum ssp__side from)
{
    return s->dir[from].shut || s->dir[from].drop;
}

/* The second FIN is sent by the close that follows. */
static void send_fin(struct ssp__session *s, enum ssp__side from)
{
    struct ssp__direction *d = &s->dir[from];
    struct ssp__stream *to = &s->side[ssp__other(from)];
    if (d->shut || d->drop || !d->ended || to->fd == -1 || !ssp__direction_flushed(d))
        return;
    if (!over(s, ssp__other(from)))
        ssp__stream_shut(to);
    d->shut = true;
}

/* ---- deadlines ---- */

/* Ends as a FIN: bytes left unread would make it a reset. */
static void end_quietly(struct ssp__session *s)
{
    ssp__pump_io_absorb(s, SSP_ACCEPTED);
    ssp__session_give_up(s);
}

static void dial_expired(struct ssp__session *s)
{
    char whom[SSP_HOST_MAX + 8], why[sizeof whom + 24];
    ssp__endpoint_format(s->greeting->endpoint, whom, sizeof whom);
    (void)snprintf(why, sizeof why, "dial %s: timed out", whom);
    dial_failed(s, why);
}

/* Bytes that never left make it a reset: an end would say that they were all. */
static void end_idle(struct ssp__session *s)
{
    s->broken = !ssp__direction_flushed(&s->dir[SSP_ACCEPTED]) ||
                !ssp__direction_flushed(&s->dir[SSP_DIALED]);
    ssp__session_give_up(s);
}

static void relay_expired(struct ssp__session *s)
{
    uint64_t idle_ms = ssp__loop_now_ms(s->worker->loop) - s->active_ms;
    if (idle_ms < silence_ms(s))
        enter(s, SSP_RELAY, silence_ms(s) / IDLE_CHECKS + 1);
    else if (shakes_hands(s))
        dial_failed(s, "handshake: timed out");
    else
        end_idle(s);
}

static void linger_expired(struct ssp__session *s)
{
    linger(s, s->dir[SSP_ACCEPTED].cut ? SSP_DIALED : SSP_ACCEPTED);
}

/* ---- the table ---- */

typedef void step_fn(struct ssp__session *s);

/* What each state does when the accepted side is readable and when its time is over. */
static const struct {
    step_fn *readable, *expired;
} states[SSP_STATES] = {
    [SSP_GREET] = {greet_readable, end_quietly}, [SSP_DIAL] = {dial_readable, dial_expired},
    [SSP_HOLD] = {hold_readable, relay},         [SSP_RELAY] = {relay_readable, relay_expired},
    [SSP_LINGER] = {NULL, linger_expired},       [SSP_ABSORB] = {absorb_readable, end_quietly},
};

/* What a codec leaves unread may fill its window, as ever. */
static bool room_early(const struct ssp__session *s)
{
    const struct ssp__pump *up = &s->dir[SSP_ACCEPTED].pump;
    size_t unread = s->service->coded == SSP_DIALED ? EARLY_MAX : SSP_WINDOW;
    return ssp__bytes_len(&up->in) < unread && ssp__bytes_len(&up->out) < EARLY_MAX;
}

static bool may_read(const struct ssp__session *s, enum ssp__side from)
{
    const struct ssp__direction *d = &s->dir[from];
    if (s->state == SSP_ABSORB)
        return from == SSP_ACCEPTED;
    if (d->eof || d->ended || d->cut || d->drop)
        return false;
    switch (s->state) {
    case SSP_GREET:
    case SSP_DIAL:
        return from == SSP_ACCEPTED && room_early(s);
    case SSP_HOLD:
    case SSP_RELAY:
        return ssp__direction_flushed(d) && ssp__bytes_len(&d->pump.in) < SSP_WINDOW;
    case SSP_LINGER:
    case SSP_ABSORB:
    case SSP_STATES:
        break;
    }
    return false;
}

static void arm(struct ssp__session *s, enum ssp__side side)
{
    const struct ssp__direction *toward = &s->dir[ssp__other(side)];
    ssp__stream_want(&s->side[side], may_read(s, side), !ssp__direction_flushed(toward));
}

/* The codec wants this peer elsewhere: a matter of course before its target is connected. */
static void divert(struct ssp__session *s)
{
    if (s->state == SSP_GREET || s->state == SSP_DIAL) {
        ssp__handshake_divert(s);
        return;
    }
    s->diverted = true;
    if (s->state == SSP_ABSORB)
        return;
    ssp_error("%s: codec %s diverts a connection that stands already: connection ended",
              s->service->name, s->service->codec->name);
    s->broken = true;
}

/* After any event: send what is due, then finished, or waiting for the next one. */
static void settle(struct ssp__session *s)
{
    if (s->conn.diverted && !s->diverted)
        divert(s);
    for (int i = 0; i < 2 && s->state == SSP_RELAY; i++) {
        enum ssp__side from = (enum ssp__side)i;
        if (s->dir[from].cut && ssp__direction_flushed(&s->dir[from]))
            linger(s, ssp__other(from));
    }
    if (s->broken) {
        ssp__session_abort(s);
        return;
    }
    send_fin(s, SSP_ACCEPTED);
    send_fin(s, SSP_DIALED);
    bool done = s->state == SSP_ABSORB ? s->dir[SSP_ACCEPTED].eof
                                       : over(s, SSP_ACCEPTED) && over(s, SSP_DIALED);
    if (done) {
        session_free(s);
        return;
    }
    arm(s, SSP_ACCEPTED);
    arm(s, SSP_DIALED);
}

/* ---- events ---- */

/* A codec that ran may have replied to the side it reads from, or learnt what the other direction
 * has been waiting for. */
static void nudge_other(struct ssp__session *s, enum ssp__side side)
{
    enum ssp__side from = ssp__other(side);
    struct ssp__direction *d = &s->dir[from];
    if (ssp__bytes_len(&d->pump.out) > 0 && !s->side[side].writing)
        ssp__pump_io_flush(s, from);
    if (s->state == SSP_RELAY && (ssp__bytes_len(&d->pump.in) > 0 || d->eof) &&
        ssp__direction_flushed(d) && !d->ended && !d->cut && !d->drop)
        ssp__pump_io_run(s, from);
}

static void accepted_readable(void *arg)
{
    struct ssp__session *s = arg;
    states[s->state].readable(s);
    nudge_other(s, SSP_ACCEPTED);
    settle(s);
}

static void dialed_readable(void *arg)
{
    struct ssp__session *s = arg;
    ssp__pump_io_read(s, SSP_DIALED);
    nudge_other(s, SSP_DIALED);
    settle(s);
}

/* The receiver has taken some of what waited: that is traffic, however long nothing was read. */
static void writable(struct ssp__session *s, enum ssp__side side)
{
    enum ssp__side from = ssp__other(side);
    s->active_ms = ssp__loop_now_ms(s->worker->loop);
    ssp__pump_io_flush(s, from);
    if (s->state == SSP_RELAY)
        nudge_other(s, from);
    settle(s);
}

static void accepted_writable(void *arg)
{
    writable(arg, SSP_ACCEPTED);
}

static void dialed_writable(void *arg)
{
    writable(arg, SSP_DIALED);
}

static void expired(void *arg)
{
    struct ssp__session *s = arg;
    if (s->state == SSP_ABSORB)
        s->dir[SSP_ACCEPTED].eof = true;
    states[s->state].expired(s);
    settle(s);
}

static void join(struct ssp__session *s, struct ssp__worker *w)
{
    s->next = w->sessions;
    if (s->next != NULL)
        s->next->prev = s;
    w->sessions = s;
    w->live++;
    w->counters.accepted++;
    if (w->live == 1 && w->on_busy != NULL)
        w->on_busy(w->busy_arg);
}

static void pumps_init(struct ssp__session *s)
{
    const ssp_codec *codec = s->service->codec;
    bool wraps_up = s->service->coded == SSP_DIALED;
    ssp__pump_init(&s->dir[SSP_ACCEPTED].pump, codec, wraps_up ? SSP_WRAP : SSP_UNWRAP);
    ssp__pump_init(&s->dir[SSP_DIALED].pump, codec, wraps_up ? SSP_UNWRAP : SSP_WRAP);
}

static void open_front(struct ssp__session *s)
{
    const struct ssp__front *front = s->service->front;
    struct ssp__address reached;
    if (front == NULL || front->open == NULL)
        return;
    ssp__stream_local(&s->side[SSP_ACCEPTED], &reached);
    front->open(s->greeting->front_state, &reached);
}

/* Those over the cap are closed without a word. */
static void turn_away(int fd)
{
    struct ssp__stream stream = {.fd = fd};
    ssp__stream_close(&stream);
}

void ssp__session_open(struct ssp__worker *w, const struct ssp__service *service, int fd)
{
    struct ssp__peer_limit_entry *crowd = NULL;
    if (service->limits.greeting_per_peer > 0 && !ssp__handshake_admits(w, service, fd, &crowd)) {
        turn_away(fd);
        return;
    }
    struct ssp__session *s = calloc(1, ssp__session_size(service));
    struct ssp__greeting *greeting = calloc(1, sizeof *greeting);
    if (s == NULL || greeting == NULL) {
        free(s);
        free(greeting);
        ssp__peer_limit_leave(w->crowd, &crowd);
        struct ssp__stream refused = {.fd = fd};
        ssp__stream_reset(&refused);
        return;
    }
    s->worker = w;
    s->service = service;
    s->greeting = greeting;
    s->crowd = crowd;
    s->linger_ticks = service->limits.linger_ms / LINGER_TICK_MS;
    s->conn = (ssp_conn){.role = service->role, .conf = service->conf, .world = &w->world};
    s->timer.fire = expired;
    s->timer.arg = s;
    s->side[SSP_ACCEPTED] = (struct ssp__stream){
        .on_readable = accepted_readable, .on_writable = accepted_writable, .arg = s};
    s->side[SSP_DIALED] = (struct ssp__stream){
        .fd = -1, .on_readable = dialed_readable, .on_writable = dialed_writable, .arg = s};
    ssp__stream_open(&s->side[SSP_ACCEPTED], w->loop, fd);
    open_front(s);
    pumps_init(s);
    join(s, w);
    enter(s, SSP_GREET, service->limits.greet_ms);
    if (service->eager)
        ssp__handshake(s);
    settle(s);
}
