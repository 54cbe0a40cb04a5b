/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fault.h - which calls are counted and fail, and what a run tells about them.
 *
 * FAULT in the environment is a list of rules with ';' between them:
 *   NAME:N:ERRNO[:TIMES]  the N-th call of NAME fails with that number, and TIMES - 1 more
 *   short                 reads and writes of streams and pipes move one byte
 *   eintr:N               every N-th call that may wait is interrupted
 *   child                 the rules hold in forked processes only, and not in the first
 *   trap                  a call that fails raises SIGTRAP first, for a debugger
 * FAULT_COUNTS is a file that gets a struct fault_row for each name; a run without rules counts.
 */
#ifndef SSP_TESTS_FAULT_H
#define SSP_TESTS_FAULT_H

#include <stdbool.h>
#include <stdint.h>

struct fault_row {
    char name[24];
    uint64_t calls[2]; /* of the first process, and the most of any that it forked */
    uint64_t failed;   /* calls that a rule made fail */
};

#define FAULT_ROWS(X)                                                                              \
    X(alloc)                                                                                       \
    X(accept4)                                                                                     \
    X(bind)                                                                                        \
    X(close)                                                                                       \
    X(connect)                                                                                     \
    X(dup2)                                                                                        \
    X(dup3)                                                                                        \
    X(epoll_create1)                                                                               \
    X(epoll_ctl)                                                                                   \
    X(epoll_wait)                                                                                  \
    X(eventfd)                                                                                     \
    X(execve)                                                                                      \
    X(fcntl)                                                                                       \
    X(fopen)                                                                                       \
    X(fork)                                                                                        \
    X(getrandom)                                                                                   \
    X(getpeername)                                                                                 \
    X(getsockname)                                                                                 \
    X(getsockopt)                                                                                  \
    X(listen)                                                                                      \
    X(mmap)                                                                                        \
    X(open)                                                                                        \
    X(pipe2)                                                                                       \
    X(poll)                                                                                        \
    X(prctl)                                                                                       \
    X(read)                                                                                        \
    X(recv)                                                                                        \
    X(recvfrom)                                                                                    \
    X(recvmmsg)                                                                                    \
    X(recvmsg)                                                                                     \
    X(recv_unix)                                                                                   \
    X(send)                                                                                        \
    X(sendmmsg)                                                                                    \
    X(sendmsg)                                                                                     \
    X(sendto)                                                                                      \
    X(setrlimit)                                                                                   \
    X(setsockopt)                                                                                  \
    X(shutdown)                                                                                    \
    X(sigaction)                                                                                   \
    X(signalfd)                                                                                    \
    X(socket)                                                                                      \
    X(socketpair)                                                                                  \
    X(splice)                                                                                      \
    X(syscall)                                                                                     \
    X(timerfd_create)                                                                              \
    X(timerfd_settime)                                                                             \
    X(waitid)                                                                                      \
    X(waitpid)                                                                                     \
    X(write)                                                                                       \
    X(writev)

#define FAULT_ENUM(name) FAULT_##name,
enum fault_call { FAULT_ROWS(FAULT_ENUM) FAULT_CALLS };

/* Counts the call.  Returns whether it has to fail, with errno set. */
bool fault_hits(enum fault_call call);

/* The same for a call that may wait, which a signal may interrupt. */
bool fault_interrupts(enum fault_call call);

/* Whether the other end of a socket is on this machine and no network is between.  Errors of a dead
 * connection mean there that the process is gone. */
bool fault_is_unix(int fd);

/* Whether a read() from fd would wait for bytes. */
bool fault_blocks(int fd);

/* The kernel reads less than it is asked for only when nothing is left, and epoll does not tell of
 * the rest by an edge.  Where a call was made to read less, it tells once more. */
void fault_edge(int fd);

/* How much of len a call may move: less of a stream only.  The kernel writes a message of a socket,
 * and a line to a file or a pipe, whole. */
unsigned long fault_read_length(int fd, unsigned long len);
unsigned long fault_write_length(int fd, unsigned long len);

#endif
