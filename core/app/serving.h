/* SPDX-License-Identifier: Apache-2.0 */
/*
 * serving.h - a process with the instances of its configuration, from its start to its end.
 */
#ifndef SS_APP_SERVING_H
#define SS_APP_SERVING_H

#include "app/generation.h"
#include "app/metrics.h"

struct ss_control;
struct ss_refresh;
struct ss_reload;

/* The arguments of the program, borrowed.  at is NULL when there is a secret among them, which no
 * process keeps. */
struct ss_arguments {
    int n;
    char *const *at;
};

/* Clients are another process's, heir; 0: they are not.  See handover.h. */
struct ss_departure {
    bool asked; /* another process is about to serve */
    pid_t heir;
    uint64_t until_ms;
    struct ssp__timer look;
};

struct ss_serving {
    struct ss_process process;
    enum ss_program program;
    struct ss_arguments arguments;
    struct ss_generation *origin; /* of the start: what the process has of it stays */
    struct ss_generation *now;
    struct ss_instance *first; /* those of the configuration */
    struct ss_reload *reload;
    struct ss_refresh *refresh;      /* of its list of servers; NULL: none */
    void (*reloaded)(void *refresh); /* the configuration is another one; NULL: to nobody */
    struct ss_metrics metrics;
    struct ss_control *control;
    int control_fd; /* its socket */
    void (*told)(struct ss_control *control, bool done,
                 const char *text); /* of a reload; or NULL */
    struct ss_departure departure;
};

/* Serves as conf says, which is taken, until stopped.  Returns the exit status. */
int ss_serve(enum ss_program program, struct ss_arguments arguments, struct ss_conf *conf);

#endif
