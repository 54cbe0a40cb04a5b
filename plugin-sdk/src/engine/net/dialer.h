/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialer.h - connects to the first address of a list of endpoints that answers.
 *
 * Happy eyeballs over the whole list (RFC 8305 in spirit): the families take turns, the next
 * address is tried when one has failed or has not answered for a moment, and the first connection
 * that stands wins.  Names are looked up meanwhile.
 */
#ifndef SSP_NET_DIALER_H
#define SSP_NET_DIALER_H

#include "base/address.h"
#include "base/permit.h"
#include "net/loop.h"
#include "net/resolver.h"
#include "net/socket.h"
#include "net/stream.h"

struct ssp__dial;

/* stream is the connected one, which the callee takes before it returns; NULL on failure with the
 * reason in why (borrowed for the call).  tried: an address was dialed; else none was found, or
 * none was permitted.  The dial is gone when this is called. */
typedef void ssp__dialed_fn(void *arg, struct ssp__stream *stream, const char *why, bool tried);

struct ssp__dial_request {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    const struct ssp__socket_options *options; /* borrowed while dialling */
    const struct ssp__endpoint *endpoint;      /* borrowed while dialling */
    unsigned endpoints;                        /* in order of preference, beginning at first */
    unsigned first;
    struct ssp__permit permit;
    enum ssp__first_word first_word;
    ssp__dialed_fn *on_dialed;
    void *arg;
};

/* Starts to dial.  The callback comes from the loop, unless it is cancelled before.  NULL when
 * memory is out. */
struct ssp__dial *ssp__dial_start(const struct ssp__dial_request *request);
void ssp__dial_cancel(struct ssp__dial *dial); /* accepts NULL */

/* True when an address has been dialed; false for NULL. */
bool ssp__dial_tried(const struct ssp__dial *dial);

#endif
