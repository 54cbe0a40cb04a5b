/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log_limit.h - log lines that any peer can cause: 10 a second after a burst of 50, and one in 10
 * seconds about each source.  The others are counted, and their number is logged.
 */
#ifndef SSP_RELAY_LOG_LIMIT_H
#define SSP_RELAY_LOG_LIMIT_H

#include "base/address.h"
#include "net/loop.h"

#include <ssplugin/drive.h>

struct ssp__log_limit;

/* what names the lines in their number, such as "handshakes that failed" (static).  NULL when
 * memory is out. */
struct ssp__log_limit *ssp__log_limit_new(ssp_loop *loop, const ssp_world *world, const char *what);
void ssp__log_limit_free(struct ssp__log_limit *limit); /* accepts NULL */

/* True when one more line may be written; else it is counted. */
bool ssp__log_limit_take(struct ssp__log_limit *limit);

/* The same for a line about this peer; one without an address is like any other line. */
bool ssp__log_limit_take_of(struct ssp__log_limit *limit, const struct ssp__address *peer);

#endif
