/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pipe.h - kernel pipes through which a direction is spliced, and the idle ones that are kept.
 *
 * A pipe is held by a direction only while bytes are in it.
 */
#ifndef SSP_RELAY_PIPE_H
#define SSP_RELAY_PIPE_H

#include <stddef.h>

/* Bytes of a pipe that carries a spliced direction, and how many idle pipes are kept. */
enum { SSP_PIPE_SIZE = 1024 * 1024, SSP_PIPES_KEPT = 16 };

struct ssp__pipe {
    int read_fd, write_fd;
    size_t held; /* bytes in the pipe */
    struct ssp__pipe *next;
};

/* Zero is a valid empty store. */
struct ssp__pipes {
    struct ssp__pipe *idle; /* list */
    unsigned n;
};

/* An empty pipe, or NULL when the system refuses one. */
struct ssp__pipe *ssp__pipe_take(struct ssp__pipes *pipes);

/* Takes the pipe back; one that still holds bytes is closed.  Accepts NULL. */
void ssp__pipe_give(struct ssp__pipes *pipes, struct ssp__pipe *pipe);

/* Closes the idle pipes. */
void ssp__pipes_close(struct ssp__pipes *pipes);

#endif
