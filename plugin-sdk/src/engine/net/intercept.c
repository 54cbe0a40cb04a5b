/* SPDX-License-Identifier: Apache-2.0 */
#include "net/intercept.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The header of the kernel does not go together with those of libc; IPv6 has the same number. */
enum { ORIGINAL_DST = 80 };

static int turn_on(int fd, int level, int name)
{
    static const int on = 1;
    return setsockopt(fd, level, name, &on, sizeof on);
}

/* A socket for both families tells IPv4 addresses by the message of IPv4. */
int ssp__intercept_packets(int fd, int family, const struct ssp__socket_options *o)
{
    if (family == AF_INET6 && turn_on(fd, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR) == -1)
        return -1;
    if (turn_on(fd, IPPROTO_IP, IP_RECVORIGDSTADDR) == -1 && family == AF_INET)
        return -1;
    return ssp__socket_intercept(fd, family, o);
}

static void own(int fd, struct ssp__address *a)
{
    a->len = sizeof a->u;
    if (getsockname(fd, &a->u.any, &a->len) == -1)
        a->len = 0;
    ssp__address_unmap(a);
}

/* With NAT loaded, the kernel reports the own address of a connection that no rule has changed. */
static void undo_redirect(int fd, struct ssp__address *a)
{
    struct ssp__address original = {.len = sizeof original.u};
    int level = a->u.any.sa_family == AF_INET ? IPPROTO_IP : IPPROTO_IPV6;
    bool redirected = a->len > 0 &&
                      getsockopt(fd, level, ORIGINAL_DST, &original.u, &original.len) == 0 &&
                      !ssp__address_same(&original, a);
    *a = redirected ? original : (struct ssp__address){.len = 0};
}

static void drop_own(struct ssp__address *a, uint16_t own_port)
{
    if (a->len > 0 && ssp__address_port(a) == own_port && ssp__socket_is_here(a))
        a->len = 0;
}

void ssp__intercept_dialed(int fd, enum ssp__intercept how, uint16_t own_port,
                           struct ssp__address *dialed)
{
    own(fd, dialed);
    if (how == SSP_REDIRECT)
        undo_redirect(fd, dialed);
    else if (how == SSP_TPROXY)
        drop_own(dialed, own_port);
}

void ssp__intercept_sent_to(const struct cmsghdr *c, uint16_t own_port, struct ssp__address *to)
{
    unsigned len = 0;
    if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVORIGDSTADDR)
        len = sizeof to->u.v4;
    else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVORIGDSTADDR)
        len = sizeof to->u.v6;
    if (len == 0)
        return;
    memcpy(&to->u, CMSG_DATA(c), len);
    to->len = len;
    drop_own(to, own_port);
}

/* It is not connected, since it would take the next packets of that client, and it receives
 * nothing. */
int ssp__intercept_answering(const struct ssp__address *from, const struct ssp__socket_options *o)
{
    static const int least = 0;
    int family = from->u.any.sa_family;
    int fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    /* A name server of this machine may have the same port, at all addresses. */
    (void)turn_on(fd, SOL_SOCKET, SO_REUSEADDR);
    if (family == AF_INET6)
        (void)turn_on(fd, IPPROTO_IPV6, IPV6_V6ONLY);
    if (ssp__socket_intercept(fd, family, o) == 0 && bind(fd, &from->u.any, from->len) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}
