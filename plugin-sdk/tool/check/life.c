/* SPDX-License-Identifier: Apache-2.0 */
/* life.c - checks 22 to 29: signals, descriptors 0 to 2, the parent, and what is left behind. */
#include "base/retry.h"
#include "check/signal_name.h"
#include "check/testbed.h"

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    STOP_MS = 1000,  /* the limit of MUST */
    WATCH_MS = 3000, /* how long a plugin that is late is watched */
    STAY_MS = 300,
    EARLY_MS = 300,
    LIVE = 50,
    TRIPS = 2000,
    TRIPS_AFTER_CLOSE = 5,
    ORPHAN_MS = 2000,
    ORPHAN_WATCH_MS = 8000,
    FATE_MAX = 96,
    WHY_MAX = 200
};

/* ---- 22 and 23: signals ---- */

/* Sends the signal and waits for the end.  Adds a clause that begins with what. */
static enum outcome stops(struct process *p, int signal, const char *what, struct evidence *e)
{
    int64_t sent = clock_us();
    process_signal(p, signal);
    bool gone = process_await_exit(p, WATCH_MS);
    double ms = (double)(p->ended_us - sent) / 1000;
    if (!gone) {
        evidence_add(e, "%s: alive after %d ms", what, WATCH_MS);
        e->late = true;
        return FAIL;
    }
    evidence_add(e, "%s: %s %d after %.1f ms", what, WIFSIGNALED(p->status) ? "signal" : "exit",
                 WIFSIGNALED(p->status) ? WTERMSIG(p->status) : WEXITSTATUS(p->status), ms);
    e->late = e->late || ms > (double)STOP_MS;
    return ms <= (double)STOP_MS ? PASS : FAIL;
}

/* One way to be asked to end. */
struct ending {
    const char *what;
    const char *host;  /* early: the remote host, whose name is being looked up */
    unsigned after_ms; /* early: since the start */
    unsigned live;     /* connections that are open then */
    int signal;
    bool early; /* before it is up */
};

static enum outcome stops_later(struct fixture *fixture, ssp_role role, const struct ending *way,
                                struct evidence *e)
{
    struct testbed s;
    char text[64], fate[FATE_MAX];
    enum outcome outcome = FAIL;
    testbed_init(&s, fixture, role);
    if (testbed_start(&s, START_MS) == LISTENS) {
        unsigned out = way->live > 0 ? testbed_hold(&s, way->live) : 0;
        (void)snprintf(text, sizeof text, way->live > 0 ? "%s, %u came out" : "%s", way->what, out);
        outcome = stops(&s.plugin, way->signal, text, e);
        if (outcome == PASS && (WIFSIGNALED(s.plugin.status) || WEXITSTATUS(s.plugin.status) != 0))
            evidence_add(e, "which should be exit 0");
    } else {
        evidence_add(e, "%s: not up: %s", way->what, process_fate(&s.plugin, fate, sizeof fate));
    }
    testbed_end(&s, e);
    return outcome;
}

/* It may have exited before the signal, which is as good. */
static enum outcome stops_early(struct fixture *fixture, ssp_role role, const struct ending *way,
                                struct evidence *e)
{
    struct testbed s;
    char fate[FATE_MAX];
    enum outcome outcome;
    testbed_init(&s, fixture, role);
    if (way->host != NULL)
        s.launch.remote_host = way->host;
    (void)testbed_start(&s, way->after_ms);
    if (process_alive(&s.plugin)) {
        outcome = stops(&s.plugin, way->signal, way->what, e);
    } else {
        outcome = process_crashed(&s.plugin) ? FAIL : PASS;
        evidence_add(e, "%s: already gone, %s", way->what,
                     process_fate(&s.plugin, fate, sizeof fate));
    }
    testbed_end(&s, e);
    return outcome;
}

static enum outcome terminates(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const struct ending ways[] = {
        {.what = "idle", .signal = SIGTERM},
        {.what = "50 connections", .signal = SIGTERM, .live = LIVE},
        {.what = "at start", .signal = SIGTERM, .early = true},
        {.what = "resolving",
         .signal = SIGTERM,
         .early = true,
         .host = "name.invalid",
         .after_ms = EARLY_MS},
    };
    enum outcome all = NOT_APPLICABLE;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++)
        all = worse(all, (ways[i].early ? stops_early : stops_later)(fixture, role, &ways[i], e));
    return all;
}

