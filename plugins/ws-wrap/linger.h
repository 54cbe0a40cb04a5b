/* SPDX-License-Identifier: Apache-2.0 */
/*
 * linger.h - a direction that has ended, and is not told so while the other one has more to say.
 */
#ifndef WS_WRAP_LINGER_H
#define WS_WRAP_LINGER_H

#include <ssplugin/codec.h>

/* Zero is the beginning. */
struct ws_linger {
    bool waits; /* its timer runs */
    bool moved; /* set by the other direction: payload has come since the timer began */
};

/* The time that a client grants to a slow answer. */
enum { WS_ANSWER_MS = 10000 };

/* From wrap at its end, which waits: true once the other direction has been silent for so long. */
bool ws_linger_over(ssp_conn *conn, struct ws_linger *linger, ssp_io *io, unsigned ms);

#endif
