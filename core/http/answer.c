/* SPDX-License-Identifier: Apache-2.0 */
/* answer.c - the way back of the proxy: the answers of targets, and those in place of them. */
#include "http/page.h"
#include "http/proxy.h"
#include "http/response.h"

#include <string.h>

enum { BAD_GATEWAY = 502, GATEWAY_TIMEOUT = 504, SWITCHING = 101 };

/* The state, and what a call lends. */
struct answer_call {
    struct ss_proxy_state *s;
    ssp_io *io;
    struct ssp__target *target;
    enum ssp__reach reach;
    const uint8_t *in;
    size_t n;
};

const char *ss_proxy_gateway_why(unsigned status)
{
    return status == GATEWAY_TIMEOUT ? "The server did not answer in time."
                                     : "The server could not be reached, or gave no answer.";
}

/* The dialed side is left; the client's connection stays. */
static ssp_verdict leave(struct answer_call *c)
{
    *c->target = (struct ssp__target){.replaced = true};
    return SSP_OK;
}

/* The client's connection ends, too, once the client has all that was sent. */
static ssp_verdict end(struct answer_call *c)
{
    *c->target = (struct ssp__target){.replaced = true, .over = true};
    return SSP_OK;
}

/* The answer is complete.  A client that has not sent all of its request would go on with it. */
static ssp_verdict finish(struct answer_call *c)
{
    struct ss_proxy_state *s = c->s;
    bool half = s->phase == SS_PROXY_BODY;
    s->awaits = s->answering = false;
    s->phase = SS_PROXY_HEAD;
    if (!s->persists || half)
        return end(c);
    return s->target_persists ? SSP_OK : leave(c);
}

/* ---- in place of an answer ---- */

static ssp_verdict put_page(struct answer_call *c)
{
    struct ss_proxy_state *s = c->s;
    unsigned status = c->reach == SSP_TIMED_OUT ? GATEWAY_TIMEOUT : BAD_GATEWAY;
    bool close = !s->persists || s->phase == SS_PROXY_BODY;
    char *out = (char *)ssp_room(c->io, SS_HTTP_PAGE_MAX);
    if (out == NULL)
        return SSP_OK;
    ssp_used(c->io, ss_http_page_write(&(struct ss_http_page){.status = status,
                                                              .why = ss_proxy_gateway_why(status),
                                                              .close = close,
                                                              .bodiless = s->bodiless,
                                                              .keep_alive = s->minor == 0},
                                       out));
    s->target_persists = false;
    return finish(c);
}

/*
 * Nothing more comes of the target.  One that has answered before may have closed its idle
 * connection while the request was under way: the client is shown the same, and asks again.
 */
static ssp_verdict ended(struct answer_call *c)
{
    struct ss_proxy_state *s = c->s;
    if (s->answering && s->answer.framing == SS_HTTP_UNTIL_END && c->reach == SSP_REACHED)
        return finish(c);
    if (s->answering)
        return SSP_FAIL;
    if (s->phase == SS_PROXY_ASKED && s->connects) {
        s->persists = s->bodiless = false; /* bytes for the tunnel may wait behind its head */
        return put_page(c);
    }
    if (!s->awaits && s->placed)
        s->unreachable = c->reach == SSP_TIMED_OUT ? GATEWAY_TIMEOUT : BAD_GATEWAY;
    s->placed = false;
    if (!s->awaits)
        return leave(c);
    return s->reused && c->n == 0 ? end(c) : put_page(c);
}

/* ---- the answer ---- */

static ssp_verdict more(struct answer_call *c)
{
    ssp_need(c->io, c->n + 1);
    return SSP_MORE;
}

/* The head is written for the client; an old one gets no interim ones. */
static ssp_verdict put_head(struct answer_call *c, const struct ss_http_response *r, size_t head)
{
    struct ss_proxy_state *s = c->s;
    enum ss_http_framing framing = ss_http_response_framing(r, s->bodiless);
    bool interim = ss_http_response_interim(r), switches = r->status == SWITCHING;
    bool unending = framing == SS_HTTP_UNTIL_END || (framing == SS_HTTP_CHUNKED && s->minor == 0);
    size_t room = ss_http_response_room(head);
    char *out = (char *)ssp_room(c->io, room);
    if (out == NULL)
        return SSP_OK;
    if (!interim)
        s->persists = s->persists && !unending && s->phase != SS_PROXY_BODY;
    const struct ss_http_client client = {s->minor, s->persists, s->bodiless, s->websockets};
    if (!interim || s->minor > 0)
        ssp_used(c->io, ss_http_response_write(r, &client, out, room));
    ssp_skip(c->io, head);
    if (switches)
        s->phase = SS_PROXY_TUNNEL;
    if (interim)
        return switches ? SSP_CLEAR : SSP_OK;
    s->answering = true;
    s->target_persists = ss_http_message_persists(&r->message) && framing != SS_HTTP_UNTIL_END;
    ss_http_body_begin(&s->answer, framing, r->message.length, SS_HTTP_LENIENT);
    return s->answer.done ? finish(c) : SSP_OK;
}

static ssp_verdict head(struct answer_call *c)
{
    struct ss_http_response response;
    size_t len = ss_http_head_end(c->in, c->n, &c->s->answer_scanned, SS_HTTP_LENIENT);
    if (len == 0)
        return ssp_eof(c->io) ? put_page(c) : more(c);
    c->s->answer_scanned = 0; /* the call may come again */
    if (len == SSP_NPOS || ss_http_response_read(&response, c->in, len) == -1 ||
        (response.status == SWITCHING && !c->s->websockets))
        return put_page(c);
    return put_head(c, &response, len);
}

/* An old client gets the payload of chunks only. */
static ssp_verdict body(struct answer_call *c)
{
    struct ss_proxy_state *s = c->s;
    bool payload;
    ptrdiff_t n = ss_http_body_next(&s->answer, c->in, c->n, &payload);
    if (n == 0)
        return ssp_eof(c->io) ? SSP_FAIL : more(c);
    if (n < 0)
        return SSP_FAIL;
    if (payload || s->minor > 0)
        ssp_pass(c->io, (size_t)n);
    else
        ssp_skip(c->io, (size_t)n);
    return s->answer.done ? finish(c) : SSP_OK;
}

/* The target stands: the tunnel begins. */
static ssp_verdict begin_tunnel(struct answer_call *c)
{
    static const char established[] = "HTTP/1.1 200 Connection established\r\n\r\n";
    ssp_put(c->io, established, sizeof established - 1);
    c->s->phase = SS_PROXY_TUNNEL;
    return SSP_CLEAR;
}

ssp_verdict ss_proxy_answer(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target,
                            enum ssp__reach reach)
{
    struct answer_call c = {.s = state, .io = io, .target = target, .reach = reach};
    (void)conn;
    c.in = ssp_in(io, &c.n);
    if (c.s->phase == SS_PROXY_TUNNEL)
        return SSP_CLEAR;
    if (c.s->phase == SS_PROXY_ASKED && c.s->connects && reach == SSP_REACHED)
        return begin_tunnel(&c);
    if (c.n == 0)
        return ssp_eof(io) ? ended(&c) : more(&c);
    if (!c.s->awaits) { /* nothing was asked */
        ssp_skip(io, c.n);
        return leave(&c);
    }
    return c.s->answering ? body(&c) : head(&c);
}
