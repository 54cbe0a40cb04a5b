/* SPDX-License-Identifier: Apache-2.0 */
/* check.c - the subcommand: its command line, and where the plugins are. */
#include "choice.h"
#include "host/find.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct request {
    const char *program[2], *options[2]; /* of the client, of the server */
    const char *echo_option, *enum_option;
    struct choice choice;
};

static const struct tool_option option_table[] = {
    {"client", "BIN", "the client plugin: a name in $PATH, or a path"},
    {"copts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"server", "BIN", "the server plugin"},
    {"sopts", "STRING", "its SS_PLUGIN_OPTIONS"},
    {"echo-opt", "NAME", "an option of the client whose value shows on the wire"},
    {"enum-opt", "NAME", "an option whose value is one of few words"},
    {"plain", NULL, "be a host that does not set SS_PLUGIN_ROLE"},
    CHOICE_OPTIONS,
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

static enum ssp__next take(void *arg, const char *name, const char *value)
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
            return SSP_GO_ON;
        }
    }
    if (strcmp(name, "plain") != 0)
        return choice_take(&w->choice, &usage, name, value);
    w->choice.suite.plain = true;
    return SSP_GO_ON;
}

static enum ssp__next read_request(struct request *w, struct tool_line *line)
{
    *w = (struct request){.echo_option = NULL};
    choice_init(&w->choice);
    if (tool_read(&usage, line, take, w) == SSP_EXIT_WITH)
        return SSP_EXIT_WITH;
    line->status = TOOL_USAGE;
    if (line->argc > 1)
        return tool_refuse(&usage, "unexpected argument %.60s", line->argv[1]);
    if (w->choice.list)
        return SSP_GO_ON;
    if (w->program[0] == NULL && w->program[1] == NULL)
        return tool_refuse(&usage, "--client or --server is missing");
    if (!suite_any(&w->choice.suite))
        return tool_refuse(&usage, "no check is left: there are 44, see --list");
    return SSP_GO_ON;
}

/* ---- the subjects ---- */

/* The paths are kept in found.  Returns 0, or an exit status. */
static int find_subjects(struct request *w, char found[2][PATH_MAX])
{
    static const char *const ends[] = {"client", "server"};
    struct subject *each[] = {&w->choice.suite.client, &w->choice.suite.server};
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

int check_main(int argc, char **argv)
{
    struct request w;
    char found[2][PATH_MAX];
    struct tool_line line = {argc, argv, TOOL_OK};
    if (read_request(&w, &line) == SSP_EXIT_WITH)
        return line.status;
    if (w.choice.list)
        return choice_list(&w.choice);
    int rc = find_subjects(&w, found);
    return rc != 0 ? rc : choice_run(&w.choice);
}
