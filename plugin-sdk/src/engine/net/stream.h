/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - a non-blocking stream socket and two interest flags.  No buffers.
 */
#ifndef SSP_NET_STREAM_H
#define SSP_NET_STREAM_H

#include "base/address.h"
#include "net/interest.h"

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

/* Results of read and write besides a count; 0 is the end of input. */
enum { SSP_AGAIN = -1, SSP_GONE = -2 };

/* Nagle's algorithm holds nothing back before the second write, and is switched off then. */
enum ssp__pace { SSP_PROMPT, SSP_SILENT, SSP_SPOKEN };

struct ssp__stream {
    struct ssp__interest interest; /* its reaction and arg are set by the owner */
    int fd;                        /* -1: none */
    int error;                     /* errno of the last SSP_GONE */
    enum ssp__pace pace;           /* SSP_PROMPT: accepted, or its algorithm is off */
};

/* Takes fd. */
void ssp__stream_open(struct ssp__stream *s, ssp_loop *loop, int fd);

/* Goes on with the socket of another stream, which has none then. */
void ssp__stream_take(struct ssp__stream *s, struct ssp__stream *from);

/* Sets the events that the owner waits for, see ssp__interest_set(); accepts a stream without a
 * socket. */
bool ssp__stream_want(struct ssp__stream *s, bool read, bool write);

/* Why a connection that was under way, and is ready, does not stand; 0: it does. */
int ssp__stream_failure(const struct ssp__stream *s);

/* Bytes moved, 0 at the end of input, SSP_AGAIN, or SSP_GONE with s->error. */
ssize_t ssp__stream_read(struct ssp__stream *s, void *bytes, size_t n);
ssize_t ssp__stream_write(struct ssp__stream *s, const struct iovec *piece, unsigned pieces);

/* True when the last SSP_GONE is of the peer or the network, false when it is of this machine. */
bool ssp__stream_ended(const struct ssp__stream *s);

/* Moves up to n bytes between a stream and a pipe inside the kernel; returns as read and write. */
ssize_t ssp__stream_splice_in(struct ssp__stream *from, int pipe_fd, size_t n);
ssize_t ssp__stream_splice_out(struct ssp__stream *to, int pipe_fd, size_t n);

/* Bytes that the socket can take at once, its own framing included; SIZE_MAX when unknown. */
size_t ssp__stream_room(const struct ssp__stream *s);

/* The same as a read whose bytes stay unread. */
ssize_t ssp__stream_peek(struct ssp__stream *s, void *bytes, size_t n);

/* The peer's numeric address without its port, or "?"; for logs. */
void ssp__stream_peer(const struct ssp__stream *s, char *text, size_t cap);

/* The peer's address; its len is 0 when it is unknown. */
void ssp__stream_peer_address(const struct ssp__stream *s, struct ssp__address *peer);

/* The address that the peer has reached; its len is 0 when it is unknown. */
void ssp__stream_own_address(const struct ssp__stream *s, struct ssp__address *own);

/* Bytes that the peer's kernel has not acknowledged yet; 0 when unknown, or when it never will. */
size_t ssp__stream_unacked(const struct ssp__stream *s);

/* Drops up to n bytes that have come, or all of them: bytes left unread make a close a reset.
 * Returns as read. */
ssize_t ssp__stream_discard(struct ssp__stream *s, size_t n);
void ssp__stream_discard_all(struct ssp__stream *s);

/* FIN behind what was written.  Returns false when the system refuses it, and the connection is not
 * gone. */
bool ssp__stream_shut(struct ssp__stream *s);
void ssp__stream_close(struct ssp__stream *s); /* accepts a stream without a socket */
void ssp__stream_reset(struct ssp__stream *s); /* RST; the same */

#endif
