/* SPDX-License-Identifier: Apache-2.0 */
/*
 * takeover.h - a process takes the place of one that runs: it gets its sockets, says when it
 * serves, and is alone then.  Until then the other one serves as ever, whatever becomes of this.
 */
#ifndef SS_APP_TAKEOVER_H
#define SS_APP_TAKEOVER_H

#include "conf/conf.h"
#include "engine/engine.h"

struct ss_process;

/* Zero is none. */
struct ss_takeover {
    struct ss_process *process;
    enum ss_program program;                  /* set by the owner, as the next */
    void (*done)(struct ss_process *process); /* it has begun, and is alone */
    pid_t from;
    int fd;
    struct ssp__watch *watch; /* SS_READY has been said */
};

/* Gets the sockets of the process at conf->control, for the activation of this one.  Returns 0, or
 * -1 after a log line. */
int ss_takeover_begin(struct ss_takeover *takeover, struct ss_process *process,
                      const struct ss_conf *conf);

/* True until ss_takeover_finish(). */
bool ss_takeover_waits(const struct ss_takeover *takeover);

/* All of this process serves: done is called once the other one does not any more. */
void ss_takeover_finish(struct ss_takeover *takeover);

void ss_takeover_close(struct ss_takeover *takeover);

#endif
