/* SPDX-License-Identifier: Apache-2.0 */
#include "check/testbed.h"

#include "check/scene.h"
#include "check/trip.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MATE_MS = 10000, QUIET_MS = 150, HOLD_MS = 2000, AGAIN_MS = 1000 };

/* ---- before ---- */

static uint16_t port_or_die(void)
{
    uint16_t port = port_reserve();
    if (port != 0)
        return port;
    (void)fputs("ss-plugin check: no free port between 10000 and 32000\n", stderr);
    _exit(SSP_EXIT_OS);
}

void testbed_relaunch(struct testbed *s)
{
    bool server = s->role == SSP_SERVER;
    launch_init(&s->launch, s->fixture, s->role, testbed_port(s), server ? s->back : s->wire);
    *launch_front_host(&s->launch) = server ? s->wire_host : s->front_host;
    *launch_back_host(&s->launch) = server ? s->back_host : s->wire_host;
}

void testbed_init(struct testbed *s, const struct fixture *fixture, ssp_role role)
{
    static const char loopback[] = "127.0.0.1";
    *s = (struct testbed){.fixture = fixture,
                          .role = role,
                          .front_host = loopback,
                          .wire_host = loopback,
                          .back_host = loopback,
                          .front = port_or_die(),
                          .wire = port_or_die(),
                          .back = port_or_die()};
    testbed_relaunch(s);
}

uint16_t testbed_port(const struct testbed *s)
{
    return s->role == SSP_SERVER ? s->wire : s->front;
}

enum listening testbed_start(struct testbed *s, unsigned ms)
{
    if (process_start(&s->plugin, &s->launch) == -1) {
        fprintf(stderr, "ss-plugin check: start %s: %s\n", s->launch.path, strerror(errno));
        _exit(SSP_EXIT_OS);
    }
    enum listening how = process_await_listening(&s->plugin, testbed_port(s), ms);
    s->late = s->late || (how == SILENT && ms > 0);
    return how;
}

/* ---- sockets of the harness ---- */

static int listen_at(const char *host, uint16_t port, int type)
{
    struct ssp__address a;
    if (ssp__address_parse(&a, host, port) == 0)
        return scene_listen_at(&a, type);
    errno = EINVAL;
    return -1;
}

static int dial(const char *host, uint16_t port)
{
    struct ssp__address a;
    if (ssp__address_parse(&a, host, port) == 0)
        return scene_dial_to(&a);
    errno = EINVAL;
    return -1;
}

/* ---- the world around ---- */

static bool with_mate(const struct testbed *s)
{
    return !s->alone && s->fixture->baseline.pair_works;
}

/* The harness is where the server plugin would be. */
static bool at_the_wire(const struct testbed *s)
{
    return s->role == SSP_CLIENT && !with_mate(s);
}

int testbed_listen(struct testbed *s, const char *host)
{
    uint16_t port = at_the_wire(s) ? s->wire : s->back;
    int fd = s->listeners < TESTBED_LISTENERS ? listen_at(host, port, SOCK_STREAM) : -1;
    if (fd == -1)
        return -1;
    s->listener[s->listeners++] = fd;
    fd =
        at_the_wire(s) && s->listeners < TESTBED_LISTENERS ? listen_at(host, port, SOCK_DGRAM) : -1;
    if (fd != -1)
        s->listener[s->listeners++] = fd;
    return 0;
}

static int start_mate(struct testbed *s)
{
    struct launch l;
    bool server = s->role == SSP_CLIENT;
    uint16_t front = server ? s->wire : s->front;
    launch_init(&l, s->fixture, server ? SSP_SERVER : SSP_CLIENT, front,
                server ? s->back : s->wire);
    *launch_front_host(&l) = server ? s->wire_host : s->front_host;
    *launch_back_host(&l) = server ? s->back_host : s->wire_host;
    if (process_start(&s->mate, &l) == -1)
        return -1;
    return process_await_listening(&s->mate, front, MATE_MS) == LISTENS ? 0 : -1;
}

/* Everything behind the plugin, and the other end, is there. */
static int surround(struct testbed *s, char *why, size_t cap)
{
    if (s->listeners == 0 &&
        testbed_listen(s, at_the_wire(s) ? s->wire_host : s->back_host) == -1) {
        (void)snprintf(why, cap, "the harness cannot listen: %s", strerror(errno));
        return -1;
    }
    if (with_mate(s) && s->mate.pid == 0 && start_mate(s) == -1) {
        (void)snprintf(why, cap, "the other end does not start");
        s->late = true;
        return -1;
    }
    return 0;
}

