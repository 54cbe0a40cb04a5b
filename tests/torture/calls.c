/* SPDX-License-Identifier: Apache-2.0 */
/* calls.c - the functions of libc as a program under LD_PRELOAD sees them. */
#undef _FORTIFY_SOURCE
#include "fault.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

/* A function that fails by -1: name(args) of libc, counted as call, judged by judge. */
#define WRAP(type, call, name, judge, params, args)                                                \
    type fault_##name params __asm__(#name);                                                       \
    type fault_##name params                                                                       \
    {                                                                                              \
        static type(*real) params;                                                                 \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return judge(FAULT_##call) ? (type)-1 : real args;                                         \
    }

/* A look that does not wait is not interrupted: libevent would look again for ever. */
#define fault_may_interrupt(waits) (!(waits) ? fault_hits : fault_interrupts)

#define FAILS(type, name, params, args) WRAP(type, name, name, fault_hits, params, args)
#define WAITS(type, name, params, args) WRAP(type, name, name, fault_interrupts, params, args)

WAITS(int, accept4, (int fd, void *a, void *n, int flags), (fd, a, n, flags))
FAILS(int, bind, (int fd, const void *a, socklen_t n), (fd, a, n))
FAILS(int, connect, (int fd, const void *a, socklen_t n), (fd, a, n))
FAILS(int, dup2, (int from, int to), (from, to))
FAILS(int, dup3, (int from, int to, int flags), (from, to, flags))
FAILS(int, epoll_create1, (int flags), (flags))
WRAP(int, epoll_wait, epoll_wait, fault_may_interrupt(ms != 0), (int fd, void *e, int n, int ms),
     (fd, e, n, ms))
FAILS(int, eventfd, (unsigned n, int flags), (n, flags))
FAILS(int, execve, (const char *p, char *const a[], char *const e[]), (p, a, e))
FAILS(pid_t, fork, (void), ())
FAILS(ssize_t, getrandom, (void *to, size_t n, unsigned flags), (to, n, flags))
FAILS(int, getpeername, (int fd, void *a, void *n), (fd, a, n))
FAILS(int, getsockname, (int fd, void *a, void *n), (fd, a, n))
FAILS(int, getsockopt, (int fd, int l, int o, void *v, void *n), (fd, l, o, v, n))
FAILS(int, listen, (int fd, int n), (fd, n))
FAILS(int, pipe2, (int fd[2], int flags), (fd, flags))
WRAP(int, poll, poll, fault_may_interrupt(ms != 0), (void *p, nfds_t n, int ms), (p, n, ms))
WAITS(ssize_t, recvmsg, (int fd, void *m, int flags), (fd, m, flags))
WAITS(int, recvmmsg, (int fd, void *m, unsigned n, int f, void *t), (fd, m, n, f, t))
WAITS(ssize_t, recvfrom, (int fd, void *to, size_t n, int f, void *a, void *l),
      (fd, to, n, f, a, l))
WAITS(int, sendmmsg, (int fd, void *m, unsigned n, int flags), (fd, m, n, flags))
WAITS(ssize_t, sendto, (int fd, const void *b, size_t n, int f, const void *a, socklen_t l),
      (fd, b, n, f, a, l))
FAILS(int, setsockopt, (int fd, int l, int o, const void *v, socklen_t n), (fd, l, o, v, n))
FAILS(int, shutdown, (int fd, int how), (fd, how))
FAILS(int, sigaction, (int signo, const void *new, void *old), (signo, new, old))
FAILS(int, signalfd, (int fd, const void *set, int flags), (fd, set, flags))
FAILS(int, socket, (int domain, int type, int protocol), (domain, type, protocol))
FAILS(int, socketpair, (int d, int type, int p, int fd[2]), (d, type, p, fd))
FAILS(int, timerfd_create, (int clock, int flags), (clock, flags))
FAILS(int, timerfd_settime, (int fd, int f, const void *new, void *old), (fd, f, new, old))
WAITS(int, waitid, (int type, id_t id, void *info, int options), (type, id, info, options))
WAITS(pid_t, waitpid, (pid_t pid, int *status, int options), (pid, status, options))
WAITS(ssize_t, writev, (int fd, const void *v, int n), (fd, v, n))
WRAP(int, setrlimit, setrlimit64, fault_hits, (int what, const void *to), (what, to))
WAITS(ssize_t, send, (int fd, const void *b, size_t n, int f),
      (fd, b, fault_write_length(fd, n), f))
WAITS(ssize_t, splice, (int in, void *i, int out, void *o, size_t n, unsigned f),
      (in, i, out, o, fault_write_length(out, n), f))

WRAP(ssize_t, read, read, fault_may_interrupt(fault_blocks(fd)), (int fd, void *to, size_t n),
     (fd, to, fault_read_length(fd, n)))
WRAP(ssize_t, read, __read_chk, fault_may_interrupt(fault_blocks(fd)),
     (int fd, void *to, size_t n, size_t room), (fd, to, fault_read_length(fd, n), room))
/* A byte is what libevent's signal handler writes to its own pipe, which neither waits nor fails.
 */
ssize_t fault_write(int fd, const void *bytes, size_t n) __asm__("write");
ssize_t fault_write(int fd, const void *bytes, size_t n)
{
    static ssize_t (*real)(int, const void *, size_t);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "write");
    if (n > 1 && fault_interrupts(FAULT_write))
        return -1;
    return real(fd, bytes, fault_write_length(fd, n));
}

