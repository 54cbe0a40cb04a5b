/* SPDX-License-Identifier: Apache-2.0 */
/* host_start.c - checks 101 to 119: what a host gives to its plugin, and when it takes it for
 * ready. */
#include "check/hostbed.h"
#include "check/wording.h"
#include "procfs/listening.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WATCH_MS = 500,
    TAKEN_MS = 2000,
    EARLY_MS = 2000,
    MISSING_MS = 5000,
    GIVE_UP_MS = 15000,
    TEXT_MAX = 512,
    STATUS_MAX = 8192
};

/* Judges a plugin that was started as the bed says. */
typedef enum outcome look_fn(struct hostbed *b, struct evidence *e);

static enum outcome look_at(struct hostbed *b, look_fn *look, struct evidence *e)
{
    hostbed_start(b);
    enum outcome outcome = hostbed_await_plugin(b, UP_MS, e) ? look(b, e) : FAIL;
    hostbed_end(b, e);
    return outcome;
}

static enum outcome look_at_usual(struct fixture *fixture, enum probe_kind kind, look_fn *look,
                                  struct evidence *e)
{
    struct hostbed b;
    hostbed_init(&b, fixture);
    b.kind = kind;
    return look_at(&b, look, e);
}

/* ---- 101 to 108: the variables ---- */

static bool is_port(const char *text)
{
    return ssp_port_parse(text) > 0;
}

static enum outcome has_four(struct hostbed *b, struct evidence *e)
{
    static const char *const names[] = {"SS_REMOTE_HOST", "SS_REMOTE_PORT", "SS_LOCAL_HOST",
                                        "SS_LOCAL_PORT"};
    bool good = true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = hostbed_variable(b, names[i]);
        bool port = strstr(names[i], "PORT") != NULL;
        evidence_add(e, "%s %s", names[i], value != NULL ? value : "is not set");
        good = good && value != NULL && value[0] != '\0' && (!port || is_port(value));
    }
    if (!good)
        return FAIL;
    bool there = strcmp(hostbed_variable(b, names[0]), b->server) == 0 &&
                 strtol(hostbed_variable(b, names[1]), NULL, 10) == b->port;
    if (!there)
        evidence_add(e, "the server is %s port %u", b->server, b->port);
    return there ? PASS : FAIL;
}

static enum outcome four_variables(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_SOUND, has_four, e);
}

static enum outcome is_bare(struct hostbed *b, struct evidence *e)
{
    const char *value = hostbed_variable(b, "SS_REMOTE_HOST");
    evidence_add(e, "SS_REMOTE_HOST %s", value != NULL ? value : "is not set");
    return value != NULL && strchr(value, '[') == NULL && strchr(value, ':') != NULL ? PASS : FAIL;
}

static bool has_hole(const struct fixture *fixture, const char *hole)
{
    for (const char *const *word = fixture->host.words; *word != NULL; word++) {
        if (strstr(*word, hole) != NULL)
            return true;
    }
    return false;
}

static enum outcome bare_literals(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    if (!has_hole(fixture, "{host}") && !has_hole(fixture, "{address}")) {
        evidence_add(e, "the command has neither {host} nor {address}");
        return NOT_APPLICABLE;
    }
    hostbed_init(&b, fixture);
    b.server = "::1";
    return look_at(&b, is_bare, e);
}

static enum outcome is_loopback(struct hostbed *b, struct evidence *e)
{
    struct ssp__address a;
    const char *value = hostbed_variable(b, "SS_LOCAL_HOST");
    evidence_add(e, "SS_LOCAL_HOST %s", value != NULL ? value : "is not set");
    bool loopback =
        value != NULL && (strcmp(value, "localhost") == 0 ||
                          (ssp__address_parse(&a, value, 1) == 0 && ssp__address_loopback(&a)));
    return loopback ? PASS : FAIL;
}

static enum outcome meets_on_loopback(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_SOUND, is_loopback, e);
}

