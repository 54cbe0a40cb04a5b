/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hop.h - a relay that changes nothing and counts: how any plugin's traffic is measured.
 *
 * It runs the engine of all programs, with the identity as its codec.
 */
#ifndef SSP_TOOL_HOP_H
#define SSP_TOOL_HOP_H

#include "relay/instance.h"

/* Zero is a valid closed one. */
struct hop {
    struct ssp__instance relay;
    struct ssp__service service;
    struct ssp__endpoint to; /* address to dial; may be changed at any time */
};

/* program must outlive it. */
void hop_open(struct hop *h, struct ssp__program *program, const char *name);

/* Listens.  Returns the port, or -1 with a sentence in why. */
int hop_listen(struct hop *h, const struct ssp__endpoint *at, char *why, size_t cap);

/* Resets what is open. */
void hop_close(struct hop *h);

#endif
