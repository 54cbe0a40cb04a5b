/* SPDX-License-Identifier: Apache-2.0 */
/*
 * job.h - one measurement: what to do, over which route, whose consumption to read.
 *
 * Each mode prints one line of JSON and returns 0, or says on stderr what went wrong
 * and returns -1.  The limit ends the work; what is under way is then finished or given up.
 */
#ifndef LOADGEN_JOB_H
#define LOADGEN_JOB_H

#include "meter.h"
#include "origin.h"
#include "route.h"

enum { MESSAGE_SIZE = 100 }; /* of a ping, a request and its answer */

struct job {
    struct route route;
    struct origin origin;
    uint16_t origin_port; /* 0: a free one */
    struct meter meter;
    unsigned streams;
    uint64_t bytes, warm_up; /* bulk: measured, and carried before */
    unsigned count;          /* pings or connections measured */
    unsigned parallel;       /* connections open at a time */
    unsigned per_second;     /* packets of a flow */
    uint64_t limit_ns;       /* of the measured part */
    uint64_t settle_ns;      /* idle: rest before memory is read */
};

int bulk_down(struct job *job);
int bulk_up(struct job *job);
int ping(struct job *job);
int rate(struct job *job);
int idle(struct job *job);
int packets(struct job *job);
int flow(struct job *job);
int requests(struct job *job);

/* The MESSAGE_SIZE bytes that the origin returns as they are. */
void job_message(const struct job *job, uint8_t message[static MESSAGE_SIZE]);

/* Says why a mode failed: `loadgen: what: cause`.  Returns -1. */
int job_failed(const char *what);

#endif
