/* SPDX-License-Identifier: Apache-2.0 */
/*
 * middle.h - a relay between client plugin and server plugin that segments the stream.
 *
 * It forwards every byte and changes only when bytes arrive together: by its rule a stream is cut
 * at one place, dribbles a byte at a time, or is held back and sent in one piece.  Cut means that
 * the receiving process has *read* what is in front of the cut before the first byte behind it is
 * sent: see reader.h.  That wait is bounded; a receiver that does not read in time is counted in
 * `unread` and gets the rest.
 */
#ifndef SSP_CHECK_MIDDLE_H
#define SSP_CHECK_MIDDLE_H

#include "check/scene.h"

enum { RECORD_MAX = 16384, UP = 0, DOWN = 1 };

enum segments { AS_THEY_COME, CUT, DRIBBLE, COALESCE };

/* The rule of one direction. */
struct segmenting {
    enum segments how;
    uint64_t at;        /* CUT: bytes in front of it; DRIBBLE: bytes that come alone */
    unsigned window_us; /* COALESCE: held back that long from the first byte on */
    unsigned delay_us;  /* each byte arrives so much later; 0: none */
};

/* The beginning of one direction of the latest connection. */
struct record {
    uint8_t bytes[RECORD_MAX];
    size_t len;
    size_t first; /* bytes before the first one of the other direction */
};

struct middle {
    struct watch watch; /* first */
    struct scene *scene;
    uint16_t port, target;
    struct segmenting rule[2]; /* UP, DOWN; for connections that come from now on */
    struct relay *relays;
    unsigned accepted, live;
    unsigned cut;    /* directions that went on behind a cut that was read */
    unsigned unread; /* waits that were given up */
    struct record record[2];
    int diag;
};

/* Forwards to target.  Returns 0, or -1 with errno. */
int middle_open(struct middle *middle, struct scene *scene, uint16_t target);
void middle_close(struct middle *middle);

/* Ends all connections that are open, with a reset. */
void middle_drop(struct middle *middle);

/* Ends them with FIN to both sides, and waits until both have answered: a plugin that dials then
 * has seen the end.  Connections without an answer are dropped. */
void middle_retire(struct middle *middle);

#endif
