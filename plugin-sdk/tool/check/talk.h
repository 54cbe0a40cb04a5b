/* SPDX-License-Identifier: Apache-2.0 */
/*
 * talk.h - one end of one connection that says known bytes and compares what it hears.
 *
 * Clients and backends are made of it.  Offsets count from the first byte behind the order.
 */
#ifndef SSP_CHECK_TALK_H
#define SSP_CHECK_TALK_H

#include "check/order.h"
#include "check/scene.h"

enum { TALK_WHY_MAX = 160 };

enum talk_end {
    TALK_OPEN,
    TALK_EOF,  /* the peer has shut down */
    TALK_GONE, /* reset, or never connected: error says it */
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

struct talk {
    struct part part;
    struct scene *scene;
    struct say say;
    struct hear hear;
    enum talk_end end;
    int error;
    bool connecting;
    uint64_t begun_us, first_us, last_us, end_us; /* opened, heard first and last, ended; 0: not */

    /* Takes what was read; NULL: talk_compare(). */
    void (*take)(struct talk *talk, const uint8_t *bytes, size_t n);
    /* After each event; may free the talk.  NULL: nothing. */
    void (*after)(struct talk *talk);
};

/* Begins with the descriptor and the rest of *talk as the caller has set them. */
void talk_open(struct talk *talk, struct scene *scene, int fd, bool connecting);
void talk_close(struct talk *talk); /* accepts one that is closed */
void talk_abort(struct talk *talk); /* the same, with a reset */

/* Tells the scene what the talk waits for now; after say.allowed or hear.deaf have changed. */
void talk_update(struct talk *talk);

void talk_compare(struct talk *talk, const uint8_t *bytes, size_t n);

bool talk_said(const struct talk *talk);  /* everything is written */
bool talk_heard(const struct talk *talk); /* everything has come, and nothing else */

/* One line about how far it got, for evidence. */
const char *talk_why(const struct talk *talk, char text[TALK_WHY_MAX]);

#endif
