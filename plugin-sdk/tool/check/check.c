/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the subcommand: which checks of whom, and what their outcome means. */
#include "check/learn.h"
#include "check/process.h"
#include "check/report.h"
#include "command.h"
#include "host/find.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum {
    NUMBER_MAX = 99,
    FILES = 65536,
    JOBS_MAX = 64,
    CANNOT_RUN = 2,
    SIGNAL_BASE = 128,
    LISTENS_THERE = 1,
    CARRIES = 30
};

enum format { TABLE, TAP, JSON };

struct request {
    const char *program[2], *options[2]; /* of the client, of the server */
    const char *echo_option, *enum_option;
    bool chosen[NUMBER_MAX + 1];
    bool only, thorough, plain, list;
    enum format format;
    long jobs;
};

static const struct check *const tables[] = {contract_checks, address_checks, life_checks,
                                             traffic_checks,  hostile_checks, NULL};

static const struct tool_option option_table[] = {
    {"client", "BIN", "the client plugin: a name in $PATH, or a path"},
    {"copts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"server", "BIN", "the server plugin"},
    {"sopts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"only", "LIST", "these checks, as in 1-5,8,43"},
    {"skip", "LIST", "all but these"},
    {"json", NULL, "the outcome as JSON"},
    {"tap", NULL, "the outcome as TAP"},
    {"echo-opt", "NAME", "an option of the client whose value shows on the wire"},
    {"enum-opt", "NAME", "an option whose value is one of few words"},
    {"jobs", "N", "checks at a time; as many as there are processors"},
    {"j", "N", "the same"},
    {"thorough", NULL, "more repetitions"},
    {"plain", NULL, "be a host that does not say which end it wants"},
    {"list", NULL, "print the checks, run none"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    .command = "check",
    .arguments = "[options] --client BIN --server BIN",
    .about = "Runs the 44 checks of the SIP003 contract against a pair of plugins, or one end.\n"
             "It is host, backend and man in the middle itself; the programs are only observed.\n"
             "Exit status: 0 every MUST passed, 1 one failed, 2 cannot run, 64 wrong usage.",
    .options = option_table,
    .examples = "  ss-plugin check --client obfs-local --copts obfs=http \\\n"
                "                  --server obfs-server --sopts obfs=http\n"
                "  ss-plugin check --client ./my-plugin --only 1-29 --echo-opt host\n"
                "  ss-plugin check --client p --server p --sopts server --plain --tap | tappy\n"};

/* ---- the command line ---- */

/* "1-5,8" into marks.  Returns 0, or -1. */
static int read_list(const char *text, bool mark[NUMBER_MAX + 1])
{
    memset(mark, 0, NUMBER_MAX + 1);
    for (;;) {
        char *end;
        long first = strtol(text, &end, 10), last = first;
        if (end == text)
            return -1;
        if (*end == '-') {
            text = end + 1;
            last = strtol(text, &end, 10);
            if (end == text)
                return -1;
        }
        if (first < 1 || last < first || last > NUMBER_MAX)
            return -1;
        for (long i = first; i <= last; i++)
            mark[i] = true;
        if (*end == '\0')
            return 0;
        if (*end != ',')
            return -1;
        text = end + 1;
    }
}

static int take_list(struct request *w, const char *name, const char *value)
{
    bool mark[NUMBER_MAX + 1];
    bool only = strcmp(name, "only") == 0;
    if (read_list(value, mark) == -1)
        return tool_wrong(&usage, "--%s %s: not a list of numbers", name, value);
    for (int i = 0; i <= NUMBER_MAX; i++)
        w->chosen[i] = only ? mark[i] && (!w->only || w->chosen[i]) : w->chosen[i] && !mark[i];
    w->only = w->only || only;
    return -1;
}

static int take(void *arg, const char *name, const char *value)
{
    struct request *w = arg;
    const struct {
        const char *name, **field;
    } texts[] = {{"client", &w->program[0]},    {"server", &w->program[1]},
                 {"copts", &w->options[0]},     {"sopts", &w->options[1]},
                 {"echo-opt", &w->echo_option}, {"enum-opt", &w->enum_option}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            *texts[i].field = value;
            return -1;
        }
    }
    if (strcmp(name, "only") == 0 || strcmp(name, "skip") == 0)
        return take_list(w, name, value);
    if (strcmp(name, "jobs") == 0 || strcmp(name, "j") == 0)
        w->jobs = tool_number(value, JOBS_MAX);
    w->format = strcmp(name, "json") == 0 ? JSON : strcmp(name, "tap") == 0 ? TAP : w->format;
    w->thorough = w->thorough || strcmp(name, "thorough") == 0;
    w->plain = w->plain || strcmp(name, "plain") == 0;
    w->list = w->list || strcmp(name, "list") == 0;
    return w->jobs == -1 ? tool_wrong(&usage, "--jobs %s: not a number of 1 to 64", value) : -1;
}

static bool any_chosen(const struct request *w)
{
    for (const struct check *const *t = tables; *t != NULL; t++) {
        for (const struct check *c = *t; c->title != NULL; c++) {
            if (w->chosen[c->number])
                return true;
        }
    }
    return false;
}

static int read_request(struct request *w, int argc, char **argv)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *w = (struct request){.jobs = processors < 1          ? 1
                                  : processors > JOBS_MAX ? JOBS_MAX
                                                          : processors};
    memset(w->chosen, 1, sizeof w->chosen);
    int rc = tool_read(&usage, &argc, argv, take, w);
    if (rc != -1)
        return rc;
    if (argc > 1)
        return tool_wrong(&usage, "%s is not wanted here", argv[1]);
    if (w->list)
        return -1;
    if (w->program[0] == NULL && w->program[1] == NULL)
        return tool_wrong(&usage, "--client or --server is needed");
    if (!any_chosen(w))
        return tool_wrong(&usage, "no check is left: there are 44, see --list");
    return -1;
}

/* ---- the lab ---- */

static int cannot_run(const char *what)
{
    (void)tool_fail("check", "%s: %s", what, strerror(errno));
    return CANNOT_RUN;
}

/* The paths are kept in found.  Returns 0, or an exit status. */
static int find_subjects(struct lab *lab, const struct request *w, char found[2][PATH_MAX])
{
    static const char *const ends[] = {"client", "server"};
    struct subject *each[] = {&lab->client, &lab->server};
    for (int i = 0; i < 2; i++) {
        *each[i] = (struct subject){.role = i == 0 ? SSP_CLIENT : SSP_SERVER,
                                    .options = w->options[i],
                                    .echo_option = w->echo_option,
                                    .enum_option = w->enum_option};
        if (w->program[i] == NULL)
            continue;
        if (ssp__find_plugin(w->program[i], NULL, found[i], PATH_MAX) == -1) {
            (void)tool_fail("check", "%s %s: %s", ends[i], w->program[i], strerror(errno));
            return CANNOT_RUN;
        }
        each[i]->path = found[i];
    }
    learn_options(lab);
    return 0;
}

/* Sockets of the harness are many. */
static void settle_in(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max < FILES ? files.rlim_max : FILES;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    (void)signal(SIGPIPE, SIG_IGN); /* whoever reads the outcome may go */
}

/* ---- the jobs ---- */

static unsigned add_jobs(struct job *job, unsigned n, const struct check *c)
{
    if (c->of == OF_CLIENT || c->of == OF_EACH)
        job[n++] = (struct job){.check = c, .role = SSP_CLIENT};
    if (c->of == OF_SERVER || c->of == OF_EACH)
        job[n++] = (struct job){.check = c, .role = SSP_SERVER};
    if (c->of == OF_PAIR)
        job[n++] = (struct job){.check = c, .role = SSP_ROLE_UNKNOWN};
    return n;
}

static unsigned make_jobs(struct job *job, const struct request *w)
{
    unsigned n = 0;
    for (const struct check *const *t = tables; *t != NULL; t++) {
        for (const struct check *c = *t; c->title != NULL; c++)
            n = w->chosen[c->number] ? add_jobs(job, n, c) : n;
    }
    return n;
}

/* Why a check cannot be made; NULL: it can. */
static const char *obstacle(const struct lab *lab, const struct job *j)
{
    const struct learnt *l = &lab->learnt;
    bool pair = j->role == SSP_ROLE_UNKNOWN;
    if ((pair || j->role == SSP_CLIENT) && lab->client.path == NULL)
        return pair ? "no client was given: a pair is needed" : "no client was given";
    if ((pair || j->role == SSP_SERVER) && lab->server.path == NULL)
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

static void mark_obstacles(const struct lab *lab, struct job *job, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const char *why = obstacle(lab, &job[i]);
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

/* The long ones have high numbers: those that begin first make the whole short. */
static int by_number_down(const void *a, const void *b)
{
    const struct job *x = a, *y = b;
    return by_number(&y, &x);
}

/* ---- the run ---- */

static void show_progress(void *arg, unsigned done, unsigned running, unsigned all)
{
    const int64_t *begun = arg;
    fprintf(stderr, "\r%u of %u checks done, %u running, %d s \033[K", done, all, running,
            (int)((clock_us() - *begun) / 1000000));
}

static bool colours(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

static int run_learn(struct runner *r)
{
    static const struct check first = {0, MUST, OF_PAIR, "learn", learn};
    struct job job = {.check = &first, .result = runner_share(sizeof(struct result))};
    struct runner one = {.lab = r->lab, .job = &job, .jobs = 1, .parallel = 1};
    if (job.result == NULL)
        return cannot_run("no memory to share");
    int signal = runner_run(&one);
    if (signal != 0)
        return SIGNAL_BASE + signal;
    if (job.result->done)
        return 0;
    (void)tool_fail("check", "%s", job.result->evidence.text);
    return CANNOT_RUN;
}

/* What does not work keeps nothing, also when checks 1 and 30, which say so, were not asked for. */
static int judge(const struct report *report)
{
    for (unsigned i = 0; i < report->jobs; i++) {
        if (!report->job[i]->result->done)
            return CANNOT_RUN;
    }
    const struct lab *lab = report->lab;
    struct tally must = report_tally(report, MUST);
    bool client = lab->client.path != NULL, server = lab->server.path != NULL;
    bool works = (!client || lab->learnt.client_listens) &&
                 (!server || lab->learnt.server_listens) &&
                 (!client || !server || lab->learnt.pair_works);
    return works && must.passed == must.all ? TOOL_OK : TOOL_NO;
}

static int conclude(const struct runner *r, const struct request *w, int64_t begun)
{
    static void (*const print[])(const struct report *, FILE *) = {
        [TABLE] = report_table, [TAP] = report_tap, [JSON] = report_json};
    const struct job **sorted =
        calloc(r->jobs + 1, sizeof(struct job *)); /* NOLINT(bugprone-sizeof-expression) */
    if (sorted == NULL)
        return cannot_run("sort the outcome");
    for (unsigned i = 0; i < r->jobs; i++)
        sorted[i] = &r->job[i];
    qsort(sorted, r->jobs, sizeof(struct job *),
          by_number); /* NOLINT(bugprone-sizeof-expression) */
    struct report report = {r->lab, sorted, r->jobs, clock_us() - begun, colours()};
    print[w->format](&report, stdout);
    int rc = judge(&report);
    free(sorted);
    if (fflush(stdout) == 0)
        return rc;
    return cannot_run("write the outcome");
}

static int run_all(struct lab *lab, const struct request *w)
{
    int64_t begun = clock_us();
    struct job job[2 * (NUMBER_MAX + 1)];
    struct runner r = {.lab = lab, .job = job, .parallel = (unsigned)w->jobs};
    struct result *results = runner_share(sizeof(struct result) * 2 * (NUMBER_MAX + 1));
    if (results == NULL)
        return cannot_run("no memory to share");
    int rc = run_learn(&r);
    if (rc != 0)
        return rc;
    r.jobs = make_jobs(job, w);
    qsort(job, r.jobs, sizeof *job, by_number_down);
    for (unsigned i = 0; i < r.jobs; i++)
        job[i].result = &results[i];
    mark_obstacles(lab, job, r.jobs);
    if (isatty(STDERR_FILENO) == 1) {
        r.progress = show_progress;
        r.arg = &begun;
    }
    int signal = runner_run(&r);
    if (signal == 0)
        signal = runner_run_late(&r);
    if (r.progress != NULL)
        fprintf(stderr, "\r\033[K");
    return signal != 0 ? SIGNAL_BASE + signal : conclude(&r, w, begun);
}

int check_main(int argc, char **argv)
{
    struct request w;
    char found[2][PATH_MAX];
    int rc = read_request(&w, argc, argv);
    if (rc != -1)
        return rc;
    if (w.list) {
        (w.format == JSON ? report_list_json : report_list)(tables, stdout);
        return TOOL_OK;
    }
    settle_in();
    struct lab *lab = runner_share(sizeof *lab);
    if (lab == NULL)
        return cannot_run("no memory to share");
    lab->thorough = w.thorough;
    lab->plain = w.plain;
    rc = find_subjects(lab, &w, found);
    return rc != 0 ? rc : run_all(lab, &w);
}