static enum outcome survives(struct fixture *fixture, ssp_role role, int signal, struct evidence *e)
{
    struct testbed s;
    char fate[FATE_MAX];
    testbed_init(&s, fixture, role);
    char why[WHY_MAX];
    bool up = testbed_start(&s, START_MS) == LISTENS;
    process_signal(&s.plugin, signal);
    bool gone = process_await_exit(&s.plugin, STAY_MS);
    if (up && !gone) /* a plugin that serves has handled the signal */
        gone = testbed_serve(&s, TRIP_MS, why, sizeof why) == NOT_SERVED &&
               process_await_exit(&s.plugin, STAY_MS);
    if (gone || !up)
        evidence_add(e, "%s: %s", signal_name(signal), process_fate(&s.plugin, fate, sizeof fate));
    else
        evidence_add(e, "%s: stays", signal_name(signal));
    testbed_end(&s, e);
    return up && !gone ? PASS : FAIL;
}

static enum outcome other_signals(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    enum outcome all =
        stops_later(fixture, role, &(struct ending){.what = "SIGINT", .signal = SIGINT}, e);
    all = worse(all, survives(fixture, role, SIGHUP, e));
    all = worse(all, survives(fixture, role, SIGUSR1, e));
    return worse(all, survives(fixture, role, SIGUSR2, e));
}

/* ---- 24 to 27: descriptors 0 to 2 ---- */

static enum outcome null_input(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    char fate[FATE_MAX];
    testbed_init(&s, fixture, role);
    s.launch.output = OUTPUT_NULL;
    enum outcome outcome = testbed_works(&s, "stdin /dev/null", e);
    if (outcome == PASS && process_await_exit(&s.plugin, STAY_MS)) {
        evidence_add(e, "then %s", process_fate(&s.plugin, fate, sizeof fate));
        outcome = FAIL;
    }
    testbed_end(&s, e);
    return outcome;
}

/* A few more trips, each of which may be logged. */
static enum outcome goes_on(struct testbed *s, unsigned trips, struct evidence *e)
{
    char why[WHY_MAX], fate[FATE_MAX];
    enum served served = SERVED;
    unsigned done = 0;
    while (done < trips && served != NOT_SERVED && process_alive(&s->plugin)) {
        served = testbed_serve(s, TRIP_MS, why, sizeof why);
        done += served != NOT_SERVED ? 1 : 0;
        if (served == UNSEEN)
            (void)testbed_hold(s, 1);
    }
    bool alive = !process_await_exit(&s->plugin, STAY_MS);
    if (!alive)
        evidence_add(e, "%s, after %u more trips", process_fate(&s->plugin, fate, sizeof fate),
                     done);
    else
        evidence_add(e, "alive after %u more trips%s%s", done,
                     served == NOT_SERVED ? ", then " : "", served == NOT_SERVED ? why : "");
    return alive && done == trips ? PASS : FAIL;
}

static enum outcome reader_closes(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    testbed_init(&s, fixture, role);
    s.launch.output = OUTPUT_READER_CLOSED;
    enum outcome before = testbed_works(&s, "a: closed before", e);
    if (before == PASS)
        before = goes_on(&s, TRIPS_AFTER_CLOSE, e);
    testbed_end(&s, e);

    testbed_init(&s, fixture, role);
    enum outcome after = testbed_works(&s, "b: closed after", e);
    if (after == PASS) {
        process_close_reader(&s.plugin);
        after = goes_on(&s, TRIPS_AFTER_CLOSE, e);
    }
    testbed_end(&s, e);
    return worse(before, after);
}

/* The pipe holds a page only, so that few lines fill it. */
static enum outcome output_unread(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    char why[WHY_MAX] = "";
    unsigned done = 0;
    testbed_init(&s, fixture, role);
    s.launch.output = OUTPUT_UNREAD;
    enum outcome outcome = testbed_works(&s, "output never read", e);
    int64_t begun = clock_us();
    while (outcome == PASS && done < TRIPS) {
        enum served served = testbed_serve(&s, TRIP_MS, why, sizeof why);
        outcome = served == NOT_SERVED ? FAIL : PASS;
        if (served != SERVED)
            break;
        done++;
    }
    evidence_add(e, "%u connections served in %.1f s%s%s", done,
                 (double)(clock_us() - begun) / 1000000, done < TRIPS ? ", then " : "",
                 done < TRIPS ? why : "");
    outcome = worse(outcome, stops(&s.plugin, SIGTERM, "SIGTERM", e));
    testbed_end(&s, e);
    return outcome;
}

/* Where descriptor fd leads; "closed" when it is none. */
static void leads_to(const struct process *p, int fd, char *text, size_t cap)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)p->pid, fd);
    ssize_t n = readlink(path, text, cap - 1);
    if (n <= 0)
        (void)snprintf(text, cap, "closed");
    else
        text[n] = '\0';
}

