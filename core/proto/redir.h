/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redir.h - the front that asks nothing: the target is the address that the client dialed, before
 * rules of the kernel brought it here.
 */
#ifndef SS_PROTO_REDIR_H
#define SS_PROTO_REDIR_H

#include "base/front.h"
#include "base/packets.h"

#include <pthread.h>

/* Addresses of servers that have names, as they were dialed: the last ones. */
enum { SS_REDIR_KNOWN = 16 };
struct ss_redir_known {
    pthread_mutex_t lock; /* guards what follows */
    struct ssp__address address[SS_REDIR_KNOWN];
    unsigned n;
};

void ss_redir_know(struct ss_redir_known *known, const struct ssp__address *a);

/* The configuration of both: targets that are refused, because they are the way to a server. */
struct ss_redir_conf {
    bool (*is_server)(const void *arg, const struct ssp__address *a);
    const void *arg; /* borrowed, as what follows */
    struct ss_redir_known *known;
};

extern const struct ssp__front ss_redir_front;

/* Packets of clients are payload, and their answers come from the target. */
extern const struct ssp__packet_front ss_redir_packet_front;

#endif
