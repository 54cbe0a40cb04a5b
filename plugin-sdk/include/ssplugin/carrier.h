/* SPDX-License-Identifier: Apache-2.0 */
/**
 * carrier.h - several streams in one connection, as a server reads and writes them, without I/O.
 *
 * A codec whose clients may multiplex names a carrier, see ssp_codec::carrier.  The engine shows it
 * the first plain bytes of each connection.  If they begin several streams, all plain bytes of the
 * connection are those of the carrier: the engine dials the plain side once for each stream, and
 * moves the bytes.  It never calls the carrier from two threads for one connection.
 *
 *  - A stream whose target is slow holds up to 64 KiB; then nothing more is read from the
 *    connection until the target has taken some.  One that takes nothing for 30 seconds is reset.
 *  - The streams of a connection that have something to say are read in turn.
 *  - A client that ends its direction of a stream still gets all that the target says.  A target
 *    that ends its direction is told to the client once that has been silent for a second.
 *  - A connection that ends resets the streams whose clients have not ended them.
 */
#ifndef SSPLUGIN_CARRIER_H
#define SSPLUGIN_CARRIER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Limits of ssp_carrier::head_size, and of the bytes that an event may need before it is read. */
enum { SSP_CARRIER_HEAD_MAX = 64, SSP_CARRIER_EVENT_MAX = 4096 };

/** The beginning of a connection. */
typedef enum {
    SSP_CARRIES_ONE,     /**< a single stream: the carrier is not asked again */
    SSP_CARRIES_SEVERAL, /**< streams of this carrier */
    SSP_CARRIES_UNKNOWN  /**< more bytes decide; after 200 ms it is a single one */
} ssp_carried;

/** An event of one stream. */
typedef enum {
    SSP_STREAM_NONE,    /**< bytes that concern no stream */
    SSP_STREAM_OPENS,   /**< a number that no open stream has */
    SSP_STREAM_REFUSED, /**< asked for, but not to be had: only answered */
    SSP_STREAM_SAYS,    /**< data */
    SSP_STREAM_ENDS,    /**< its sender has no more data */
    SSP_STREAM_FAILS    /**< written only: it is over, and bytes are missing */
} ssp_stream_event;

typedef struct {
    ssp_stream_event event;
    uint32_t stream;     /**< its number, as the client counts */
    const uint8_t *data; /**< read only: of SSP_STREAM_SAYS, inside of the input */
    size_t n;            /**< bytes of data */
} ssp_carrier_event;

/** One static const object per protocol. */
typedef struct ssp_carrier {
    uint32_t size;     /**< sizeof(ssp_carrier) */
    uint32_t streams;  /**< open at once at most; one more is refused */
    size_t state_size; /**< per connection, zeroed before the first call */
    size_t head_size;  /**< bytes that write() puts in front of data */
    size_t data_max;   /**< bytes of data behind one of them */

    /** Looks at the first n bytes, n > 0. */
    ssp_carried (*look)(const uint8_t *bytes, size_t n);

    /** Reads the next event from n bytes, n > 0; data may come in parts.  Returns the bytes that it
     * takes, 0 when more are needed, or -1 with a reason (static): the connection is cut. */
    ptrdiff_t (*read)(void *state, const uint8_t *bytes, size_t n, ssp_carrier_event *event,
                      const char **why);

    /** Writes the head of an event: SSP_STREAM_SAYS with n bytes behind it, SSP_STREAM_ENDS or
     * SSP_STREAM_FAILS.  Returns its length; head_size for the first one. */
    size_t (*write)(void *state, const ssp_carrier_event *event,
                    uint8_t head[SSP_CARRIER_HEAD_MAX]);
} ssp_carrier;

#ifdef __cplusplus
}
#endif

#endif
