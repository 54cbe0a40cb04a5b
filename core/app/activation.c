/* SPDX-License-Identifier: Apache-2.0 */
#include "app/activation.h"

#include <ssplugin/log.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
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
        a->socket[a->n++] = (struct ss_activated){.fd = fd, .at = at};
    }
}

/* A port alone makes a socket of IPv6 that takes IPv4, too. */
static bool listens_there(const struct ssp__address *at, const struct ssp__endpoint *e)
{
    struct ssp__address wanted;
    if (ssp__address_port(at) != e->port)
        return false;
    return !ssp__endpoint_address(e, &wanted) || ssp__address_same_host(at, &wanted) ||
           (ssp__address_unspecified(at) && ssp__address_unspecified(&wanted));
}

int ss_activation_take(struct ss_activation *a, const struct ssp__endpoint *e)
{
    for (unsigned i = 0; i < a->n; i++) {
        int fd = a->socket[i].fd;
        if (fd == -1 || !listens_there(&a->socket[i].at, e))
            continue;
        a->socket[i].fd = -1;
        return fd;
    }
    return -1;
}

void ss_activation_close(struct ss_activation *a)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    for (unsigned i = 0; i < a->n; i++) {
        if (a->socket[i].fd == -1)
            continue;
        ssp__address_format(&a->socket[i].at, text, sizeof text);
        ssp_error(
            "LISTEN_FDS: nothing of the configuration listens at %s itself; remove the socket "
            "of the service, or the plugin that listens there",
            text);
        (void)close(a->socket[i].fd);
    }
    free(a->socket);
    *a = (struct ss_activation){.n = 0};
}