/* Names of the outer host, and one of the user's, as they stand in the host's environment. */
static const char *const stale[] = {"SS_PLUGIN_OPTIONS=zz-stale", "SS_ZZ_STALE=zz-stale",
                                    "TOR_PT_ZZ_STALE=zz-stale",   "SS_LOCAL_HOST=zz-stale",
                                    "ZZ_OF_THE_USER=zz-user",     NULL};

static bool variable_holds(const struct hostbed *b, const char *word, const char **which)
{
    for (const char *at = b->variables; at < b->variables + b->variables_len;
         at += strlen(at) + 1) {
        const char *value = strchr(at, '=');
        if (value != NULL && strcmp(value + 1, word) == 0) {
            *which = at;
            return true;
        }
    }
    return false;
}

static enum outcome passes_none(struct hostbed *b, struct evidence *e)
{
    const char *which;
    if (!variable_holds(b, "zz-stale", &which)) {
        evidence_add(e, "no SS_* and no TOR_PT_* of the host's own");
        return PASS;
    }
    evidence_add(e, "the plugin inherits %s", which);
    return FAIL;
}

static enum outcome passes_known(struct hostbed *b, struct evidence *e)
{
    const char *which;
    bool passed = variable_holds(b, "zz-user", &which);
    evidence_add(e, passed ? "the plugin inherits %s" : "%s is not passed on",
                 passed ? which : "ZZ_OF_THE_USER");
    return passed ? FAIL : PASS;
}

static enum outcome look_at_stale(struct fixture *fixture, look_fn *look, struct evidence *e)
{
    struct hostbed b;
    hostbed_init(&b, fixture);
    b.environment = stale;
    return look_at(&b, look, e);
}

static enum outcome no_stale_variables(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_stale(fixture, passes_none, e);
}

static enum outcome known_variables_only(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_stale(fixture, passes_known, e);
}

static enum outcome has_no_options(struct hostbed *b, struct evidence *e)
{
    const char *value = hostbed_variable(b, "SS_PLUGIN_OPTIONS");
    evidence_add(e, value != NULL ? "SS_PLUGIN_OPTIONS is \"%s\"" : "%s is not set",
                 value != NULL ? value : "SS_PLUGIN_OPTIONS");
    return value == NULL ? PASS : FAIL;
}

static enum outcome no_options(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    b.options = NULL;
    return look_at(&b, has_no_options, e);
}

static enum outcome has_the_same(struct hostbed *b, struct evidence *e)
{
    char quoted[TEXT_MAX];
    const char *value = hostbed_variable(b, "SS_PLUGIN_OPTIONS");
    if (value != NULL && strcmp(value, b->options) == 0) {
        evidence_add(e, "\"%s\" as it was given",
                     evidence_quote(quoted, sizeof quoted, value, strlen(value)));
        return PASS;
    }
    evidence_add(e, "given \"%s\"",
                 evidence_quote(quoted, sizeof quoted, b->options, strlen(b->options)));
    evidence_add(e, "the plugin gets \"%s\"",
                 evidence_quote(quoted, sizeof quoted, value != NULL ? value : "",
                                value != NULL ? strlen(value) : 0));
    return FAIL;
}

static enum outcome options_verbatim(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    static const char *const given[] = {
        "path=/a\\;b\\=c;dir=C:\\\\x;;flag;k=v=w;",
        "q='one' \"two\" $HOME `id` %41 \\%42;u=\xc3\xa9;t=a\tb",
    };
    enum outcome all = has_hole(fixture, "{options}") ? PASS : NOT_APPLICABLE;
    (void)role;
    if (all == NOT_APPLICABLE)
        evidence_add(e, "the command has no {options}");
    for (size_t i = 0; all != NOT_APPLICABLE && i < sizeof given / sizeof *given; i++) {
        struct hostbed b;
        hostbed_init(&b, fixture);
        b.options = given[i];
        enum outcome one = look_at(&b, has_the_same, e);
        all = one == FAIL ? FAIL : all;
    }
    return all;
}

#define SECRET "zz108-very-secret-word"

