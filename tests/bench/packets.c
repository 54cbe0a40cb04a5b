/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP through a SOCKS5 proxy: bursts of packets to a target of our own, which returns them.  Lost
 * packets do not count.
 */
#include "job.h"
#include "udp_ends.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 32, PAYLOAD = 1000, PATIENCE_MS = 200, WARM_UP_SHARE = 10 };

struct packets {
    struct udp_ends ends;
    uint8_t packet[UDP_HEAD + PAYLOAD];
    unsigned returned;
};

static void return_packets(int fd)
{
    uint8_t bytes[PAYLOAD];
    struct sockaddr_in from;
    socklen_t n = sizeof from;
    ssize_t got;
    while ((got = recvfrom(fd, bytes, sizeof bytes, MSG_DONTWAIT, (struct sockaddr *)&from, &n)) >=
           0)
        (void)sendto(fd, bytes, (size_t)got, 0, (const struct sockaddr *)&from, n);
}

/* Sends a burst, and takes back what comes of it. */
static void burst(struct packets *p)
{
    struct pollfd waiting[] = {{.fd = p->ends.client, .events = POLLIN},
                               {.fd = p->ends.target, .events = POLLIN}};
    unsigned back = 0;
    for (unsigned i = 0; i < BURST; i++)
        (void)send(p->ends.client, p->packet, sizeof p->packet, 0);
    while (back < BURST && poll(waiting, 2, PATIENCE_MS) > 0) {
        uint8_t bytes[UDP_HEAD + PAYLOAD];
        return_packets(p->ends.target);
        while (recv(p->ends.client, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
            back++;
    }
    p->returned += back;
}

static int run(struct packets *p, unsigned goal, uint64_t deadline)
{
    p->returned = 0;
    while (p->returned < goal && now_ns() < deadline) {
        unsigned before = p->returned;
        burst(p);
        errno = ETIMEDOUT;
        if (p->returned == before)
            return job_failed("no packet came back");
    }
    return 0;
}

static int measure(struct packets *p, struct job *job)
{
    struct cpu_reading begin, end;
    if (run(p, job->count / WARM_UP_SHARE + 1, now_ns() + job->limit_ns) == -1)
        return -1;
    if (meter_cpu(&job->meter, &begin) == -1)
        return job_failed("read the CPU clock of a process");
    if (run(p, job->count, begin.at + job->limit_ns) == -1)
        return -1;
    if (meter_cpu(&job->meter, &end) == -1)
        return job_failed("read the CPU clock of a process");
    printf("{\"packets\":%u,", 2 * p->returned);
    meter_print_cpu(&job->meter, &begin, &end);
    printf("}\n");
    return 0;
}

int packets(struct job *job)
{
    struct packets p = {.returned = 0};
    if (udp_ends_open(&p.ends, &job->route) == -1)
        return job_failed("associate");
    memcpy(p.packet, p.ends.head, UDP_HEAD);
    int rc = measure(&p, job);
    udp_ends_close(&p.ends);
    return rc;
}
