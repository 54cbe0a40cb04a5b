/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - a request to a proxy, and the same request as its target gets it. */
#ifndef SS_HTTP_REQUEST_H
#define SS_HTTP_REQUEST_H

#include "http/message.h"
#include "http/uri.h"

enum ss_http_form {
    SS_HTTP_ABSOLUTE, /* to be passed on to the host of its URI */
    SS_HTTP_CONNECT,  /* a tunnel to host and port */
    SS_HTTP_OWN       /* for the proxy itself: a path */
};

struct ss_http_request {
    enum ss_http_form form;
    struct ss_http_text method, target;
    struct ss_http_uri uri; /* unless OWN */
    struct ss_http_message message;
    struct ss_http_text host;          /* the field; its at is NULL without one */
    struct ss_http_text credentials;   /* Proxy-Authorization; the same */
    struct ss_http_text websocket;     /* Upgrade, when it asks for that; the same */
    struct ss_http_text authorization; /* of the target; the same */
    bool expects;                      /* 100 (Continue) before it sends its body */
    bool last_hop;                     /* Max-Forwards is 0, and the method keeps to it */
    uint64_t forwards;                 /* else what is left of it */
    bool has_forwards;
};

/* Reads a complete head.  Returns 0, or the status that refuses it: 400, 501 or 505. */
int ss_http_request_read(struct ss_http_request *request, const uint8_t *p, size_t len);

/* True for that method: names of methods are in upper case, others are other methods (RFC 9110,
 * section 9.1). */
bool ss_http_request_is(const struct ss_http_request *request, const char *method);

enum ss_http_framing ss_http_request_framing(const struct ss_http_request *request);

/* Room that the head of a request needs at most; its own head has len bytes. */
size_t ss_http_request_room(size_t len);

/* Writes the head of an absolute-form request for its target.  Returns its length, or 0 when it
 * does not fit. */
size_t ss_http_request_write(const struct ss_http_request *request, char *out, size_t cap);

#endif