/* A whole life with a user, up to the end. */
static enum outcome keeps_secrets(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    size_t len;
    bool asked;
    (void)role;
    if (!has_hole(fixture, "{options}")) {
        evidence_add(e, "the command has no {options}");
        return NOT_APPLICABLE;
    }
    hostbed_init(&b, fixture);
    b.options = "token=" SECRET;
    bool up = hostbed_up(&b, e);
    if (up)
        (void)hostbed_visit(&b, WATCH_MS);
    if (up)
        (void)hostbed_stop(&b, SIGTERM, &asked);
    char *text = process_output(&b.host, &len, NULL);
    bool told = text != NULL && memmem(text, len, SECRET, strlen(SECRET)) != NULL;
    evidence_add(e, "%zu bytes printed%s", len, told ? ", the options among them" : "");
    free(text);
    hostbed_end(&b, e);
    return up && !told ? PASS : FAIL;
}

/* ---- 109 to 114: the process ---- */

static enum outcome not_from_here(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    char file[64];
    const struct host *host = &fixture->host;
    if (chdir(host->folder) == -1) {
        evidence_add(e, "cannot change to the directory of the probes");
        return FAIL;
    }
    hostbed_init(&b, fixture);
    b.plugin = probe_file((struct probe_name){role, PROBE_SOUND}, file, sizeof file);
    hostbed_start(&b);
    bool found = hostbed_await_plugin(&b, MISSING_MS / 2, NULL);
    evidence_add(e, "plugin %s, a file of the current directory: %s", b.plugin,
                 found ? "started" : "not started");
    b.late = false;
    hostbed_end(&b, e);
    return found ? FAIL : PASS;
}

static enum outcome says_it_is_missing(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    char fate[TEXT_MAX];
    (void)role;
    hostbed_init(&b, fixture);
    char *path = wording("%s/zz-no-such-plugin", fixture->host.folder);
    b.plugin = path;
    hostbed_start(&b);
    bool gone = hostbed_await(&b, MISSING_MS, hostbed_host_gone);
    evidence_add(e, "a plugin that is not there: %s", hostbed_fate(&b, fate, sizeof fate));
    bool failed = gone && b.host.status != 0;
    b.late = !gone;
    hostbed_end(&b, e);
    free(path);
    return failed ? PASS : FAIL;
}

/* A file of the plugin in /proc.  Returns its length. */
static size_t read_of_plugin(const struct hostbed *b, const char *name, char *text, size_t cap)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/%s", (int)b->seen.pid, name);
    FILE *file = fopen(path, "re");
    size_t n = file != NULL ? fread(text, 1, cap - 1, file) : 0;
    text[n] = '\0';
    if (file != NULL)
        (void)fclose(file);
    return n;
}

static enum outcome has_no_arguments(struct hostbed *b, struct evidence *e)
{
    char text[STATUS_MAX], quoted[TEXT_MAX];
    size_t n = read_of_plugin(b, "cmdline", text, sizeof text), first = strlen(text) + 1;
    if (n <= first) {
        evidence_add(e, "none");
        return n > 0 ? PASS : FAIL;
    }
    evidence_add(e, "\"%s\"", evidence_quote(quoted, sizeof quoted, text + first, n - first - 1));
    return FAIL;
}

static enum outcome no_arguments(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_SOUND, has_no_arguments, e);
}

/* A descriptor that a variable of an extension announces (sections 6.3 and 6.5 of docs/sip003.md).
 */
static bool announced(const struct hostbed *b, int fd)
{
    const char *notify = hostbed_variable(b, "SS_PLUGIN_NOTIFY_FD");
    const char *sockets = hostbed_variable(b, "LISTEN_FDS");
    return (notify != NULL && fd == strtol(notify, NULL, 10)) || (sockets != NULL && fd == 3);
}

static enum outcome has_three(struct hostbed *b, struct evidence *e)
{
    bool open[3] = {false, false, false};
    char path[64], where[256];
    unsigned more = 0;
    for (int fd = 0; fd < 1024; fd++) {
        (void)snprintf(path, sizeof path, "/proc/%d/fd/%d", (int)b->seen.pid, fd);
        ssize_t n = readlink(path, where, sizeof where - 1);
        if (n <= 0 || announced(b, fd))
            continue;
        where[n] = '\0';
        if (fd < 3)
            open[fd] = true;
        else if (more++ < 4)
            evidence_add(e, "%d is open too: %s", fd, where);
    }
    bool all = open[0] && open[1] && open[2];
    evidence_add(e, "0 to 2 are %s, %u more", all ? "open" : "not all open", more);
    return all && more == 0 ? PASS : FAIL;
}

