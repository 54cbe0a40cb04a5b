/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP through a SOCKS5 proxy: bursts of packets to a target of our own, which returns them.  Lost
 * packets do not count.
 */
#include "job.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BURST = 32, PAYLOAD = 1000, HEAD = 10, PATIENCE_MS = 200, WARM_UP_SHARE = 10 };

struct packets {
    int connection, client, target;
    uint8_t packet[HEAD + PAYLOAD];
    unsigned returned;
};

static int bound_socket(struct sockaddr_in *address)
{
    socklen_t n = sizeof *address;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    if (fd != -1 && bind(fd, (const struct sockaddr *)address, n) == 0 &&
        getsockname(fd, (struct sockaddr *)address, &n) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Reserved bytes and fragment, then the target; what follows is payload. */
static void put_head(uint8_t head[static HEAD], const struct sockaddr_in *target)
{
    memset(head, 0, HEAD);
    head[3] = 1;
    memcpy(head + 4, &target->sin_addr, 4);
    memcpy(head + 8, &target->sin_port, 2);
}

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
    struct pollfd waiting[] = {{.fd = p->client, .events = POLLIN},
                               {.fd = p->target, .events = POLLIN}};
    unsigned back = 0;
    for (unsigned i = 0; i < BURST; i++)
        (void)send(p->client, p->packet, sizeof p->packet, 0);
    while (back < BURST && poll(waiting, 2, PATIENCE_MS) > 0) {
        uint8_t bytes[HEAD + PAYLOAD];
        return_packets(p->target);
        while (recv(p->client, bytes, sizeof bytes, MSG_DONTWAIT) >= 0)
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
    struct packets p = {.connection = -1};
    struct sockaddr_in door, target, client;
    p.target = bound_socket(&target);
    p.client = bound_socket(&client);
    p.connection = route_associate(&job->route, &door);
    put_head(p.packet, &target);
    bool ready = p.target != -1 && p.client != -1 && p.connection != -1 &&
                 connect(p.client, (const struct sockaddr *)&door, sizeof door) == 0;
    int rc = ready ? measure(&p, job) : job_failed("associate");
    close(p.connection);
    close(p.client);
    close(p.target);
    return rc;
}
