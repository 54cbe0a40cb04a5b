/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/handshake.h"

#include "relay/carrier.h"
#include "relay/client.h"
#include "relay/pump_io.h"
#include "relay/record.h"
#include "relay/transition.h"
#include <ssplugin/log.h>

static void log_refusal(const struct ssp__session *s, const char *why)
{
    struct ssp__address address;
    char peer[SSP_HOST_MAX];
    ssp__session_client(s, &address);
    ssp__session_client_text(s, peer);
    if (s->service->front == NULL)
        ssp_debug("not our protocol from %s: %s", peer, why);
    else if (ssp__log_limit_take_of(s->worker->refusals, &address))
        ssp_error("failed to handshake with %s: %s", peer, why); /* filters read this form */
}

/* The client has got the reply of its front; an unauthenticated peer gets no answer. */
static void refuse(struct ssp__session *s, uint64_t *counter, const char *why)
{
    ssp__count(counter, 1);
    ssp__record_reason(s, counter == &s->instance->meter->counters.foreign ? "authentication"
                                                                           : "refused");
    if (!s->dir[SSP_ACCEPTED].eof)
        log_refusal(s, why);
    ssp__pump_io_flush_all(s, SSP_DIALED);
    bool client = s->service->coded == SSP_DIALED;
    if (client)
        (void)ssp__stream_shut(&s->side[SSP_ACCEPTED]);
    ssp__session_absorb(s);
    if (client) /* one that had a target has no deadline any more */
        ssp__timer_start(s->worker->loop, &s->timer, s->service->limits.greet_ms);
}

/* Fills the plan of the greeting.  Returns false when it has no endpoint. */
static bool ask_plan(struct ssp__session *s, char why[SSP_PERMIT_WHY_MAX])
{
    const struct ssp__service *service = s->service;
    struct ssp__greeting *g = s->greeting;
    const struct ssp__target *target = &g->front.target;
    const struct ssp__plan_query query = {.occasion = g->occasion,
                                          .target = ssp__target_known(target) ? target : NULL,
                                          .failed = g->failed,
                                          .untried = g->untried,
                                          .why = why};
    g->plan = (struct ssp__plan){.coded = true, .tried = g->plan.tried};
    if (!service->plan(service->plan_arg, &query, &g->plan) || g->plan.endpoints == 0)
        return false;
    if (service->coded == SSP_DIALED)
        ssp__session_go(s, g->plan.way);
    /* The codec of an accepted side has run already: it can be removed, but not restarted. */
    if (service->coded == SSP_DIALED || !g->plan.coded)
        ssp__pump_io_code(s, g->plan.coded);
    return true;
}

static bool plan_for(struct ssp__session *s, enum ssp__occasion occasion,
                     char why[SSP_PERMIT_WHY_MAX])
{
    s->greeting->occasion = occasion;
    s->greeting->failed = 0;
    s->greeting->untried = false;
    s->greeting->plan.tried = 0;
    return ask_plan(s, why);
}

/* A plan with another way for what it does not permit has it so: that is no failure. */
void ssp__handshake_redial(struct ssp__session *s, enum ssp__reach reach, const char *why,
                           bool tried)
{
    char refusal[SSP_PERMIT_WHY_MAX];
    s->greeting->front.reach = reach;
    s->greeting->failed++;
    s->greeting->untried = !tried;
    ssp__session_note(s, SSP_WAY_FAILED);
    if (!ask_plan(s, refusal)) {
        ssp__session_unreachable(s, why);
        return;
    }
    if (tried)
        ssp__session_log_failure(s, why);
    else
        ssp_debug("%s: %s", s->service->name, why);
    ssp__session_dial(s);
}

static void target_known(struct ssp__session *s)
{
    char text[SSP_HOST_MAX + 8];
    char why[SSP_PERMIT_WHY_MAX] = "the plan has no way to the target";
    ssp__record_target(s);
    if (s->service->front != NULL && ssp_log_verbose()) {
        ssp__endpoint_format(&s->greeting->front.target.endpoint, text, sizeof text);
        ssp_debug("connect to %s", text);
    }
    if (plan_for(s, SSP_ON_TARGET, why))
        ssp__session_dial(s);
    else
        ssp__session_unreachable(s, why);
}

