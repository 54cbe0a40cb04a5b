/* SPDX-License-Identifier: Apache-2.0 */
#include "net/socket.h"

#include "base/retry.h"
#include "net/tentative.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

enum {
    FAST_OPEN_QUEUE = 256,
    KEEP_ALIVE_PART = 10, /* of the silence: until the next question */
    KEEP_ALIVE_TRIES = 6
};

static void set(int fd, int level, int name, int value)
{
    (void)setsockopt(fd, level, name, &value, sizeof value);
}

/* A peer that vanishes, as a phone without a network does, sends no end. */
static void watch_peer(int fd, const struct ssp__socket_options *o)
{
    unsigned interval_s = o->keep_alive_s / KEEP_ALIVE_PART;
    if (o->keep_alive_s > 0) {
        set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
        set(fd, IPPROTO_TCP, TCP_KEEPIDLE, (int)o->keep_alive_s);
        set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s > 0 ? (int)interval_s : 1);
        set(fd, IPPROTO_TCP, TCP_KEEPCNT, KEEP_ALIVE_TRIES);
    }
    if (o->user_timeout_s > 0)
        set(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)o->user_timeout_s * 1000);
}

/* TPROXY brings connections of other machines to a loopback address. */
static bool is_local(const struct ssp__address *a, const struct ssp__socket_options *o)
{
    return ssp__address_loopback(a) && o->intercept != SSP_TPROXY;
}

/* Accepted sockets inherit all of it. */
static void equip(int fd, bool local, const struct ssp__socket_options *o, bool paced)
{
    /* If this process is killed, its peers see a reset, not an end. */
    (void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    if (!local)
        watch_peer(fd, o);
    /* A pacing congestion control sleeps on loopback, where there is nothing to pace. */
    if (local && paced)
        (void)setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "reno", sizeof "reno" - 1);
    if (o->sndbuf > 0)
        set(fd, SOL_SOCKET, SO_SNDBUF, (int)o->sndbuf);
    if (o->rcvbuf > 0)
        set(fd, SOL_SOCKET, SO_RCVBUF, (int)o->rcvbuf);
}

static void equip_listening(int fd, const struct ssp__socket_options *o)
{
    set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* accepted sockets inherit it */
    if (o->fast_open && o->intercept == SSP_NO_INTERCEPT)
        set(fd, IPPROTO_TCP, TCP_FASTOPEN, FAST_OPEN_QUEUE);
}

static int open_socket(const struct ssp__address *a, const struct ssp__socket_options *o,
                       bool paced)
{
    int type = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, fd = -1;
    bool local = is_local(a, o);
    if (o->mptcp && !local && o->intercept == SSP_NO_INTERCEPT)
        fd = socket(a->u.any.sa_family, type, IPPROTO_MPTCP);
    if (fd == -1)
        fd = socket(a->u.any.sa_family, type, 0);
    if (fd != -1)
        equip(fd, local, o, paced);
    return fd;
}

static int give_up(int fd)
{
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

bool ssp__socket_is_here(const struct ssp__address *a)
{
    struct ssp__address any_port = *a;
    ssp__address_set_port(&any_port, 0);
    int fd = socket(a->u.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1)
        return errno != EAFNOSUPPORT;
    bool here = bind(fd, &any_port.u.any, any_port.len) == 0 || errno != EADDRNOTAVAIL;
    (void)close(fd);
    return here || ssp__address_tentative(a);
}

int ssp__socket_bind(int fd, const struct ssp__address *a)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    if (bind(fd, &a->u.any, a->len) == 0)
        return 0;
    if (errno != EADDRNOTAVAIL || a->u.any.sa_family != AF_INET6)
        return -1;
    if (ssp__address_tentative(a)) {
        ssp__address_format(a, text, sizeof text);
        ssp_info(
            "listen on %s: the system still checks this address for duplicates, it serves when "
            "that is over",
            text);
        set(fd, IPPROTO_IP, IP_FREEBIND, 1);
    }
    return bind(fd, &a->u.any, a->len); /* the check may also be over by now */
}

int ssp__socket_intercept(int fd, int family, const struct ssp__socket_options *o)
{
    static const int on = 1;
    bool v4 = family == AF_INET;
    if (o->intercept == SSP_TPROXY &&
        setsockopt(fd, v4 ? IPPROTO_IP : IPPROTO_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on,
                   sizeof on) == -1)
        return -1;
    if (o->intercept == SSP_NO_INTERCEPT || o->fwmark == 0)
        return 0;
    return setsockopt(fd, SOL_SOCKET, SO_MARK, &o->fwmark, sizeof o->fwmark);
}

