/* SPDX-License-Identifier: Apache-2.0 */
#include "base/retry.h"
#include "check/pattern.h"
#include "check/rig.h"
#include "check/traffic.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LONGEST = 1400,
    DATAGRAM_MAX = 2048,
    ASSOCIATIONS = 2,
    BOUND_MS = 500,
    BOUND_STEP_MS = 20,
    ANSWER_MS = 1000,
    TRIES = 3 /* a packet may be lost */
};

/* ---- the backend ---- */

struct mirror {
    struct watch watch; /* first */
    unsigned heard;
};

static void reflect(struct watch *watch, short revents)
{
    struct mirror *mirror = (struct mirror *)(void *)watch; /* its first member */
    uint8_t bytes[DATAGRAM_MAX];
    struct sockaddr_in from;
    socklen_t len = sizeof from;
    (void)revents;
    ssize_t n = recvfrom(watch->fd, bytes, sizeof bytes, 0, (struct sockaddr *)&from, &len);
    if (n == -1)
        return;
    mirror->heard++;
    (void)sendto(watch->fd, bytes, (size_t)n, 0, (struct sockaddr *)&from, len);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port)};
}

static int datagram_socket(void)
{
    return socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
}

/* At the number of the backend's TCP port.  Returns 0, or -1 with errno. */
static int mirror_open(struct mirror *mirror, struct scene *scene, uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    *mirror = (struct mirror){
        .watch = {.fd = datagram_socket(), .events = POLLIN, .due_us = NEVER, .act = reflect}};
    int rc = mirror->watch.fd == -1 ? -1 : bind(mirror->watch.fd, (struct sockaddr *)&a, sizeof a);
    scene_add(scene, &mirror->watch);
    return rc;
}

/* ---- a client ---- */

struct caller {
    struct watch watch; /* first */
    uint64_t seed;
    size_t len;
    bool answered, wrong;
};

static void take_answer(struct watch *watch, short revents)
{
    struct caller *caller = (struct caller *)(void *)watch; /* its first member */
    uint8_t bytes[DATAGRAM_MAX];
    (void)revents;
    ssize_t n = ssp__recv(watch->fd, bytes, sizeof bytes, 0);
    if (n < 0)
        return;
    size_t len = (size_t)n;
    /* An answer to an earlier try is as good; one to another caller is not. */
    if (len == caller->len && pattern_match(caller->seed, 0, bytes, len) == len)
        caller->answered = true;
    else
        caller->wrong = true;
}

static int caller_open(struct caller *caller, struct scene *scene, uint16_t port)
{
    struct sockaddr_in a = loopback(port);
    *caller = (struct caller){
        .watch = {.fd = datagram_socket(), .events = POLLIN, .due_us = NEVER, .act = take_answer}};
    scene_add(scene, &caller->watch);
    if (caller->watch.fd == -1)
        return -1;
    return connect(caller->watch.fd, (struct sockaddr *)&a, sizeof a);
}

static bool settled(void *arg)
{
    const struct caller *caller = arg;
    return caller->answered || caller->wrong;
}

static bool call(struct scene *scene, struct caller *caller, uint64_t seed, size_t len)
{
    uint8_t bytes[DATAGRAM_MAX];
    caller->seed = seed;
    caller->len = len;
    caller->answered = caller->wrong = false;
    pattern_fill(seed, 0, bytes, len);
    for (int i = 0; i < TRIES && !settled(caller); i++) {
        (void)ssp__send(caller->watch.fd, bytes, len, 0);
        (void)scene_run(scene, ANSWER_MS, settled, caller);
    }
    return caller->answered && !caller->wrong;
}

/* ---- the check ---- */

static bool has_socket(const struct process *process, uint16_t port)
{
    struct socket_seen seen[SOCKETS_MAX];
    unsigned n = process_sockets(process, seen, SOCKETS_MAX);
    for (unsigned i = 0; i < n && i < SOCKETS_MAX; i++) {
        if (seen[i].udp && !seen[i].connected && ssp__address_port(&seen[i].address) == port)
            return true;
    }
    return false;
}

/* It need not be there as soon as the TCP socket is. */
static bool claimed(struct rig *rig)
{
    uint64_t end = now_us() + (uint64_t)BOUND_MS * 1000;
    while (!has_socket(&rig->client, rig->client_port)) {
        if (now_us() >= end)
            return false;
        (void)scene_run(&rig->scene, BOUND_STEP_MS, NULL, NULL);
    }
    return true;
}

static enum outcome call_all(struct rig *rig, struct caller *caller, struct evidence *e)
{
    static const size_t size[] = {1, 2, 63, 512, 1199, LONGEST};
    enum { SIZES = sizeof size / sizeof size[0] };
    for (unsigned i = 0; i < SIZES * ASSOCIATIONS; i++) {
        struct caller *one = &caller[i % ASSOCIATIONS];
        if (call(&rig->scene, one, i, size[i / ASSOCIATIONS]))
            continue;
        evidence_add(e, "association %u, datagram of %zu bytes: %s", i % ASSOCIATIONS,
                     size[i / ASSOCIATIONS], one->wrong ? "another answer comes" : "no answer");
        return FAIL;
    }
    evidence_add(e, "%d datagrams of 1 to %d bytes are echoed, %d associations",
                 SIZES * ASSOCIATIONS, LONGEST, ASSOCIATIONS);
    return PASS;
}

static enum outcome echo(struct rig *rig, struct evidence *e)
{
    struct mirror mirror;
    struct caller caller[ASSOCIATIONS];
    bool open = mirror_open(&mirror, &rig->scene, rig->backend.port) == 0;
    for (unsigned i = 0; i < ASSOCIATIONS; i++)
        open = caller_open(&caller[i], &rig->scene, rig->client_port) == 0 && open;
    enum outcome outcome = FAIL;
    if (open)
        outcome = call_all(rig, caller, e);
    else
        evidence_add(e, "the checker has no UDP socket");
    for (unsigned i = 0; i < ASSOCIATIONS; i++)
        scene_remove(&rig->scene, &caller[i].watch);
    scene_remove(&rig->scene, &mirror.watch);
    return outcome;
}

/* Returns whether UDP is claimed with this environment; *outcome is that of the echo then. */
static bool try_with(struct fixture *fixture, const char *const *environment, enum outcome *outcome,
                     struct evidence *e)
{
    struct evidence ignored = {.len = 0};
    struct rig rig = {.environment = environment};
    bool open = rig_open(&rig, fixture, RIG_PAIR, &ignored) == PASS,
         is_claimed = open && claimed(&rig);
    if (is_claimed) {
        *outcome = echo(&rig, e);
        if (!rig_alive(&rig, e))
            *outcome = FAIL;
    }
    rig_close(&rig);
    return is_claimed;
}

enum outcome carries_datagrams(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const asked[] = {"SS_PLUGIN_MODE=tcp_and_udp", NULL};
    enum outcome outcome = FAIL;
    (void)role;
    if (fixture->client.path == NULL || fixture->server.path == NULL) {
        evidence_add(e, "both ends are needed");
        return NOT_APPLICABLE;
    }
    if (try_with(fixture, NULL, &outcome, e) || try_with(fixture, asked, &outcome, e))
        return outcome;
    evidence_add(e, "not claimed: no UDP socket at the client's port, asked for or not");
    return NOT_APPLICABLE;
}
