/* SPDX-License-Identifier: Apache-2.0 */
/*
 * runner.h - runs checks side by side, each in a process of its own below a guardian.
 *
 * The guardian kills the processes that a check leaves, however the check ended, and ends with the
 * tool.
 */
#ifndef SSP_TOOL_RUNNER_H
#define SSP_TOOL_RUNNER_H

#include "check/check.h"

#include <sys/types.h>

struct result {
    bool done; /* false: the check itself has failed, as the evidence describes */
    enum outcome outcome;
    struct evidence evidence;
    int64_t took_us;
    unsigned attempts;
};

struct job {
    const struct check *check;
    ssp_role role;         /* SSP_ROLE_UNKNOWN: of the pair */
    struct result *result; /* in memory that processes share */
    pid_t guardian;        /* 0: not running */
    bool begun;
};

/* Called after each end; may be NULL. */
typedef void runner_progress_fn(void *arg, unsigned done, unsigned running, unsigned all);

struct runner {
    struct fixture *fixture; /* in shared memory */
    struct job *job;         /* in the order in which they begin */
    unsigned jobs, parallel, parallel_late;
    runner_progress_fn *progress;
    void *arg;
};

/* Memory that forked processes share, zeroed; NULL when there is none. */
void *runner_share(size_t size);
void runner_unshare(void *memory, size_t size); /* accepts NULL */

/* Runs the jobs that have not begun.  Returns 0, or the number of the signal that ended it:
 * SIGTERM, SIGINT, SIGQUIT or SIGHUP, on which all jobs are ended first. */
int runner_run(struct runner *r);

/* Runs those again, parallel_late at a time, that failed because of a time limit; for a minute,
 * then the others stay as they are.  The same answer. */
int runner_run_late(struct runner *r);

#endif
