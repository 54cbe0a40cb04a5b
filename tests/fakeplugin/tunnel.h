/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel.h - what the fake plugin does when it does nothing wrong: bytes and datagrams go through
 * it as they are.
 */
#ifndef FAKEPLUGIN_TUNNEL_H
#define FAKEPLUGIN_TUNNEL_H

#include "options.h"

#include <stddef.h>

struct addrinfo;
struct tunnel;

enum { TUNNELS_MAX = 1024 };

struct plugin {
    struct faults faults;
    const char *report;
    const struct addrinfo *dialed;
    int listener; /* -1: none */
    long ends_at; /* -1: never */
    int status;   /* of that end */
    long relayed;
    size_t tunnels;
    struct tunnel *tunnel[TUNNELS_MAX];
};

long now_ms(void);

/* Relays, and commits the faults that are due meanwhile, until one of them ends it. */
_Noreturn void serve(struct plugin *p);

/* In a process of its own: relays datagrams between the socket and an address. */
void serve_datagrams(int fd, const struct addrinfo *to);

#endif
