/* SPDX-License-Identifier: Apache-2.0 */
#include "net/dns_channel.h"

#include "net/interest.h"
#include <ssplugin/log.h>

#include <ares.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { TIMEOUT_MS = 2000, TRIES = 3 };

/* A socket of c-ares and what it waits for. */
struct ares_watch {
    struct ares_watch *next;
    struct ssp__dns_channel *channel;
    struct ssp__interest interest;
    ares_socket_t fd;
};

struct ssp__dns_channel {
    ssp_loop *loop;
    ares_channel ares;
    char *servers, *resolv_conf; /* owned; servers is NULL when those of the file count */
    struct stat read; /* resolv.conf as it was when it was read; all zero: there was none */
    struct ssp__search_list search;
    struct ares_watch *watches;
    struct ssp__alarm timeout;
    const struct ssp__socket_options *sockets; /* borrowed; NULL: none */
    bool closing, refused;
};

/* A question under way. */
struct pending {
    struct ssp__dns_channel *channel;
    struct ssp__dns_question question;
    char name[SSP_HOST_MAX + 1];
};

/* ---- c-ares in the loop ---- */

static void arm_timeout(struct ssp__dns_channel *c)
{
    struct timeval tv;
    if (ares_timeout(c->ares, NULL, &tv) != NULL)
        ssp__alarm_set(&c->timeout,
                       (uint64_t)tv.tv_sec * 1000 + (uint64_t)(tv.tv_usec + 999) / 1000);
    else
        ssp__alarm_clear(&c->timeout);
}

/* Called before a server is asked again: resolv.conf may have changed. */
static void timed_out(void *arg)
{
    struct ssp__dns_channel *c = arg;
    ssp__dns_channel_refresh(c);
    ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    arm_timeout(c);
}

/* w may be gone after the call to c-ares. */
static void socket_ready(const struct ares_watch *w, ares_socket_t readable, ares_socket_t writable)
{
    struct ssp__dns_channel *c = w->channel;
    ares_process_fd(c->ares, readable, writable);
    arm_timeout(c);
}

static void socket_readable(void *arg)
{
    const struct ares_watch *w = arg;
    socket_ready(w, w->fd, ARES_SOCKET_BAD);
}

static void socket_writable(void *arg)
{
    const struct ares_watch *w = arg;
    socket_ready(w, ARES_SOCKET_BAD, w->fd);
}

static void forget(struct ares_watch **link)
{
    struct ares_watch *w = *link;
    *link = w->next;
    (void)ssp__interest_set(&w->interest, w->fd, false, false);
    free(w);
}

/* c-ares reports the events that its sockets wait for. */
static void socket_state(void *arg, ares_socket_t fd, int read, int write)
{
    static const struct ssp__reaction reaction = {socket_readable, socket_writable};
    struct ssp__dns_channel *c = arg;
    struct ares_watch **link = &c->watches;
    while (*link != NULL && (*link)->fd != fd)
        link = &(*link)->next;
    if (*link != NULL)
        forget(link);
    if (!read && !write)
        return;

    struct ares_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        return; /* the question then ends by its timeout */
    *w = (struct ares_watch){
        .next = c->watches,
        .channel = c,
        .interest = {.loop = c->loop, .reaction = &reaction, .arg = w},
        .fd = fd,
    };
    c->watches = w;
    (void)ssp__interest_set(&w->interest, fd, read != 0, write != 0);
}

/* Before c-ares connects a socket of its own. */
static int configure(ares_socket_t fd, int type, void *arg)
{
    (void)type;
    struct ssp__dns_channel *c = arg;
    const char *why = NULL;
    bool refused = ssp__socket_mark(fd, c->sockets, &why) == -1;
    if (refused && !c->refused)
        ssp_error("resolver: %s", why != NULL ? why : strerror(errno));
    c->refused = refused;
    return refused ? -1 : 0;
}

static void set_configure(struct ssp__dns_channel *c)
{
    if (c->sockets != NULL && (c->sockets->fwmark != 0 || c->sockets->protect_path != NULL))
        ares_set_socket_configure_callback(c->ares, configure, c);
}

void ssp__dns_channel_sockets(struct ssp__dns_channel *c, const struct ssp__socket_options *o)
{
    c->sockets = o;
    set_configure(c);
}

/* ---- the servers ---- */

