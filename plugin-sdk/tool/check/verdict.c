/* SPDX-License-Identifier: Apache-2.0 */
/* verdict.c - the two things that most checks ask of a start: it works, or it is refused. */
#include "check/testbed.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { FATE_MAX = 96, WHY_MAX = 200, LOOK_MS = 10, LOOK_MAX_MS = 200 };

enum outcome worse(enum outcome a, enum outcome b)
{
    if (a == FAIL || b == FAIL)
        return FAIL;
    return a == PASS || b == PASS ? PASS : NOT_APPLICABLE;
}

enum outcome testbed_works(struct testbed *s, const char *what, struct evidence *e)
{
    char fate[FATE_MAX], why[WHY_MAX];
    enum listening how = testbed_start(s, START_MS);
    if (how == EXITED) {
        evidence_add(e, "%s: %s", what, process_fate(&s->plugin, fate, sizeof fate));
        return FAIL;
    }
    if (how == SILENT) {
        evidence_add(e, "%s: does not listen within %d ms", what, START_MS);
        return FAIL;
    }
    double ms = (double)(clock_us() - s->plugin.started_us) / 1000;
    enum served served = testbed_serve(s, TRIP_MS, why, sizeof why);
    if (!process_alive(&s->plugin)) {
        evidence_add(e, "%s: listens, then %s", what, process_fate(&s->plugin, fate, sizeof fate));
        return FAIL;
    }
    evidence_add(e, "%s: listens after %.0f ms, %s", what, ms, why);
    return served == NOT_SERVED ? FAIL : PASS;
}

/* The first socket on which it could be spoken to. */
static bool any_socket(const struct process *p, char *text, size_t cap)
{
    struct socket_seen seen[SOCKETS_MAX];
    char address[SSP_ADDRESS_TEXT_MAX];
    unsigned n = process_sockets(p, seen, SOCKETS_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (seen[i].udp)
            continue;
        ssp__address_format(&seen[i].address, address, sizeof address);
        (void)snprintf(text, cap, "%s", address);
        return true;
    }
    return false;
}

enum outcome testbed_refuses(struct testbed *s, const char *what, unsigned ms, struct evidence *e)
{
    char fate[FATE_MAX], where[SSP_ADDRESS_TEXT_MAX];
    /* A limit of zero: the start alone. */
    enum listening how = testbed_start(s, 0);
    int64_t deadline = s->plugin.started_us + (int64_t)ms * 1000;
    for (unsigned look = LOOK_MS; how != EXITED && clock_us() < deadline;
         look = look < LOOK_MAX_MS ? look * 2 : look) {
        if (any_socket(&s->plugin, where, sizeof where)) {
            evidence_add(e, "%s: listens on %s", what, where);
            return FAIL;
        }
        how = process_await_exit(&s->plugin, look) ? EXITED : SILENT;
    }
    evidence_add(e, "%s: %s", what, process_fate(&s->plugin, fate, sizeof fate));
    if (!s->plugin.ended) {
        s->late = true;
        return FAIL;
    }
    return WIFEXITED(s->plugin.status) && WEXITSTATUS(s->plugin.status) != 0 ? PASS : FAIL;
}
