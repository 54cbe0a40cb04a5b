/* SPDX-License-Identifier: Apache-2.0 */
/* page.h - the proxy's own answers: short pages that say why there is no other. */
#ifndef SS_HTTP_PAGE_H
#define SS_HTTP_PAGE_H

#include <stdbool.h>
#include <stddef.h>

enum { SS_HTTP_PAGE_MAX = 1536 };

struct ss_http_page {
    unsigned status; /* one of those that the proxy answers: 400, 404, 407, 502, ... */
    const char *why; /* a sentence for people, of the proxy's own words */
    bool close;      /* the connection ends behind it */
    bool bodiless;   /* it answers HEAD */
    bool keep_alive; /* to a client that has to be told: HTTP/1.0 */
};

/* Writes head and body.  Returns the length. */
size_t ss_http_page_write(const struct ss_http_page *page, char out[SS_HTTP_PAGE_MAX]);

#endif
