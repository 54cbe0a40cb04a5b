/* SPDX-License-Identifier: Apache-2.0 */
#include "udp/answering.h"

#include "base/hash.h"
#include "net/intercept.h"

#include <ssplugin/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 4, SETS_MAX = 64, WORDS = 3 };

struct place {
    struct ssp__address from;
    struct ssp__datagram socket; /* without a batch: a free place */
    struct ssp__timer timer;
};

/* The places of an address are those of one set, which its hash names. */
struct ssp__answering {
    struct ssp__answering_conf conf;
    bool failing; /* logged */
    size_t sets;
    struct place place[][WAYS];
};

static void vacate(void *arg)
{
    struct place *p = arg;
    ssp__timer_stop(&p->timer);
    ssp__datagram_close(&p->socket);
}

struct ssp__answering *ssp__answering_new(const struct ssp__answering_conf *conf)
{
    size_t sets = 1;
    while (sets < SETS_MAX && (sets * 2) * WAYS <= conf->max)
        sets *= 2;
    struct ssp__answering *t = calloc(1, sizeof *t + sets * sizeof t->place[0]);
    if (t == NULL)
        return NULL;
    t->conf = *conf;
    t->sets = sets;
    for (size_t i = 0; i < sets * WAYS; i++) {
        struct place *p = &t->place[i / WAYS][i % WAYS];
        p->timer.fire = vacate;
        p->timer.arg = p;
    }
    return t;
}

void ssp__answering_free(struct ssp__answering *t)
{
    for (size_t i = 0; t != NULL && i < t->sets * WAYS; i++)
        vacate(&t->place[i / WAYS][i % WAYS]);
    free(t);
}

static struct place *set_of(struct ssp__answering *t, const struct ssp__address *from)
{
    uint64_t word[WORDS] = {ssp__address_port(from)};
    if (from->u.any.sa_family == AF_INET)
        memcpy(&word[1], &from->u.v4.sin_addr, sizeof from->u.v4.sin_addr);
    else
        memcpy(&word[1], &from->u.v6.sin6_addr, sizeof from->u.v6.sin6_addr);
    return t->place[(size_t)ssp__hash(t->conf.key, word, WORDS) & (t->sets - 1)];
}

static struct place *find(struct place *set, const struct ssp__address *from)
{
    for (struct place *p = set; p < set + WAYS; p++) {
        if (p->socket.batch != NULL && ssp__address_same(&p->from, from))
            return p;
    }
    return NULL;
}

/* All timers have one limit: the first that is due is the one used least recently. */
static struct place *make_room(struct place *set, const struct ssp__address *from)
{
    struct place *oldest = set;
    for (struct place *p = set; p < set + WAYS; p++) {
        if (p->socket.batch == NULL ||
            (oldest->socket.batch != NULL && p->timer.due_ms < oldest->timer.due_ms))
            oldest = p;
    }
    vacate(oldest);
    oldest->from = *from;
    return oldest;
}

/* Packets for it come through the listener, unless rules of others take them away. */
static void drop(struct ssp__datagram *from, struct ssp__packet *packet)
{
    (void)from;
    (void)packet;
}

static const struct ssp__datagram_events sends_only = {drop, NULL};

/* Returns false after a log line. */
static bool occupy(struct ssp__answering *t, struct place *p)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    int fd = ssp__intercept_answering(&p->from, t->conf.options);
    bool done = fd != -1 && ssp__datagram_open(&p->socket, t->conf.batch, fd, 0, &sends_only) == 0;
    int error = errno;
    if (!done && !t->failing) {
        ssp__address_format(&p->from, text, sizeof text);
        ssp_error("udp: answer in the name of %s: %s%s", text, strerror(error),
                  error == EPERM ? " (CAP_NET_ADMIN is needed)" : "");
    }
    t->failing = !done;
    return done;
}

struct ssp__datagram *ssp__answering_socket(struct ssp__answering *t,
                                            const struct ssp__address *from)
{
    struct place *set = set_of(t, from), *p = find(set, from);
    if (p == NULL && ssp__socket_is_here(from))
        return NULL; /* forged: the socket would take the port from a name server of this machine */
    if (p == NULL)
        p = make_room(set, from);
    if (p->socket.batch == NULL && !occupy(t, p))
        return NULL;
    ssp__timer_start(t->conf.loop, &p->timer, t->conf.idle_ms);
    return &p->socket;
}
