/* SPDX-License-Identifier: Apache-2.0 */
#include "net/stream.h"

#include "base/retry.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DISCARDS = 16, DISCARD_SIZE = 1 << 20 };

void ssp__stream_open(struct ssp__stream *s, ssp_loop *loop, int fd)
{
    s->fd = fd;
    s->interest.loop = loop;
    s->interest.reading = s->interest.writing = false;
    s->interest.edges = true;
    s->interest.known = s->interest.ready = 0;
    s->interest.due = false;
    s->pace = SSP_PROMPT;
}

void ssp__stream_take(struct ssp__stream *s, struct ssp__stream *from)
{
    s->fd = from->fd;
    s->pace = from->pace;
    s->interest.loop = from->interest.loop;
    ssp__interest_pass(&from->interest, &s->interest, s->fd);
    from->fd = -1;
}

int ssp__stream_failure(const struct ssp__stream *s)
{
    int error = 0;
    socklen_t len = sizeof error;
    if ((s->interest.ready & SSP_FAILED) == 0)
        return 0;
    if (getsockopt(s->fd, SOL_SOCKET, SO_ERROR, &error, &len) == -1)
        return errno;
    return error;
}

bool ssp__stream_want(struct ssp__stream *s, bool read, bool write)
{
    return s->fd == -1 || ssp__interest_set(&s->interest, s->fd, read, write);
}

static ssize_t moved(struct ssp__stream *s, ssize_t n)
{
    if (n >= 0)
        return n;
    if (errno == EAGAIN)
        return SSP_AGAIN;
    s->error = errno;
    return SSP_GONE;
}

bool ssp__stream_ended(const struct ssp__stream *s)
{
    return s->error == EPIPE || s->error == ECONNRESET || s->error == ECONNABORTED ||
           s->error == ETIMEDOUT || s->error == EHOSTUNREACH || s->error == ENETUNREACH;
}

/* A short read of a stream leaves nothing, see epoll(7), unless it was short of an end or of urgent
 * data. */
static ssize_t received(struct ssp__stream *s, ssize_t n, size_t most)
{
    ssize_t got = moved(s, n);
    bool drained = got > 0 && (size_t)got < most && (s->interest.ready & SSP_MORE_IN) == 0;
    if (got == SSP_AGAIN || drained)
        ssp__interest_spent(&s->interest, SSP_READABLE);
    return got;
}

/* Before a write. */
static void hurry(struct ssp__stream *s)
{
    static const int on = 1;
    if (s->pace == SSP_SPOKEN)
        (void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    s->pace = s->pace == SSP_SILENT ? SSP_SPOKEN : SSP_PROMPT;
}

static ssize_t sent(struct ssp__stream *s, ssize_t n)
{
    ssize_t put = moved(s, n);
    if (put == SSP_AGAIN)
        ssp__interest_spent(&s->interest, SSP_WRITABLE);
    return put;
}

ssize_t ssp__stream_read(struct ssp__stream *s, void *bytes, size_t n)
{
    return received(s, ssp__recv(s->fd, bytes, n, 0), n);
}

ssize_t ssp__stream_write(struct ssp__stream *s, const struct iovec *piece, unsigned pieces)
{
    hurry(s);
    if (pieces == 1)
        return sent(s, ssp__send(s->fd, piece->iov_base, piece->iov_len, MSG_NOSIGNAL));
    struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)piece};
    m.msg_iovlen = (__typeof__(m.msg_iovlen))pieces; /* an int for musl, a size_t for glibc */
    return sent(s, ssp__sendmsg(s->fd, &m, MSG_NOSIGNAL));
}

