/* SPDX-License-Identifier: Apache-2.0 */
#include "check/hostbed.h"

#include "base/retry.h"
#include "check/wording.h"
#include "procfs/listening.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_MS = 4, LINE_SHOWN = 160 };

/* ---- the command ---- */

static char *plugin_path(const struct hostbed *b)
{
    char file[64];
    const struct host *host = &b->fixture->host;
    if (b->plugin != NULL)
        return wording("%s", b->plugin);
    return wording("%s/%s", host->folder,
                   probe_file((struct probe_name){host->role, b->kind}, file, sizeof file));
}

/* The word with its holes filled; values are words of the order of names. */
static char *fill(const char *word, const char *const *names, char *const *values)
{
    char *text = wording("%s", "");
    while (*word != '\0') {
        size_t i = 0, n = 1;
        while (names[i] != NULL && strncmp(word, names[i], strlen(names[i])) != 0)
            i++;
        n = names[i] != NULL ? strlen(names[i]) : 1;
        char *longer =
            names[i] != NULL ? wording("%s%s", text, values[i]) : wording("%s%.1s", text, word);
        free(text);
        text = longer;
        word += n;
    }
    return text;
}

/* The words for this start; the caller ends the process soon. */
static const char **make_words(const struct hostbed *b)
{
    static const char *const names[] = {"{plugin}",  "{options}", "{host}", "{port}",
                                        "{address}", "{local}",   NULL};
    const char *const *from = b->fixture->host.words;
    bool v6 = strchr(b->server, ':') != NULL;
    char *const values[] = {plugin_path(b),
                            wording("%s", b->options != NULL ? b->options : ""),
                            wording("%s", b->server),
                            wording("%u", b->port),
                            wording(v6 ? "[%s]:%u" : "%s:%u", b->server, b->port),
                            wording("%u", b->local)};
    size_t n = 0, count = 0;
    while (from[count] != NULL)
        count++;
    const char **words =
        must_alloc(count + 1, sizeof *words); /* NOLINT(bugprone-sizeof-expression) */
    for (; *from != NULL; from++) {
        bool options = strstr(*from, names[1]) != NULL;
        if (options && b->options == NULL)
            n -= n > 0 && strcmp(*from, names[1]) == 0 && words[n - 1][0] == '-';
        else
            words[n++] = fill(*from, names, values);
    }
    words[n] = NULL;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        free(values[i]);
    return words;
}

/* ---- start and end ---- */

static uint16_t port_or_die(void)
{
    uint16_t port = port_reserve();
    if (port != 0)
        return port;
    (void)fputs("ss-plugin check-host: no free port between 10000 and 32000\n", stderr);
    _exit(SSP_EXIT_OS);
}

void hostbed_init(struct hostbed *b, const struct fixture *fixture)
{
    *b = (struct hostbed){.fixture = fixture,
                          .server = "127.0.0.1",
                          .options = "mode=probe",
                          .port = port_or_die(),
                          .local = port_or_die()};
    scene_open(&b->scene);
}

void hostbed_start(struct hostbed *b)
{
    const char **words = make_words(b);
    const struct launch launch = {
        .path = b->fixture->host.path, .arguments = words, .environment = b->environment};
    if (b->fixture->host.role == SSP_CLIENT)
        far_end_open(&b->far, &b->scene, b->server, b->port);
    if (process_start(&b->host, &launch) == -1) {
        fprintf(stderr, "ss-plugin check-host: start %s: %s\n", launch.path, strerror(errno));
        _exit(SSP_EXIT_OS);
    }
    for (size_t i = 0; words[i] != NULL; i++)
        free((char *)(uintptr_t)words[i]);
    free(words);
}

static void user_leaves(struct hostbed *b)
{
    if (b->user.watch.act != NULL)
        scene_remove(&b->scene, &b->user.watch);
    b->user.watch.act = NULL;
}

void hostbed_end(struct hostbed *b, struct evidence *e)
{
    e->late = e->late || b->late;
    process_end(&b->host);
    process_end(&b->seen);
    user_leaves(b);
    far_end_close(&b->far);
    scene_close(&b->scene);
}

