/* SPDX-License-Identifier: Apache-2.0 */
#include "check/reader.h"

#include "base/retry.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

enum { ANSWER_MAX = 4096, ALL_STATES = 0xfff };

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

int reader_open(void)
{
    return socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
}

/* The peer's socket: its source is our destination. */
static int ask(int diag, const struct sockaddr_in *own, const struct sockaddr_in *peer)
{
    struct question q = {
        .head = {.nlmsg_len = sizeof q,
                 .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                 .nlmsg_flags = NLM_F_REQUEST},
        .body = {.sdiag_family = AF_INET,
                 .sdiag_protocol = IPPROTO_TCP,
                 .idiag_ext = 1U << (INET_DIAG_INFO - 1),
                 .idiag_states = ALL_STATES,
                 .id = {.idiag_sport = peer->sin_port,
                        .idiag_dport = own->sin_port,
                        .idiag_src = {peer->sin_addr.s_addr},
                        .idiag_dst = {own->sin_addr.s_addr},
                        .idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}},
    };
    return ssp__send(diag, &q, sizeof q, 0) == (ssize_t)sizeof q ? 0 : -1;
}

/* The attribute that holds tcp_info, or NULL. */
static const uint8_t *info_of(const uint8_t *at, size_t left, size_t *len)
{
    struct nlattr a;
    while (left >= sizeof a) {
        memcpy(&a, at, sizeof a);
        if (a.nla_len < sizeof a || a.nla_len > left)
            return NULL;
        if (a.nla_type == INET_DIAG_INFO) {
            *len = a.nla_len - sizeof a;
            return at + sizeof a;
        }
        size_t step = NLA_ALIGN(a.nla_len);
        if (step > left)
            return NULL;
        at += step;
        left -= step;
    }
    return NULL;
}

static int64_t read_answer(const uint8_t *answer, size_t n)
{
    struct nlmsghdr head;
    struct inet_diag_msg m;
    uint64_t received;
    size_t len = 0, fixed = NLMSG_HDRLEN + NLMSG_ALIGN(sizeof m);
    if (n < fixed)
        return -1;
    memcpy(&head, answer, sizeof head);
    if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || head.nlmsg_len > n || head.nlmsg_len < fixed)
        return -1;
    memcpy(&m, answer + NLMSG_HDRLEN, sizeof m);
    const uint8_t *info = info_of(answer + fixed, head.nlmsg_len - fixed, &len);
    size_t at = offsetof(struct tcp_info, tcpi_bytes_received);
    if (info == NULL || len < at + sizeof received)
        return -1;
    memcpy(&received, info + at, sizeof received);
    return (int64_t)received - (int64_t)m.idiag_rqueue;
}

int64_t reader_count(int diag, int fd)
{
    struct sockaddr_in own, peer;
    socklen_t own_len = sizeof own, peer_len = sizeof peer;
    uint8_t answer[ANSWER_MAX];
    if (diag == -1 || getsockname(fd, (struct sockaddr *)&own, &own_len) == -1 ||
        getpeername(fd, (struct sockaddr *)&peer, &peer_len) == -1 || ask(diag, &own, &peer) == -1)
        return -1;
    ssize_t n = ssp__recv(diag, answer, sizeof answer, 0);
    return n > 0 ? read_answer(answer, (size_t)n) : -1;
}
