/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the subcommand: its command line, and where the plugins are. */
#include "check/suite.h"
#include "command.h"
#include "host/find.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { JOBS_MAX = 64 };

struct request {
    const char *program[2], *options[2]; /* of the client, of the server */
    const char *echo_option, *enum_option;
    bool only, list;
    long jobs;
    struct suite suite;
};

static const struct tool_option option_table[] = {
    {"client", "BIN", "the client plugin: a name in $PATH, or a path"},
    {"copts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"server", "BIN", "the server plugin"},
    {"sopts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"only", "LIST", "these checks, as in 1-5,8,43"},
    {"skip", "LIST", "all but these"},
    {"json", NULL, "the results as JSON"},
    {"tap", NULL, "the results as TAP"},
    {"echo-opt", "NAME", "an option of the client whose value shows on the wire"},
    {"enum-opt", "NAME", "an option whose value is one of few words"},
    {"jobs", "N", "checks at a time; as many as there are processors"},
    {"j", "N", "the same"},
    {"thorough", NULL, "more repetitions"},
    {"failed", NULL, "print failed checks only"},
    {"plain", NULL, "be a host that does not set SS_PLUGIN_ROLE"},
    {"list", NULL, "print the checks, run none"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    .command = "check",
    .arguments = "[options] --client BIN --server BIN",
    .about = "Runs the 44 checks of the SIP003 contract against a pair of plugins, or one end.\n"
             "It is host, backend and the relay between both plugins, which are only observed.\n"
             "Exit status: 0 every MUST passed, 1 one failed, 2 cannot run, 64 wrong usage.",
    .options = option_table,
    .examples = "  ss-plugin check --client obfs-local --copts obfs=http \\\n"
                "                  --server obfs-server --sopts obfs=http\n"
                "  ss-plugin check --client ./my-plugin --only 1-29 --echo-opt host\n"
                "  ss-plugin check --client p --server p --sopts server --plain --tap | tappy\n"};

/* ---- the command line ---- */

/* "1-5,8" into marks.  Returns 0, or -1. */
static int read_list(const char *text, bool mark[SUITE_NUMBER_MAX + 1])
{
    memset(mark, 0, SUITE_NUMBER_MAX + 1);
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
        if (first < 1 || last < first || last > SUITE_NUMBER_MAX)
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

static enum ssp__next take_list(struct request *w, const char *name, const char *value)
{
    bool mark[SUITE_NUMBER_MAX + 1];
    bool only = strcmp(name, "only") == 0;
    if (read_list(value, mark) == -1)
        return tool_refuse(&usage, "--%s %s: not a list of numbers", name, value);
    for (int i = 0; i <= SUITE_NUMBER_MAX; i++)
        w->suite.chosen[i] =
            only ? mark[i] && (!w->only || w->suite.chosen[i]) : w->suite.chosen[i] && !mark[i];
    w->only = w->only || only;
    return SSP_GO_ON;
}

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct request *w = arg;
    const struct {
        const char *name, **field;
    } texts[] = {{"client", &w->program[0]},    {"server", &w->program[1]},
                 {"copts", &w->options[0]},     {"sopts", &w->options[1]},
                 {"echo-opt", &w->echo_option}, {"enum-opt", &w->enum_option}};
    const struct {
        const char *name;
        bool *field;
    } switches[] = {{"thorough", &w->suite.thorough},
                    {"plain", &w->suite.plain},
                    {"failed", &w->suite.failed_only},
                    {"list", &w->list}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (strcmp(texts[i].name, name) == 0) {
            *texts[i].field = value;
            return SSP_GO_ON;
        }
    }
    if (strcmp(name, "only") == 0 || strcmp(name, "skip") == 0)
        return take_list(w, name, value);
    if (strcmp(name, "jobs") == 0 || strcmp(name, "j") == 0)
        w->jobs = tool_number(value, JOBS_MAX);
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        if (strcmp(switches[i].name, name) == 0)
            *switches[i].field = true;
    }
    if (strcmp(name, "json") == 0)
        w->suite.format = SUITE_JSON;
    else if (strcmp(name, "tap") == 0)
        w->suite.format = SUITE_TAP;
    return w->jobs == -1 ? tool_refuse(&usage, "--jobs %s: not a number of 1 to 64", value)
                         : SSP_GO_ON;
}

static enum ssp__next read_request(struct request *w, struct tool_line *line)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    *w = (struct request){.jobs = processors < 1          ? 1
                                  : processors > JOBS_MAX ? JOBS_MAX
                                                          : processors};
    memset(w->suite.chosen, 1, sizeof w->suite.chosen);
    if (tool_read(&usage, line, take, w) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    line->status = TOOL_USAGE;
    if (line->argc > 1)
        return tool_refuse(&usage, "unexpected argument %.60s", line->argv[1]);
    if (w->list)
        return SSP_GO_ON;
    if (w->program[0] == NULL && w->program[1] == NULL)
        return tool_refuse(&usage, "--client or --server is missing");
    if (!suite_any(&w->suite))
        return tool_refuse(&usage, "no check is left: there are 44, see --list");
    return SSP_GO_ON;
}

/* ---- the subjects ---- */

/* The paths are kept in found.  Returns 0, or an exit status. */
static int find_subjects(struct request *w, char found[2][PATH_MAX])
{
    static const char *const ends[] = {"client", "server"};
    struct subject *each[] = {&w->suite.client, &w->suite.server};
    for (int i = 0; i < 2; i++) {
        *each[i] = (struct subject){.role = i == 0 ? SSP_CLIENT : SSP_SERVER,
                                    .options = w->options[i],
                                    .echo_option = w->echo_option,
                                    .enum_option = w->enum_option};
        if (w->program[i] == NULL)
            continue;
        if (ssp__find_plugin(w->program[i], NULL, found[i], PATH_MAX) == -1) {
            (void)tool_fail("check", "%s %s: %s%s%s%s", ends[i], w->program[i], strerror(errno),
                            found[i][0] != '\0' ? " (did you mean " : "", found[i],
                            found[i][0] != '\0' ? "?)" : "");
            return SUITE_CANNOT_RUN;
        }
        each[i]->path = found[i];
    }
    return 0;
}

static bool colours(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

int check_main(int argc, char **argv)
{
    struct request w;
    char found[2][PATH_MAX];
    struct tool_line line = {argc, argv, TOOL_OK};
    if (read_request(&w, &line) == SSP_EXIT_WITH)
        return line.status;
    if (w.list) {
        suite_list(w.suite.format == SUITE_JSON, stdout);
        return TOOL_OK;
    }
    int rc = find_subjects(&w, found);
    w.suite.parallel = (unsigned)w.jobs;
    w.suite.colour = colours();
    w.suite.width = tool_width(stdout);
    return rc != 0 ? rc : suite_run(&w.suite);
}
