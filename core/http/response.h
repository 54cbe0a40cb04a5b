/* SPDX-License-Identifier: Apache-2.0 */
/* response.h - a response of a target, and the same response as the client of a proxy gets it. */
#ifndef SS_HTTP_RESPONSE_H
#define SS_HTTP_RESPONSE_H

#include "http/message.h"

struct ss_http_response {
    unsigned status;
    struct ss_http_text reason;
    struct ss_http_message message;
};

/* How it is written for the client. */
struct ss_http_client {
    unsigned minor;  /* of its HTTP/1: 0 knows no chunks */
    bool persists;   /* its connection stays */
    bool bodiless;   /* it has asked by HEAD */
    bool websockets; /* it has asked for that: 101 is the last head */
};

/* Reads a complete head.  Returns 0, or -1 when it is none, or its body has no certain end. */
int ss_http_response_read(struct ss_http_response *response, const uint8_t *p, size_t len);

static inline bool ss_http_response_interim(const struct ss_http_response *response)
{
    return response->status < 200;
}

enum ss_http_framing ss_http_response_framing(const struct ss_http_response *response,
                                              bool bodiless);

/* Room that its head needs at most; its own head has len bytes. */
size_t ss_http_response_room(size_t len);

/* Returns the length, or 0 when it does not fit. */
size_t ss_http_response_write(const struct ss_http_response *response,
                              const struct ss_http_client *client, char *out, size_t cap);

#endif