static enum outcome no_descriptors(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    char where[3][64];
    testbed_init(&s, fixture, role);
    s.launch.output = OUTPUT_CLOSED;
    enum outcome outcome = testbed_works(&s, "0-2 closed", e);
    if (outcome == PASS)
        (void)testbed_hold(&s, 2); /* a connection may become 1 or 2 as well */
    for (int fd = 0; fd <= 2; fd++)
        leads_to(&s.plugin, fd, where[fd], sizeof where[fd]);
    if (process_alive(&s.plugin))
        evidence_add(e, "0 is %s, 1 is %s, 2 is %s", where[0], where[1], where[2]);
    bool socket = strncmp(where[1], "socket:", 7) == 0 || strncmp(where[2], "socket:", 7) == 0;
    testbed_end(&s, e);
    return socket ? FAIL : outcome;
}

/* ---- 28: the parent ---- */

/* A process that starts the plugin, reports its pid, and waits to be killed. */
_Noreturn static void be_parent(const struct launch *l, int tell)
{
    struct process p;
    pid_t pid = process_start(&p, l) == 0 ? p.pid : -1;
    (void)!write(tell, &pid, sizeof pid);
    for (;;)
        (void)pause();
}

static pid_t fork_parent(const struct launch *l, pid_t *plugin)
{
    int pair[2];
    if (pipe(pair) == -1)
        return -1;
    pid_t parent = fork();
    if (parent == 0)
        be_parent(l, pair[1]);
    (void)close(pair[1]);
    if (parent == -1 || ssp__read(pair[0], plugin, sizeof *plugin) != (ssize_t)sizeof *plugin)
        *plugin = -1;
    (void)close(pair[0]);
    return parent;
}

static enum outcome parent_dies(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    pid_t plugin = -1;
    enum outcome outcome = FAIL;
    testbed_init(&s, fixture, role);
    s.launch.output = OUTPUT_NULL;
    pid_t parent = fork_parent(&s.launch, &plugin);
    if (plugin > 0 && process_adopt(&s.plugin, plugin, role) == 0 &&
        process_await_listening(&s.plugin, testbed_port(&s), START_MS) == LISTENS) {
        int64_t killed = clock_us();
        (void)kill(parent, SIGKILL);
        (void)ssp__waitpid(parent, NULL, 0);
        bool gone = process_await_exit(&s.plugin, ORPHAN_WATCH_MS);
        int64_t took = s.plugin.ended_us - killed, limit = (int64_t)ORPHAN_MS * 1000;
        outcome = gone && took <= limit ? PASS : FAIL;
        s.late = gone && took > limit && took <= 2 * limit;
        if (gone)
            evidence_add(e, "gone %.1f ms after its parent", (double)took / 1000);
        else
            evidence_add(e, "alive %d ms after its parent", ORPHAN_WATCH_MS);
    } else {
        evidence_add(e, "does not start");
        s.late = true;
        (void)kill(parent, SIGKILL);
        (void)ssp__waitpid(parent, NULL, 0);
    }
    testbed_end(&s, e);
    return outcome;
}

/* ---- 29: processes that are left ---- */

static enum outcome leaves_nothing(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct testbed s;
    pid_t tree[TREE_MAX];
    testbed_init(&s, fixture, role);
    enum outcome outcome = testbed_works(&s, "start", e);
    if (outcome == PASS) {
        unsigned before = process_tree(&s.plugin, tree, TREE_MAX);
        outcome = stops(&s.plugin, SIGTERM, "SIGTERM", e);
        process_end(&s.mate); /* it is no descendant, but adopted ones look the same */
        unsigned left = process_tree(&s.plugin, tree, TREE_MAX);
        for (int64_t end = clock_us() + (int64_t)STOP_MS * 1000; left > 0 && clock_us() < end;) {
            (void)poll(NULL, 0, 20); /* killed processes take a moment */
            left = process_tree(&s.plugin, tree, TREE_MAX);
        }
        evidence_add(e, "%u processes before, %u left", before, left);
        outcome = left > 0 ? FAIL : outcome;
    }
    testbed_end(&s, e);
    return outcome;
}

const struct check life_checks[] = {
    {22, MUST, OF_EACH, "SIGTERM ends it within 1 s", terminates},
    {23, SHOULD, OF_EACH, "SIGINT ends it, SIGHUP, SIGUSR1 and SIGUSR2 do not", other_signals},
    {24, MUST, OF_EACH, "stays alive with /dev/null as stdin", null_input},
    {25, MUST, OF_EACH, "lives on when nobody reads its output any more", reader_closes},
    {26, MUST, OF_EACH, "serves 2000 connections while its output is not read", output_unread},
    {27, MUST, OF_EACH, "works with descriptors 0-2 closed, none becomes a socket", no_descriptors},
    {28, SHOULD, OF_EACH, "is gone 2 s after its parent was killed", parent_dies},
    {29, SHOULD, OF_EACH, "leaves no process behind", leaves_nothing},
    {0, MAY, OF_EACH, NULL, NULL},
};
