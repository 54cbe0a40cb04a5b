/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation.h - listening sockets that a service manager has opened (sd_listen_fds(3), without its
 * library).
 */
#ifndef SS_APP_ACTIVATION_H
#define SS_APP_ACTIVATION_H

#include "engine/engine.h"

struct ss_activated {
    int fd; /* -1: taken */
    struct ssp__address at;
};

/* Zero is an empty one. */
struct ss_activation {
    struct ss_activated *socket;
    unsigned n;
};

/* Reads the sockets that are meant for this process.  One that no client could connect to is
 * closed, after a log line. */
void ss_activation_open(struct ss_activation *activation);

/* Returns the socket that listens where the endpoint is, which is the caller's from then on, or -1.
 */
int ss_activation_take(struct ss_activation *activation, const struct ssp__endpoint *endpoint);

/* Closes what was not taken, after a log line each: connections would wait there for ever. */
void ss_activation_close(struct ss_activation *activation);

#endif
