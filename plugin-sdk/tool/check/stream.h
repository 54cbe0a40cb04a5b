/* SPDX-License-Identifier: Apache-2.0 */
/*
 * stream.h - one end of one connection: sends known bytes and compares the received ones.
 *
 * Clients and backends are made of it.  Offsets count from the first byte behind the order.
 */
#ifndef SSP_CHECK_STREAM_H
#define SSP_CHECK_STREAM_H

#include "check/order.h"
#include "check/scene.h"

enum { STREAM_WHY_MAX = 160 };

enum stream_end {
    STREAM_OPEN,
    STREAM_EOF,  /* the peer has shut down */
    STREAM_GONE, /* reset, or never connected: see error */
};

struct say {
    uint8_t head[ORDER_SIZE]; /* in front of the pattern */
    size_t head_len;
    uint64_t seed, total; /* the pattern */
    uint64_t done;        /* written so far, the head included */
    uint64_t allowed;     /* of the pattern, so far; NEVER: all */
    unsigned chunk;       /* longest piece of one write, of varying length; 0: what fits */
    size_t left;          /* of the piece under way */
    uint64_t pieces;
    bool fin;  /* shut down behind the last byte */
    bool shut; /* done */
};

struct hear {
    uint64_t seed, total;
    uint64_t done;     /* bytes heard, wrong ones too */
    uint64_t wrong_at; /* the first wrong byte, or one too many; NEVER: none */
    bool deaf;         /* does not read */
};

struct stream {
    struct watch watch;
    struct scene *scene;
    struct say say;
    struct hear hear;
    enum stream_end end;
    int error;
    bool connecting;
    uint64_t begun_us, first_us, last_us, end_us; /* opened, heard first and last, ended; 0: not */

    /* Takes what was read; NULL: stream_compare(). */
    void (*take)(struct stream *stream, const uint8_t *bytes, size_t n);
    /* After each event; may free the stream.  NULL: nothing. */
    void (*after)(struct stream *stream);
};

/* Begins with the descriptor and the rest of *stream as the caller has set them. */
void stream_open(struct stream *stream, struct scene *scene, int fd, bool connecting);
void stream_close(struct stream *stream); /* accepts one that is closed */

/* Updates the events that the scene polls for; after say.allowed or hear.deaf have changed. */
void stream_update(struct stream *stream);

void stream_compare(struct stream *stream, const uint8_t *bytes, size_t n);

bool stream_said(const struct stream *stream);  /* everything is written */
bool stream_heard(const struct stream *stream); /* everything has come, and nothing else */

/* One line about how far it got, for evidence. */
const char *stream_why(const struct stream *stream, char text[STREAM_WHY_MAX]);

#endif
