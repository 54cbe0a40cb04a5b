/* SPDX-License-Identifier: Apache-2.0 */
/*
 * child.h - the process of a server that ss-manager runs for a port.
 *
 * It dies with ss-manager, and is started again when it ends by itself.
 */
#ifndef SS_APP_MANAGER_CHILD_H
#define SS_APP_MANAGER_CHILD_H

#include "conf/conf.h"
#include "engine/engine.h"

#include <sys/types.h>

struct ss_manager;
struct ss_port;

/* Zero is none. */
struct ss_child {
    const struct ss_conf *conf; /* of the next start; borrowed */
    pid_t pid;                  /* 0: it does not run */
    unsigned pause_ms;          /* before the next start */
    uint64_t started_ms;
    struct ssp__timer timer; /* of the next start, or of a stop that takes too long */
    bool stopping;
};

/* Starts the process with conf, or ends the one that runs, and starts another one then.  conf
 * stays until the next call.  Returns 0, or -1 after a log line: it is tried again later. */
int ss_child_run(struct ss_port *port, const struct ss_conf *conf);

/* Asks it to end, by force after a while. */
void ss_child_leave(struct ss_port *port);

/* Ends it, and waits for it. */
void ss_child_end(struct ss_child *child);

/* Some child has ended. */
void ss_children_reap(struct ss_manager *m);

/* Asks all to end at once, before ss_child_end() waits for each. */
void ss_children_stop(const struct ss_manager *m);

#endif