void ssp__handshake_carry(struct ssp__session *s)
{
    char why[SSP_PERMIT_WHY_MAX] = "the plan has no way to the targets of its streams";
    if (plan_for(s, SSP_ON_TARGET, why))
        ssp__carrier_begin(s, &s->greeting->plan);
    else
        ssp__session_unreachable(s, why);
}

/* Returns false when memory is out, or the client is gone. */
static bool lease(struct ssp__session *s)
{
    const struct ssp__target *target = &s->greeting->front.target;
    struct ssp__address peer;
    if (!target->packets || s->service->leases == NULL)
        return true;
    ssp__stream_peer_address(&s->side[SSP_ACCEPTED], &peer);
    if (peer.len > 0)
        s->lease = ssp__lease_new(s->service->leases, &peer, &target->source);
    return s->lease != NULL;
}

/* Nothing is dialed for this client, whose connection stays open unless its front is over. */
static void stay(struct ssp__session *s)
{
    bool over = s->greeting->front.target.over;
    if (over && !ssp__direction_flushed(&s->dir[SSP_DIALED])) {
        s->greeting->front.target.replaced = true; /* by none, once the client has the reply */
        return;
    }
    if (!lease(s)) {
        s->broken = true;
        return;
    }
    ssp__pump_io_flush_all(s, SSP_DIALED);
    if (over)
        (void)ssp__stream_shut(&s->side[SSP_ACCEPTED]);
    ssp__session_absorb(s);
    ssp__admission_leave(s->worker->admission, &s->applicant);
    ssp__timer_start(s->worker->loop, &s->timer,
                     over ? s->service->limits.greet_ms : s->service->limits.idle_ms);
}

static const char *reason(const ssp_conn *conn)
{
    return conn->why != NULL ? conn->why : "protocol error";
}

/* Runs the front over the plain bytes of the accepted side: before our codec, or behind it. */
static void ask_front(struct ssp__session *s)
{
    struct ssp__front_pump *f = &s->greeting->front;
    struct ssp__bytes *unwrapped = &s->dir[SSP_ACCEPTED].pump.out;
    bool coded = s->service->coded == SSP_ACCEPTED;
    if (coded && ssp__bytes_move(&f->pump.in, unwrapped, &s->worker->pool) == -1)
        s->broken = true;
    ssp_verdict verdict = ssp__pump_io_front(s);
    bool known = ssp__target_known(&f->target), stays = known && f->pump.fn != NULL;
    if (coded && stays)
        ssp_conn_why(&f->conn, "front %s stays behind a codec", f->front->name);
    if (verdict == SSP_FAIL || (coded && stays))
        refuse(s, &s->instance->meter->counters.failed, reason(&f->conn));
    else if (known)
        target_known(s);
    else if (verdict == SSP_END)
        stay(s);
}

/* Relays to the fallback of the plan, without the front, or drains the connection.  One that begins
 * so is not known to be foreign before its end. */
static void go_elsewhere(struct ssp__session *s, enum ssp__occasion occasion)
{
    char why[SSP_PERMIT_WHY_MAX];
    bool planned = plan_for(s, occasion, why);
    s->greeting->front.pump.fn = NULL;
    if (!ssp__session_begins_diverted(s)) {
        ssp__count(&s->instance->meter->counters.foreign, 1);
        ssp__record_reason(s, "authentication");
        log_refusal(s, planned ? "sent to the fallback" : "drained");
    }
    if (planned)
        ssp__session_dial(s);
    else
        ssp__session_absorb(s);
}

static void divert(struct ssp__session *s)
{
    s->diverted = true;
    ssp__pump_io_flush_all(s, SSP_DIALED);
    go_elsewhere(s, SSP_ON_DIVERT);
}

