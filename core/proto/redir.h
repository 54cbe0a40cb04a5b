/* SPDX-License-Identifier: Apache-2.0 */
/*
 * redir.h - the front that asks nothing: the target is the address that the client dialed, before
 * rules of the kernel brought it here.
 */
#ifndef SS_PROTO_REDIR_H
#define SS_PROTO_REDIR_H

#include "base/front.h"
#include "base/packets.h"

/* The configuration of both: targets that are refused, because they are the way to the server. */
struct ss_redir_conf {
    const struct ssp__endpoint *server; /* borrowed */
    unsigned servers;
};

extern const struct ssp__front ss_redir_front;

/* Packets of clients are payload, and their answers come from the target. */
extern const struct ssp__packet_front ss_redir_packet_front;

#endif
