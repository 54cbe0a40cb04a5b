/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory: holds many connections that carried one request and its answer, and reads
 * how much each process grew.  A few connections come first, so that what a program
 * allocates once is not charged to the others.
 */
#include "job.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FIRST = 8, FIRST_REST_NS = 300000000 };

static void rest(uint64_t ns)
{
    struct timespec t = {
        .tv_sec = (time_t)(ns / 1000000000),
        .tv_nsec = (long)(ns % 1000000000),
    };
    nanosleep(&t, NULL);
}

/* A connection that has been used once, or -1. */
static int open_used(const struct job *job)
{
    uint8_t message[MESSAGE_SIZE], answer[MESSAGE_SIZE];
    job_message(job, message);
    int fd = route_dial(&job->route);
    if (fd == -1)
        return -1;
    if (write_all(fd, message, sizeof message) && read_all(fd, answer, sizeof answer) &&
        memcmp(answer, message, sizeof message) == 0)
        return fd;
    close(fd);
    return -1;
}

static int use_first(const struct job *job)
{
    for (unsigned i = 0; i < FIRST; i++) {
        int fd = open_used(job);
        if (fd == -1)
            return -1;
        close(fd);
    }
    rest(FIRST_REST_NS);
    return 0;
}

static int hold(const struct job *job, int *fds)
{
    struct memory_reading before, after;
    uint64_t deadline = now_ns() + job->limit_ns;
    if (meter_memory(&job->meter, &before) == -1)
        return job_failed("read the memory of a process");

    unsigned n = 0;
    while (n < job->count && now_ns() < deadline) {
        fds[n] = open_used(job);
        if (fds[n] == -1)
            return job_failed("open a connection");
        n++;
    }
    rest(job->settle_ns);
    if (meter_memory(&job->meter, &after) == -1)
        return job_failed("read the memory of a process");
    printf("{\"connections\":%u,", n);
    meter_print_memory(&job->meter, &before, &after);
    printf("}\n");
    return 0;
}

/* The connections end with the process. */
int idle(struct job *job)
{
    int *fds = calloc(job->count, sizeof *fds);
    if (fds == NULL || use_first(job) == -1) {
        free(fds);
        return job_failed("open the first connections");
    }
    int rc = hold(job, fds);
    free(fds);
    return rc;
}
