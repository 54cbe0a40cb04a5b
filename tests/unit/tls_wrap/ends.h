/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ends.h - two ends of tls-wrap without sockets, and a hand that carries their records.
 *
 * Every function but ends_exchange() asserts what it needs; none returns an error.
 */
#ifndef TLS_WRAP_ENDS_H
#define TLS_WRAP_ENDS_H

#include "certificates.h"
#include "tls-wrap/tls_wrap.h"

#include <ssplugin/drive.h>

enum { CLIENT, SERVER };

struct ends {
    ssp_drive *end[2];
    ssp_verdict verdict[2]; /* of the last feed of what the end received */
    size_t carried[2];      /* wire bytes that the end has sent */
};

/* A configuration from options; asserts. */
ssp_conf *conf_open(ssp_role role, const char *format, ...) __attribute__((format(printf, 2, 3)));

void ends_open(struct ends *e, const ssp_conf *client, const ssp_conf *server);
void ends_close(struct ends *e);

/* Wire bytes are carried until nothing waits, in pieces of at most `piece` bytes (0: as
 * it is).  Stops when an end has failed. */
void ends_carry(struct ends *e, size_t piece);

/* One piece of at most n bytes.  Returns its length. */
size_t ends_carry_one(struct ends *e, int from, size_t n);

void end_says(struct ends *e, int end, const void *bytes, size_t n, int fin);

/* Returns whether a connection of both carries some bytes from the client to the server. */
bool ends_exchange(const ssp_conf *client, const ssp_conf *server);

/* The plain bytes that the end has got are these; they are taken. */
void end_has(struct ends *e, int end, const void *bytes, size_t n);

#endif
