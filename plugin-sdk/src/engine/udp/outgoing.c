/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/outgoing.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { LOOK_S = 5 /* without an answer, until a connected socket looks at its route again */ };

struct ssp__outgoing *ssp__outgoing_of(struct ssp__datagram *socket)
{
    return (struct ssp__outgoing *)((uint8_t *)socket - offsetof(struct ssp__outgoing, socket));
}

void ssp__outgoing_close(struct ssp__outgoing *first)
{
    for (struct ssp__outgoing *out = first, *next; out != NULL; out = next) {
        next = out->next;
        ssp__datagram_close(&out->socket);
        if (out != first)
            free(out);
    }
}

/* The socket for that way, which may have to be opened, or a new one; NULL when memory is out. */
static struct ssp__outgoing *way_out(struct ssp__outgoing *first, bool v6, bool direct)
{
    struct ssp__outgoing *out = first;
    while (out->socket.batch != NULL && (out->v6 != v6 || out->direct != direct)) {
        if (out->next == NULL)
            out->next = calloc(1, sizeof *out);
        if (out->next == NULL)
            return NULL;
        out = out->next;
    }
    out->v6 = v6;
    out->direct = direct;
    return out;
}

static const struct ssp__socket_options *options_of(const struct ssp__outgoing *out,
                                                    const struct ssp__outgoings *all)
{
    static const struct ssp__socket_options none;
    return out->local ? &none : all->options;
}

/* Returns the socket, or -1. */
static int new_socket(const struct ssp__outgoing *out, const struct ssp__outgoings *all,
                      const char **why)
{
    return ssp__datagram_outgoing(out->v6 ? AF_INET6 : AF_INET, options_of(out, all), why);
}

static bool use_socket(struct ssp__outgoing *out, const struct ssp__outgoings *all, int fd)
{
    out->server = 0;
    return ssp__datagram_open(&out->socket, all->batch, fd, options_of(out, all)->mtu,
                              all->events) == 0;
}

/* Returns false after a log line. */
static bool open_socket(struct ssp__outgoing *out, struct ssp__outgoings *all)
{
    const char *why = NULL;
    int fd = new_socket(out, all, &why);
    bool done = fd != -1 && use_socket(out, all, fd);
    if (!done && !all->failing)
        ssp_error("udp: socket toward a target: %s", why != NULL ? why : strerror(errno));
    all->failing = !done;
    return done;
}

/* ---- sockets that are connected ---- */

/* 0: there have been too many. */
static uint8_t number_of(struct ssp__outgoings *all, const struct ssp__address *server)
{
    uint8_t i = 0;
    while (i < all->servers && !ssp__address_same(&all->server[i], server))
        i++;
    if (i == SSP_OUTGOING_SERVERS)
        return 0;
    if (i == all->servers)
        all->server[all->servers++] = *server;
    return (uint8_t)(i + 1);
}

static void connect_socket(struct ssp__outgoing *out, struct ssp__outgoings *all,
                           const struct ssp__address *to, uint32_t now_s)
{
    uint8_t number = number_of(all, to);
    bool done = ssp__datagram_connect(&out->socket, number > 0 ? to : NULL);
    out->server = done ? number : 0;
    out->looked_s = now_s;
    out->heard = false;
}

/* A network that goes takes the source of a connected socket with it.  Another socket tells, and
 * takes its place if its source is another one. */
static void look_at_route(struct ssp__outgoing *out, const struct ssp__outgoings *all,
                          const struct ssp__address *to)
{
    const char *why;
    int fd = new_socket(out, all, &why);
    if (fd != -1 && connect(fd, &to->u.any, to->len) == 0 &&
        !ssp__datagram_same_source(&out->socket, fd)) {
        ssp__datagram_close(&out->socket);
        (void)use_socket(out, all, fd);
    } else if (fd != -1) {
        (void)close(fd);
    }
}

/* A socket toward a peer that the plan has chosen takes packets of no other. */
static void stay_connected(struct ssp__outgoing *out, struct ssp__outgoings *all,
                           const struct ssp__address *to, uint32_t now_s)
{
    if (out->server != 0 && now_s - out->looked_s >= LOOK_S) {
        if (!out->heard && !out->local)
            look_at_route(out, all, to);
        out->looked_s = now_s;
        out->heard = false;
    }
    if (out->socket.batch != NULL &&
        (out->server == 0 || !ssp__address_same(&all->server[out->server - 1], to)))
        connect_socket(out, all, to, now_s);
}

void ssp__outgoing_send(struct ssp__outgoing *first, struct ssp__outgoings *all,
                        const struct ssp__named_packet *p, const struct ssp__address *to,
                        uint64_t now_ms)
{
    struct ssp__outgoing *out = way_out(first, to->u.any.sa_family == AF_INET6, p->direct);
    if (out == NULL)
        return;
    if (out->socket.batch == NULL) {
        out->owner = p->owner;
        out->local = p->local;
        if (!open_socket(out, all))
            return;
    }
    if (p->chosen && !p->direct)
        stay_connected(out, all, to, (uint32_t)(now_ms / 1000));
    if (out->socket.batch != NULL)
        ssp__datagram_send(&out->socket, &(struct ssp__route){.to = *to, .tos = p->tos}, p->bytes,
                           p->n);
}