int ssp__socket_listen(const struct ssp__address *a, const struct ssp__socket_options *o,
                       bool paced)
{
    int fd = open_socket(a, o, paced);
    if (fd == -1)
        return -1;
    equip_listening(fd, o);
    set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
    if (o->reuse_port)
        set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
    if (a->u.any.sa_family == AF_INET6)
        set(fd, IPPROTO_IPV6, IPV6_V6ONLY, o->v6only);
    if (ssp__socket_intercept(fd, a->u.any.sa_family, o) == -1)
        return give_up(fd);
    if (ssp__socket_bind(fd, a) == -1 || listen(fd, SOMAXCONN) == -1)
        return give_up(fd);
    return fd;
}

void ssp__socket_adopt(int fd, const struct ssp__address *a, const struct ssp__socket_options *o,
                       bool paced)
{
    equip(fd, is_local(a, o), o, paced);
    equip_listening(fd, o);
}

static int bind_outgoing(int fd, const struct ssp__address *a, const struct ssp__socket_options *o)
{
    if (ssp__address_loopback(a))
        return 0;
    if (o->interface != NULL && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, o->interface,
                                           (socklen_t)strlen(o->interface)) == -1)
        return -1;
    const struct ssp__address *from = a->u.any.sa_family == AF_INET ? o->bind_v4 : o->bind_v6;
    if (from == NULL)
        return 0;
    /* The port is chosen at connect, so that one address serves more than 28,000 connections. */
    set(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    return bind(fd, &from->u.any, from->len);
}

/* The descriptor travels with one byte, as it does for the plugins that run there already. */
static int show(int vpn, int fd)
{
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {.header = {.cmsg_level = SOL_SOCKET,
                            .cmsg_type = SCM_RIGHTS,
                            .cmsg_len = CMSG_LEN(sizeof(int))}};
    memcpy(CMSG_DATA(&control.header), &fd, sizeof fd);
    char byte = '!';
    struct iovec piece = {&byte, 1};
    struct msghdr m = {.msg_iov = &piece,
                       .msg_iovlen = 1,
                       .msg_control = &control,
                       .msg_controllen = sizeof control.bytes};
    return ssp__sendmsg(vpn, &m, MSG_NOSIGNAL) == 1 ? 0 : -1;
}

static int ask_vpn(int vpn, const struct sockaddr_un *a, int fd, const char **why)
{
    struct timeval limit = {SSP_PROTECT_MS / 1000, 0};
    char answer = 1;
    (void)setsockopt(vpn, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    (void)setsockopt(vpn, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    *why = "protect_path: no VPN process listens there";
    if (connect(vpn, (const struct sockaddr *)a, sizeof *a) == -1 || show(vpn, fd) == -1)
        return -1;
    *why = "protect_path: the VPN does not answer";
    if (ssp__recv(vpn, &answer, 1, 0) != 1)
        return -1;
    *why = "protect_path: the VPN does not protect this socket";
    errno = EACCES;
    return answer == 0 ? 0 : -1;
}

static int protect(int fd, const char *path, const char **why)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *reason = "protect_path: longer than a socket's path may be";
    int rc = -1, vpn = -1;
    errno = ENAMETOOLONG;
    if (strlen(path) < sizeof a.sun_path) {
        memcpy(a.sun_path, path, strlen(path) + 1);
        reason = "protect_path: cannot open a socket";
        vpn = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    }
    if (vpn != -1) {
        rc = ask_vpn(vpn, &a, fd, &reason);
        int error = errno;
        (void)close(vpn);
        errno = error;
    }
    if (rc == -1)
        *why = reason;
    return rc;
}

int ssp__socket_mark(int fd, const struct ssp__socket_options *o, const char **why)
{
    if (o->fwmark != 0 && setsockopt(fd, SOL_SOCKET, SO_MARK, &o->fwmark, sizeof o->fwmark) == -1) {
        if (errno == EPERM)
            *why = "fwmark: not permitted without CAP_NET_ADMIN";
        return -1;
    }
    return o->protect_path != NULL ? protect(fd, o->protect_path, why) : 0;
}

int ssp__socket_connect(const struct ssp__address *a, const struct ssp__socket_options *o,
                        enum ssp__first_word first, bool paced, const char **why)
{
    int fd = open_socket(a, o, paced);
    if (fd == -1)
        return -1;
    if (first == SSP_SPEAKS && ssp__address_loopback(a))
        set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 1);
    if (o->fast_open && !ssp__address_loopback(a))
        set(fd, IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1);
    if (bind_outgoing(fd, a, o) == -1 ||
        (!ssp__address_loopback(a) && ssp__socket_mark(fd, o, why) == -1))
        return give_up(fd);
    if (connect(fd, &a->u.any, a->len) == -1 && errno != EINPROGRESS)
        return give_up(fd);
    return fd;
}
