/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Throughput: all streams run side by side until enough has been sent, then the chain
 * drains.  Buffers are empty when the clocks are first read and empty again when they are
 * read last, so that all the work counted was done for the bytes counted.
 */
#include "job.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

enum { EVENTS = 256, TICK_MS = 1 };

static const uint64_t drain_limit_ns = 30000000000;

struct bulk;

struct stream {
    int fd;
    unsigned index;
    uint64_t offset;
    bool parked;
};

/* Sends or receives some; false when the stream is broken. */
typedef bool step_fn(struct bulk *bulk, struct stream *stream);

struct direction {
    enum task task; /* the origin's */
    uint32_t events;
    step_fn *step;
};

struct bulk {
    struct job *job;
    const struct direction *direction;
    int epoll;
    struct cpu_reading begin, end;
    double fairness;
    uint8_t buffer[SLICE];
    struct stream stream[MAX_STREAMS];
};

static struct counts *counts_of(const struct bulk *b)
{
    return b->job->origin.counts;
}

static bool receive(struct bulk *b, struct stream *s)
{
    ssize_t n = recv(s->fd, b->buffer, SLICE, 0);
    if (n == 0)
        errno = ECONNRESET;
    if (n <= 0)
        return n == -1 && errno == EAGAIN;
    origin_count(&b->job->origin, s->index, s->offset, b->buffer, (size_t)n);
    s->offset += (size_t)n;
    return true;
}

static bool park(struct bulk *b, struct stream *s)
{
    struct epoll_event event = {.events = 0, .data.ptr = s};
    errno = ECONNRESET;
    if (s->parked)
        return false; /* nothing but an error wakes a parked stream */
    s->parked = true;
    atomic_fetch_add(&counts_of(b)->parked, 1);
    return epoll_ctl(b->epoll, EPOLL_CTL_MOD, s->fd, &event) == 0;
}

static bool transmit(struct bulk *b, struct stream *s)
{
    if (atomic_load(&counts_of(b)->stop))
        return park(b, s);
    ssize_t n = origin_push(&b->job->origin, s->fd, s->offset);
    if (n == -1)
        return errno == EAGAIN;
    s->offset += (size_t)n;
    return true;
}

static const struct direction down = {TASK_SEND, EPOLLIN, receive};
static const struct direction up = {TASK_EAT, EPOLLOUT, transmit};

static int dial_streams(struct bulk *b)
{
    for (unsigned i = 0; i < b->job->streams; i++)
        b->stream[i] = (struct stream){.fd = -1, .index = i};
    for (unsigned i = 0; i < b->job->streams; i++) {
        struct stream *s = &b->stream[i];
        s->fd = route_dial(&b->job->route);
        if (s->fd == -1 || fcntl(s->fd, F_SETFL, O_NONBLOCK) == -1)
            return job_failed("open a stream");
    }
    return 0;
}

static int start_streams(struct bulk *b)
{
    for (unsigned i = 0; i < b->job->streams; i++) {
        struct stream *s = &b->stream[i];
        uint8_t request[REQUEST_SIZE];
        origin_request(request, b->direction->task, i);
        struct epoll_event event = {.events = b->direction->events, .data.ptr = s};
        if (!write_all(s->fd, request, sizeof request) ||
            epoll_ctl(b->epoll, EPOLL_CTL_ADD, s->fd, &event) == -1)
            return job_failed("start a stream");
    }
    return 0;
}

static void close_streams(struct bulk *b)
{
    for (unsigned i = 0; i < b->job->streams; i++) {
        if (b->stream[i].fd != -1)
            close(b->stream[i].fd);
    }
}

/* Jain's index: 1 when all streams got the same, 1/n when one got everything. */
static double fairness(const struct bulk *b)
{
    double sum = 0, squares = 0;
    for (unsigned i = 0; i < b->job->streams; i++) {
        double share = (double)atomic_load(&counts_of(b)->stream[i]);
        sum += share;
        squares += share * share;
    }
    return squares > 0 ? sum * sum / (b->job->streams * squares) : 0;
}

static void reset_tally(struct bulk *b)
{
    struct counts *t = counts_of(b);
    atomic_store(&t->stop, false);
    atomic_store(&t->parked, 0);
    atomic_store(&t->sent, 0);
    atomic_store(&t->arrived, 0);
    for (unsigned i = 0; i < b->job->streams; i++)
        atomic_store(&t->stream[i], 0);
}

static bool drained(const struct bulk *b)
{
    struct counts *t = counts_of(b);
    return atomic_load(&t->parked) == b->job->streams &&
           atomic_load(&t->arrived) == atomic_load(&t->sent);
}

/* Fairness is judged half-way, while all streams still compete. */
static void watch(struct bulk *b, uint64_t bytes, bool late)
{
    struct counts *t = counts_of(b);
    if (late || atomic_load(&t->sent) >= bytes)
        atomic_store(&t->stop, true);
    if (b->fairness == 0 && (late || atomic_load(&t->arrived) >= bytes / 2))
        b->fairness = fairness(b);
}

static int carry(struct bulk *b, uint64_t bytes)
{
    struct epoll_event events[EVENTS];
    uint64_t deadline = now_ns() + b->job->limit_ns;
    while (!drained(b)) {
        uint64_t now = now_ns();
        errno = ETIMEDOUT;
        if (now > deadline + drain_limit_ns)
            return -1;
        watch(b, bytes, now > deadline);
        int n = epoll_wait(b->epoll, events, EVENTS, TICK_MS);
        for (int i = 0; i < n; i++) {
            if (!b->direction->step(b, events[i].data.ptr))
                return -1;
        }
    }
    return 0;
}

static int transfer(struct bulk *b, uint64_t bytes)
{
    b->fairness = 0;
    if (meter_cpu(&b->job->meter, &b->begin) == -1)
        return job_failed("read the CPU clock of a process");
    if (start_streams(b) == -1)
        return -1;
    if (carry(b, bytes) == -1)
        return job_failed("a stream broke");
    if (meter_cpu(&b->job->meter, &b->end) == -1)
        return job_failed("read the CPU clock of a process");
    return 0;
}

static int pass(struct bulk *b, uint64_t bytes)
{
    reset_tally(b);
    int rc = dial_streams(b);
    if (rc == 0)
        rc = transfer(b, bytes);
    close_streams(b);
    return rc;
}

static int report(const struct bulk *b)
{
    errno = EBADMSG;
    if (atomic_load(&counts_of(b)->mismatches) > 0)
        return job_failed("the bytes that arrived are not those sent");
    printf("{\"bytes\":%" PRIu64 ",\"jain\":%.4f,", atomic_load(&counts_of(b)->arrived),
           b->fairness);
    meter_print_cpu(&b->job->meter, &b->begin, &b->end);
    printf("}\n");
    return 0;
}

static int run(struct job *job, const struct direction *direction)
{
    struct bulk *b = calloc(1, sizeof *b);
    if (b == NULL)
        return job_failed("bulk");
    b->job = job;
    b->direction = direction;
    b->epoll = epoll_create1(EPOLL_CLOEXEC);
    int rc = pass(b, job->warm_up);
    if (rc == 0)
        rc = pass(b, job->bytes);
    if (rc == 0)
        rc = report(b);
    close(b->epoll);
    free(b);
    return rc;
}

int bulk_down(struct job *job)
{
    return run(job, &down);
}

int bulk_up(struct job *job)
{
    return run(job, &up);
}
