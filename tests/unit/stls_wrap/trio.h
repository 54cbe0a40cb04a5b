/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trio.h - a client and a server of shadow-tls, and the web site, without sockets.
 *
 * Every function asserts what it needs; none returns an error.
 */
#ifndef STLS_WRAP_TRIO_H
#define STLS_WRAP_TRIO_H

#include "certificates.h"

#include "stls-wrap/stls_wrap.h"
#include "tls-wrap/tls_wrap.h"

#include <ssplugin/drive.h>

enum { TRIO_HELLO_MAX = 4096 };

/* For the life of a test program; the site's certificate is in a directory of its own. */
struct trio_confs {
    char directory[CERT_PATH_MAX];
    ssp_conf *client, *stranger, *server, *site; /* the stranger has another password */
};

void trio_confs_open(struct trio_confs *confs);
void trio_confs_close(struct trio_confs *confs);

struct trio {
    ssp_drive *client, *server, *site;
    ssp_verdict client_verdict, server_verdict; /* of the last feed of what came by the wire */
    uint8_t hello[TRIO_HELLO_MAX];              /* the client's first bytes */
    size_t hello_len;
};

void trio_open(struct trio *t, const struct trio_confs *confs, const ssp_conf *client);
void trio_close(struct trio *t);

/* Wire bytes are carried until nothing waits, in pieces of at most `piece` bytes (0: as it is). */
void trio_carry(struct trio *t, size_t piece);

/* Plain bytes of an end, which are carried; and those that the other one has got, which are taken.
 */
void trio_client_says(struct trio *t, const void *bytes, size_t n, bool fin);
void trio_server_says(struct trio *t, const void *bytes, size_t n, bool fin);
void trio_server_has(struct trio *t, const void *bytes, size_t n);
void trio_client_has(struct trio *t, const void *bytes, size_t n);

#endif