/* The codec asks for it too late. */
static void refuse_redirection(struct ssp__session *s, const char *what)
{
    if (ssp__log_limit_take(s->worker->failures))
        ssp_error("%s: codec %s %s: connection ended", s->service->name,
                  ssp__session_codec(s)->name, what);
    s->broken = true;
}

static void recall(struct ssp__session *s)
{
    if (ssp__session_recallable(s)) {
        ssp__session_leave_fallback(s);
        target_known(s);
    } else {
        s->diverted = false;
        refuse_redirection(s,
                           "recalls a connection that has ended, or that it has diverted itself");
    }
}

void ssp__handshake_redirect(struct ssp__session *s)
{
    if (ssp__session_recalled(s)) {
        recall(s);
    } else if (s->state == SSP_GREET || s->state == SSP_DIAL) {
        divert(s);
    } else {
        s->diverted = true;
        if (s->state != SSP_ABSORB)
            refuse_redirection(s, "diverts a connection that stands already");
    }
}

/* Without a front, the first sign of a genuine peer. */
static bool has_spoken(const struct ssp__session *s)
{
    const struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    if (s->service->coded == SSP_DIALED)
        return ssp__bytes_len(&d->pump.in) > 0;
    return ssp__bytes_len(&d->pump.out) > 0 || d->pump.fn == NULL;
}

static void begin_diverted(struct ssp__session *s)
{
    ssp_conn_divert(&s->conn);
    divert(s);
}

void ssp__handshake_begin(struct ssp__session *s)
{
    char why[SSP_PERMIT_WHY_MAX];
    struct ssp__instance *i = s->instance;
    if (ssp__allowance_spent(&i->meter->allowance, &i->meter->counters))
        refuse(s, &i->meter->counters.failed, "limit_bytes of the server is used up");
    else if (ssp__session_begins_diverted(s))
        begin_diverted(s);
    else if (s->service->front != NULL)
        ask_front(s);
    else if (plan_for(s, SSP_ON_ACCEPT, why))
        ssp__session_dial(s);
}

/* A peer whose protocol has an end of its own has said it before anything was to be dialed: it
 * hears ours, as from a side that has ended, too. */
static void end_in_return(struct ssp__session *s)
{
    struct ssp__direction *down = &s->dir[SSP_DIALED];
    if (s->service->coded != SSP_ACCEPTED || s->dir[SSP_ACCEPTED].eof || down->state != SSP_OPEN)
        return;
    down->eof = true;
    ssp__pump_io_run(s, SSP_DIALED);
    ssp__pump_io_flush_all(s, SSP_DIALED);
}

void ssp__handshake(struct ssp__session *s)
{
    struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    if (s->dead[SSP_ACCEPTED])
        ssp__session_give_up(s);
    else if (s->foreign)
        go_elsewhere(s, SSP_ON_FOREIGN);
    else if (s->conn.divert_asked)
        divert(s);
    else if (s->service->front != NULL)
        ask_front(s);
    else if (has_spoken(s))
        target_known(s);

    if (s->state != SSP_GREET || ssp__session_replacing(s) || ssp__session_replies(s))
        return;
    if (d->state == SSP_CUT) {
        refuse(s, &s->instance->meter->counters.foreign, reason(&s->conn));
    } else if (d->eof || d->state == SSP_ENDING) {
        end_in_return(s);
        ssp__session_give_up(s);
    }
}

void ssp__handshake_again(struct ssp__session *s)
{
    bool known = ssp__target_known(&s->greeting->front.target);
    bool over = s->greeting->front.target.over && !s->dead[SSP_ACCEPTED];
    ssp__session_hang_up(s);
    if (over) {
        (void)ssp__stream_shut(&s->side[SSP_ACCEPTED]);
        ssp__session_absorb(s);
    } else if (s->dead[SSP_ACCEPTED] || (!known && !ssp__session_fronted(s))) {
        ssp__session_give_up(s);
    } else if (known) {
        target_known(s);
    } else {
        ssp__session_enter(s, SSP_GREET, s->service->limits.idle_ms);
        ssp__handshake(s);
    }
}
