/* SPDX-License-Identifier: Apache-2.0 */
/*
 * origin.h - the server at the far end of a measured chain, in a process of its own.
 *
 * A connection opens with a request of REQUEST_SIZE bytes that names a task, or is HTTP.  Both ends
 * count what they send and what arrives in memory that they share, so that it is known
 * when the chain holds nothing more.
 */
#ifndef LOADGEN_ORIGIN_H
#define LOADGEN_ORIGIN_H

#include "pattern.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <sys/types.h>

enum {
    REQUEST_SIZE = 8,
    HTTP_BODY = 100, /* of an answer to GET */
    MAX_STREAMS = 1024,
};

enum task {
    TASK_NONE,
    TASK_SEND, /* stream the pattern until counts->stop */
    TASK_EAT,  /* count the pattern until the client goes */
    TASK_ECHO, /* return every byte, the request's included */
    TASK_HTTP, /* answer each GET */
    TASK_COUNT,
};

struct counts {
    atomic_bool stop;                     /* no more is sent */
    _Atomic unsigned parked;              /* streams whose sender has seen the stop */
    _Atomic uint64_t sent, arrived;       /* bytes, all streams */
    _Atomic uint64_t mismatches;          /* pieces that were not the pattern */
    _Atomic uint64_t stream[MAX_STREAMS]; /* bytes arrived */
};

struct origin {
    pid_t pid;
    struct sockaddr_in address;
    struct counts *counts;
    const struct pattern *pattern;
};

/* Starts an origin on this loopback port, or on a free one for 0.  Returns 0, or -1 with errno. */
int origin_start(struct origin *origin, const struct pattern *pattern, uint16_t port);

/* Ends the process; harmless when it was never started. */
void origin_stop(struct origin *origin);

void origin_request(uint8_t request[static REQUEST_SIZE], enum task task, unsigned stream);

/* Counts n bytes at data that arrived after offset bytes of that stream. */
void origin_count(const struct origin *origin, unsigned stream, uint64_t offset,
                  const uint8_t *data, size_t n);

/* Sends the next slice and counts it.  Returns its size, or -1 with errno. */
ssize_t origin_push(const struct origin *origin, int fd, uint64_t offset);

#endif
