/* SPDX-License-Identifier: Apache-2.0 */
/* describe.c - ss-plugin describe: the options of a plugin, as it describes them itself. */
#include "base/json.h"
#include "capture.h"
#include "command.h"
#include "document.h"
#include "host/find.h"
#include "host/image.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

enum { ANSWER_MS = 5000, CELL_MAX = 256, COLUMN_MAX = 28, HELP_LINES = 40, LINE_BYTES = 160 };

static const struct tool_option options[] = {
    {"json", NULL, "print the plugin's own JSON document"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    "describe",
    "[--json] BIN",
    "Asks a plugin for the table of its options (BIN --dump-options=json, which every plugin made\n"
    "with libssplugin knows) and shows it. For other plugins it shows the version and the first\n"
    "lines of their --help; the status is then 1.",
    options,
    "  ss-plugin describe obfs-local\n"
    "  ss-plugin describe --json obfs-server | jq '.options[].name'\n",
};

/* ---- a plugin that describes itself ---- */

/* "name=VALUE", as users write it. */
static const char *left_cell(document_value option, char text[CELL_MAX])
{
    char name[CELL_MAX], type[CELL_MAX], choice[CELL_MAX];
    (void)document_text(document_member(option, "name"), name, sizeof name);
    (void)document_text(document_member(option, "type"), type, sizeof type);
    size_t n = (size_t)snprintf(text, CELL_MAX, "%.100s", name);
    document_value c = document_first(document_member(option, "choices"));
    if (c == NULL) {
        bool flag = strcmp(type, "flag") == 0;
        (void)snprintf(text + n, CELL_MAX - n, "%s%.60s", flag ? "" : "=", flag ? "" : type);
        return text;
    }
    for (char mark = '='; c != NULL && n < CELL_MAX; c = document_next(c), mark = '|') {
        (void)document_text(c, choice, sizeof choice);
        (void)snprintf(text + n, CELL_MAX - n, "%c%.60s", mark, choice);
        n += strlen(text + n);
    }
    return text;
}

static void print_option(document_value option)
{
    char left[CELL_MAX], text[CELL_MAX], shown[CELL_MAX];
    document_value roles = document_first(document_member(option, "roles"));
    (void)tool_printable(shown, sizeof shown, left_cell(option, left));
    printf("  %-*s  ", COLUMN_MAX, shown);
    (void)document_text(document_member(option, "help"), text, sizeof text);
    (void)fputs(tool_printable(shown, sizeof shown, text), stdout);
    if (document_is_true(document_member(option, "required")))
        (void)fputs("; required", stdout);
    (void)document_text(roles, text, sizeof text);
    if (roles != NULL && document_next(roles) == NULL)
        printf("; %s only", tool_printable(shown, sizeof shown, text));
    (void)document_text(document_member(option, "default"), text, sizeof text);
    if (text[0] != '\0')
        printf(" (default %s)", tool_printable(shown, sizeof shown, text));
    puts("");
}

static void print_options(document_value document, bool builtin)
{
    document_value o = document_first(document_member(document, "options"));
    bool any = false;
    for (; o != NULL; o = document_next(o)) {
        if (document_is_true(document_member(o, "builtin")) != builtin)
            continue;
        if (!any)
            printf("\n%s:\n",
                   builtin ? "options of every plugin made with libssplugin" : "options");
        any = true;
        print_option(o);
    }
}

static void print_roles(document_value document)
{
    char role[CELL_MAX], shown[CELL_MAX];
    document_value r = document_first(document_member(document, "roles"));
    (void)fputs("roles: ", stdout);
    for (bool any = false; r != NULL; r = document_next(r), any = true) {
        (void)document_text(r, role, sizeof role);
        printf("%s%s", any ? ", " : "", tool_printable(shown, sizeof shown, role));
    }
    printf("; datagrams: %s\n",
           document_is_true(document_member(document, "datagrams")) ? "yes" : "no");
}

static void print_table(document_value document)
{
    char text[CELL_MAX], shown[CELL_MAX];
    static const char *const head[] = {"name", "version", "about"};
    for (size_t i = 0; i < sizeof head / sizeof *head; i++) {
        (void)document_text(document_member(document, head[i]), text, sizeof text);
        if (text[0] != '\0')
            printf("%s%s",
                   i == 0   ? ""
                   : i == 1 ? " "
                            : ": ",
                   tool_printable(shown, sizeof shown, text));
    }
    puts("");
    print_roles(document);
    print_options(document, false);
    print_options(document, true);
}

/* ---- a plugin that does not describe itself ---- */

struct foreign_plugin {
    const char *plugin, *path;
    char why[CELL_MAX];
    const struct capture *version, *help; /* NULL: it could not be asked */
};

/* The next line that is not empty, cleaned; moves *at behind it.  False at the end. */
static bool next_line(const char **at, char line[LINE_BYTES])
{
    char raw[LINE_BYTES];
    *at += strspn(*at, "\r\n");
    size_t n = strcspn(*at, "\n");
    if (**at == '\0')
        return false;
    (void)snprintf(raw, sizeof raw, "%.*s", (int)(n < INT_MAX ? n : INT_MAX), *at);
    size_t len = strlen(raw);
    if (len > 0 && raw[len - 1] == '\r')
        raw[len - 1] = '\0';
    (void)tool_printable(line, LINE_BYTES, raw);
    *at += n + ((*at)[n] == '\n');
    return true;
}

static bool has_number(const char *line)
{
    const char *dot = strchr(line, '.');
    return dot != NULL && dot > line && dot[-1] >= '0' && dot[-1] <= '9' && dot[1] >= '0' &&
           dot[1] <= '9';
}

/* Plugins print it to either stream; plugins without --version print it above their help. */
static bool find_version(const struct foreign_plugin *s, char line[LINE_BYTES])
{
    const struct capture *v = s->version, *h = s->help;
    bool answers = v != NULL && v->exited && v->status == 0;
    const char *texts[] = {answers ? v->out : "", answers ? v->err : "", h != NULL ? h->out : "",
                           h != NULL ? h->err : ""};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        for (const char *at = texts[i]; next_line(&at, line);) {
            if (i < 2 ? line[0] != '\0' : has_number(line))
                return true;
        }
    }
    return false;
}

