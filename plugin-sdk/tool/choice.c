/* SPDX-License-Identifier: Apache-2.0 */
#include "choice.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Most checks wait for a plugin, or for the end of a limit. */
enum { JOBS_MAX = 64, JOBS_OF_PROCESSOR = 3 };

void choice_init(struct choice *c)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    long jobs = processors * JOBS_OF_PROCESSOR;
    *c = (struct choice){.jobs = jobs < 1 ? 1 : jobs > JOBS_MAX ? JOBS_MAX : jobs};
    memset(c->suite.chosen, 1, sizeof c->suite.chosen);
}

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

static enum ssp__next take_list(struct choice *c, const struct tool_usage *usage, const char *name,
                                const char *value)
{
    bool mark[SUITE_NUMBER_MAX + 1];
    bool only = strcmp(name, "only") == 0;
    if (read_list(value, mark) == -1)
        return tool_refuse(usage, "--%s %s: not a list of numbers", name, value);
    for (int i = 0; i <= SUITE_NUMBER_MAX; i++)
        c->suite.chosen[i] =
            only ? mark[i] && (!c->only || c->suite.chosen[i]) : c->suite.chosen[i] && !mark[i];
    c->only = c->only || only;
    return SSP_GO_ON;
}

static bool take_switch(struct choice *c, const char *name)
{
    const struct {
        const char *name;
        bool *field;
    } switches[] = {
        {"thorough", &c->suite.thorough}, {"failed", &c->suite.failed_only}, {"list", &c->list}};
    for (size_t i = 0; i < sizeof switches / sizeof *switches; i++) {
        if (strcmp(switches[i].name, name) == 0)
            return *switches[i].field = true;
    }
    return false;
}

enum ssp__next choice_take(struct choice *c, const struct tool_usage *usage, const char *name,
                           const char *value)
{
    if (take_switch(c, name))
        return SSP_GO_ON;
    if (strcmp(name, "only") == 0 || strcmp(name, "skip") == 0)
        return take_list(c, usage, name, value);
    if (strcmp(name, "json") == 0)
        c->suite.format = SUITE_JSON;
    else if (strcmp(name, "html") == 0)
        c->suite.page = value;
    else if (strcmp(name, "tap") == 0)
        c->suite.format = SUITE_TAP;
    else if (strcmp(name, "jobs") == 0 || strcmp(name, "j") == 0)
        c->jobs = tool_number(value, JOBS_MAX);
    return c->jobs == -1 ? tool_refuse(usage, "--jobs %s: not a number of 1 to 64", value)
                         : SSP_GO_ON;
}

static bool colours(void)
{
    const char *term = getenv("TERM"), *no = getenv("NO_COLOR");
    return isatty(STDOUT_FILENO) == 1 && (no == NULL || no[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

int choice_list(const struct choice *c)
{
    suite_list(&c->suite, stdout);
    return TOOL_OK;
}

int choice_run(struct choice *c)
{
    c->suite.parallel = (unsigned)c->jobs;
    c->suite.colour = colours();
    c->suite.width = tool_width(stdout);
    return suite_run(&c->suite);
}
