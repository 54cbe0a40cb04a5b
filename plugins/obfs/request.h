/* SPDX-License-Identifier: Apache-2.0 */
/*
 * request.h - the head of an HTTP upgrade request, judged byte by byte, without I/O.
 *
 * A foreign client is recognised at the first byte that proves it.  Names, the upgrade and the host
 * are compared without case, headers come in any order and unknown ones are ignored: the clients in
 * the field differ in all of this.  Lines end in CRLF.
 */
#ifndef OBFS_REQUEST_H
#define OBFS_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The longest head, its empty line included. */
enum { OBFS_HEAD_MAX = 8192 };

/* Required values of a request, besides the upgrade.  NULL: any value. */
struct obfs_request_rule {
    const char *method;
    const char *host; /* compared with the Host value, with and without its port */
};

/* Zero is ready for a new connection. */
struct obfs_request {
    unsigned step;  /* the part that the next byte belongs to */
    uint16_t at;    /* bytes judged; once complete, the length of the head */
    uint16_t start; /* offset of the current word or line */
    uint16_t colon; /* offset of the colon in the current header line */
    bool upgrades;  /* Upgrade: websocket was there */
    bool hosted;    /* a Host that fits the rule was there */
};

enum obfs_judgement { OBFS_UNDECIDED, OBFS_COMPLETE, OBFS_FOREIGN };

/* Judges the bytes of head that have not been judged yet.  head holds the request from its first
 * byte in every call, len only grows. */
enum obfs_judgement obfs_request_judge(struct obfs_request *r, const struct obfs_request_rule *rule,
                                       const uint8_t *head, size_t len);

/* True for the bytes of a method or of a header name (RFC 9110, 5.6.2). */
bool obfs_is_token(uint8_t c);

#endif
