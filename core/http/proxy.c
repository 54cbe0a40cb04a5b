/* SPDX-License-Identifier: Apache-2.0 */
#include "http/proxy.h"

#include "http/basic.h"
#include "http/own.h"
#include "http/page.h"
#include "http/request.h"
#include "proto/target.h"

#include <stdlib.h>
#include <string.h>

enum {
    BAD_REQUEST = 400,
    AUTHENTICATION_REQUIRED = 407,
    HEAD_TOO_LARGE = 431,
    NOT_IMPLEMENTED = 501,
    BAD_VERSION = 505
};

/* The state, and what a call lends. */
struct proxy_call {
    struct ss_proxy_state *s;
    const struct ss_entrance *entrance;
    ssp_conn *conn;
    ssp_io *io;
    struct ssp__target *target;
    const uint8_t *in;
    size_t n, head; /* unread bytes, and those of them that are the head */
};

/* ---- answers of our own ---- */

static const char *sentence(unsigned status)
{
    switch (status) {
    case AUTHENTICATION_REQUIRED:
        return "This proxy asks for a user and a password.";
    case HEAD_TOO_LARGE:
        return "The head of the request is too large.";
    case NOT_IMPLEMENTED:
        return "This proxy takes http URLs and CONNECT only.";
    case BAD_VERSION:
        return "This proxy speaks HTTP/1.0 and HTTP/1.1.";
    default:
        return "The request does not keep to the rules of HTTP.";
    }
}

static void reply(struct proxy_call *c, const struct ss_http_page *page)
{
    char text[SS_HTTP_PAGE_MAX];
    ssp_reply(c->io, text, ss_http_page_write(page, text));
}

/* Nothing that follows is understood: the connection ends behind the page. */
static ssp_verdict refuse(struct proxy_call *c, unsigned status)
{
    reply(c, &(struct ss_http_page){.status = status, .why = sentence(status), .close = true});
    ssp_conn_why(c->conn, "HTTP request refused: %u", status);
    if (!ssp__target_known(c->target))
        return SSP_FAIL;
    *c->target = (struct ssp__target){.replaced = true, .over = true};
    return SSP_OK;
}

/* True when the next request can be found behind this one.  Bytes behind CONNECT may be those of a
 * tunnel that the client did not wait for (RFC 9931). */
static bool goes_on(const struct ss_http_request *r)
{
    if (r->form == SS_HTTP_CONNECT)
        return false;
    enum ss_http_framing framing = ss_http_request_framing(r);
    bool body = framing == SS_HTTP_CHUNKED || (framing == SS_HTTP_LENGTH && r->message.length > 0);
    return ss_http_message_persists(&r->message) && !(body && r->expects);
}

/* The request has been answered: its body goes nowhere, and the connection goes on or ends. */
static ssp_verdict answered(struct proxy_call *c, const struct ss_http_request *r)
{
    ss_http_body_begin(&c->s->body, ss_http_request_framing(r), r->message.length, SS_HTTP_STRICT);
    c->s->phase = c->s->body.done ? SS_PROXY_HEAD : SS_PROXY_DROP;
    ssp_skip(c->io, c->head);
    if (goes_on(r))
        return SSP_OK;
    bool known = ssp__target_known(c->target);
    *c->target = (struct ssp__target){.replaced = known, .over = true};
    return known ? SSP_OK : SSP_END;
}

static ssp_verdict turn_down(struct proxy_call *c, const struct ss_http_request *r, unsigned status,
                             const char *why)
{
    reply(c, &(struct ss_http_page){.status = status,
                                    .why = why,
                                    .close = !goes_on(r),
                                    .bodiless = ss_http_request_is(r, "HEAD"),
                                    .keep_alive = r->message.minor == 0});
    return answered(c, r);
}

/* For the answer, or for the client. */
static ssp_verdict wait(struct proxy_call *c)
{
    ssp_wait(c->io);
    return SSP_MORE;
}

/* A reply has a largest size.  A client has no more than one of these pages to take. */
static ssp_verdict answer_for_itself(struct proxy_call *c, const struct ss_http_request *r)
{
    size_t len = 0;
    if (ssp__io_replies(c->io) > 0)
        return wait(c);
    char *text = ss_own_answer(c->entrance, r, !goes_on(r), &len);
    if (text == NULL) {
        ssp_conn_why(c->conn, "out of memory");
        return SSP_FAIL;
    }
    for (size_t at = 0; at < len; at += SSP_IO_REPLY_MAX)
        ssp_reply(c->io, text + at, len - at < SSP_IO_REPLY_MAX ? len - at : SSP_IO_REPLY_MAX);
    free(text);
    return answered(c, r);
}

/* ---- a head ---- */

static bool same_target(const struct ssp__target *a, const struct ssp__target *b)
{
    return a->header_len == b->header_len && memcmp(a->header, b->header, a->header_len) == 0;
}

/* Makes the host of the request the target.  Returns SSP_CLEAR when it is, else the verdict of the
 * call. */
static ssp_verdict place(struct proxy_call *c, const struct ss_http_uri *uri)
{
    struct ss_proxy_state *s = c->s;
    struct ssp__target wanted = {.header_len = 0};
    if (ss_target_set(&wanted, uri->host, uri->port) == -1)
        return refuse(c, BAD_REQUEST);
    bool known = ssp__target_known(c->target), same = same_target(&wanted, c->target);
    if (known && same && (s->placed || !s->connects)) {
        s->reused = !s->placed;
        return SSP_CLEAR;
    }
    s->reused = false;
    *c->target = wanted;
    c->target->replaced = known;
    s->placed = true;
    return known ? SSP_OK : SSP_CLEAR;
}

