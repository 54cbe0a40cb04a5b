/* SPDX-License-Identifier: Apache-2.0 */
#include <ssplugin/env.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An empty variable counts as unset. */
static const char *variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL && *value != '\0' ? value : NULL;
}

static ssp_role role(const char *text)
{
    if (text == NULL)
        return SSP_ROLE_UNKNOWN;
    if (strcmp(text, "client") == 0)
        return SSP_CLIENT;
    return strcmp(text, "server") == 0 ? SSP_SERVER : SSP_ROLE_UNKNOWN;
}

/* A guess at an unknown mode would carry the wrong traffic, or none. */
static int mode(ssp_mode *to, char *why, size_t why_cap)
{
    static const char *const names[] = {[SSP_TCP_ONLY] = "tcp_only",
                                        [SSP_UDP_ONLY] = "udp_only",
                                        [SSP_TCP_AND_UDP] = "tcp_and_udp"};
    const char *text = variable("SS_PLUGIN_MODE");
    for (size_t i = 0; text != NULL && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i]) == 0) {
            *to = (ssp_mode)i;
            return 0;
        }
    }
    if (text == NULL)
        return 0;
    (void)snprintf(why, why_cap,
                   "SS_PLUGIN_MODE: \"%.32s\" is none of tcp_only, udp_only and tcp_and_udp", text);
    return -1;
}

/* Takes the descriptor, or -1. */
static int open_descriptor(const char *text)
{
    char *end;
    errno = 0;
    long fd = strtol(text, &end, 10);
    if (errno != 0 || *end != '\0' || fd < 0 || fd > INT_MAX || *text < '0' || *text > '9')
        return -1;
    int flags = fcntl((int)fd, F_GETFL);
    if (flags == -1 || (flags & O_ACCMODE) == O_RDONLY)
        return -1;
    (void)fcntl((int)fd, F_SETFD, FD_CLOEXEC);
    (void)fcntl((int)fd, F_SETFL, flags | O_NONBLOCK);
    return (int)fd;
}

/* A plugin that cannot report still works. */
static int notify_fd(void)
{
    const char *text = variable("SS_PLUGIN_NOTIFY_FD");
    int fd = text != NULL ? open_descriptor(text) : -1;
    if (text != NULL && fd == -1)
        ssp_error("SS_PLUGIN_NOTIFY_FD: \"%.32s\" is not the number of a descriptor that can be "
                  "written to: ignored",
                  text);
    return fd;
}

static int check_port(const char *name, const char *text, char *why, size_t why_cap)
{
    if (ssp_port_parse(text) != -1)
        return 0;
    (void)snprintf(why, why_cap, "%s: \"%.32s\" is not a port from 1 to 65535", name, text);
    return -1;
}

static int check_four(const ssp_env *read, char *why, size_t why_cap)
{
    static const char *const names[] = {"SS_REMOTE_HOST", "SS_REMOTE_PORT", "SS_LOCAL_HOST",
                                        "SS_LOCAL_PORT"};
    int found = 0;
    const char *missing = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (variable(names[i]) != NULL)
            found++;
        else
            missing = names[i];
    }
    if (found == 0)
        return 0;
    if (missing != NULL) {
        (void)snprintf(why, why_cap,
                       "%s is not set; SIP003 needs SS_REMOTE_HOST, SS_REMOTE_PORT, SS_LOCAL_HOST "
                       "and SS_LOCAL_PORT",
                       missing);
        return -1;
    }
    if (check_port("SS_REMOTE_PORT", read->remote_port, why, why_cap) == -1 ||
        check_port("SS_LOCAL_PORT", read->local_port, why, why_cap) == -1)
        return -1;
    return 1;
}

int ssp_env_read(ssp_env *env, size_t size, char *why, size_t why_cap)
{
    ssp_env read = {.role = role(variable("SS_PLUGIN_ROLE")),
                    .local_host = variable("SS_LOCAL_HOST"),
                    .local_port = variable("SS_LOCAL_PORT"),
                    .remote_host = variable("SS_REMOTE_HOST"),
                    .remote_port = variable("SS_REMOTE_PORT"),
                    .options = variable("SS_PLUGIN_OPTIONS"),
                    .notify_fd = notify_fd()};
    int known = mode(&read.mode, why, why_cap);
    memset(env, 0, size);
    memcpy(env, &read, size < sizeof read ? size : sizeof read);
    if (known == -1)
        return -1;
    return check_four(&read, why, why_cap);
}

int ssp_hosts_next(const char **cursor, char *host, size_t host_cap)
{
    const char *from = *cursor;
    size_t len = strcspn(from, "|");
    if (*from == '\0')
        return 0;
    /* A '|' at the end of the list announces an item: it stays, to be found empty next time. */
    bool announces = from[len] == '|' && (len == 0 || from[len + 1] != '\0');
    *cursor = from + len + (announces ? 1 : 0);

    if (len > 0 && from[0] == '[') {
        if (from[len - 1] != ']')
            return -1;
        from++;
        len -= 2;
    }
    if (len == 0 || len >= host_cap)
        return -1;
    memcpy(host, from, len);
    host[len] = '\0';
    return 1;
}

ssp_role ssp_env_role(const ssp_env *env, ssp_role option, const char *argv0)
{
    static const char server[] = "-server";
    size_t n = argv0 != NULL ? strlen(argv0) : 0, m = sizeof server - 1;
    if (env->role != SSP_ROLE_UNKNOWN)
        return env->role;
    if (option != SSP_ROLE_UNKNOWN)
        return option;
    return n >= m && strcmp(argv0 + n - m, server) == 0 ? SSP_SERVER : SSP_CLIENT;
}
