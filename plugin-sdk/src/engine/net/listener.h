/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listener.h - accepts connections, and rests while the kernel gives none.
 */
#ifndef SSP_NET_LISTENER_H
#define SSP_NET_LISTENER_H

#include "base/address.h"
#include "net/loop.h"

struct ssp__listener;

/* Receives an accepted, non-blocking, close-on-exec socket; it is the receiver's.  peer is of any
 * family. */
typedef void ssp__accept_fn(void *arg, int fd, const struct ssp__address *peer);

/* Descriptors or memory are out: returns true when some have been released. */
typedef bool ssp__short_fn(void *arg);

/* Takes the listening descriptor fd; on_short may be NULL.  NULL, with fd closed, when memory is
 * out. */
struct ssp__listener *ssp__listener_open(ssp_loop *loop, int fd, ssp__accept_fn *on_accept,
                                         ssp__short_fn *on_short, void *arg);
void ssp__listener_close(struct ssp__listener *listener); /* accepts NULL */

/* A second descriptor of its socket, for another listener.  Returns it, or -1 with errno. */
int ssp__listener_share(const struct ssp__listener *listener);

int ssp__listener_fd(const struct ssp__listener *listener); /* which it keeps */

/* Stops and resumes accepting; the kernel's backlog holds new connections meanwhile. */
void ssp__listener_pause(struct ssp__listener *listener, bool pause);

#endif