static ssp_verdict begin_tunnel(struct proxy_call *c)
{
    ssp_skip(c->io, c->head);
    c->s->phase = SS_PROXY_ASKED;
    c->s->placed = false;
    return SSP_OK;
}

static ssp_verdict pass_on(struct proxy_call *c, const struct ss_http_request *r)
{
    struct ss_proxy_state *s = c->s;
    size_t room = ss_http_request_room(c->head);
    char *out = (char *)ssp_room(c->io, room);
    if (out == NULL)
        return SSP_OK; /* called again with all the room there is */
    ssp_used(c->io, ss_http_request_write(r, out, room));
    s->placed = false;
    ss_http_body_begin(&s->body, ss_http_request_framing(r), r->message.length, SS_HTTP_STRICT);
    s->phase = r->websocket.at != NULL ? SS_PROXY_ASKED
               : s->body.done          ? SS_PROXY_SENT
                                       : SS_PROXY_BODY;
    s->websockets = r->websocket.at != NULL;
    s->minor = (uint8_t)r->message.minor;
    s->persists = ss_http_message_persists(&r->message);
    s->bodiless = ss_http_request_is(r, "HEAD");
    s->awaits = true;
    s->answering = false;
    s->answer_scanned = 0;
    ssp_skip(c->io, c->head);
    return SSP_OK;
}

static ssp_verdict serve(struct proxy_call *c, const struct ss_http_request *r)
{
    struct ss_proxy_state *s = c->s;
    const struct ss_accounts *accounts = &c->entrance->accounts;
    if (r->form == SS_HTTP_OWN)
        return answer_for_itself(c, r);
    if (accounts->n > 0 && !ss_http_basic_allows(accounts, r->credentials))
        return turn_down(c, r, AUTHENTICATION_REQUIRED, sentence(AUTHENTICATION_REQUIRED));
    if (r->last_hop)
        return turn_down(c, r, NOT_IMPLEMENTED, "The request may not be passed on.");
    if (s->unreachable != 0) {
        unsigned status = s->unreachable;
        s->unreachable = 0;
        return turn_down(c, r, status, ss_proxy_gateway_why(status));
    }
    s->connects = r->form == SS_HTTP_CONNECT;
    ssp_verdict verdict = place(c, &r->uri);
    if (verdict != SSP_CLEAR)
        return verdict;
    return s->connects ? begin_tunnel(c) : pass_on(c, r);
}

static ssp_verdict more(struct proxy_call *c)
{
    ssp_need(c->io, c->n + 1);
    return SSP_MORE;
}

/* One or more empty lines before a request are ignored (RFC 9112, section 2.2). */
static ssp_verdict head(struct proxy_call *c)
{
    enum { EMPTY_LINE = 2 };
    struct ss_http_request request;
    if (c->n == 0 && ssp_eof(c->io) && ssp__target_known(c->target)) {
        *c->target = (struct ssp__target){.replaced = true, .over = true};
        return SSP_OK;
    }
    c->head = ss_http_head_end(c->in, c->n, &c->s->scanned, SS_HTTP_STRICT);
    if (c->head == 0)
        return more(c);
    if (c->head == SSP_NPOS)
        return refuse(c, c->n >= SS_HTTP_HEAD_MAX ? HEAD_TOO_LARGE : BAD_REQUEST);
    c->s->scanned = 0; /* the call may come again */
    if (c->head == EMPTY_LINE) {
        ssp_skip(c->io, c->head);
        return SSP_OK;
    }
    int status = ss_http_request_read(&request, c->in, c->head);
    return status != 0 ? refuse(c, (unsigned)status) : serve(c, &request);
}

/* ---- what follows it ---- */

static ssp_verdict body(struct proxy_call *c)
{
    struct ss_proxy_state *s = c->s;
    bool payload;
    if (c->n == 0)
        return more(c);
    ptrdiff_t n = ss_http_body_next(&s->body, c->in, c->n, &payload);
    if (n == 0)
        return more(c);
    if (n < 0) {
        if (s->phase == SS_PROXY_BODY && !s->answering)
            reply(c, &(struct ss_http_page){
                         .status = BAD_REQUEST, .why = sentence(BAD_REQUEST), .close = true});
        ssp_conn_why(c->conn, "HTTP request refused: its chunks are broken");
        return SSP_FAIL;
    }
    if (s->phase == SS_PROXY_DROP)
        ssp_skip(c->io, (size_t)n);
    else
        ssp_pass(c->io, (size_t)n);
    if (s->body.done)
        s->phase = s->phase == SS_PROXY_DROP ? SS_PROXY_HEAD : SS_PROXY_SENT;
    return SSP_OK;
}

static ssp_verdict tunnel(struct proxy_call *c)
{
    (void)c;
    return SSP_CLEAR;
}

ssp_verdict ss_proxy_feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    static ssp_verdict (*const step[])(struct proxy_call *) = {
        [SS_PROXY_HEAD] = head, [SS_PROXY_BODY] = body,  [SS_PROXY_DROP] = body,
        [SS_PROXY_SENT] = wait, [SS_PROXY_ASKED] = wait, [SS_PROXY_TUNNEL] = tunnel,
    };
    static const struct ss_entrance everyone;
    const struct ss_entrance *entrance = ssp_conn_conf(conn);
    struct proxy_call c = {.s = state,
                           .entrance = entrance != NULL ? entrance : &everyone,
                           .conn = conn,
                           .io = io,
                           .target = target};
    c.in = ssp_in(io, &c.n);
    return step[c.s->phase](&c);
}
