/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - a non-blocking stream socket and two interest flags.  No buffers.
 */
#ifndef SSP_NET_STREAM_H
#define SSP_NET_STREAM_H

#include "base/address.h"
#include "net/loop.h"

#include <event2/event.h>
#include <event2/event_struct.h>

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* What read and write return besides a count; 0 is the end of input. */
enum { SSP_AGAIN = -1, SSP_GONE = -2 };

typedef void ssp_ready_fn(void *arg);

struct ssp_stream {
    int fd;                /* -1: none */
    int error;             /* errno of the last SSP_GONE */
    bool reading, writing; /* interest as the loop knows it */
    ssp_ready_fn *on_readable, *on_writable;
    void *arg; /* borrowed, for both */
    struct event readable, writable;
};

/* Takes fd.  Callbacks come only while wanted. */
void ssp_stream_open(struct ssp_stream *s, struct ssp_loop *loop, int fd);

/* Tells the loop what the owner waits for; free of cost when nothing changes. */
void ssp_stream_want(struct ssp_stream *s, bool read, bool write);

/* Bytes moved, 0 at the end of input, SSP_AGAIN, or SSP_GONE with s->error. */
ssize_t ssp_stream_read(struct ssp_stream *s, void *bytes, size_t n);
ssize_t ssp_stream_write(struct ssp_stream *s, const struct iovec *piece, unsigned pieces);

/* Moves up to n bytes between a stream and a pipe inside the kernel; returns as read and write. */
ssize_t ssp_stream_splice_in(struct ssp_stream *from, int pipe_fd, size_t n);
ssize_t ssp_stream_splice_out(struct ssp_stream *to, int pipe_fd, size_t n);

/* The peer's numeric address without its port, or "?"; for logs. */
void ssp_stream_peer(const struct ssp_stream *s, char *text, size_t cap);

/* The peer's address; its len is 0 when it is unknown. */
void ssp_stream_peer_address(const struct ssp_stream *s, struct ssp_address *peer);

/* The numeric address that the peer reached; its len is 0 when it is unknown. */
void ssp_stream_local(const struct ssp_stream *s, struct ssp_address *local);

/* Bytes that the peer's kernel has not acknowledged yet; 0 when unknown. */
size_t ssp_stream_unacked(const struct ssp_stream *s);

void ssp_stream_shut(struct ssp_stream *s);  /* FIN behind what was written */
void ssp_stream_close(struct ssp_stream *s); /* accepts a stream without a socket */
void ssp_stream_reset(struct ssp_stream *s); /* RST; the same */

#endif