static enum outcome three_descriptors(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_MUTE, has_three, e);
}

static unsigned long long mask_of(const char *status, const char *name)
{
    const char *line = strstr(status, name);
    return line != NULL ? strtoull(line + strlen(name), NULL, 16) : 0;
}

/* Two signals belong to glibc, whose posix_spawn() ignores them; no program can use them. */
#define OF_LIBC (3ULL << 31)

static enum outcome has_all_signals(struct hostbed *b, struct evidence *e)
{
    char status[STATUS_MAX];
    (void)read_of_plugin(b, "status", status, sizeof status);
    unsigned long long ignored = mask_of(status, "SigIgn:\t") & ~OF_LIBC,
                       blocked = mask_of(status, "SigBlk:\t");
    evidence_add(e, "ignored 0x%llx, blocked 0x%llx", ignored, blocked);
    return ignored == 0 && blocked == 0 ? PASS : FAIL;
}

static enum outcome signals_as_usual(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_MUTE, has_all_signals, e);
}

static enum outcome has_a_group(struct hostbed *b, struct evidence *e)
{
    pid_t own = getpgid(b->host.pid), plugin = getpgid(b->seen.pid);
    evidence_add(e, "the plugin is in %s",
                 plugin == own ? "the group of its host" : "another group");
    return plugin != own && plugin > 0 ? PASS : FAIL;
}

static enum outcome own_group(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    (void)role;
    return look_at_usual(fixture, PROBE_SOUND, has_a_group, e);
}

/* ---- 115 to 119: readiness ---- */

static enum outcome carries(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    hostbed_init(&b, fixture);
    bool up = hostbed_up(&b, e), came = up && hostbed_visit(&b, VISIT_MS);
    b.late = b.late || (up && !came);
    if (up)
        evidence_add(e,
                     role == SSP_CLIENT ? "bytes of a user %s the server through the plugin"
                                        : "a client %s the host through the plugin",
                     came ? "reach" : "do not reach");
    hostbed_end(&b, e);
    return came ? PASS : FAIL;
}

static bool takes_users(struct hostbed *b)
{
    bool foreign;
    return hostbed_host_gone(b) || ssp__listening(b->host.pid, SSP_TCP, b->local, &foreign) == 1;
}

/* A user comes as soon as the host takes one, and the plugin listens a moment later. */
static bool serves_early_user(struct hostbed *b, bool *early)
{
    *early = hostbed_await(b, EARLY_MS, takes_users);
    if (*early) {
        hostbed_come(b);
        (void)hostbed_served(b, WATCH_MS);
    }
    process_signal(&b->seen, SIGUSR1);
    if (*early)
        return hostbed_served(b, VISIT_MS);
    return hostbed_await(b, READY_MS, hostbed_ready) && hostbed_visit(b, VISIT_MS);
}

static enum outcome users_wait(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    bool early = false;
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_LATE;
    hostbed_start(&b);
    bool there = hostbed_await_plugin(&b, UP_MS, e), came = there && serves_early_user(&b, &early);
    if (there)
        evidence_add(e, "users are taken %s the plugin listens, the first is %s",
                     early ? "before" : "when", came ? "served" : "lost");
    b.late = b.late || (there && !came && !early);
    hostbed_end(&b, e);
    return came ? PASS : FAIL;
}

static enum outcome server_waits(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    bool up = hostbed_up(&b, e);
    if (up)
        evidence_add(e, "host and plugin listen");
    hostbed_end(&b, e);
    return up ? PASS : FAIL;
}

static enum outcome ready_for_users(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    return (role == SSP_CLIENT ? users_wait : server_waits)(fixture, role, e);
}

