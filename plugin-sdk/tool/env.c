/* SPDX-License-Identifier: Apache-2.0 */
/* env.c - ss-plugin env: the environment that a host gives to a plugin, for a shell or for a
 * program. */
#include "base/json.h"
#include "command.h"
#include "host/environment.h"
#include "place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct tool_option options[] = {
    {"role", "client|server", "role of the plugin (client)"},
    {"remote", "HOST:PORT", "the server's address: SS_REMOTE_* (127.0.0.1:8388)"},
    {"local", "HOST:PORT",
     "SS_LOCAL_*: the address a client listens on, or a server dials\n"
     "(127.0.0.1:1984)"},
    {"options", "STRING", "SS_PLUGIN_OPTIONS, verbatim"},
    {"mode", "MODE", "tcp_only, udp_only or tcp_and_udp (tcp_only)"},
    {"words", NULL, "bare NAME=VALUE words for env(1), without quotes"},
    {"json", NULL, "print JSON"},
    {NULL, NULL, NULL},
};

static const struct tool_usage usage = {
    "env",
    "[options]",
    "Prints the variables that a host sets for a plugin, as commands for a shell.\n"
    "Variables that name a descriptor of the host are shown as a comment: no shell provides it.",
    options,
    "  eval \"$(ss-plugin env --role server --options 'obfs=http')\"; exec obfs-server\n"
    "  env $(ss-plugin env --words --remote example.org:443) obfs-local --obfs http\n",
};

struct request {
    struct place place;
    bool words, json;
};

static enum ssp__next take(void *arg, const char *name, const char *value)
{
    struct request *w = arg;
    if (strcmp(name, "words") == 0)
        w->words = true;
    else if (strcmp(name, "json") == 0)
        w->json = true;
    else
        return place_take(&w->place, &usage, name, value);
    return SSP_GO_ON;
}

/* These variables name descriptors, which only a real host provides. */
static bool needs_a_host(const char *entry)
{
    return strncmp(entry, "SS_EXIT_ON_STDIN_CLOSE=", 23) == 0 ||
           strncmp(entry, "SS_PLUGIN_NOTIFY_FD=", 20) == 0;
}

static bool is_contract(const char *entry)
{
    return strncmp(entry, "SS_", 3) == 0;
}

static bool is_sip003(const char *entry)
{
    static const char *const names[] = {"SS_REMOTE_HOST=", "SS_REMOTE_PORT=",    "SS_LOCAL_HOST=",
                                        "SS_LOCAL_PORT=",  "SS_PLUGIN_OPTIONS=", NULL};
    for (const char *const *n = names; *n != NULL; n++) {
        if (strncmp(entry, *n, strlen(*n)) == 0)
            return true;
    }
    return false;
}

static void print_export(const char *entry)
{
    size_t name = strcspn(entry, "=");
    printf("export %.*s=", (int)name, entry);
    tool_quote(entry + name + 1);
    puts("");
}

static void print_exports(char *const *env, bool optionless)
{
    if (optionless)
        puts("unset SS_PLUGIN_OPTIONS");
    for (char *const *e = env; *e != NULL; e++) {
        if (is_contract(*e) && !needs_a_host(*e))
            print_export(*e);
    }
    for (char *const *e = env; *e != NULL; e++) {
        if (is_contract(*e) && needs_a_host(*e))
            printf("# a host also sets %s\n", *e);
    }
}

/* env $(...) splits at white space and expands patterns: such values need eval. */
static int print_words(char *const *env)
{
    for (char *const *e = env; *e != NULL; e++) {
        if (is_contract(*e) && strpbrk(*e, " \t\r\n*?[") != NULL)
            return tool_wrong(&usage,
                              "%.*s has spaces or pattern characters: use eval instead of "
                              "--words",
                              (int)strcspn(*e, "="), *e);
    }
    for (char *const *e = env; *e != NULL; e++) {
        if (is_contract(*e) && !needs_a_host(*e))
            puts(*e);
    }
    return TOOL_OK;
}

static void print_json(char *const *env)
{
    struct ssp__json out = {.out = stdout, .pretty = true};
    ssp__json_object(&out, NULL);
    ssp__json_array(&out, "variables");
    for (char *const *e = env; *e != NULL; e++) {
        char name[64];
        size_t n = strcspn(*e, "=");
        if (!is_contract(*e))
            continue;
        (void)snprintf(name, sizeof name, "%.*s", (int)n, *e);
        ssp__json_object(&out, NULL);
        ssp__json_text(&out, "name", name);
        ssp__json_text(&out, "value", *e + n + 1);
        ssp__json_bool(&out, "sip003", is_sip003(*e));
        ssp__json_bool(&out, "needs_host", needs_a_host(*e));
        ssp__json_close(&out, '}');
    }
    ssp__json_close(&out, ']');
    ssp__json_close(&out, '}');
}

int env_main(int argc, char **argv)
{
    struct request w = {.words = false};
    struct tool_line line = {argc, argv, TOOL_OK};
    if (tool_read(&usage, &line, take, &w) == SSP_EXIT_WITH)
        return line.status;
    if (line.argc > 1)
        return tool_wrong(&usage, "unexpected argument %.60s", argv[1]);
    place_complete(&w.place, SSP_CLIENT);
    ssp_host_conf conf = place_conf(&w.place, NULL);
    char **env = ssp__host_environment(&conf, NULL);
    if (env == NULL)
        tool_out_of_memory();
    int status = TOOL_OK;
    if (w.json)
        print_json(env);
    else if (w.words)
        status = print_words(env);
    else
        print_exports(env, w.place.options == NULL || w.place.options[0] == '\0');
    ssp__host_environment_free(env);
    return status;
}
