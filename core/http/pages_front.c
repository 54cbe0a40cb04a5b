/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pages_front.h"

#include "http/own.h"
#include "http/page.h"

#include <stdlib.h>

enum { BAD_REQUEST = 400, NOT_FOUND = 404, PIECES = 4 /* of an answer, before it has left */ };

struct pages_state {
    size_t scanned;
    char *text; /* the answer, owned; NULL: not yet */
    size_t len, at;
    size_t head; /* of the request, unread until the answer has left: it brings the next call */
};

/* An answer may be longer than what may wait for a client. */
static ssp_verdict answer(struct pages_state *s, ssp_io *io, struct ssp__target *target)
{
    for (int i = 0; i < PIECES && s->at < s->len; i++) {
        size_t left = s->len - s->at, n = left < SSP_IO_REPLY_MAX ? left : SSP_IO_REPLY_MAX;
        ssp_reply(io, s->text + s->at, n);
        s->at += n;
    }
    if (s->at < s->len) {
        ssp_wait(io);
        return SSP_MORE;
    }
    ssp_skip(io, s->head);
    target->over = true;
    return SSP_END;
}

static ssp_verdict refuse(ssp_io *io, unsigned status, struct ssp__target *target)
{
    char text[SS_HTTP_PAGE_MAX];
    size_t len = ss_http_page_write(
        &(struct ss_http_page){.status = status,
                               .why = "This port has pages of its own, and is no proxy.",
                               .close = true},
        text);
    ssp_reply(io, text, len);
    target->over = true;
    return SSP_END;
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    struct pages_state *s = state;
    struct ss_http_request request;
    size_t n;
    if (s->text != NULL)
        return answer(s, io, target);
    const uint8_t *in = ssp_in(io, &n);
    size_t head = ss_http_head_end(in, n, &s->scanned, SS_HTTP_STRICT);
    if (head == 0) {
        ssp_need(io, n + 1);
        return SSP_MORE;
    }
    unsigned status =
        head == SSP_NPOS ? BAD_REQUEST : (unsigned)ss_http_request_read(&request, in, head);
    if (status == 0 && request.form != SS_HTTP_OWN)
        status = NOT_FOUND;
    if (status != 0)
        return refuse(io, status, target);
    s->text = ss_own_answer(ssp_conn_conf(conn), &request, true, &s->len);
    s->head = head;
    return s->text != NULL ? answer(s, io, target) : SSP_FAIL;
}

static void release(void *state)
{
    struct pages_state *s = state;
    free(s->text);
    s->text = NULL;
}

const struct ssp__front ss_pages_front = {
    .name = "pages", .state_size = sizeof(struct pages_state), .feed = feed, .close = release};
