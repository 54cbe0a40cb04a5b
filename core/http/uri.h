/* SPDX-License-Identifier: Apache-2.0 */
/* uri.h - the target of a request to a proxy: an absolute URI, or a host and a port (RFC 9112). */
#ifndef SS_HTTP_URI_H
#define SS_HTTP_URI_H

#include "base/address.h"
#include "http/head.h"

struct ss_http_uri {
    struct ss_http_text scheme;
    struct ss_http_text userinfo;  /* its at is NULL without one */
    struct ss_http_text authority; /* host and port, as they are written */
    char host[SSP_HOST_MAX];       /* without brackets */
    uint16_t port;                 /* 80 without one */
    struct ss_http_text path;      /* may be empty */
    struct ss_http_text query;     /* with its ?; may be empty */
};

/* Reads "scheme://userinfo@host:port/path?query#fragment".  Returns 0, or -1. */
int ss_http_uri_read(struct ss_http_uri *uri, struct ss_http_text text);

/* Reads "host:port", or with default_port > 0 also "host".  Returns 0, or -1. */
int ss_http_authority_read(struct ss_http_uri *uri, struct ss_http_text text,
                           uint16_t default_port);

#endif
