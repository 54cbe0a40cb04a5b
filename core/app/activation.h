/* SPDX-License-Identifier: Apache-2.0 */
/*
 * activation.h - sockets that others have opened: a service manager (sd_listen_fds(3), without its
 * library), or the process whose place is taken.
 */
#ifndef SS_APP_ACTIVATION_H
#define SS_APP_ACTIVATION_H

#include "engine/engine.h"

struct ss_activated {
    int fd;   /* -1: taken */
    int type; /* SOCK_STREAM, SOCK_DGRAM */
    struct ssp__address at;
    char *path; /* owned; NULL: it is at the address */
};

/* Zero is an empty one. */
struct ss_activation {
    struct ss_activated *socket;
    unsigned n;
    bool handed; /* by the process whose place is taken */
};

/* Reads the sockets that are meant for this process.  One that no client could connect to is
 * closed, after a log line. */
void ss_activation_open(struct ss_activation *activation);

/* Adds n sockets of the process whose place is taken, which are taken from the caller.  Returns 0,
 * or -1 when memory is out. */
int ss_activation_offer(struct ss_activation *activation, const int *fd, unsigned n);

/* Returns a socket of that type where the endpoint is, which is the caller's from then on, or -1:
 * there is none, or none any more. */
int ss_activation_take(struct ss_activation *activation, int type,
                       const struct ssp__endpoint *endpoint);
int ss_activation_take_path(struct ss_activation *activation, const char *path);

/* Closes what was not taken.  Connections would wait for ever at a socket of the service manager: a
 * log line tells of each. */
void ss_activation_close(struct ss_activation *activation);

#endif
