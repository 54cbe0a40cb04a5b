/* SPDX-License-Identifier: Apache-2.0 */
#include "http/pages_front.h"

#include "http/own.h"
#include "http/page.h"

#include <stdlib.h>

enum { BAD_REQUEST = 400, NOT_FOUND = 404 };

struct pages_state {
    size_t scanned;
};

/* A reply has a largest size. */
static ssp_verdict end(ssp_io *io, const char *text, size_t len, struct ssp__target *target)
{
    for (size_t at = 0; at < len; at += SSP_IO_REPLY_MAX)
        ssp_reply(io, text + at, len - at < SSP_IO_REPLY_MAX ? len - at : SSP_IO_REPLY_MAX);
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
    return end(io, text, len, target);
}

static ssp_verdict feed(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target)
{
    struct pages_state *s = state;
    struct ss_http_request request;
    size_t n, len;
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
    char *text = ss_own_answer(ssp_conn_conf(conn), &request, true, &len);
    ssp_skip(io, head);
    if (text == NULL)
        return SSP_FAIL;
    ssp_verdict verdict = end(io, text, len, target);
    free(text);
    return verdict;
}

const struct ssp__front ss_pages_front = {
    .name = "pages", .state_size = sizeof(struct pages_state), .feed = feed};
