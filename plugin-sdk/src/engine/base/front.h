/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - a machine without I/O that learns the target from the accepted side.
 *
 * A front reads plain bytes through an ssp_io view: ssp_in(), ssp_need(), ssp_skip() and
 * ssp_reply(); it emits nothing.  Input it leaves unread is shown again with what follows.
 */
#ifndef SSP_BASE_FRONT_H
#define SSP_BASE_FRONT_H

#include "base/address.h"
#include "base/io.h"

/* type, length, name, port: the longest target header */
enum { SSP_TARGET_HEADER_MAX = 1 + 1 + 255 + 2 };

/* Where the client wants to go, for us and as the Shadowsocks target header. */
struct ssp__target {
    struct ssp__endpoint endpoint;
    uint8_t header[SSP_TARGET_HEADER_MAX];
    size_t header_len;
};

struct ssp__front {
    const char *name;
    size_t state_size; /* zeroed before the first call; at most 64 */

    /* Told, before the first feed, which numeric address the client reached.  May be NULL. */
    void (*open)(void *state, const struct ssp__address *reached);

    /*
     * Returns SSP_OK    target is filled; unread input is payload
     *         SSP_MORE  wants more input
     *         SSP_END   nothing is to be dialled; a reply has been made, and the connection stands
     *                   until the client ends it
     *         SSP_FAIL  refused; a reply may have been made: send it, then close.  *why is then a
     *                   static phrase such as "invalid address type".
     */
    ssp_verdict (*feed)(void *state, ssp_io *io, struct ssp__target *target, const char **why);
};

#endif
