/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.h - the counters of a process for Prometheus, on a port of loopback or a UNIX socket.
 */
#ifndef SS_APP_METRICS_H
#define SS_APP_METRICS_H

#include "app/instance.h"
#include "http/own.h"
#include "plugin/control.h"

/* The instances of a process, as long as it runs. */
typedef void ss_instance_visit_fn(void *arg, const struct ss_instance *instance);
struct ss_instances {
    void (*each)(void *of, ss_instance_visit_fn *visit, void *arg);
    void *of; /* borrowed */
};

/* It must not move.  Zero is a closed one. */
struct ss_metrics {
    const char *program;
    const struct ss_process *process; /* borrowed */
    struct ss_instances instances;
    struct ssp__instance relay;
    struct ssp__service service;
    struct ss_entrance entrance;
    struct ss_pages pages;
    struct ssp__control socket;
};

/* Listens where conf says, if it does.  Returns 0, or -1 after a log line. */
int ss_metrics_open(struct ss_metrics *metrics, struct ss_process *process, enum ss_program program,
                    const struct ss_conf *conf, struct ss_instances instances);

/* Calls visit with the sockets that listen; leaves them, and their file, to another process.  Both
 * accept a closed one. */
void ss_metrics_each_socket(const struct ss_metrics *metrics, void (*visit)(void *arg, int fd),
                            void *arg);
void ss_metrics_leave(struct ss_metrics *metrics);

void ss_metrics_close(struct ss_metrics *metrics); /* before the process */

#endif
