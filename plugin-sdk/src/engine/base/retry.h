/* SPDX-License-Identifier: Apache-2.0 */
/*
 * retry.h - calls that go on after a signal.  Otherwise they are those of libc.
 *
 * Each is repeated alone: one that is repeated together with the wait before it may meet a signal
 * each time.
 */
#ifndef SSP_BASE_RETRY_H
#define SSP_BASE_RETRY_H

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

static inline ssize_t ssp__read(int fd, void *to, size_t n)
{
    ssize_t got;
    do {
        got = read(fd, to, n);
    } while (got == -1 && errno == EINTR);
    return got;
}

static inline ssize_t ssp__write(int fd, const void *bytes, size_t n)
{
    ssize_t written;
    do {
        written = write(fd, bytes, n);
    } while (written == -1 && errno == EINTR);
    return written;
}

/* Does not wait. */
static inline int ssp__poll_now(struct pollfd *fds, nfds_t n)
{
    int ready;
    do {
        ready = poll(fds, n, 0);
    } while (ready == -1 && errno == EINTR);
    return ready;
}

static inline ssize_t ssp__recv(int fd, void *to, size_t n, int flags)
{
    ssize_t got;
    do {
        got = recv(fd, to, n, flags);
    } while (got == -1 && errno == EINTR);
    return got;
}

static inline ssize_t ssp__send(int fd, const void *bytes, size_t n, int flags)
{
    ssize_t sent;
    do {
        sent = send(fd, bytes, n, flags);
    } while (sent == -1 && errno == EINTR);
    return sent;
}

static inline ssize_t ssp__recvmsg(int fd, struct msghdr *message, int flags)
{
    ssize_t got;
    do {
        got = recvmsg(fd, message, flags);
    } while (got == -1 && errno == EINTR);
    return got;
}

static inline ssize_t ssp__sendmsg(int fd, const struct msghdr *message, int flags)
{
    ssize_t sent;
    do {
        sent = sendmsg(fd, message, flags);
    } while (sent == -1 && errno == EINTR);
    return sent;
}

static inline pid_t ssp__waitpid(pid_t pid, int *status, int options)
{
    pid_t ended;
    do {
        ended = waitpid(pid, status, options);
    } while (ended == -1 && errno == EINTR);
    return ended;
}

static inline int ssp__waitid(idtype_t of, id_t id, siginfo_t *info, int options)
{
    int rc;
    do {
        rc = waitid(of, id, info, options);
    } while (rc == -1 && errno == EINTR);
    return rc;
}

/* Reads a pipe until n bytes have come, none are left, or it ends.  Returns what read() returns,
 * and an error or an end only without bytes. */
static inline ssize_t ssp__read_all(int fd, void *to, size_t n)
{
    size_t done = 0;
    ssize_t got;
    do {
        got = ssp__read(fd, (char *)to + done, n - done);
        done += got > 0 ? (size_t)got : 0;
    } while (got > 0 && done < n);
    return done > 0 ? (ssize_t)done : got;
}

#endif