WRAP(int, poll, __poll_chk, fault_may_interrupt(ms != 0), (void *p, nfds_t n, int ms, size_t room),
     (p, n, ms, room))

/* A socket without a network meets other errors: it has a row of its own. */
ssize_t fault_recv(int fd, void *to, size_t n, int flags) __asm__("recv");
ssize_t fault_recv(int fd, void *to, size_t n, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "recv");
    if (fault_interrupts(fault_is_unix(fd) ? FAULT_recv_unix : FAULT_recv))
        return -1;
    size_t part = fault_read_length(fd, n);
    ssize_t got = real(fd, to, part, flags);
    if (part < n && got > 0)
        fault_edge(fd);
    return got;
}

/* For a part of the first block, where a stream is written. */
ssize_t fault_sendmsg(int fd, const struct msghdr *whole, int flags) __asm__("sendmsg");
ssize_t fault_sendmsg(int fd, const struct msghdr *whole, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "sendmsg");
    if (fault_interrupts(FAULT_sendmsg))
        return -1;
    struct msghdr part = *whole;
    struct iovec first;
    if (whole->msg_controllen == 0 && whole->msg_iovlen > 0) {
        first = whole->msg_iov[0];
        first.iov_len = fault_write_length(fd, first.iov_len);
        part.msg_iov = first.iov_len < whole->msg_iov[0].iov_len ? &first : whole->msg_iov;
        part.msg_iovlen = part.msg_iov == &first ? 1 : whole->msg_iovlen;
    }
    return real(fd, &part, flags);
}

/* A descriptor is closed even where close() fails. */
int fault_close(int fd) __asm__("close");
int fault_close(int fd)
{
    static int (*real)(int);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "close");
    int rc = real(fd);
    return fault_hits(FAULT_close) ? -1 : rc;
}

/* ---- of a variable number of arguments: as many as there may be ---- */

#define OPENS(name, head, head_args)                                                               \
    int fault_##name head __asm__(#name);                                                          \
    int fault_##name head                                                                          \
    {                                                                                              \
        static int(*real) head;                                                                    \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fault_hits(FAULT_open) ? -1 : real head_args;                                       \
    }

OPENS(open, (const char *path, int flags, mode_t mode), (path, flags, mode))
OPENS(open64, (const char *path, int flags, mode_t mode), (path, flags, mode))
OPENS(openat, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode))
OPENS(openat64, (int at, const char *path, int flags, mode_t mode), (at, path, flags, mode))

/* To set flags of a descriptor cannot fail. */
static bool fails_to_copy(int what)
{
    return (what == F_DUPFD || what == F_DUPFD_CLOEXEC) && fault_hits(FAULT_fcntl);
}

#define CONTROLS(name)                                                                             \
    int fault_##name(int fd, int what, void *arg) __asm__(#name);                                  \
    int fault_##name(int fd, int what, void *arg)                                                  \
    {                                                                                              \
        static int (*real)(int, int, void *);                                                      \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fails_to_copy(what) ? -1 : real(fd, what, arg);                                     \
    }

CONTROLS(fcntl)
CONTROLS(fcntl64)
WRAP(int, prctl, prctl, fault_hits,
     (int what, unsigned long a, unsigned long b, unsigned long c, unsigned long d),
     (what, a, b, c, d))
bool fault_blocks(int fd)
{
    static int (*real)(int, int, void *);
    int error = errno;
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "fcntl");
    int flags = real(fd, F_GETFL, NULL);
    errno = error;
    return flags == -1 || (flags & O_NONBLOCK) == 0;
}

/* No kernel that has close_range() refuses it; without it a million descriptors are closed. */
long fault_syscall(long n, long a, long b, long c, long d, long e, long f) __asm__("syscall");
long fault_syscall(long n, long a, long b, long c, long d, long e, long f)
{
    static long (*real)(long, long, long, long, long, long, long);
    if (real == NULL)
        *(void **)&real = dlsym(RTLD_NEXT, "syscall");
    if (n != SYS_close_range && fault_hits(FAULT_syscall))
        return -1;
    return real(n, a, b, c, d, e, f);
}

/* ---- functions that fail by another value ---- */

#define OPENS_FILE(name)                                                                           \
    FILE *fault_##name(const char *path, const char *mode) __asm__(#name);                         \
    FILE *fault_##name(const char *path, const char *mode)                                         \
    {                                                                                              \
        static FILE *(*real)(const char *, const char *);                                          \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fault_hits(FAULT_fopen) ? NULL : real(path, mode);                                  \
    }

OPENS_FILE(fopen)
OPENS_FILE(fopen64)

#define MAPS(name)                                                                                 \
    void *fault_##name(void *at, size_t n, int p, int flags, int fd, off64_t from) __asm__(#name); \
    void *fault_##name(void *at, size_t n, int p, int flags, int fd, off64_t from)                 \
    {                                                                                              \
        static void *(*real)(void *, size_t, int, int, int, off64_t);                              \
        if (real == NULL)                                                                          \
            *(void **)&real = dlsym(RTLD_NEXT, #name);                                             \
        return fault_hits(FAULT_mmap) ? MAP_FAILED : real(at, n, p, flags, fd, from);              \
    }

MAPS(mmap)
MAPS(mmap64)