static ssize_t splice_now(int from, int to, size_t n)
{
    ssize_t moved;
    do {
        moved = splice(from, NULL, to, NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    } while (moved == -1 && errno == EINTR);
    return moved;
}

/* SSP_AGAIN may be of urgent data, which a read takes. */
ssize_t ssp__stream_splice_in(struct ssp__stream *from, int pipe_fd, size_t n)
{
    return moved(from, splice_now(from->fd, pipe_fd, n));
}

ssize_t ssp__stream_splice_out(struct ssp__stream *to, int pipe_fd, size_t n)
{
    hurry(to);
    return sent(to, splice_now(pipe_fd, to->fd, n));
}

/* The kernel counts the bytes that were on their way for ever when the connection is over. */
static bool reset_by_peer(int fd)
{
    struct tcp_info info;
    socklen_t len = sizeof info;
    return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) == 0 && info.tcpi_state == TCP_CLOSE;
}

size_t ssp__stream_unacked(const struct ssp__stream *s)
{
    int n = 0;
    return ioctl(s->fd, SIOCOUTQ, &n) == 0 && n > 0 && !reset_by_peer(s->fd) ? (size_t)n : 0;
}

size_t ssp__stream_room(const struct ssp__stream *s)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t len = sizeof memory;
    if (getsockopt(s->fd, SOL_SOCKET, SO_MEMINFO, memory, &len) == -1 ||
        memory[SK_MEMINFO_SNDBUF] == 0)
        return SIZE_MAX;
    uint32_t taken = memory[SK_MEMINFO_WMEM_QUEUED], size = memory[SK_MEMINFO_SNDBUF];
    return taken < size ? size - taken : 0;
}

void ssp__stream_peer(const struct ssp__stream *s, char *text, size_t cap)
{
    struct sockaddr_storage a;
    socklen_t len = sizeof a;
    if (getpeername(s->fd, (struct sockaddr *)&a, &len) == -1 ||
        getnameinfo((struct sockaddr *)&a, len, text, (socklen_t)cap, NULL, 0, NI_NUMERICHOST) != 0)
        (void)snprintf(text, cap, "?");
}

void ssp__stream_peer_address(const struct ssp__stream *s, struct ssp__address *peer)
{
    peer->len = sizeof peer->u;
    if (getpeername(s->fd, &peer->u.any, &peer->len) == -1)
        peer->len = 0;
}

ssize_t ssp__stream_peek(struct ssp__stream *s, void *bytes, size_t n)
{
    ssize_t seen = moved(s, ssp__recv(s->fd, bytes, n, MSG_PEEK));
    if (seen == SSP_AGAIN)
        ssp__interest_spent(&s->interest, SSP_READABLE);
    return seen;
}

void ssp__stream_own_address(const struct ssp__stream *s, struct ssp__address *own)
{
    own->len = sizeof own->u;
    if (getsockname(s->fd, &own->u.any, &own->len) == -1)
        own->len = 0;
}

/* Without a copy: see MSG_TRUNC in tcp(7). */
ssize_t ssp__stream_discard(struct ssp__stream *s, size_t n)
{
    return received(s, ssp__recv(s->fd, NULL, n, MSG_TRUNC), n);
}

/* The bound is for a peer that sends faster than we read. */
void ssp__stream_discard_all(struct ssp__stream *s)
{
    for (int i = 0; i < DISCARDS && ssp__stream_discard(s, DISCARD_SIZE) > 0; i++)
        continue;
}

bool ssp__stream_shut(struct ssp__stream *s)
{
    return shutdown(s->fd, SHUT_WR) == 0 || errno == ENOTCONN;
}

static void end(struct ssp__stream *s, int linger)
{
    if (s->fd == -1)
        return;
    ssp__interest_end(&s->interest, s->fd);
    (void)setsockopt(s->fd, SOL_SOCKET, SO_LINGER, &(struct linger){linger, 0},
                     sizeof(struct linger));
    (void)close(s->fd);
    s->fd = -1;
}

void ssp__stream_close(struct ssp__stream *s)
{
    end(s, 0);
}

void ssp__stream_reset(struct ssp__stream *s)
{
    end(s, 1);
}
