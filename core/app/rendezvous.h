/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rendezvous.h - the address at which servers and ss-manager meet: a path, or host:port.
 */
#ifndef SS_APP_RENDEZVOUS_H
#define SS_APP_RENDEZVOUS_H

#include "engine/engine.h"

#include <sys/socket.h>
#include <sys/un.h>

struct ss_rendezvous {
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        struct sockaddr_storage storage;
    } u;
    socklen_t len; /* 0: none */
};

/* Reads text; a name is looked up.  As in shadowsocks-libev, a text without a port is a path.
 * Returns 0, or -1 with a sentence in why. */
int ss_rendezvous_read(struct ss_rendezvous *r, const char *text, char *why, size_t why_cap);

/* True unless a packet from another machine could come there. */
bool ss_rendezvous_local(const struct ss_rendezvous *r);

#endif
