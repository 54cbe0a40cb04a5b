/* SPDX-License-Identifier: Apache-2.0 */
/*
 * message.h - the fields of a message that are about one connection: they frame its body, tell
 * whether the connection stays, or name others that are not passed on (RFC 9110, section 7.6.1).
 */
#ifndef SS_HTTP_MESSAGE_H
#define SS_HTTP_MESSAGE_H

#include "http/body.h"

enum { SS_HTTP_LISTS_MAX = 4 };

struct ss_http_message {
    struct ss_http_fields fields;
    unsigned minor; /* of HTTP/1 */
    struct ss_http_text connection[SS_HTTP_LISTS_MAX];
    unsigned connections;
    bool close, keep_alive; /* were asked for */
    bool has_length, chunked;
    uint64_t length;
};

/* Bytes for writing. */
struct ss_http_out {
    char *at, *end;
    bool overflown;
};

/* Reads "HTTP/1.x".  Returns 0; 505 for another version, 400 when it is none. */
int ss_http_version_read(struct ss_http_text text, unsigned *minor);

/* Reads all fields of a message whose minor and fields are set.  Returns 0, 400, or 501 for a
 * transfer coding other than chunked. */
int ss_http_message_read(struct ss_http_message *message);

/* True when the connection stays behind this message. */
bool ss_http_message_persists(const struct ss_http_message *message);

/* True when Connection names this word. */
bool ss_http_message_names(const struct ss_http_message *message, struct ss_http_text word);

void ss_http_put(struct ss_http_out *out, struct ss_http_text text);
void ss_http_put_text(struct ss_http_out *out, const char *text);

/* Writes the fields that are passed on, except those of that name. */
void ss_http_put_fields(struct ss_http_out *out, const struct ss_http_message *message,
                        const char *except);

void ss_http_put_length(struct ss_http_out *out, uint64_t length);

#endif
