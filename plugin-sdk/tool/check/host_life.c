/* SPDX-License-Identifier: Apache-2.0 */
/* host_life.c - checks 120 to 128: how a host and its plugin end, what the plugin prints,
 * extensions. */
#include "check/hostbed.h"
#include "check/signal_name.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

enum { ORPHAN_MS = 2000, RESTART_MS = 3000, TEXT_MAX = 512 };

/* ---- 120 to 124: it is stopped ---- */

/* Ends a host that is up by a signal.  True: both are gone in time. */
static bool stop_both(struct hostbed *b, int signal, bool *asked, struct evidence *e)
{
    int64_t sent = clock_us();
    bool gone = hostbed_stop(b, signal, asked);
    int64_t last = b->host.ended_us > b->seen.ended_us ? b->host.ended_us : b->seen.ended_us;
    if (gone)
        evidence_add(e, "%s: both are gone after %.0f ms", signal_name(signal),
                     (double)(last - sent) / 1000);
    else
        evidence_add(e, "%s: %s is still there after %d ms", signal_name(signal),
                     process_alive(&b->host) ? "the host" : "the plugin", STOP_LIMIT_MS);
    return gone;
}

static enum outcome stops_plugin(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    bool asked = false;
    (void)role;
    hostbed_init(&b, fixture);
    bool gone = hostbed_up(&b, e) && stop_both(&b, SIGTERM, &asked, e);
    if (gone)
        evidence_add(e, "the plugin %s SIGTERM first", asked ? "got" : "did not get");
    b.late = b.late || (gone && !asked); /* it may have been too quick to be seen */
    hostbed_end(&b, e);
    return gone && asked ? PASS : FAIL;
}

static enum outcome kills_stubborn(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    bool asked;
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_STUBBORN;
    bool gone = hostbed_up(&b, e) && stop_both(&b, SIGTERM, &asked, e);
    hostbed_end(&b, e);
    return gone ? PASS : FAIL;
}

static enum outcome stops_by_int(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    bool asked;
    (void)role;
    hostbed_init(&b, fixture);
    bool gone = hostbed_up(&b, e) && stop_both(&b, SIGINT, &asked, e);
    hostbed_end(&b, e);
    return gone ? PASS : FAIL;
}

static bool no_tree_left(struct hostbed *b)
{
    pid_t tree[TREE_MAX];
    return process_tree(&b->host, tree, TREE_MAX) == 0 &&
           process_tree(&b->seen, tree, TREE_MAX) == 0;
}

static enum outcome ends_family(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    bool asked;
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_FAMILY;
    bool gone = hostbed_up(&b, e) && stop_both(&b, SIGTERM, &asked, e);
    bool left = gone && !hostbed_await(&b, ORPHAN_MS, no_tree_left);
    if (gone)
        evidence_add(e, "a program that the plugin has started is %s", left ? "left" : "gone");
    hostbed_end(&b, e);
    return gone && !left ? PASS : FAIL;
}

static bool plugin_gone(struct hostbed *b)
{
    return process_await_exit(&b->seen, 0);
}

static enum outcome leaves_no_orphan(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    bool up = hostbed_up(&b, e), gone = false;
    if (up) {
        int64_t sent = clock_us();
        process_signal(&b.host, SIGKILL);
        gone = hostbed_await(&b, ORPHAN_MS, plugin_gone);
        if (gone)
            evidence_add(e, "gone %.0f ms after its host was killed",
                         (double)(b.seen.ended_us - sent) / 1000);
        else
            evidence_add(e, "alive %d ms after its host was killed", ORPHAN_MS);
    }
    hostbed_end(&b, e);
    return gone ? PASS : FAIL;
}

/* ---- 125 and 126: the plugin ends ---- */

static bool noticed(struct hostbed *b)
{
    return hostbed_host_gone(b) || hostbed_succeeded(b);
}

