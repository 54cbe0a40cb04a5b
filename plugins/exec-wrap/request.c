/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-wrap/request.h"

#include "wrap/options.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PHRASE_MAX = 256, START_S = 10, START_MAX_S = 3600 };

/* The options as they were given. */
struct given {
    const char *cmd, *ready, *start, *hup;
    ssp_role role;
};

static void take(struct given *given, const ssp_item *item)
{
    const struct {
        const char *key;
        const char **value;
    } rows[] = {{"cmd", &given->cmd},
                {"ready", &given->ready},
                {"start", &given->start},
                {"hup", &given->hup}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(item->key, rows[i].key) == 0) {
            *rows[i].value = item->value != NULL ? item->value : "";
            return;
        }
    }
    if (!wrap_role(&given->role, item->key, item->value) &&
        strcmp(item->key, "file") != 0) /* its value is for the sandbox of the host */
        ssp_info("option %.60s is unknown: ignored", item->key);
}

static int read_options(struct given *given, struct wrap_items *items, char *why, size_t cap)
{
    ssp_item item;
    int rc;
    while ((rc = wrap_items_next(items, &item)) == 1)
        take(given, &item);
    return rc == 0 ? 0 : wrap_items_malformed(items, why, cap);
}

static int take_ready(struct request *request, const struct given *given, char *why, size_t cap)
{
    static const struct {
        const char *word;
        ssp_ready ready;
        ssp_mode mode;
    } rows[] = {{"tcp", SSP_READY_LISTENS, SSP_TCP_ONLY},
                {"udp", SSP_READY_LISTENS, SSP_UDP_ONLY},
                {"none", SSP_READY_STARTED, SSP_TCP_ONLY}};
    request->mode = request->env->mode;
    if (given->ready == NULL)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(given->ready, rows[i].word) == 0) {
            request->ready = rows[i].ready;
            request->mode = rows[i].mode;
            return 0;
        }
    }
    (void)snprintf(why, cap, "ready is \"%.40s\", expected tcp, udp or none", given->ready);
    return -1;
}

static int take_start(struct request *request, const struct given *given, char *why, size_t cap)
{
    unsigned seconds = given->start != NULL ? wrap_seconds(given->start, START_MAX_S) : START_S;
    request->start_ms = seconds * 1000;
    if (seconds > 0)
        return 0;
    (void)snprintf(why, cap, "start is \"%.40s\", expected seconds from 1 to %d", given->start,
                   START_MAX_S);
    return -1;
}

static int take_hup(struct request *request, const struct given *given, char *why, size_t cap)
{
    request->passes_hup = given->hup != NULL && strcmp(given->hup, "pass") == 0;
    if (given->hup == NULL || request->passes_hup || strcmp(given->hup, "ignore") == 0)
        return 0;
    (void)snprintf(why, cap, "hup is \"%.40s\", expected pass or ignore", given->hup);
    return -1;
}

static int first_host(char *host, const char *list, const char *variable, char *why, size_t cap)
{
    const char *at = list;
    if (ssp_hosts_next(&at, host, WISH_HOST_MAX) == 1) {
        if (strchr(list, '|') != NULL)
            ssp_info("%s has several hosts: the command gets %s", variable, host);
        return 0;
    }
    (void)snprintf(why, cap, "%s is no host: \"%.60s\"", variable, list);
    return -1;
}

static int take_command(struct request *request, const struct given *given, char *why, size_t cap)
{
    const ssp_env *env = request->env;
    char what[PHRASE_MAX];
    if (given->cmd == NULL) {
        (void)snprintf(why, cap,
                       "option cmd is missing: the command to run, such as "
                       "cmd=kcptun-client -l %%L -r %%R");
        return -1;
    }
    if (first_host(request->local_host, env->local_host, "SS_LOCAL_HOST", why, cap) == -1 ||
        first_host(request->remote_host, env->remote_host, "SS_REMOTE_HOST", why, cap) == -1)
        return -1;
    struct words_place local = {request->local_host, env->local_port};
    struct words_place remote = {request->remote_host, env->remote_port};
    if (words_split(&request->words, given->cmd, &local, &remote, what, sizeof what) == -1) {
        (void)snprintf(why, cap, "cmd: %s", what);
        return -1;
    }
    if (ssp_host_find(request->words.word[0], NULL, request->program, sizeof request->program) == 0)
        return 0;
    (void)snprintf(why, cap, "cmd: %.200s: %s%s", request->words.word[0], strerror(errno),
                   strchr(request->words.word[0], '/') == NULL ? " in PATH" : "");
    return -1;
}

typedef int take_fn(struct request *request, const struct given *given, char *why, size_t cap);

int request_read(struct request *request, const ssp_env *env, const char *name, char *why,
                 size_t why_cap)
{
    static take_fn *const parts[] = {take_ready, take_start, take_hup, take_command};
    struct given given = {.cmd = NULL};
    struct wrap_items items;
    *request = (struct request){.env = env};
    if (wrap_items_begin(&items, env->options) == -1) {
        (void)snprintf(why, why_cap, "out of memory");
        return SSP_EXIT_OS;
    }
    int status = read_options(&given, &items, why, why_cap);
    request->role = ssp_env_role(env, given.role, name);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == SSP_EXIT_OK; i++)
        status = parts[i](request, &given, why, why_cap) == 0 ? SSP_EXIT_OK : SSP_EXIT_CONFIG;
    wrap_items_end(&items);
    return status;
}

void request_release(struct request *request)
{
    words_release(&request->words);
}
