/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io.h - the view on one direction that a codec call sees (the inside of ssp_io).
 *
 * Output is a list of pieces: runs of the scratch buffer `out` for what was put, runs of the input
 * for what was passed.  The owner of the view writes the pieces away before it reuses either
 * buffer.
 */
#ifndef SSP_BASE_IO_H
#define SSP_BASE_IO_H

#include "base/bytes.h"

#include <ssplugin/codec.h>
#include <ssplugin/drive.h>

#include <stdbool.h>
#include <sys/uio.h>

enum {
    SSP_IO_PIECES = 128,      /* pieces one view can carry */
    SSP_IO_PIECES_SPARE = 16, /* pieces every call may count on */
    SSP_IO_REPLY_MAX = 16384
};

struct ssp_io {
    const uint8_t *in; /* unread input, borrowed */
    size_t in_len;
    size_t need;      /* request of the last SSP_MORE */
    size_t scanned;   /* bytes of in that ssp_find() need not look at again */
    uint64_t ahead;   /* bytes promised by ssp_pass_ahead() and not passed yet */
    bool eof;         /* nothing follows in */
    bool consumed;    /* the direction has consumed something since it began */
    bool starved;     /* ssp_room() was refused in this call */
    bool waits;       /* ssp_wait() was called in this call */
    bool fired;       /* this call is that of the timer */
    bool timed;       /* a timer that is due may fire in this view */
    uint64_t now_ms;  /* of the clock that timers go by */
    const char *rule; /* the rule this call broke, or NULL */

    uint8_t *out; /* scratch, borrowed */
    size_t out_len, out_cap;
    struct iovec piece[SSP_IO_PIECES];
    unsigned pieces;
    size_t total; /* bytes in all pieces */

    struct ssp__bytes *reply; /* queue of the opposite direction, borrowed; NULL: that is over */
    struct ssp__pool *pool;   /* for reply; may be NULL */
};

/* The timers of a connection, by direction. */
struct ssp__conn_timers {
    uint64_t due_ms[2]; /* SSP_NEVER: not set */
    bool fresh[2];      /* asked for in this call: due_ms counts from its end */
    void *alarm;        /* of the engine, which frees it; or NULL */
};

#define SSP_NEVER UINT64_MAX

struct ssp__address;

/* Gives the address of the client, or takes another one for it.  Returns false when it is not
 * known.
 */
typedef bool ssp__client_fn(ssp_conn *conn, struct ssp__address *address, bool names);

struct ssp_conn {
    ssp_role role;
    bool divert_asked; /* diverted, as ssp_conn_divert() and ssp_conn_recall() say */
    bool spoken;       /* a plain byte has been emitted by unwrap */
    bool timerless;    /* there was no memory for a timer */
    const void *conf;
    const ssp_world *world;          /* NULL: zeros */
    char *why;                       /* owned: the reason given to ssp_conn_why(), or NULL */
    struct ssp__conn_timers *timers; /* owned; NULL: none was ever asked for */
    ssp__client_fn *client;          /* of the outermost connection; NULL: no one knows it */
    ssp_conn *outer;            /* of a layer: that of its stack, borrowed; NULL: it is alone */
    struct ssp__bucket *bucket; /* borrowed: payload takes its tokens; NULL: none */
    const char *user;           /* the same, its name; NULL: none is known */
};

/* Sets a timer to a time of the clock, or to SSP_NEVER. */
void ssp__conn_timer_at(ssp_conn *conn, ssp_dir dir, uint64_t due_ms);

/* Frees what the connection owns. */
void ssp__conn_release(ssp_conn *conn);

/* How many bytes that were replied have not been sent yet. */
static inline size_t ssp__io_replies(const ssp_io *io)
{
    return io->reply != NULL ? ssp__bytes_len(io->reply) : 0;
}

/* Forgets the pieces, after they were written or queued. */
void ssp__io_flush(ssp_io *io);

/* The bytes that ssp_put() takes now: none when no piece is left for them. */
size_t ssp__io_room(const ssp_io *io);

/* Emits bytes that stay as they are until the pieces are forgotten, as input and scratch of the
 * view do.  Returns false when no piece is left for them. */
bool ssp__io_refer(ssp_io *io, const uint8_t *bytes, size_t n);

#endif
