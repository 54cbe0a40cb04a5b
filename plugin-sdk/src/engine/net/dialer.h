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

struct ssp__dial;

/* fd is the connected socket, now the callee's; -1 on failure with the reason in why (borrowed for
 * the call).  tried: an address was dialed; else none was found, or none was permitted.  The dial
 * is gone when this is called. */
typedef void ssp__dialed_fn(void *arg, int fd, const char *why, bool tried);

struct ssp__dial_request {
    ssp_loop *loop;
    struct ssp__resolver *resolver;
    const struct ssp__socket_options *options; /* borrowed while dialling */
    const struct ssp__endpoint *endpoint;      /* borrowed while dialling */
    unsigned endpoints;                        /* in order of preference, beginning at first */
    unsigned first;
    struct ssp__permit permit;
    ssp__dialed_fn *on_dialed;
    void *arg;
};

/*
 * Starts to dial.  Returns a connected descriptor when the connection stands at once (a numeric
 * loopback address), and then the callback does not come; -1 when it will come later and *dial can
 * be cancelled; -2 when memory is out.
 */
int ssp__dial_start(struct ssp__dial **dial, const struct ssp__dial_request *request);
void ssp__dial_cancel(struct ssp__dial *dial); /* accepts NULL */

/* True when an address has been dialed; false for NULL. */
bool ssp__dial_tried(const struct ssp__dial *dial);

#endif
