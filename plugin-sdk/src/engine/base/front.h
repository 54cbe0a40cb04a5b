/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - a machine without I/O that learns the target from the accepted side.
 *
 * A front is like one direction of a codec, from the accepted side to the dialed one, and keeps the
 * same rules (ssplugin/codec.h): it reads, asks for more, emits, replies and reports failures by
 * the same functions.  ssp_conn_conf() gives the configuration of the front.
 */
#ifndef SSP_BASE_FRONT_H
#define SSP_BASE_FRONT_H

#include "base/address.h"
#include "base/io.h"

/* type, length, name, port: the longest target header */
enum { SSP_TARGET_HEADER_MAX = 1 + 1 + 255 + 2 };

/* The target of the client, as an endpoint and as the Shadowsocks target header. */
struct ssp__target {
    struct ssp__endpoint endpoint;
    uint8_t header[SSP_TARGET_HEADER_MAX];
    size_t header_len;
};

static inline bool ssp__target_known(const struct ssp__target *target)
{
    return target->endpoint.port != 0;
}

struct ssp__front {
    const char *name;
    size_t state_size; /* of one connection, zeroed before the first call */

    /* Called before the first feed with the numeric address that the client reached; may be NULL.
     */
    void (*open)(ssp_conn *conn, void *state, const struct ssp__address *reached);

    /*
     * Called first without input, then with the bytes of the client.  *target is all zero until a
     * call fills it: then it is dialed, and the output of that call and of later ones goes there.
     * A front emits nothing before.  One connection has one target.
     *
     * Returns SSP_CLEAR  target is filled and the front is done: all other input is payload
     *         SSP_OK     progress: called again while there is input
     *         SSP_MORE   wants more input; a front whose target is filled stays, and sees and emits
     *                    all that follows.  The accepted side must be plain then.
     *         SSP_END    without a target: nothing is to be dialed; a reply has been made, and the
     *                    connection stands until the client ends it.  With a target: nothing
     *                    follows what was emitted.
     *         SSP_FAIL   refused, see ssp_conn_why(); a reply that has been made is sent first
     */
    ssp_verdict (*feed)(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target);
};

#endif
