/* SPDX-License-Identifier: Apache-2.0 */
#include "turns.h"

#include <errno.h>
#include <stdio.h>
#include <sys/epoll.h>

enum { EVENTS = 256, TICK_MS = 20, WARM_UP_SHARE = 10 };

bool turns_expect(const struct turns *turns, int operation, int fd, uint32_t events, void *client)
{
    struct epoll_event event = {.events = events, .data.ptr = client};
    return epoll_ctl(turns->epoll, operation, fd, &event) == 0;
}

static int work(struct turns *t, unsigned goal, uint64_t deadline)
{
    struct epoll_event events[EVENTS];
    while (t->done < goal && now_ns() < deadline) {
        int n = epoll_wait(t->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++) {
            if (!t->step(t->owner, events[i].data.ptr))
                return job_failed(t->counted);
        }
    }
    return 0;
}

int turns_measure(struct turns *t)
{
    struct job *job = t->job;
    struct cpu_reading from, to;
    if (work(t, job->count / WARM_UP_SHARE, now_ns() + job->limit_ns) == -1)
        return -1;
    unsigned before = t->done;
    if (meter_cpu(&job->meter, &from) == -1)
        return job_failed("read the CPU clock of a process");
    if (work(t, before + job->count, from.at + job->limit_ns) == -1)
        return -1;
    if (meter_cpu(&job->meter, &to) == -1)
        return job_failed("read the CPU clock of a process");
    errno = ETIMEDOUT;
    if (t->done == before)
        return job_failed(t->counted);
    printf("{\"%s\":%u,", t->counted, t->done - before);
    meter_print_cpu(&job->meter, &from, &to);
    printf("}\n");
    return 0;
}
