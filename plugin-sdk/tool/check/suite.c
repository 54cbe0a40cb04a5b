/* SPDX-License-Identifier: Apache-2.0 */
/* suite.c - which checks apply to which subjects, and the exit status. */
#include "check/suite.h"

#include "check/learn.h"
#include "check/process.h"
#include "check/report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FILES = 65536, SIGNAL_BASE = 128, LISTENS_THERE = 1, CARRIES = 30, STARTS = 101 };

static const struct check *const *tables_of(const struct suite *suite)
{
    static const struct check *const of_plugins[] = {contract_checks, address_checks, life_checks,
                                                     traffic_checks,  hostile_checks, NULL};
    static const struct check *const of_hosts[] = {host_start_checks, host_life_checks, NULL};
    return suite->of_host ? of_hosts : of_plugins;
}

bool suite_any(const struct suite *suite)
{
    for (const struct check *const *t = tables_of(suite); *t != NULL; t++) {
        for (const struct check *c = *t; c->title != NULL; c++) {
            if (suite->chosen[c->number])
                return true;
        }
    }
    return false;
}

void suite_list(const struct suite *suite, FILE *out)
{
    (suite->format == SUITE_JSON ? report_list_json : report_list)(tables_of(suite), out);
}

/* ---- the jobs ---- */

static unsigned add_jobs(struct job *job, unsigned n, const struct check *c,
                         const struct suite *suite)
{
    if (c->of == OF_HOST || c->of == OF_CLIENT_HOST)
        job[n++] = (struct job){.check = c, .role = suite->host.role};
    if (c->of == OF_CLIENT || c->of == OF_EACH)
        job[n++] = (struct job){.check = c, .role = SSP_CLIENT};
    if (c->of == OF_SERVER || c->of == OF_EACH)
        job[n++] = (struct job){.check = c, .role = SSP_SERVER};
    if (c->of == OF_PAIR)
        job[n++] = (struct job){.check = c, .role = SSP_ROLE_UNKNOWN};
    return n;
}

static unsigned make_jobs(struct job *job, const struct suite *suite)
{
    unsigned n = 0;
    for (const struct check *const *t = tables_of(suite); *t != NULL; t++) {
        for (const struct check *c = *t; c->title != NULL; c++)
            n = suite->chosen[c->number] ? add_jobs(job, n, c, suite) : n;
    }
    return n;
}

static const char *obstacle_of_host(const struct fixture *fixture, const struct job *j)
{
    if (j->check->of == OF_CLIENT_HOST && j->role != SSP_CLIENT)
        return "of a client only";
    if (j->check->number == STARTS || fixture->baseline.host_works)
        return NULL;
    return "the host does not start a plugin, or does not listen: see check 101";
}

/* Why a check cannot be made; NULL: it can. */
static const char *obstacle(const struct fixture *fixture, const struct job *j)
{
    const struct baseline *l = &fixture->baseline;
    bool pair = j->role == SSP_ROLE_UNKNOWN;
    if (fixture->host.path != NULL)
        return obstacle_of_host(fixture, j);
    if ((pair || j->role == SSP_CLIENT) && fixture->client.path == NULL)
        return pair ? "no client was given: a pair is needed" : "no client was given";
    if ((pair || j->role == SSP_SERVER) && fixture->server.path == NULL)
        return pair ? "no server was given: a pair is needed" : "no server was given";
    if (j->check->number == LISTENS_THERE)
        return NULL;
    if ((pair || j->role == SSP_CLIENT) && !l->client_listens)
        return "the client does not start: see check 1";
    if ((pair || j->role == SSP_SERVER) && !l->server_listens)
        return "the server does not start: see check 1";
    if (pair && !l->pair_works && j->check->number != CARRIES)
        return "the pair carries nothing: see check 30";
    return NULL;
}

static void mark_obstacles(const struct fixture *fixture, struct job *job, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *why = obstacle(fixture, &job[i]);
        if (why == NULL)
            continue;
        job[i].begun = true;
        job[i].result->done = true;
        job[i].result->outcome = NOT_APPLICABLE;
        evidence_add(&job[i].result->evidence, "%s", why);
    }
}

static int by_number(const void *a, const void *b)
{
    const struct job *x = *(const struct job *const *)a, *y = *(const struct job *const *)b;
    return x->check->number != y->check->number ? (x->check->number < y->check->number ? -1 : 1)
           : x->role != y->role                 ? (x->role < y->role ? -1 : 1)
                                                : 0;
}

/* Checks with high numbers take longest; started first, they shorten the run. */
static int by_number_down(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    return by_number(&y, &x);
}

/* ---- the run ---- */

__attribute__((format(printf, 1, 2))) static int cannot_run(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)fputs("ss-plugin: ", stderr);
    (void)vfprintf(stderr, format, args);
    (void)fputc('\n', stderr);
    va_end(args);
    return SUITE_CANNOT_RUN;
}

/* Sockets of the harness are many. */
static void settle_in(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* the reader of the results may end */
}

