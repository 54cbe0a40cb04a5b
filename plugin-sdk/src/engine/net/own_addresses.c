/* SPDX-License-Identifier: Apache-2.0 */
#include "net/own_addresses.h"

#include "base/retry.h"
#include "net/socket.h"

#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRESH_MS = 3000, ANSWER_MAX = 32 * 1024 };

#ifndef NETLINK_GET_STRICT_CHK
#define NETLINK_GET_STRICT_CHK                                                                     \
    12 /* of Linux 4.20: the kernel sends the table that is asked for                              \
        */
#endif

void ssp__own_addresses_release(struct ssp__own_addresses *own)
{
    free(own->network);
    own->network = NULL;
    own->n = 0;
    own->read_ms = 0;
}

/* ---- the table of local routes ---- */

static size_t size_of(uint8_t family)
{
    return family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
}

static int add(struct ssp__own_addresses *list, const struct rtmsg *route, const uint8_t *bytes)
{
    struct ssp__own_network *grown = list->network;
    if ((list->n & (list->n - 1)) == 0)
        grown = reallocarray(list->network, list->n > 0 ? 2 * (size_t)list->n : 1, sizeof *grown);
    if (grown == NULL)
        return -1;
    list->network = grown;
    struct ssp__own_network *own = &grown[list->n++];
    *own = (struct ssp__own_network){.family = route->rtm_family, .bits = route->rtm_dst_len};
    memcpy(own->bytes, bytes, size_of(route->rtm_family));
    return 0;
}

/* A route of another table, such as that of TPROXY, is for some packets alone. */
static int take_route(struct ssp__own_addresses *list, struct nlmsghdr *message)
{
    struct rtmsg *route = NLMSG_DATA(message);
    size_t len = RTM_PAYLOAD(message), size = size_of(route->rtm_family);
    bool ours = route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_ANYCAST;
    if (!ours || route->rtm_table != RT_TABLE_LOCAL || size == 0)
        return 0;
    for (struct rtattr *a = RTM_RTA(route); RTA_OK(a, len); a = RTA_NEXT(a, len)) {
        if (a->rta_type == RTA_DST && RTA_PAYLOAD(a) == size)
            return add(list, route, RTA_DATA(a));
    }
    return 0;
}

/* Returns 1 when more is to come, 0 at the end, or -1. */
static int take_answer(struct ssp__own_addresses *list, int fd)
{
    _Alignas(struct nlmsghdr) uint8_t answer[ANSWER_MAX];
    ssize_t n = ssp__recv(fd, answer, sizeof answer, 0);
    if (n <= 0)
        return -1;
    size_t len = (size_t)n;
    for (struct nlmsghdr *m = (struct nlmsghdr *)answer; NLMSG_OK(m, len); m = NLMSG_NEXT(m, len)) {
        if (m->nlmsg_type == NLMSG_DONE)
            return 0;
        if (m->nlmsg_type == NLMSG_ERROR ||
            (m->nlmsg_type == RTM_NEWROUTE && take_route(list, m) == -1))
            return -1;
    }
    return 1;
}

static int ask(struct ssp__own_addresses *list, int fd, uint8_t family)
{
    const struct {
        struct nlmsghdr header;
        struct rtmsg route;
    } request = {.header = {.nlmsg_len = sizeof request,
                            .nlmsg_type = RTM_GETROUTE,
                            .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
                 .route = {.rtm_family = family, .rtm_table = RT_TABLE_LOCAL}};
    int more = ssp__send(fd, &request, sizeof request, 0) == (ssize_t)sizeof request ? 1 : -1;
    while (more == 1)
        more = take_answer(list, fd);
    return more;
}

/* Returns 0, or -1 when the system does not tell, or memory is out; then the former list stays. */
static int read_all(struct ssp__own_addresses *own)
{
    const int on = 1;
    struct ssp__own_addresses list = {.lock = PTHREAD_MUTEX_INITIALIZER};
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd == -1)
        return -1;
    (void)setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof on);
    int rc = ask(&list, fd, AF_INET);
    if (rc == 0)
        (void)ask(&list, fd, AF_INET6); /* which a kernel may lack */
    (void)close(fd);
    if (rc == -1 || list.n == 0) {
        ssp__own_addresses_release(&list);
        return -1;
    }
    free(own->network);
    own->network = list.network;
    own->n = list.n;
    return 0;
}

/* ---- an address ---- */

static bool has(const struct ssp__own_network *own, const struct ssp__address *a)
{
    bool v4 = a->u.any.sa_family == AF_INET;
    const uint8_t *bytes = v4 ? (const uint8_t *)&a->u.v4.sin_addr : a->u.v6.sin6_addr.s6_addr;
    unsigned whole = own->bits / 8, rest = own->bits % 8;
    if (own->family != a->u.any.sa_family || memcmp(own->bytes, bytes, whole) != 0)
        return false;
    return rest == 0 || (own->bytes[whole] ^ bytes[whole]) >> (8 - rest) == 0;
}

static bool have(struct ssp__own_addresses *own, uint64_t now, const struct ssp__address *a)
{
    if (own->read_ms == 0 || now - own->read_ms >= FRESH_MS) {
        if (read_all(own) == 0)
            own->read_ms = now;
        else if (own->read_ms == 0)
            return ssp__socket_is_here(a);
    }
    for (unsigned i = 0; i < own->n; i++) {
        if (has(&own->network[i], a))
            return true;
    }
    return false;
}

bool ssp__own_addresses_have(struct ssp__own_addresses *own, ssp_loop *loop,
                             const struct ssp__address *a)
{
    (void)pthread_mutex_lock(&own->lock);
    bool found = have(own, ssp__loop_now_ms(loop), a);
    (void)pthread_mutex_unlock(&own->lock);
    return found;
}
