/* SPDX-License-Identifier: Apache-2.0 */
#include "relay/handshake.h"

#include "relay/pump_io.h"
#include "relay/transition.h"
#include <ssplugin/log.h>

enum { CROWDED_EVERY_MS = 10000 }; /* a log line about it */

static void log_refusal(const struct ssp__session *s, const char *why)
{
    char peer[SSP_ADDRESS_TEXT_MAX];
    ssp__stream_peer(&s->side[SSP_ACCEPTED], peer, sizeof peer);
    if (s->service->front != NULL)
        ssp_error("failed to handshake with %s: %s", peer, why);
    else
        ssp_debug("not our protocol from %s: %s", peer, why);
}

/* The client is told (its front has replied), or an unauthenticated peer is not. */
static void refuse(struct ssp__session *s, const char *why)
{
    s->worker->counters.failed++;
    if (!s->dir[SSP_ACCEPTED].eof)
        log_refusal(s, why);
    ssp__pump_io_flush(s, SSP_DIALED);
    if (s->service->coded == SSP_DIALED)
        ssp__stream_shut(&s->side[SSP_ACCEPTED]);
    ssp__session_absorb(s);
}

/* The target header becomes the first plain bytes, before the payload that has come already. */
static void say_target(struct ssp__session *s)
{
    struct ssp__bytes *in = &s->dir[SSP_ACCEPTED].pump.in;
    struct ssp__pool *pool = &s->worker->pool;
    const struct ssp__target *target = &s->greeting->target;
    struct ssp__bytes said = {.base = NULL};
    if (ssp__bytes_append(&said, pool, target->header, target->header_len) == -1 ||
        ssp__bytes_append(&said, pool, ssp__bytes_data(in), ssp__bytes_len(in)) == -1)
        s->broken = true;
    ssp__bytes_clear(in, pool);
    *in = said;
}

static void target_known(struct ssp__session *s)
{
    const struct ssp__service *service = s->service;
    if (ssp_log_verbose() && service->front != NULL) {
        char text[SSP_HOST_MAX + 8];
        ssp__endpoint_format(&s->greeting->target.endpoint, text, sizeof text);
        ssp_debug("connect to %s", text);
    }
    if (service->say_target)
        say_target(s);
    if (service->endpoint != NULL)
        ssp__session_dial(s, service->endpoint, service->endpoints);
    else
        ssp__session_dial(s, &s->greeting->target.endpoint, 1);
}

/* Nothing is dialled for this client, but it wants the connection to stand. */
static void stay(struct ssp__session *s)
{
    ssp__peer_limit_leave(s->worker->crowd, &s->crowd);
    ssp__pump_io_flush(s, SSP_DIALED);
    ssp__session_absorb(s);
    ssp__timer_start(s->worker->loop, &s->timer, s->service->limits.idle_ms);
}

static bool queues_raw(const struct ssp__session *s)
{
    return s->service->coded == SSP_DIALED && s->service->front != NULL;
}

/* Shows the front what is plain on the accepted side: before our codec, or behind it. */
static void ask_front(struct ssp__session *s)
{
    struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    struct ssp__bytes *plain = queues_raw(s) ? &d->pump.in : &d->pump.out;
    ssp_io io = {.in = ssp__bytes_data(plain),
                 .in_len = ssp__bytes_len(plain),
                 .eof = d->eof,
                 .reply = &s->dir[SSP_DIALED].pump.out,
                 .pool = &s->worker->pool};
    const char *why = "protocol error";
    size_t before = io.in_len;
    ssp_verdict verdict =
        s->service->front->feed(s->greeting->front_state, &io, &s->greeting->target, &why);
    ssp__bytes_take(plain, &s->worker->pool, before - io.in_len);
    if (verdict == SSP_OK)
        target_known(s);
    else if (verdict == SSP_END)
        stay(s);
    else if (verdict == SSP_FAIL || io.rule != NULL)
        refuse(s, why);
}

static void go_elsewhere(struct ssp__session *s)
{
    s->worker->counters.foreign++;
    log_refusal(s, s->service->fallback != NULL ? "sent to the fallback" : "drained");
    if (s->service->fallback != NULL)
        ssp__session_dial(s, s->service->fallback, 1);
    else
        ssp__session_absorb(s);
}

/* What came goes to the fallback as it came. */
static void disown(struct ssp__session *s)
{
    s->foreign = false;
    s->dir[SSP_ACCEPTED].pump.fn = NULL;
    s->dir[SSP_DIALED].pump.fn = NULL;
    go_elsewhere(s);
}

void ssp__handshake_divert(struct ssp__session *s)
{
    s->diverted = true;
    ssp__pump_io_flush(s, SSP_DIALED);
    go_elsewhere(s);
}

/* Without a front, the first sign of a genuine peer is enough to dial. */
static bool worth_dialling(const struct ssp__session *s)
{
    const struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    if (s->service->eager)
        return true;
    if (s->service->coded == SSP_DIALED)
        return ssp__bytes_len(&d->pump.in) > 0;
    return ssp__bytes_len(&d->pump.out) > 0 || d->pump.fn == NULL;
}

void ssp__handshake(struct ssp__session *s)
{
    struct ssp__direction *d = &s->dir[SSP_ACCEPTED];
    if (s->dead[SSP_ACCEPTED])
        ssp__session_give_up(s);
    else if (s->foreign)
        disown(s);
    else if (s->conn.divert_asked)
        ssp__handshake_divert(s);
    else if (s->service->front != NULL)
        ask_front(s);
    else if (worth_dialling(s))
        ssp__session_dial(s, s->service->endpoint, s->service->endpoints);

    if (s->state != SSP_GREET)
        return;
    if (d->state == SSP_CUT)
        refuse(s, s->conn.why != NULL ? s->conn.why : "protocol error");
    else if (d->eof || d->state == SSP_ENDING)
        ssp__session_give_up(s);
}

bool ssp__handshake_admits(struct ssp__worker *w, const struct ssp__service *service, int fd,
                           struct ssp__peer_limit_entry **crowd)
{
    const struct ssp__limits *limits = &service->limits;
    struct ssp__stream stream = {.fd = fd};
    struct ssp__address peer;
    ssp__stream_peer_address(&stream, &peer);
    if (peer.len == 0 || (ssp__address_loopback(&peer) && !limits->greeting_loopback))
        return true;
    if (w->crowd == NULL)
        w->crowd = ssp__peer_limit_new(&w->world);
    if (w->crowd != NULL)
        *crowd = ssp__peer_limit_enter(w->crowd, &peer, limits->greeting_per_peer);
    if (*crowd != NULL)
        return true;
    uint64_t now = ssp__loop_now_ms(w->loop);
    if (w->crowded_ms == 0 || now - w->crowded_ms >= CROWDED_EVERY_MS) {
        char text[SSP_ADDRESS_TEXT_MAX];
        ssp__stream_peer(&stream, text, sizeof text);
        ssp_info("%s: %s has %u handshakes under way: what comes beyond is closed", service->name,
                 text, limits->greeting_per_peer);
        w->crowded_ms = now;
    }
    return false;
}
