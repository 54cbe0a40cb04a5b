/* SPDX-License-Identifier: Apache-2.0 */
/*
 * preface.h - a machine without I/O that reads the first bytes of an accepted connection, before
 * codec and front: a balancer says there whom it speaks for.
 */
#ifndef SSP_BASE_PREFACE_H
#define SSP_BASE_PREFACE_H

#include "base/address.h"

enum ssp__preface_verdict {
    SSP_PREFACE_MORE,   /* all that was given belongs to it, and it has not ended */
    SSP_PREFACE_DONE,   /* the rest is the connection's */
    SSP_PREFACE_REFUSED /* it is none */
};

/* The outcome of a call. */
struct ssp__preface_step {
    size_t used;                 /* bytes that belong to the preface */
    struct ssp__address *client; /* filled when it is done; len stays 0 when it names none */
    const char *why;             /* it is refused: a phrase */
};

struct ssp__preface {
    const char *name;  /* for logs */
    size_t state_size; /* of one connection, zeroed before the first call */
    enum ssp__preface_verdict (*feed)(void *state, const uint8_t *bytes, size_t n,
                                      struct ssp__preface_step *step);
};

#endif