bool hostbed_await(struct hostbed *b, unsigned ms, hostbed_test_fn *test)
{
    uint64_t end = now_us() + (uint64_t)ms * 1000;
    while (!test(b)) {
        if (now_us() >= end)
            return false;
        (void)scene_run(&b->scene, LOOK_MS, NULL, NULL);
    }
    return true;
}

const char *hostbed_fate(struct hostbed *b, char *text, size_t cap)
{
    char fate[96];
    size_t len;
    (void)process_fate(&b->host, fate, sizeof fate);
    char *said = process_output(&b->host, &len, NULL);
    while (len > 0 && said[len - 1] == '\n')
        said[--len] = '\0';
    const char *line = said != NULL && len > 0 ? strrchr(said, '\n') : NULL;
    line = line != NULL ? line + 1 : said;
    (void)snprintf(text, cap, "%s%s%.*s", fate, line != NULL && *line != '\0' ? ": " : "",
                   LINE_SHOWN, line != NULL ? line : "");
    free(said);
    return text;
}

/* ---- the plugin ---- */

/* True for a probe that has begun; it has another name until then. */
static bool read_name(pid_t pid, char name[32])
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/comm", (int)pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool is =
        fgets(name, 32, file) != NULL && strncmp(name, PROBE_NAME " ", strlen(PROBE_NAME " ")) == 0;
    (void)fclose(file);
    return is;
}

/* A probe of the host's, but for one; 0: none. */
static pid_t find_probe(const struct hostbed *b, pid_t but)
{
    pid_t tree[TREE_MAX];
    char name[32];
    unsigned n = process_tree(&b->host, tree, TREE_MAX);
    for (unsigned i = 0; i < n; i++) {
        if (tree[i] != but && read_name(tree[i], name))
            return tree[i];
    }
    return 0;
}

static void read_variables(struct hostbed *b)
{
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/environ", (int)b->seen.pid);
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return;
    b->variables_len = fread(b->variables, 1, sizeof b->variables - 1, file);
    b->variables[b->variables_len] = '\0';
    (void)fclose(file);
}

static bool look_for_plugin(struct hostbed *b)
{
    pid_t pid = find_probe(b, 0);
    return (pid > 0 && process_adopt(&b->seen, pid, b->fixture->host.role) == 0) ||
           hostbed_host_gone(b);
}

bool hostbed_await_plugin(struct hostbed *b, unsigned ms, struct evidence *e)
{
    char fate[300];
    bool timely = hostbed_await(b, ms, look_for_plugin);
    if (b->seen.pid > 0) {
        read_variables(b);
        return true;
    }
    b->late = b->late || !timely;
    if (e != NULL)
        evidence_add(e, "no plugin was started: %s", hostbed_fate(b, fate, sizeof fate));
    return false;
}

const char *hostbed_variable(const struct hostbed *b, const char *name)
{
    size_t n = strlen(name);
    for (const char *at = b->variables; at < b->variables + b->variables_len;
         at += strlen(at) + 1) {
        if (strncmp(at, name, n) == 0 && at[n] == '=')
            return at + n + 1;
    }
    return NULL;
}

uint16_t hostbed_inner_port(const struct hostbed *b)
{
    const char *text = hostbed_variable(b, "SS_LOCAL_PORT");
    char *end;
    long port = text != NULL ? strtol(text, &end, 10) : 0;
    return port > 0 && port <= UINT16_MAX && *end == '\0' ? (uint16_t)port : 0;
}

struct probe_seen hostbed_probe(const struct hostbed *b)
{
    struct probe_seen seen = {.asked_to_end = false};
    char name[32];
    if (b->seen.pid <= 0 || !read_name(b->seen.pid, name))
        return seen;
    seen.asked_to_end = strncmp(name, PROBE_NAME " TERM", strlen(PROBE_NAME " TERM")) == 0;
    if (sscanf(name, PROBE_NAME " %u/%u", &seen.accepted, &seen.dialed) != 2) /* NOLINT */
        seen.accepted = seen.dialed = 0;
    return seen;
}

/* ---- tests ---- */

static bool listens(const struct process *p, uint16_t port)
{
    bool foreign;
    return p->pid > 0 && port != 0 && ssp__listening(p->pid, SSP_TCP, port, &foreign) == 1;
}

