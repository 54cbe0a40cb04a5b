/* SPDX-License-Identifier: Apache-2.0 */
#include "app/activation.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { FIRST_FD = 3, SOCKETS_MAX = 64 };

/* How many descriptors were passed to this process, and not to a parent of it. */
static unsigned passed(void)
{
    const char *count = getenv("LISTEN_FDS"), *receiver = getenv("LISTEN_PID");
    if (count == NULL || receiver == NULL || strtol(receiver, NULL, 10) != (long)getpid())
        return 0;
    long n = strtol(count, NULL, 10);
    return n < 0 ? 0 : n > SOCKETS_MAX ? SOCKETS_MAX : (unsigned)n;
}

static int option(int fd, int name)
{
    int value = 0;
    socklen_t len = sizeof value;
    return getsockopt(fd, SOL_SOCKET, name, &value, &len) == 0 ? value : -1;
}

/* Returns NULL, with the address of the socket, when clients can connect to it, or what is wrong.
 */
static const char *unfit(int fd, struct ssp__address *at)
{
    socklen_t len = sizeof at->u;
    if (getsockname(fd, &at->u.any, &len) == -1)
        return "is no socket; give it to another service";
    at->len = (unsigned)len;
    if (at->u.any.sa_family != AF_INET && at->u.any.sa_family != AF_INET6)
        return "is no socket of IPv4 or IPv6; ListenStream= takes a port, or an address and a port";
    if (option(fd, SO_TYPE) == SOCK_DGRAM)
        return "is one of UDP, which this program opens itself; remove ListenDatagram=";
    if (option(fd, SO_TYPE) != SOCK_STREAM)
        return "is not one of TCP; use ListenStream=";
    if (option(fd, SO_ACCEPTCONN) != 1)
        return "does not listen; use ListenStream=, with Accept=no";
    return NULL;
}

void ss_activation_open(struct ss_activation *a)
{
    unsigned n = passed();
    *a = (struct ss_activation){.n = 0};
    if (n == 0)
        return;
    a->socket = calloc(n, sizeof *a->socket);
    for (unsigned i = 0; i < n; i++) {
        int fd = FIRST_FD + (int)i;
        struct ssp__address at = {.len = 0};
        const char *why = a->socket == NULL ? "cannot be kept: memory is out" : unfit(fd, &at);
        if (why != NULL) {
            ssp_error("LISTEN_FDS: descriptor %d %s", fd, why);
            (void)close(fd);
            continue;
        }
        (void)fcntl(fd, F_SETFD, FD_CLOEXEC);
        a->socket[a->n++] = (struct ss_activated){.fd = fd, .type = SOCK_STREAM, .at = at};
    }
}

/* Returns false when memory is out. */
static bool read_place(struct ss_activated *s)
{
    union {
        struct sockaddr any;
        struct sockaddr_un path;
        uint8_t room[sizeof(struct sockaddr_un) + 1]; /* the zero behind the longest path */
    } name = {.room = {0}};
    socklen_t len = sizeof name.path;
    s->type = option(s->fd, SO_TYPE);
    if (getsockname(s->fd, &name.any, &len) == -1)
        return true;
    if (name.any.sa_family == AF_UNIX) {
        s->path = strdup(name.path.sun_path);
        return s->path != NULL;
    }
    s->at.len = len < sizeof s->at.u ? (unsigned)len : (unsigned)sizeof s->at.u;
    memcpy(&s->at.u, &name, s->at.len);
    return true;
}

int ss_activation_offer(struct ss_activation *a, const int *fd, unsigned n)
{
    struct ss_activated *more = realloc(a->socket, (a->n + n) * sizeof *more);
    bool whole = more != NULL;
    for (unsigned i = 0; more == NULL && i < n; i++)
        (void)close(fd[i]);
    a->socket = whole ? more : a->socket;
    a->handed = true;
    for (unsigned i = 0; more != NULL && i < n; i++) {
        a->socket[a->n] = (struct ss_activated){.fd = fd[i]};
        whole = read_place(&a->socket[a->n++]) && whole;
    }
    return whole ? 0 : -1;
}

/* A port alone makes systemd open a socket of IPv6 that takes IPv4, too. */
static bool is_there(const struct ss_activation *a, const struct ssp__address *at,
                     const struct ssp__endpoint *e)
{
    struct ssp__address wanted;
    if (at->len == 0 || ssp__address_port(at) != e->port)
        return false;
    return !ssp__endpoint_address(e, &wanted) || ssp__address_same_host(at, &wanted) ||
           (!a->handed && ssp__address_unspecified(at) && ssp__address_unspecified(&wanted));
}

static int give(struct ss_activated *s)
{
    int fd = s->fd;
    s->fd = -1;
    return fd;
}

int ss_activation_take(struct ss_activation *a, int type, const struct ssp__endpoint *e)
{
    for (unsigned i = 0; i < a->n; i++) {
        struct ss_activated *s = &a->socket[i];
        if (s->fd != -1 && s->type == type && is_there(a, &s->at, e))
            return give(s);
    }
    return -1;
}

int ss_activation_take_path(struct ss_activation *a, const char *path)
{
    for (unsigned i = 0; i < a->n; i++) {
        struct ss_activated *s = &a->socket[i];
        if (s->fd != -1 && s->path != NULL && strcmp(s->path, path) == 0)
            return give(s);
    }
    return -1;
}

static void tell_useless(const struct ss_activated *s)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp__address_format(&s->at, text, sizeof text);
    ssp_error("LISTEN_FDS: nothing of the configuration listens at %s itself; remove the socket "
              "of the service, or the plugin that listens there",
              text);
}

void ss_activation_close(struct ss_activation *a)
{
    for (unsigned i = 0; i < a->n; i++) {
        struct ss_activated *s = &a->socket[i];
        if (s->fd != -1 && !a->handed)
            tell_useless(s);
        if (s->fd != -1)
            (void)close(s->fd);
        free(s->path);
    }
    free(a->socket);
    *a = (struct ss_activation){.n = 0};
}
