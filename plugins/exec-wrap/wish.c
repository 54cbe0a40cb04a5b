/* SPDX-License-Identifier: Apache-2.0 */
#include "exec-wrap/wish.h"

#include <ssplugin/log.h>
#include <ssplugin/options.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PHRASE_MAX = 256, START_S = 10, START_MAX_S = 3600 };

/* The options as they were given. */
struct given {
    const char *cmd, *ready, *start;
    ssp_role role;
};

static void take(struct given *given, const ssp_item *item)
{
    const struct {
        const char *key;
        const char **value;
    } rows[] = {{"cmd", &given->cmd}, {"ready", &given->ready}, {"start", &given->start}};
    const char *value = item->value != NULL ? item->value : "";
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(item->key, rows[i].key) == 0) {
            *rows[i].value = value;
            return;
        }
    }
    if (strcmp(item->key, "server") == 0)
        given->role = SSP_SERVER;
    else if (strcmp(item->key, "client") == 0)
        given->role = SSP_CLIENT;
    else if (strcmp(item->key, "file") != 0) /* its value is for the sandbox of the host */
        ssp_info("option %.60s is unknown: ignored", item->key);
}

/* Decodes into room, which what is given then points into. */
static int read_options(struct given *given, const char *options, char *room, char *why, size_t cap)
{
    const char *at = options;
    ssp_item item;
    int rc;
    while ((rc = ssp_options_next(&at, room, strlen(at) + 2, &item)) == 1) {
        take(given, &item);
        room = (char *)(uintptr_t)(item.value != NULL ? item.value : item.key);
        room += strlen(room) + 1;
    }
    if (rc == -1)
        (void)snprintf(why, cap, "SS_PLUGIN_OPTIONS: malformed at byte %d", (int)(at - options));
    return rc;
}

static int take_ready(struct wish *wish, const struct given *given, char *why, size_t cap)
{
    static const struct {
        const char *word;
        enum ssp_ready ready;
        ssp_mode mode;
    } rows[] = {{"tcp", SSP_READY_LISTENS, SSP_TCP_ONLY},
                {"udp", SSP_READY_LISTENS, SSP_UDP_ONLY},
                {"none", SSP_READY_STARTED, SSP_TCP_ONLY}};
    wish->mode = wish->env->mode;
    if (given->ready == NULL)
        return 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(given->ready, rows[i].word) == 0) {
            wish->ready = rows[i].ready;
            wish->mode = rows[i].mode;
            return 0;
        }
    }
    (void)snprintf(why, cap, "ready is \"%.40s\", expected tcp, udp or none", given->ready);
    return -1;
}

static int take_start(struct wish *wish, const struct given *given, char *why, size_t cap)
{
    char *end;
    wish->start_ms = START_S * 1000;
    if (given->start == NULL)
        return 0;
    unsigned long seconds = strtoul(given->start, &end, 10);
    if (given->start[0] >= '0' && given->start[0] <= '9' && *end == '\0' && seconds >= 1 &&
        seconds <= START_MAX_S) {
        wish->start_ms = (unsigned)seconds * 1000;
        return 0;
    }
    (void)snprintf(why, cap, "start is \"%.40s\", expected seconds from 1 to %d", given->start,
                   START_MAX_S);
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

static int take_command(struct wish *wish, const struct given *given, char *why, size_t cap)
{
    const ssp_env *env = wish->env;
    char what[PHRASE_MAX];
    if (given->cmd == NULL) {
        (void)snprintf(why, cap,
                       "option cmd is missing: the command to run, such as "
                       "cmd=kcptun-client -l %%L -r %%R");
        return -1;
    }
    if (first_host(wish->local_host, env->local_host, "SS_LOCAL_HOST", why, cap) == -1 ||
        first_host(wish->remote_host, env->remote_host, "SS_REMOTE_HOST", why, cap) == -1)
        return -1;
    struct words_place local = {wish->local_host, env->local_port};
    struct words_place remote = {wish->remote_host, env->remote_port};
    if (words_split(&wish->words, given->cmd, &local, &remote, what, sizeof what) == -1) {
        (void)snprintf(why, cap, "cmd: %s", what);
        return -1;
    }
    if (ssp_host_find(wish->words.word[0], NULL, wish->program, sizeof wish->program) == 0)
        return 0;
    (void)snprintf(why, cap, "cmd: %.200s: %s%s", wish->words.word[0], strerror(errno),
                   strchr(wish->words.word[0], '/') == NULL ? " in PATH" : "");
    return -1;
}

int wish_read(struct wish *wish, const ssp_env *env, const char *name, char *why, size_t why_cap)
{
    struct given given = {.cmd = NULL};
    const char *options = env->options != NULL ? env->options : "";
    char *room = malloc(2 * strlen(options) + 2); /* an item may need one byte more than it had */
    *wish = (struct wish){.env = env};
    if (room == NULL) {
        (void)snprintf(why, why_cap, "out of memory");
        return SSP_EXIT_OS;
    }
    int rc = read_options(&given, options, room, why, why_cap);
    if (rc == 0) {
        wish->role = ssp_env_role(env, given.role, name);
        rc = take_ready(wish, &given, why, why_cap) == -1 ||
                     take_start(wish, &given, why, why_cap) == -1 ||
                     take_command(wish, &given, why, why_cap) == -1
                 ? -1
                 : 0;
    }
    free(room);
    return rc == 0 ? 0 : SSP_EXIT_CONFIG;
}

void wish_release(struct wish *wish)
{
    words_release(&wish->words);
}