static enum outcome notices_end(struct fixture *fixture, enum probe_kind kind, const char *what,
                                struct evidence *e)
{
    struct hostbed b;
    char fate[TEXT_MAX];
    hostbed_init(&b, fixture);
    b.kind = kind;
    hostbed_start(&b);
    bool there = hostbed_await_plugin(&b, UP_MS, e);
    if (there) {
        (void)hostbed_await(&b, READY_MS, hostbed_ready);
        process_signal(&b.seen, kind == PROBE_SOUND ? SIGKILL : SIGUSR1);
    }
    bool known = there && hostbed_await(&b, STOP_LIMIT_MS, noticed);
    bool ended = known && hostbed_host_gone(&b);
    if (there && ended)
        evidence_add(e, "%s: the host ends: %s", what, hostbed_fate(&b, fate, sizeof fate));
    else if (there)
        evidence_add(e, "%s: the host %s", what,
                     known ? "starts it again" : "goes on without its plugin");
    bool silent = ended && WIFEXITED(b.host.status) && WEXITSTATUS(b.host.status) == 0;
    hostbed_end(&b, e);
    return known && !silent ? PASS : FAIL;
}

static enum outcome notices_death(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    enum outcome by_exit = notices_end(fixture, PROBE_DIES, "exit 1", e);
    return by_exit == FAIL ? FAIL : notices_end(fixture, PROBE_SOUND, "SIGKILL", e);
}

static enum outcome no_restart_after_78(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    char fate[TEXT_MAX];
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_REFUSES;
    hostbed_start(&b);
    bool seen = hostbed_await_plugin(&b, UP_MS, e);
    if (seen)
        process_signal(&b.seen, SIGUSR1);
    bool again = seen && hostbed_await(&b, RESTART_MS, noticed) && !hostbed_host_gone(&b);
    if (seen)
        evidence_add(e, "status 78: %s",
                     again ? "started again" : hostbed_fate(&b, fate, sizeof fate));
    hostbed_end(&b, e);
    return seen && !again ? PASS : FAIL;
}

/* ---- 127 and 128 ---- */

static enum outcome drains_output(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_LOUD;
    bool up = hostbed_up(&b, e), came = up && hostbed_visit(&b, VISIT_MS);
    if (up)
        evidence_add(e, "a plugin that prints %d KiB listens, and %s", PROBE_LOUD_BYTES / 1024,
                     came ? "serves" : "does not serve");
    hostbed_end(&b, e);
    return came ? PASS : FAIL;
}

static enum outcome extensions(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const names[] = {"SS_PLUGIN_ROLE",         "SS_PLUGIN_MODE",
                                        "SS_PLUGIN_NOTIFY_FD",    "SS_EXIT_ON_STDIN_CLOSE",
                                        "SS_PLUGIN_HANDSHAKE_MS", "LISTEN_FDS"};
    struct hostbed b;
    unsigned set = 0;
    hostbed_init(&b, fixture);
    hostbed_start(&b);
    bool seen = hostbed_await_plugin(&b, UP_MS, e);
    for (size_t i = 0; seen && i < sizeof names / sizeof *names; i++) {
        const char *value = hostbed_variable(&b, names[i]);
        if (value != NULL)
            evidence_add(e, "%s=%s", names[i], value);
        set += value != NULL;
    }
    const char *told = seen ? hostbed_variable(&b, names[0]) : NULL;
    bool wrong = told != NULL && strcmp(told, role == SSP_SERVER ? "server" : "client") != 0;
    hostbed_end(&b, e);
    if (seen && set == 0)
        evidence_add(e, "sets none");
    return !seen || wrong ? FAIL : set > 0 ? PASS : NOT_APPLICABLE;
}

const struct check host_life_checks[] = {
    {120, MUST, OF_HOST, "SIGTERM ends it, and the plugin by SIGTERM", stops_plugin},
    {121, MUST, OF_HOST, "kills a plugin that takes no SIGTERM", kills_stubborn},
    {122, SHOULD, OF_HOST, "SIGINT ends it and the plugin", stops_by_int},
    {123, SHOULD, OF_HOST, "ends the programs of the plugin too", ends_family},
    {124, SHOULD, OF_HOST, "the plugin is gone 2 s after its host was killed", leaves_no_orphan},
    {125, MUST, OF_HOST, "notices the end of the plugin: ends too, or starts it again",
     notices_death},
    {126, MUST, OF_HOST, "does not start a plugin again after status 78", no_restart_after_78},
    {127, MUST, OF_HOST, "reads what the plugin prints", drains_output},
    {128, MAY, OF_HOST, "tells role, mode and more by variables of extensions", extensions},
    {0, MAY, OF_HOST, NULL, NULL},
};
