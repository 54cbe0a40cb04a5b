/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP through a SOCKS5 proxy, one way: packets at a steady rate to a target of our own, which
 * counts those that arrive.  A rate that is too high tells how many the proxies deliver.
 */
#include "job.h"
#include "udp_ends.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

enum {
    PAYLOAD = 1200,
    AT_ONCE = 64,
    BUFFER = 4 << 20,
    WARM_UP_SHARE = 5,
    MS = 1000000,
    SETTLE_MS = 50,    /* without a packet, until none is on its way any more */
    PATIENCE_MS = 5000 /* for the first one */
};

struct flow {
    struct udp_ends ends;
    uint8_t packet[UDP_HEAD + PAYLOAD];
    uint64_t interval_ns, arrived;
};

/* Counts what has come. */
static void drain(struct flow *f)
{
    static uint8_t bytes[AT_ONCE][PAYLOAD];
    struct iovec piece[AT_ONCE];
    struct mmsghdr header[AT_ONCE];
    memset(header, 0, sizeof header);
    for (unsigned i = 0; i < AT_ONCE; i++) {
        piece[i] = (struct iovec){bytes[i], sizeof bytes[i]};
        header[i].msg_hdr.msg_iov = &piece[i];
        header[i].msg_hdr.msg_iovlen = 1;
    }
    int n;
    while ((n = recvmmsg(f->ends.target, header, AT_ONCE, MSG_DONTWAIT, NULL)) > 0)
        f->arrived += (unsigned)n;
}

static void send_some(struct flow *f, unsigned n)
{
    struct iovec piece = {f->packet, sizeof f->packet};
    struct mmsghdr header[AT_ONCE];
    memset(header, 0, sizeof header);
    for (unsigned i = 0; i < n; i++) {
        header[i].msg_hdr.msg_iov = &piece;
        header[i].msg_hdr.msg_iovlen = 1;
    }
    (void)sendmmsg(f->ends.client, header, n, 0);
}

static void await_rest(struct flow *f)
{
    uint64_t before = f->arrived, last = now_ns();
    while (now_ns() - last < (uint64_t)(f->arrived > 0 ? SETTLE_MS : PATIENCE_MS) * MS) {
        drain(f);
        last = f->arrived > before ? now_ns() : last;
        before = f->arrived;
    }
}

/* Never sleeps: a sleep is longer than the time between two packets.  Delayed packets are sent at
 * once, as far as AT_ONCE allows. */
static void run(struct flow *f, uint64_t count)
{
    uint64_t begin = now_ns(), sent = 0, now;
    f->arrived = 0;
    while (sent < count) {
        now = now_ns();
        uint64_t due = (now - begin) / f->interval_ns + 1;
        uint64_t late = due > sent ? due - sent : 0;
        unsigned n = late > AT_ONCE ? AT_ONCE : (unsigned)late;
        if (n > 0)
            send_some(f, n);
        if (late > AT_ONCE) /* this process had to wait: the rate begins anew */
            begin = now - sent * f->interval_ns;
        sent += n;
        drain(f);
    }
    await_rest(f);
}

static int measure(struct flow *f, struct job *job)
{
    struct cpu_reading begin, end;
    run(f, job->count / WARM_UP_SHARE + 1);
    errno = ETIMEDOUT;
    if (f->arrived == 0)
        return job_failed("no packet arrived");
    if (meter_cpu(&job->meter, &begin) == -1)
        return job_failed("read the CPU clock of a process");
    run(f, job->count);
    if (meter_cpu(&job->meter, &end) == -1)
        return job_failed("read the CPU clock of a process");
    printf("{\"packets\":%llu,\"sent\":%u,", (unsigned long long)f->arrived, job->count);
    meter_print_cpu(&job->meter, &begin, &end);
    printf("}\n");
    return 0;
}

int flow(struct job *job)
{
    struct flow f = {.interval_ns = 1000000000 / job->per_second};
    if (udp_ends_open(&f.ends, &job->route) == -1)
        return job_failed("associate");
    memcpy(f.packet, f.ends.head, UDP_HEAD);
    (void)setsockopt(f.ends.target, SOL_SOCKET, SO_RCVBUF, &(int){BUFFER}, sizeof(int));
    int rc = measure(&f, job);
    udp_ends_close(&f.ends);
    return rc;
}