bool hostbed_ready(struct hostbed *b)
{
    bool client = b->fixture->host.role == SSP_CLIENT;
    uint16_t inner = hostbed_inner_port(b);
    return listens(&b->seen, client ? inner : b->port) &&
           listens(&b->host, client ? b->local : inner);
}

bool hostbed_succeeded(struct hostbed *b)
{
    return find_probe(b, b->seen.pid) > 0;
}

bool hostbed_host_gone(struct hostbed *b)
{
    return process_await_exit(&b->host, 0);
}

bool hostbed_all_gone(struct hostbed *b)
{
    return process_await_exit(&b->host, 0) && process_await_exit(&b->seen, 0);
}

static bool asked_or_gone(struct hostbed *b)
{
    return hostbed_probe(b).asked_to_end || hostbed_all_gone(b);
}

bool hostbed_stop(struct hostbed *b, int signal, bool *asked)
{
    int64_t sent = clock_us();
    process_signal(&b->host, signal);
    (void)hostbed_await(b, STOP_LIMIT_MS, asked_or_gone);
    *asked = hostbed_probe(b).asked_to_end;
    process_signal(&b->seen, SIGUSR1); /* it was seen, and may go */
    int64_t left = STOP_LIMIT_MS - (clock_us() - sent) / 1000;
    return hostbed_await(b, left > 0 ? (unsigned)left : 0, hostbed_all_gone);
}

static bool ready_or_over(struct hostbed *b)
{
    return hostbed_ready(b) || hostbed_host_gone(b);
}

bool hostbed_up(struct hostbed *b, struct evidence *e)
{
    char fate[300];
    hostbed_start(b);
    if (!hostbed_await_plugin(b, UP_MS, e))
        return false;
    if (hostbed_await(b, READY_MS, ready_or_over) && hostbed_ready(b))
        return true;
    b->late = b->late || !hostbed_host_gone(b);
    evidence_add(e, "plugin and host do not both listen: %s", hostbed_fate(b, fate, sizeof fate));
    return false;
}

/* ---- a user ---- */

/* Greeting, request and payload each wait for an answer, as hosts demand. */
static void act_user(struct watch *watch, short revents)
{
    static const uint8_t request[] = {5, 1, 0, 1, 127, 0, 0, 1, 0, 9};
    static const char payload[] = "GET / HTTP/1.0\r\n\r\n";
    struct host_user *user = (struct host_user *)(void *)watch;
    uint8_t bytes[4096];
    if ((revents & POLLOUT) != 0) {
        (void)!ssp__send(watch->fd, "\5\1", 3, MSG_NOSIGNAL);
        watch->events = POLLIN;
        return;
    }
    ssize_t n = ssp__recv(watch->fd, bytes, sizeof bytes, 0);
    if (n == -1 && errno == EAGAIN)
        return;
    if (n <= 0) {
        watch->events = 0;
        user->ended = true;
        return;
    }
    if (user->heard++ == 0)
        (void)!ssp__send(watch->fd, request, sizeof request, MSG_NOSIGNAL);
    else
        (void)!ssp__send(watch->fd, payload, sizeof payload - 1, MSG_NOSIGNAL);
}

void hostbed_come(struct hostbed *b)
{
    bool client = b->fixture->host.role == SSP_CLIENT;
    b->bytes_before = b->far.bytes;
    b->dialed_before = hostbed_probe(b).dialed;
    b->user = (struct host_user){.watch = {.fd = scene_dial(client ? b->local : b->port),
                                           .events = POLLOUT,
                                           .due_us = NEVER,
                                           .act = act_user}};
    b->user.ended = b->user.watch.fd == -1;
    scene_add(&b->scene, &b->user.watch);
}

static bool served_or_lost(struct hostbed *b)
{
    bool client = b->fixture->host.role == SSP_CLIENT;
    return b->user.ended ||
           (client ? b->far.bytes > b->bytes_before : hostbed_probe(b).dialed > b->dialed_before);
}

bool hostbed_served(struct hostbed *b, unsigned ms)
{
    return hostbed_await(b, ms, served_or_lost) && !b->user.ended;
}

bool hostbed_visit(struct hostbed *b, unsigned ms)
{
    hostbed_come(b);
    bool served = hostbed_served(b, ms);
    user_leaves(b);
    return served;
}
