/* SPDX-License-Identifier: Apache-2.0 */
#include "app/shared_port.h"

#include "app/listening.h"
#include "app/process.h"
#include "host/image.h"
#include <ssplugin/log.h>
#include <ssplugin/options.h>

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { WHY_MAX = 512 };

static bool is_wanted(const struct ss_conf *c)
{
    const struct ss_conf *whole = c->whole != NULL ? c->whole : c;
    char path[PATH_MAX];
    return whole->control != NULL &&
           ssp_host_find(c->plugin, c->plugin_dir, path, sizeof path) == 0 &&
           ssp__image_shares_port(path);
}

static bool is_on(const char *value)
{
    static const char *const off[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < sizeof off / sizeof *off; i++) {
        if (value != NULL && strcmp(value, off[i]) == 0)
            return false;
    }
    return true;
}

/* Options of a plugin that belong to the socket: see ssp_main(). */
static void read_options(struct ssp__socket_options *socket, const char *options)
{
    const char *cursor = options != NULL ? options : "";
    const size_t cap = strlen(cursor) + 2;
    char *text = malloc(cap);
    ssp_item item;
    while (text != NULL && ssp_options_next(&cursor, text, cap, &item) == 1) {
        if (strcmp(item.key, "fast-open") == 0 || strcmp(item.key, "fast_open") == 0)
            socket->fast_open = is_on(item.value);
        else if (strcmp(item.key, "mptcp") == 0)
            socket->mptcp = is_on(item.value);
    }
    free(text);
}

static void keep(void *arg, int fd)
{
    struct ss_shared_port *s = arg;
    if (s->n < SS_SHARED_MAX)
        s->fd[s->n] = fd;
    s->n++;
}

static int open_at(struct ss_shared_port *s, struct ss_activation *activation,
                   const struct ssp__endpoint *e, char *why)
{
    int fd = ss_activation_take(activation, SOCK_STREAM, e);
    if (fd == -1)
        return ssp__instance_listen(&s->door, e, &s->service, why, WHY_MAX);
    (void)snprintf(why, WHY_MAX, "out of memory");
    while (fd != -1) {
        if (ssp__instance_adopt(&s->door, fd, &s->service) == -1)
            return -1;
        fd = e->named ? ss_activation_take(activation, SOCK_STREAM, e) : -1;
    }
    return 0;
}

int ss_shared_port_open(struct ss_shared_port *s, struct ss_process *process,
                        const struct ss_conf *c)
{
    char why[WHY_MAX];
    *s = (struct ss_shared_port){.n = 0};
    if (!is_wanted(c))
        return 0;
    s->service.accepted = (struct ssp__socket_options){.v6only = c->servers > 1 || c->ipv6_only};
    read_options(&s->service.accepted, c->plugin_opts);
    ssp__instance_open(&s->door, &process->program);
    for (unsigned k = 0; k < c->servers; k++) {
        if (open_at(s, &process->activation, &c->server[k], why) == -1) {
            ss_listening_failed(&c->server[k], c->servers, SSP_TCP, why);
            return -1;
        }
    }
    ssp__instance_pause(&s->door, true);
    ssp__instance_each_socket(&s->door, keep, s);
    if (s->n <= SS_SHARED_MAX)
        return 0;
    ssp_error("plugin \"%s\": the server has more than %d addresses", c->plugin, SS_SHARED_MAX);
    return -1;
}

void ss_shared_port_visit(const struct ss_shared_port *s, void (*visit)(void *arg, int fd),
                          void *arg)
{
    if (s->n > 0)
        ssp__instance_each_socket(&s->door, visit, arg);
}

void ss_shared_port_close(struct ss_shared_port *s)
{
    if (s->door.program != NULL)
        ssp__instance_close(&s->door);
    s->n = 0;
}
