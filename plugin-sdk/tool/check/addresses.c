/* SPDX-License-Identifier: Apache-2.0 */
/* addresses.c - checks 15 to 21: literals, lists and ports, good and bad. */
#include "check/testbed.h"
#include "check/wording.h"

#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    REFUSE_MS = 2000,
    BAD_PORT_MS = 3000,
    HANG_MS = 5000,
    STOP_MS = 1000,
    FATE_MAX = 96,
    BOUND_MS = 2000,
    LOOK_MS = 10,
    HOSTS = 64,
    TRIES = 8
};

/* ---- 15 and 16: IPv6 literals ---- */

static bool kernel_has_v6(void)
{
    struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool has = fd != -1 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0;
    if (fd != -1)
        (void)close(fd);
    return has;
}

/* One of its two hosts is IPv6, in the environment as it is written. */
static enum outcome literal(struct fixture *fixture, ssp_role role, bool front, const char *written,
                            struct evidence *e)
{
    struct testbed s;
    testbed_init(&s, fixture, role);
    const char **host = role == SSP_SERVER ? (front ? &s.wire_host : &s.back_host)
                                           : (front ? &s.front_host : &s.wire_host);
    *host = "::1";
    testbed_relaunch(&s);
    const char **variable = front ? launch_front_host(&s.launch) : launch_back_host(&s.launch);
    *variable = written;
    char *what = wording(
        "%s=%s", variable == &s.launch.local_host ? "SS_LOCAL_HOST" : "SS_REMOTE_HOST", written);
    enum outcome outcome = testbed_works(&s, what, e);
    testbed_end(&s, e);
    free(what);
    return outcome;
}

static enum outcome both_literals(struct fixture *fixture, ssp_role role, const char *written,
                                  struct evidence *e)
{
    if (!kernel_has_v6()) {
        evidence_add(e, "this machine has no ::1");
        return NOT_APPLICABLE;
    }
    enum outcome front = literal(fixture, role, true, written, e);
    return worse(front, literal(fixture, role, false, written, e));
}

static enum outcome bare_v6(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    return both_literals(fixture, role, "::1", e);
}

static enum outcome bracketed_v6(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    return both_literals(fixture, role, "[::1]", e);
}

/* ---- 17 and 18: lists ---- */

static bool holds(const struct process *p, const char *host, uint16_t port)
{
    struct socket_seen seen[SOCKETS_MAX];
    struct ssp__address wanted;
    char text[SSP_ADDRESS_TEXT_MAX], request[SSP_ADDRESS_TEXT_MAX];
    unsigned n = process_sockets(p, seen, SOCKETS_MAX);
    (void)ssp__address_parse(&wanted, host, port);
    ssp__address_format(&wanted, request, sizeof request);
    for (unsigned i = 0; i < n; i++) {
        ssp__address_format(&seen[i].address, text, sizeof text);
        if (strcmp(text, request) == 0)
            return true;
    }
    return false;
}

/* Waits for it: a plugin may open its listeners one after the other. */
static bool comes_to_hold(struct testbed *s, const char *host)
{
    for (int64_t end = clock_us() + (int64_t)BOUND_MS * 1000; !s->late;
         s->late = clock_us() > end) {
        if (holds(&s->plugin, host, s->wire))
            return true;
        if (process_await_exit(&s->plugin, LOOK_MS))
            return false;
    }
    return holds(&s->plugin, host, s->wire);
}

static enum outcome server_binds_all(struct fixture *fixture, struct evidence *e)
{
    struct testbed s;
    testbed_init(&s, fixture, SSP_SERVER);
    s.launch.remote_host = "127.0.0.1|127.0.0.2";
    enum outcome outcome = testbed_works(&s, s.launch.remote_host, e);
    bool first = comes_to_hold(&s, "127.0.0.1");
    bool second = comes_to_hold(&s, "127.0.0.2");
    evidence_add(e, "127.0.0.1 %s, 127.0.0.2 %s", first ? "bound" : "not bound",
                 second ? "bound" : "not bound");
    testbed_end(&s, e);
    return first && second ? outcome : FAIL;
}

static enum outcome client_uses_any(struct fixture *fixture, struct evidence *e)
{
    uint8_t flight[FLIGHT_MAX];
    unsigned out[TESTBED_LISTENERS] = {0}, all = 0;
    struct testbed s;
    testbed_init(&s, fixture, SSP_CLIENT);
    s.alone = true;
    s.launch.remote_host = "127.0.0.2|127.0.0.3";
    char fate[FATE_MAX];
    enum listening how = testbed_start(&s, START_MS);
    if (how == LISTENS && testbed_listen(&s, "127.0.0.2") == 0 &&
        testbed_listen(&s, "127.0.0.3") == 0) {
        for (int i = 0; i < TRIES && (i == 0 || all > 0); i++) {
            s.came_out = TESTBED_LISTENERS;
            if (testbed_flight(&s, START_MS, flight, sizeof flight) == 0)
                continue;
            all++;
            out[s.came_out < TESTBED_LISTENERS ? s.came_out / 2 * 2 : 0]++;
        }
    }
    evidence_add(e, "%s: %s, of %d connections %u came to 127.0.0.2 and %u to 127.0.0.3",
                 s.launch.remote_host,
                 how == LISTENS ? "listens" : process_fate(&s.plugin, fate, sizeof fate), TRIES,
                 out[0], out[2]);
    testbed_end(&s, e);
    return all == TRIES ? PASS : FAIL;
}