static int dial_entry(const struct testbed *s)
{
    if (s->role == SSP_SERVER && !with_mate(s))
        return dial(s->wire_host, s->wire);
    return dial(s->front_host, s->front);
}

/* ---- what passes ---- */

size_t testbed_flight(struct testbed *s, unsigned ms, uint8_t *bytes, size_t cap)
{
    struct trip t;
    char why[160];
    s->alone = true;
    if (surround(s, why, sizeof why) == -1)
        return 0;
    trip_begin(&t, s, dial_entry(s));
    t.flight = bytes;
    t.flight_cap = cap;
    trip_run(&t, ms);
    trip_end(&t);
    s->late = s->late || t.flight_len == 0;
    return t.flight_len;
}

static enum served serve_alone(struct testbed *s, unsigned ms, char *why, size_t cap)
{
    uint8_t first;
    if (s->role == SSP_SERVER) {
        (void)snprintf(why, cap, "no client to speak to it");
        return UNSEEN;
    }
    int64_t begun = clock_us();
    bool speaks = testbed_flight(s, s->spoke ? AGAIN_MS : ms, &first, sizeof first) > 0;
    if (!speaks && (s->fixture->baseline.flight_len == 0 || s->spoke)) {
        (void)snprintf(why, cap, "sends nothing %s", s->spoke ? "more unanswered" : "unasked");
        return UNSEEN;
    }
    (void)snprintf(why, cap, "%s bytes on the wire after %.0f ms", speaks ? "first" : "no",
                   (double)(clock_us() - begun) / 1000);
    s->spoke = speaks;
    return speaks ? SERVED : NOT_SERVED;
}

enum served testbed_serve(struct testbed *s, unsigned ms, char *why, size_t cap)
{
    struct trip t;
    if (!with_mate(s))
        return serve_alone(s, ms, why, cap);
    if (surround(s, why, cap) == -1)
        return NOT_SERVED;
    int64_t begun = clock_us();
    trip_begin(&t, s, dial_entry(s));
    trip_run(&t, ms);
    trip_end(&t);
    double took = (double)(clock_us() - begun) / 1000;
    if (t.heard == TOKEN && t.ended == NULL) {
        (void)snprintf(why, cap, "round trip in %.1f ms", took);
        return SERVED;
    }
    s->late = s->late || t.ended == NULL;
    (void)snprintf(why, cap, "no round trip: %s after %.0f ms, %u connections came out%s",
                   t.ended != NULL ? t.ended : "nothing", took, t.came_out,
                   t.arrived ? ", the bytes arrived" : "");
    return NOT_SERVED;
}

/* ---- connections that stay ---- */

static void keep_link(struct testbed *s, int fd)
{
    if (fd != -1 && s->links < 2 * TESTBED_LINKS)
        s->link[s->links++] = fd;
    else if (fd != -1)
        (void)close(fd);
}

unsigned testbed_hold(struct testbed *s, unsigned n)
{
    char why[160];
    unsigned out = 0;
    if (surround(s, why, sizeof why) == -1)
        return 0;
    for (unsigned i = 0; i < n && i < TESTBED_LINKS; i++) {
        int fd = dial_entry(s);
        struct pollfd ready = {.fd = fd, .events = POLLOUT};
        if (fd != -1 && poll(&ready, 1, TRIP_MS) == 1)
            (void)!send(fd, "hold this connection", 20, MSG_NOSIGNAL);
        keep_link(s, fd);
    }
    for (int64_t deadline = clock_us() + (int64_t)HOLD_MS * 1000;
         out < n && clock_us() < deadline;) {
        struct pollfd ready = {.fd = s->listener[0], .events = POLLIN};
        if (poll(&ready, 1, QUIET_MS) <= 0)
            break;
        int conn = accept4(s->listener[0], NULL, NULL, SOCK_CLOEXEC);
        out += conn != -1 ? 1 : 0;
        keep_link(s, conn);
    }
    return out;
}

void testbed_end(struct testbed *s, struct evidence *e)
{
    if (e != NULL)
        e->late = e->late || s->late;
    process_end(&s->plugin);
    process_end(&s->mate);
    for (unsigned i = 0; i < s->listeners; i++)
        (void)close(s->listener[i]);
    for (unsigned i = 0; i < s->links; i++)
        (void)close(s->link[i]);
    s->listeners = s->links = 0;
}
