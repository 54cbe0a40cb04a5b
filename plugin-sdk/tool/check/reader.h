/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reader.h - counts the bytes that the process at the other end of a loopback connection has read.
 *
 * Acknowledged bytes may still wait: two writes in one receive queue are one read.  Both ends are
 * on this machine, so the kernel is asked (sock_diag) about the *peer's* socket: what it has
 * received less what still waits in its queue is what was read.
 */
#ifndef SSP_CHECK_READER_H
#define SSP_CHECK_READER_H

#include <stdint.h>

/* A descriptor for reader_count(), or -1 with errno. */
int reader_open(void);

/* Bytes of the connection fd that its other end has read; -1 when that end is gone or the kernel
 * does not answer. */
int64_t reader_count(int diag, int fd);

#endif
