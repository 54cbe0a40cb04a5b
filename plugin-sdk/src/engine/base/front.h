/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front.h - a machine without I/O that learns the target from the accepted side, and may stay
 * between the two sides.
 *
 * A front is like a codec: feed is its direction from the accepted side to the dialed one, answer
 * the way back.  Both keep the same rules (ssplugin/codec.h): they read, ask for more, emit, reply
 * and report failures by the same functions.  ssp_conn_conf() gives the configuration of the front.
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
    bool replaced; /* set by a front that stays, see ssp__front.feed */
    bool over;     /* set with it, without a target: the client's connection ends, too */
    bool packets;  /* with SSP_END: packets of the client are relayed while it is connected */
    struct ssp__address source; /* where these come from, as the client says; len 0: not said */
};

static inline bool ssp__target_known(const struct ssp__target *target)
{
    return target->endpoint.port != 0;
}

/* The state of the dialed side, as an answer is told. */
enum ssp__reach {
    SSP_REACHED,     /* it stands, or has ended in order */
    SSP_UNREACHABLE, /* no dial succeeded */
    SSP_TIMED_OUT,   /* the last one took too long */
    SSP_LOST         /* it was reset, or broke the rules of the codec */
};

struct ssp__front {
    const char *name;
    size_t state_size; /* of one connection, zeroed before the first call */

    /* Called before the first feed with the numeric address that the client dialed, which rules of
     * the kernel may have changed; its len is 0 when that is unknown.  May be NULL. */
    void (*open)(ssp_conn *conn, void *state, const struct ssp__address *reached);

    void (*close)(void *state); /* releases what it has; may be NULL */

    /*
     * Called first without input, then with the bytes of the client.  *target is all zero until a
     * call fills it: then it is dialed, and the output of that call and of later ones goes there.
     * A front emits nothing before.
     *
     * A front that stays may put another target into *target, or zeros, and set target->replaced,
     * while the accepted side is plain.  That call emits nothing and leaves the input for the new
     * target unread.  Once the client has got all that waits for it, the dialed side is closed and
     * the next one dialed, through a new connection of the codec, and feed is called again.
     * Without a target it is called when more input has come, and may name one; if target->over is
     * set, too, the client gets a FIN, and what it still sends is dropped.  The front waits, with
     * ssp_wait(), until it has seen the whole answer of the former target.
     *
     * Replies wait for a client that does not take them: a front that waits while there are some is
     * called again once they have left, and so is one whose replies have become many.
     *
     * Returns SSP_CLEAR  target is filled and the front is done: all other input is payload
     *         SSP_OK     progress: called again while there is input
     *         SSP_MORE   wants more input; a front whose target is filled stays, and sees and emits
     *                    all that follows.  The accepted side must be plain then.
     *         SSP_END    without a target: nothing is to be dialed; a reply has been made, and the
     *                    connection stands until the client ends it, or with target->over is ended
     *                    behind the reply.  With a target: nothing follows what was emitted.
     *         SSP_FAIL   refused, see ssp_conn_why(); a reply that has been made is sent first
     */
    ssp_verdict (*feed)(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target);

    /*
     * Called when the target stands, with its plain bytes, and at their end; its output goes to the
     * client.  The first call may be without input, and so is the last: at the end, when the target
     * cannot be reached or is lost.  May replace the target, as feed.  No longer called once feed
     * has returned SSP_CLEAR.  NULL: bytes pass.
     *
     * Returns as a codec does.  At the end of the target SSP_END is the end behind the output,
     * SSP_FAIL a reset.
     */
    ssp_verdict (*answer)(ssp_conn *conn, void *state, ssp_io *io, struct ssp__target *target,
                          enum ssp__reach reach);
};

#endif