static struct stat look(const char *path)
{
    struct stat st;
    if (stat(path, &st) == -1)
        memset(&st, 0, sizeof st);
    return st;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* Makes a channel of c-ares.  Names are looked up in hosts by the resolver, not by c-ares, which
 * knows no dot at the end there.  Returns ARES_SUCCESS or why not. */
static int make(struct ssp__dns_channel *c, ares_channel *made)
{
    char lookups[] = "b";
    struct ares_options options = {.timeout = TIMEOUT_MS,
                                   .tries = TRIES,
                                   .lookups = lookups,
                                   .resolvconf_path = c->resolv_conf,
                                   .sock_state_cb = socket_state,
                                   .sock_state_cb_data = c};
    int rc = ares_init_options(made, &options,
                               ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB |
                                   ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF);
    if (rc != ARES_SUCCESS)
        return rc;
    if (c->servers != NULL)
        rc = ares_set_servers_ports_csv(*made, c->servers);
    if (rc != ARES_SUCCESS)
        ares_destroy(*made);
    return rc;
}

/* A file that is being written is looked at before it is read: what comes later is a change. */
static int read_servers(struct ssp__dns_channel *c)
{
    ares_channel made;
    c->read = look(c->resolv_conf);
    int rc = make(c, &made);
    if (rc != ARES_SUCCESS)
        return rc;
    ssp__search_list_read(&c->search, c->resolv_conf);
    ares_channel old = c->ares;
    c->ares = made;
    set_configure(c);
    if (old != NULL)
        ares_destroy(old); /* cancelled questions are asked again */
    return ARES_SUCCESS;
}

void ssp__dns_channel_refresh(struct ssp__dns_channel *c)
{
    struct stat now = look(c->resolv_conf);
    if (same_file(&now, &c->read))
        return;
    int rc = read_servers(c);
    if (rc != ARES_SUCCESS)
        ssp_error("%s: %s; the name servers are kept", c->resolv_conf, ares_strerror(rc));
    else
        ssp_debug("%s has changed: the name servers are read again", c->resolv_conf);
}

const struct ssp__search_list *ssp__dns_channel_search(const struct ssp__dns_channel *c)
{
    return &c->search;
}

struct ssp__dns_channel *ssp__dns_channel_new(ssp_loop *loop, const char *servers,
                                              const char *resolv_conf, const char **why)
{
    struct ssp__dns_channel *c = calloc(1, sizeof *c);
    *why = "out of memory";
    if (c == NULL)
        return NULL;
    *c = (struct ssp__dns_channel){.loop = loop};
    c->servers = servers != NULL ? strdup(servers) : NULL;
    c->resolv_conf = strdup(resolv_conf);
    ssp__alarm_open(loop, &c->timeout, timed_out, c);
    bool whole = c->resolv_conf != NULL && (servers == NULL || c->servers != NULL);
    int rc = whole ? read_servers(c) : ARES_ENOMEM;
    if (rc == ARES_SUCCESS)
        return c;
    *why = ares_strerror(rc);
    ssp__dns_channel_free(c);
    return NULL;
}

void ssp__dns_channel_free(struct ssp__dns_channel *c)
{
    if (c == NULL)
        return;
    c->closing = true;
    if (c->ares != NULL)
        ares_destroy(c->ares);
    while (c->watches != NULL)
        forget(&c->watches);
    ssp__alarm_close(&c->timeout);
    free(c->servers);
    free(c->resolv_conf);
    free(c);
}

/* ---- questions ---- */

static bool take(struct ssp__address *a, const struct ares_addrinfo_node *node, uint16_t port)
{
    if (node->ai_addrlen > sizeof a->u)
        return false;
    *a = (struct ssp__address){.len = node->ai_addrlen};
    memcpy(&a->u, node->ai_addr, node->ai_addrlen);
    if (node->ai_family == AF_INET)
        a->u.v4.sin_port = htons(port);
    else
        a->u.v6.sin6_port = htons(port);
    return true;
}

static enum ssp__dns_status meaning(const struct ssp__dns_channel *c, int status, unsigned found)
{
    if (c->closing)
        return SSP_DNS_CLOSED;
    if (found > 0)
        return SSP_DNS_FOUND;
    bool none = status == ARES_SUCCESS || status == ARES_ENODATA || status == ARES_ENOTFOUND ||
                status == ARES_ESERVFAIL;
    return none ? SSP_DNS_NONE : SSP_DNS_FAILED;
}

static void ask(struct pending *p);

static void answered(void *arg, int status, int timeouts, struct ares_addrinfo *result)
{
    (void)timeouts;
    struct pending *p = arg;
    struct ssp__address found[SSP_ADDRESSES_MAX];
    unsigned n = 0;
    if (status == ARES_EDESTRUCTION && !p->channel->closing) {
        ask(p);
        return;
    }
    for (const struct ares_addrinfo_node *node = result != NULL ? result->nodes : NULL;
         node != NULL && n < SSP_ADDRESSES_MAX; node = node->ai_next) {
        if (node->ai_family == p->question.family && take(&found[n], node, p->question.port))
            n++;
    }
    if (result != NULL)
        ares_freeaddrinfo(result);
    p->question.on_answer(p->question.arg, meaning(p->channel, status, n), found, n,
                          ares_strerror(status == ARES_SUCCESS ? ARES_ENODATA : status));
    free(p);
}

static void ask(struct pending *p)
{
    struct ssp__dns_channel *c = p->channel;
    struct ares_addrinfo_hints hints = {.ai_family = p->question.family,
                                        .ai_flags = ARES_AI_NOSORT};
    ares_getaddrinfo(c->ares, p->name, NULL, &hints, answered, p);
    arm_timeout(c);
}

void ssp__dns_channel_ask(struct ssp__dns_channel *c, const struct ssp__dns_question *question)
{
    struct pending *p = malloc(sizeof *p);
    if (p == NULL) {
        question->on_answer(question->arg, SSP_DNS_FAILED, NULL, 0, "out of memory");
        return;
    }
    *p = (struct pending){.channel = c, .question = *question};
    (void)snprintf(p->name, sizeof p->name, "%s", question->name);
    ask(p);
}
