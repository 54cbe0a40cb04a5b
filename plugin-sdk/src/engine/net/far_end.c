/* SPDX-License-Identifier: Apache-2.0 */
#include "net/far_end.h"

#include "base/address.h"
#include "base/retry.h"

#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ANSWER_S = 1 };

struct question {
    struct nlmsghdr head;
    struct inet_diag_req_v2 body;
};

static void set_place(__be32 word[4], __be16 *port, const struct ssp__address *a)
{
    if (a->u.any.sa_family == AF_INET)
        memcpy(word, &a->u.v4.sin_addr, sizeof a->u.v4.sin_addr);
    else
        memcpy(word, &a->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr);
    *port = htons(ssp__address_port(a));
}

/* The other end's own address is our peer's. */
static bool compose(struct question *q, int fd)
{
    struct ssp__address ours = {.len = sizeof ours.u}, theirs = {.len = sizeof theirs.u};
    if (getsockname(fd, &ours.u.any, &ours.len) == -1 ||
        getpeername(fd, &theirs.u.any, &theirs.len) == -1)
        return false;
    *q = (struct question){.head = {.nlmsg_len = sizeof *q,
                                    .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                                    .nlmsg_flags = NLM_F_REQUEST},
                           .body = {.sdiag_family = (uint8_t)ours.u.any.sa_family,
                                    .sdiag_protocol = IPPROTO_TCP,
                                    .idiag_states = UINT32_MAX,
                                    .id.idiag_cookie = {INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE}}};
    set_place(q->body.id.idiag_src, &q->body.id.idiag_sport, &theirs);
    set_place(q->body.id.idiag_dst, &q->body.id.idiag_dport, &ours);
    return true;
}

/* A socket that its process has closed, or left by its death, has no inode.  Where there is none
 * any more, the kernel may find one that listens at the same port. */
static bool tells_of_holder(const uint8_t *answer, ssize_t n)
{
    struct nlmsghdr head;
    struct inet_diag_msg m;
    if (n < (ssize_t)NLMSG_LENGTH(sizeof m))
        return false;
    memcpy(&head, answer, sizeof head);
    memcpy(&m, answer + NLMSG_HDRLEN, sizeof m);
    return head.nlmsg_type == SOCK_DIAG_BY_FAMILY && m.idiag_inode != 0 &&
           m.idiag_state != TCP_LISTEN;
}

bool ssp__far_end_held(int fd)
{
    const struct timeval limit = {.tv_sec = ANSWER_S};
    uint8_t answer[2048];
    struct question q;
    if (fd == -1 || !compose(&q, fd))
        return false;
    int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG);
    if (kernel == -1)
        return false;
    (void)setsockopt(kernel, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    bool held = ssp__send(kernel, &q, sizeof q, 0) == (ssize_t)sizeof q &&
                tells_of_holder(answer, ssp__recv(kernel, answer, sizeof answer, 0));
    (void)close(kernel);
    return held;
}