static enum outcome lists(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    return role == SSP_SERVER ? server_binds_all(fixture, e) : client_uses_any(fixture, e);
}

static enum outcome long_list(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    char fate[FATE_MAX], *hosts = wording("127.0.0.1");
    for (int i = 2; i <= HOSTS; i++) {
        char *longer = wording("%s|127.0.0.%d", hosts, i);
        free(hosts);
        hosts = longer;
    }
    testbed_init(&s, fixture, role);
    s.launch.remote_host = hosts;
    enum listening how = testbed_start(&s, HANG_MS);
    if (how == LISTENS)
        (void)testbed_hold(&s, 2);
    enum outcome outcome = how == SILENT || process_crashed(&s.plugin) ? FAIL : PASS;
    evidence_add(e, "%d hosts: %s, %s", HOSTS, how == LISTENS ? "listens" : "does not listen",
                 process_fate(&s.plugin, fate, sizeof fate));
    if (process_alive(&s.plugin)) {
        process_signal(&s.plugin, SIGTERM);
        bool stops = process_await_exit(&s.plugin, STOP_MS);
        evidence_add(e, "%s SIGTERM", stops ? "ends on" : "ignores");
        outcome = stops ? outcome : FAIL;
    }
    e->late = e->late || (outcome == FAIL && !process_crashed(&s.plugin));
    testbed_end(&s, e);
    free(hosts);
    return outcome;
}

/* ---- 19 and 20: a port that is taken ---- */

static enum outcome port_taken(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct ssp__address a;
    struct testbed s;
    testbed_init(&s, fixture, role);
    (void)ssp__address_parse(&a, "127.0.0.1", testbed_port(&s));
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int udp = role == SSP_SERVER ? socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    if (fd == -1 || bind(fd, &a.u.any, a.len) == -1 || listen(fd, 1) == -1) {
        evidence_add(e, "the harness cannot listen: %s", strerror(errno));
        s.late = true; /* another attempt has another port */
    }
    if (udp != -1)
        (void)bind(udp, &a.u.any, a.len); /* for those whose wire is UDP */
    enum outcome outcome = testbed_refuses(&s, "port already bound", REFUSE_MS, e);
    (void)close(fd);
    if (udp != -1)
        (void)close(udp);
    testbed_end(&s, e);
    return outcome;
}

static enum outcome second_instance(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed first, second;
    testbed_init(&first, fixture, role);
    enum outcome outcome = testbed_works(&first, "first", e);
    if (outcome == PASS) {
        testbed_init(&second, fixture, role);
        second.front = first.front;
        second.wire = first.wire;
        testbed_relaunch(&second);
        outcome = testbed_refuses(&second, "second on the same port", REFUSE_MS, e);
        testbed_end(&second, e);
    }
    testbed_end(&first, e);
    return outcome;
}

/* ---- 21: ports that are none ---- */

static enum outcome bad_port(struct fixture *fixture, ssp_role role, bool front, const char *port,
                             struct evidence *e)
{
    struct testbed s;
    testbed_init(&s, fixture, role);
    const char **variable = front ? launch_front_port(&s.launch) : launch_back_port(&s.launch);
    *variable = port;
    char *what = wording(
        "%s=%s", variable == &s.launch.local_port ? "SS_LOCAL_PORT" : "SS_REMOTE_PORT", port);
    enum outcome outcome = testbed_refuses(&s, what, BAD_PORT_MS, e);
    testbed_end(&s, e);
    free(what);
    return outcome;
}

static enum outcome bad_ports(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const ports[] = {"no-port", "99999"};
    enum outcome all = NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof ports / sizeof *ports; i++) {
        all = worse(all, bad_port(fixture, role, true, ports[i], e));
        all = worse(all, bad_port(fixture, role, false, ports[i], e));
    }
    return all;
}

const struct check address_checks[] = {
    {15, MUST, OF_EACH, "IPv6 literals in each host variable", bare_v6},
    {16, SHOULD, OF_EACH, "IPv6 literals in brackets", bracketed_v6},
    {17, SHOULD, OF_EACH, "lists of hosts joined by |", lists},
    {18, MUST, OF_EACH, "64 hosts in the list neither crash nor hang it", long_list},
    {19, MUST, OF_EACH, "exits when its port is taken", port_taken},
    {20, SHOULD, OF_EACH, "a second instance does not share the port", second_instance},
    {21, MUST, OF_EACH, "exits when a port is none", bad_ports},
    {0, MAY, OF_EACH, NULL, NULL},
};