static const char *help_of(const struct foreign_plugin *s)
{
    if (s->help == NULL)
        return "";
    return s->help->out[0] != '\0' ? s->help->out : s->help->err;
}

static void print_foreign(const struct foreign_plugin *s)
{
    char line[LINE_BYTES], path[PATH_MAX];
    const char *at = help_of(s);
    (void)tool_fail("describe", "%s", s->why);
    puts(tool_printable(path, sizeof path, s->path));
    if (find_version(s, line))
        printf("version: %s\n", line);
    printf("takes a listening socket from its host: %s\n",
           ssp__image_takes_listen_fds(s->path) ? "yes" : "no");
    puts("its --help begins:");
    for (int i = 0; i < HELP_LINES && next_line(&at, line); i++)
        printf("  %s\n", line);
}

static void json_foreign(const struct foreign_plugin *s)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    char line[LINE_BYTES];
    const char *at = help_of(s);
    ssp__json_object(&out, NULL);
    ssp__json_text(&out, "plugin", s->plugin);
    ssp__json_text(&out, "path", s->path);
    ssp__json_text(&out, "options", NULL);
    ssp__json_text(&out, "why", s->why);
    ssp__json_text(&out, "version", find_version(s, line) ? line : NULL);
    ssp__json_bool(&out, "takes_listen_fds", ssp__image_takes_listen_fds(s->path));
    ssp__json_array(&out, "help");
    for (int i = 0; i < HELP_LINES && next_line(&at, line); i++)
        ssp__json_text(&out, NULL, line);
    ssp__json_close(&out, ']');
    ssp__json_close(&out, '}');
}

static int describe_foreign(struct foreign_plugin *s, bool json)
{
    struct capture *version = capture(s->path, "--version", ANSWER_MS);
    struct capture *help = capture(s->path, "--help", ANSWER_MS);
    s->version = version;
    s->help = help;
    if (json)
        json_foreign(s);
    else
        print_foreign(s);
    capture_free(version);
    capture_free(help);
    return TOOL_NO;
}

/* ---- the subcommand ---- */

static void note_silence(struct foreign_plugin *s, const struct capture *answer)
{
    if (answer->exited)
        (void)snprintf(s->why, sizeof s->why,
                       "%.100s does not know --dump-options (status %d): it was not made with "
                       "libssplugin",
                       s->plugin, answer->status);
    else
        (void)snprintf(s->why, sizeof s->why,
                       "%.100s does not answer --dump-options within %d s: it was not made with "
                       "libssplugin",
                       s->plugin, ANSWER_MS / 1000);
}

static int does_not_start(const char *plugin, const char *meant)
{
    bool guessed = *meant != '\0';
    return tool_fail("describe", "start %s: %s%s%s%s; see ss-plugin doctor", plugin,
                     strerror(errno), guessed ? " (did you mean " : "", meant, guessed ? "?)" : "");
}

static int describe(const char *plugin, const char *path, bool json)
{
    struct foreign_plugin s = {.plugin = plugin, .path = path};
    struct capture *answer = capture(path, "--dump-options=json", ANSWER_MS);
    if (answer == NULL)
        return does_not_start(plugin, "");
    int status = TOOL_OK;
    document_value document =
        answer->exited && answer->status == 0 ? document_parse(answer->out) : NULL;
    if (document_member(document, "options") == NULL) {
        note_silence(&s, answer);
        status = describe_foreign(&s, json);
    } else if (json) {
        (void)fputs(answer->out, stdout);
    } else {
        print_table(document);
    }
    capture_free(answer);
    return status;
}

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    (void)name;
    (void)value;
    *(bool *)arg = true;
    return SSP_GO_ON;
}

int describe_main(int argc, char **argv)
{
    char path[PATH_MAX];
    bool json = false;
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&usage, &line, take, &json) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc != 2)
        return tool_wrong(&usage, line.argc == 1 ? "which plugin?" : "one plugin is expected");
    if (ssp__find_plugin(argv[1], NULL, path, sizeof path) == 0)
        return describe(argv[1], path, json);
    return does_not_start(argv[1], path);
}
