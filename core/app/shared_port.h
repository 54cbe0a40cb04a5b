/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shared_port.h - the sockets at which the plugin of a server accepts.  Where another process may
 * take over from this one, the program opens them, and each of both plugins gets the same.
 */
#ifndef SS_APP_SHARED_PORT_H
#define SS_APP_SHARED_PORT_H

#include "conf/conf.h"
#include "engine/engine.h"

#include <ssplugin/host.h>

struct ss_process;

enum { SS_SHARED_MAX = 16 };

/* Zero is a closed one: the plugin binds its addresses itself. */
struct ss_shared_port {
    struct ssp__instance door; /* nothing is accepted here */
    struct ssp__service service;
    int fd[SS_SHARED_MAX];
    unsigned n;
};

/* Opens those of a plugin that carries TCP alone, if there is a control socket and the plugin takes
 * them; else does nothing.  Returns 0, or -1 after a log line. */
int ss_shared_port_open(struct ss_shared_port *shared, struct ss_process *process,
                        const struct ss_conf *conf);

void ss_shared_port_visit(const struct ss_shared_port *shared, void (*visit)(void *arg, int fd),
                          void *arg);
void ss_shared_port_close(struct ss_shared_port *shared);

#endif