static enum outcome does_not_probe(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    bool up = hostbed_up(&b, e);
    if (up)
        (void)hostbed_await(&b, WATCH_MS, hostbed_host_gone);
    unsigned came = hostbed_probe(&b).accepted;
    if (up)
        evidence_add(e, "%u connections to the plugin before any user", came);
    hostbed_end(&b, e);
    return up && came == 0 ? PASS : FAIL;
}

/* The harness takes the port that the plugin was to have. */
static unsigned bytes_for_another(struct hostbed *b, struct evidence *e)
{
    struct far_end thief = {.scene = NULL};
    far_end_open(&thief, &b->scene, "127.0.0.1", hostbed_inner_port(b));
    bool listens = thief.watch.fd != -1;
    if (hostbed_await(b, TAKEN_MS, takes_users) && !hostbed_host_gone(b))
        (void)hostbed_visit(b, WATCH_MS);
    unsigned got = thief.bytes;
    if (listens)
        evidence_add(e, "another program listens in place of the plugin: it gets %u bytes", got);
    else
        evidence_add(e, "no other program can listen in place of the plugin");
    far_end_close(&thief);
    return got;
}

static enum outcome no_user_for_others(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_MUTE;
    hostbed_start(&b);
    bool kept = hostbed_await_plugin(&b, UP_MS, e) && bytes_for_another(&b, e) == 0;
    hostbed_end(&b, e);
    return kept ? PASS : FAIL;
}

static bool gave_up(struct hostbed *b)
{
    return hostbed_host_gone(b) || hostbed_succeeded(b);
}

static enum outcome has_a_limit(struct fixture *fixture, ssp_role role, struct evidence *e)
{
    struct hostbed b;
    char fate[TEXT_MAX];
    (void)role;
    hostbed_init(&b, fixture);
    b.kind = PROBE_MUTE;
    hostbed_start(&b);
    bool limit = hostbed_await_plugin(&b, UP_MS, e) && hostbed_await(&b, GIVE_UP_MS, gave_up);
    if (b.seen.pid > 0)
        evidence_add(e, "a plugin that never listens: %s", hostbed_fate(&b, fate, sizeof fate));
    hostbed_end(&b, e);
    return limit ? PASS : FAIL;
}

const struct check host_start_checks[] = {
    {101, MUST, OF_HOST, "sets the four variables, to its server and a port of its own",
     four_variables},
    {102, MUST, OF_HOST, "writes IPv6 literals without brackets", bare_literals},
    {103, SHOULD, OF_HOST, "meets its plugin on a loopback address", meets_on_loopback},
    {104, MUST, OF_HOST, "passes on no SS_* and TOR_PT_* of its own environment",
     no_stale_variables},
    {105, SHOULD, OF_HOST, "passes on known variables only", known_variables_only},
    {106, MUST, OF_HOST, "leaves SS_PLUGIN_OPTIONS out when there are none", no_options},
    {107, MUST, OF_HOST, "passes on options byte for byte", options_verbatim},
    {108, SHOULD, OF_HOST, "prints no options", keeps_secrets},
    {109, MUST, OF_HOST, "does not look for a plugin in the current directory", not_from_here},
    {110, SHOULD, OF_HOST, "ends with an error when the plugin is not there", says_it_is_missing},
    {111, SHOULD, OF_HOST, "starts the plugin without arguments", no_arguments},
    {112, MUST, OF_HOST, "descriptors 0 to 2 are open, others are not", three_descriptors},
    {113, MUST, OF_HOST, "no signal is ignored or blocked", signals_as_usual},
    {114, SHOULD, OF_HOST, "the plugin has a process group of its own", own_group},
    {115, MUST, OF_HOST, "carries a user through the plugin", carries},
    {116, SHOULD, OF_HOST, "users wait until the plugin listens", ready_for_users},
    {117, SHOULD, OF_HOST, "does not connect to the plugin without a user", does_not_probe},
    {118, SHOULD, OF_CLIENT_HOST, "sends no user to another listener", no_user_for_others},
    {119, SHOULD, OF_HOST, "has a limit for the start", has_a_limit},
    {0, MAY, OF_HOST, NULL, NULL},
};
