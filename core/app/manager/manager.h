/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.h - ss-manager: servers of one process, or a process each, that requests add and remove.
 */
#ifndef SS_APP_MANAGER_MANAGER_H
#define SS_APP_MANAGER_MANAGER_H

#include "app/instance.h"
#include "app/manager/socket.h"
#include "app/metrics.h"

struct ss_port;

enum { SS_PORTS = 65536 };

struct ss_manager {
    struct ss_process process;
    struct ss_conf *conf; /* borrowed */
    struct ss_manager_socket *socket;
    struct ss_metrics metrics;
    char *address, *directory; /* where requests come in, and where the ports are kept; owned */
    uid_t owner;               /* the user that the process becomes */
    int directory_fd;          /* -1: not open */
    struct ssp__timer usage;   /* see usage.h */
    bool hears_hangups;        /* there is an access list to be read again */
    /* The server of a port whose plugin was waited for serves, or has failed. */
    void (*settled)(struct ss_port *port, bool serves);
    struct ss_port *port[SS_PORTS]; /* NULL: none is there */
};

/* Serves until stopped.  Returns the exit status. */
int ss_manager_serve(struct ss_conf *conf);

#endif
