/* SPDX-License-Identifier: Apache-2.0 */
/* Latency: one connection, one message to the origin and back, again and again. */
#include "job.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WARM_UP = 200 };

static int by_duration(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static double percentile_us(const uint64_t *sorted, unsigned count, unsigned percent)
{
    uint64_t rank = (uint64_t)(count - 1) * percent / 100;
    return (double)sorted[rank] / 1000;
}

static bool exchange(int fd, const uint8_t message[static MESSAGE_SIZE])
{
    uint8_t answer[MESSAGE_SIZE];
    if (!write_all(fd, message, MESSAGE_SIZE) || !read_all(fd, answer, MESSAGE_SIZE))
        return false;
    errno = EBADMSG;
    return memcmp(answer, message, MESSAGE_SIZE) == 0;
}

/* Returns how many pings were timed before the limit, or -1. */
static long volley(const struct job *job, int fd, uint64_t *duration, struct cpu_reading *begin)
{
    uint8_t message[MESSAGE_SIZE];
    job_message(job, message);
    for (unsigned i = 0; i < WARM_UP; i++) {
        if (!exchange(fd, message))
            return -1;
    }
    if (meter_cpu(&job->meter, begin) == -1)
        return -1;

    unsigned n = 0;
    for (uint64_t t = begin->at; n < job->count && t < begin->at + job->limit_ns; n++) {
        uint64_t start = now_ns();
        if (!exchange(fd, message))
            return -1;
        t = now_ns();
        duration[n] = t - start;
    }
    return (long)n;
}

static int report(const struct job *job, uint64_t *duration, unsigned count,
                  const struct cpu_reading *begin)
{
    struct cpu_reading end;
    if (count == 0 || meter_cpu(&job->meter, &end) == -1)
        return job_failed("ping");
    qsort(duration, count, sizeof *duration, by_duration);
    printf("{\"count\":%u,\"p50_us\":%.2f,\"p99_us\":%.2f,", count,
           percentile_us(duration, count, 50), percentile_us(duration, count, 99));
    meter_print_cpu(&job->meter, begin, &end);
    printf("}\n");
    return 0;
}

int ping(struct job *job)
{
    int fd = route_dial(&job->route);
    if (fd == -1)
        return job_failed("dial");
    uint64_t *duration = calloc(job->count, sizeof *duration);
    struct cpu_reading begin;
    long n = duration != NULL ? volley(job, fd, duration, &begin) : -1;
    int rc = n == -1 ? job_failed("ping") : report(job, duration, (unsigned)n, &begin);
    free(duration);
    close(fd);
    return rc;
}
