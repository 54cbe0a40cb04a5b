/* SPDX-License-Identifier: Apache-2.0 */
/*
 * associations - what memory an idle association of UDP takes in a server, with its socket and with
 * the state of the method that has most.  Prints one line of JSON.
 */
#include "proto/method.h"
#include "relay/program.h"
#include "udp/assoc.h"

#include "../unit/heap.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IDLE_MS = 600000, TURN_MS = 1, TURNS = 10000, SHARES = 64 };

struct rig {
    struct ssp__program program;
    struct ssp__assocs *assocs;
    struct ssp__endpoint target;
    struct ssp__timer turn;
    size_t state_size;
};

static void asked(void *arg, struct ssp__datagram *from, struct ssp__packet *packet)
{
    static const uint8_t state[1024];
    struct rig *r = arg;
    uint8_t *room = ssp__assocs_room(r->assocs);
    struct ssp__packet_key key = ssp__assoc_key(from, packet);
    memcpy(room, packet->bytes, packet->len);
    memcpy(&key, packet->bytes, packet->len); /* its number: each is a client of its own */
    if (r->state_size > sizeof state)
        return;
    struct ssp__assoc *assoc = ssp__assoc_new(r->assocs, &key, &packet->peer, state, NULL);
    if (assoc == NULL)
        return;
    ssp__assoc_heard(assoc, from, packet);
    ssp__assoc_send(assoc, &(struct ssp__assoc_route){.to = &r->target}, room, packet->len);
}

static void answered(void *arg, struct ssp__assoc *assoc, struct ssp__packet *packet, bool direct)
{
    (void)arg, (void)assoc, (void)packet, (void)direct;
}

static void refused(void *arg, struct ssp__assoc *assoc, const struct ssp__address *to, int error,
                    bool direct)
{
    (void)arg, (void)assoc, (void)to, (void)error, (void)direct;
}

static void over(void *arg)
{
    ssp_loop_stop(((struct rig *)arg)->program.loop);
}

static int bound_socket(void)
{
    struct ssp__address a;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd != -1 && ssp__address_parse(&a, "127.0.0.1", 0) == 0 && bind(fd, &a.u.any, a.len) == 0)
        return fd;
    return -1;
}

static uint16_t port_of(int fd)
{
    struct ssp__address a = {.len = sizeof a.u};
    return getsockname(fd, &a.u.any, &a.len) == 0 ? ssp__address_port(&a) : 0;
}

static size_t largest_state(void)
{
    size_t most = 0;
    for (size_t i = 0; ss_method_at(i) != NULL; i++) {
        size_t size = ss_method_at(i)->packets->state_size;
        most = size > most ? size : most;
    }
    return most;
}

static int open_rig(struct rig *r, unsigned count)
{
    struct ssp__endpoint here;
    char why[256];
    const char *phrase;
    *r = (struct rig){.state_size = largest_state(), .turn = {.fire = over, .arg = r}};
    if (ssp__program_open(&r->program, NULL, false, &phrase) == -1 ||
        ssp__endpoint_set(&here, "127.0.0.1", 0) == -1)
        return -1;
    r->assocs =
        ssp__assocs_new(&(struct ssp__assocs_conf){.loop = r->program.loop,
                                                   .resolver = r->program.resolver,
                                                   .batch = ssp__worker_batch(r->program.worker),
                                                   .world = &r->program.worker->world,
                                                   .max = SHARES * count,
                                                   .idle_ms = IDLE_MS,
                                                   .state_size = r->state_size,
                                                   .on_asked = asked,
                                                   .on_answered = answered,
                                                   .on_refused = refused,
                                                   .arg = r});
    return r->assocs != NULL ? ssp__assocs_listen(r->assocs, &here, why, sizeof why) : -1;
}

/* Makes association i, and returns true once it is there. */
static bool make(struct rig *r, int fd, const struct ssp__address *door, unsigned i)
{
    if (sendto(fd, &i, sizeof i, 0, &door->u.any, door->len) != (ssize_t)sizeof i)
        return false;
    for (int turn = 0; turn < TURNS && ssp__assocs_count(r->assocs) <= i; turn++) {
        ssp__timer_start(r->program.loop, &r->turn, TURN_MS);
        (void)ssp_loop_run(r->program.loop);
    }
    return ssp__assocs_count(r->assocs) == i + 1;
}

int main(int argc, char **argv)
{
    unsigned count = argc == 2 ? (unsigned)strtoul(argv[1], NULL, 10) : 0;
    struct rig r;
    struct ssp__address door;
    int fd = bound_socket(), target = bound_socket(); /* it answers nothing */
    int port = count > 1 && fd != -1 && target != -1 ? open_rig(&r, count) : -1;
    bool made = port > 0 && ssp__address_parse(&door, "127.0.0.1", (uint16_t)port) == 0 &&
                ssp__endpoint_set(&r.target, "127.0.0.1", port_of(target)) == 0;
    size_t before = 0;
    for (unsigned i = 0; made && i < count; i++) {
        made = make(&r, fd, &door, i);
        before = i == 0 ? heap_used() : before; /* the first takes memory of the program, too */
    }
    if (!made) {
        (void)fprintf(stderr, "usage: associations COUNT, within the limit of open files\n");
        return 1;
    }
    double bytes = (double)(heap_used() - before) / (count - 1);
    printf("{\"associations\":%u,\"bytes\":%.1f}\n", count, bytes);
    ssp__assocs_free(r.assocs);
    ssp__program_close(&r.program);
    (void)close(fd);
    (void)close(target);
    return 0;
}
