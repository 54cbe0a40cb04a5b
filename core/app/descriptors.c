/* SPDX-License-Identifier: Apache-2.0 */
#include "app/descriptors.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64 }; /* the kernel takes 253 at once */

union rights {
    struct cmsghdr head;
    char space[CMSG_SPACE(BATCH * sizeof(int))];
};

/* A byte goes with each descriptor, so that the receiver can tell how many a message had. */
static int send_batch(int to, const int *fd, size_t n)
{
    char bytes[BATCH] = {0};
    union rights rights = {.space = {0}};
    struct iovec body = {bytes, n};
    struct msghdr m = {.msg_iov = &body,
                       .msg_iovlen = 1,
                       .msg_control = rights.space,
                       .msg_controllen = CMSG_SPACE(n * sizeof *fd)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(n * sizeof *fd);
    memcpy(CMSG_DATA(c), fd, n * sizeof *fd);
    ssize_t sent;
    do {
        sent = sendmsg(to, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (sent == -1 && errno == EINTR);
    return sent == (ssize_t)n ? 0 : -1;
}

int ss_descriptors_send(int to, const int *fd, size_t n)
{
    for (size_t at = 0; at < n; at += BATCH) {
        if (send_batch(to, fd + at, n - at < BATCH ? n - at : BATCH) == -1)
            return -1;
    }
    return 0;
}

static void close_all(const int *fd, size_t n)
{
    for (size_t i = 0; i < n; i++)
        (void)close(fd[i]);
}

/* Returns how many came, or -1 with errno; the kernel drops those that this process may not open.
 */
static ssize_t receive_batch(int from, int *fd, size_t n)
{
    char bytes[BATCH];
    union rights rights;
    struct iovec body = {bytes, n < BATCH ? n : BATCH};
    struct msghdr m = {.msg_iov = &body,
                       .msg_iovlen = 1,
                       .msg_control = rights.space,
                       .msg_controllen = sizeof rights.space};
    ssize_t got;
    do {
        got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
    } while (got == -1 && errno == EINTR);
    const struct cmsghdr *c = got > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    if (c == NULL || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
        errno = got == -1 ? errno : EPROTO;
        return -1;
    }
    size_t came = (c->cmsg_len - CMSG_LEN(0)) / sizeof *fd;
    memcpy(fd, CMSG_DATA(c), (came < n ? came : n) * sizeof *fd);
    if ((m.msg_flags & MSG_CTRUNC) != 0 || came != (size_t)got) {
        close_all(fd, came < n ? came : n);
        errno = EMFILE;
        return -1;
    }
    return got;
}

int ss_descriptors_receive(int from, int *fd, size_t n)
{
    for (size_t at = 0; at < n;) {
        ssize_t came = receive_batch(from, fd + at, n - at);
        if (came > 0) {
            at += (size_t)came;
            continue;
        }
        int error = errno;
        close_all(fd, at);
        errno = error;
        return -1;
    }
    return 0;
}