static void show_progress(void *arg, unsigned done, unsigned running, unsigned all)
{
    const int64_t *begun = arg;
    fprintf(stderr, "\r%u of %u checks done, %u running, %d s \033[K", done, all, running,
            (int)((clock_us() - *begun) / 1000000));
}

static int run_learn(struct runner *r)
{
    static const struct check plugins = {0, MUST, OF_PAIR, "learn", learn},
                              host = {0, MUST, OF_HOST, "learn", learn_host};
    bool of_host = r->fixture->host.path != NULL;
    struct job job = {.check = of_host ? &host : &plugins,
                      .result = runner_share(sizeof(struct result))};
    struct runner one = {.fixture = r->fixture, .job = &job, .jobs = 1, .parallel = 1};
    if (job.result == NULL)
        return cannot_run("no memory to share: %s", strerror(errno));
    int signal = runner_run(&one);
    if (signal != 0)
        return SIGNAL_BASE + signal;
    return job.result->done ? SUITE_PASSED : cannot_run("%s", job.result->evidence.text);
}

/* A plugin that does not work fails, also when checks 1 and 30, which test that, are not chosen. */
static int judge(const struct report *report)
{
    for (unsigned i = 0; i < report->jobs; i++) {
        if (!report->job[i]->result->done)
            return SUITE_CANNOT_RUN;
    }
    const struct fixture *fixture = report->fixture;
    struct level_count must = report_count(report, MUST);
    bool client = fixture->client.path != NULL, server = fixture->server.path != NULL;
    bool works = (fixture->host.path == NULL || fixture->baseline.host_works) &&
                 (!client || fixture->baseline.client_listens) &&
                 (!server || fixture->baseline.server_listens) &&
                 (!client || !server || fixture->baseline.pair_works);
    return works && must.passed == must.all ? SUITE_PASSED : SUITE_FAILED;
}

static int conclude(const struct runner *r, const struct suite *suite, int64_t begun)
{
    static void (*const print[])(const struct report *, FILE *) = {
        [SUITE_TABLE] = report_table, [SUITE_TAP] = report_tap, [SUITE_JSON] = report_json};
    const struct job **sorted =
        calloc(r->jobs + 1, sizeof(struct job *)); /* NOLINT(bugprone-sizeof-expression) */
    if (sorted == NULL)
        return cannot_run("no memory to sort the outcome");
    for (unsigned i = 0; i < r->jobs; i++)
        sorted[i] = &r->job[i];
    qsort(sorted, r->jobs, sizeof(struct job *),
          by_number); /* NOLINT(bugprone-sizeof-expression) */
    const struct report report = {.fixture = r->fixture,
                                  .job = sorted,
                                  .jobs = r->jobs,
                                  .took_us = clock_us() - begun,
                                  .width = suite->width,
                                  .colour = suite->colour,
                                  .failed_only = suite->failed_only};
    print[suite->format](&report, stdout);
    int rc = judge(&report);
    if (suite->page != NULL && report_page(&report, suite->page) == -1)
        rc = cannot_run("write %s: %s", suite->page, strerror(errno));
    free(sorted);
    return fflush(stdout) == 0 ? rc : cannot_run("write the outcome: %s", strerror(errno));
}

static int run_all(struct fixture *fixture, const struct suite *suite)
{
    int64_t begun = clock_us();
    struct job job[2 * (SUITE_NUMBER_MAX + 1)];
    struct runner r = {.fixture = fixture, .job = job, .parallel = suite->parallel};
    r.parallel_late = suite->of_host ? suite->parallel : 1; /* hosts wait, and load nothing */
    struct result *results = runner_share(sizeof(struct result) * 2 * (SUITE_NUMBER_MAX + 1));
    if (results == NULL)
        return cannot_run("no memory to share: %s", strerror(errno));
    int rc = run_learn(&r);
    if (rc != SUITE_PASSED)
        return rc;
    r.jobs = make_jobs(job, suite);
    qsort(job, r.jobs, sizeof *job, by_number_down);
    for (unsigned i = 0; i < r.jobs; i++)
        job[i].result = &results[i];
    mark_obstacles(fixture, job, r.jobs);
    if (isatty(STDERR_FILENO) == 1) {
        r.progress = show_progress;
        r.arg = &begun;
    }
    int signal = runner_run(&r);
    if (signal == 0)
        signal = runner_run_late(&r);
    if (r.progress != NULL)
        fprintf(stderr, "\r\033[K");
    return signal != 0 ? SIGNAL_BASE + signal : conclude(&r, suite, begun);
}

int suite_run(const struct suite *suite)
{
    settle_in();
    struct fixture *fixture = runner_share(sizeof *fixture);
    if (fixture == NULL)
        return cannot_run("no memory to share: %s", strerror(errno));
    fixture->client = suite->client;
    fixture->server = suite->server;
    fixture->host = suite->host;
    fixture->thorough = suite->thorough;
    fixture->plain = suite->plain;
    learn_options(fixture);
    return run_all(fixture, suite);
}
