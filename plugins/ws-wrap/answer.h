/* SPDX-License-Identifier: Apache-2.0 */
/*
 * answer.h - the answer to an upgrade: composed by the server, judged by the client.
 */
#ifndef WS_WRAP_ANSWER_H
#define WS_WRAP_ANSWER_H

#include "ws-wrap/request.h"

enum { WS_ANSWER_MAX = WS_HTTP_MAX + 512 };

/* How the two ends have agreed to speak. */
struct ws_terms {
    bool half_close; /* a Close frame ends one direction */
};

/* The answer to a request. */
struct ws_answer {
    struct ws_terms terms;
    size_t early_len;
    uint8_t early[WS_EARLY_MAX]; /* data that came with the request */
    size_t len;
    char text[WS_ANSWER_MAX];
};

/* Composes the answer to the whole request at head, which is ours. */
void ws_answer_write(const struct ws_conf *conf, struct ws_span head, struct ws_answer *answer);

/* Judges the whole answer at head to a request with the key whose proof this is.  Returns NULL and
 * the terms, or why it is refused, in why or static. */
const char *ws_answer_judge(const struct ws_conf *conf, struct ws_span head, const char *proof,
                            struct ws_terms *terms, char why[WS_WHY_MAX]);

#endif
