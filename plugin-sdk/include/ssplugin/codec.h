/* SPDX-License-Identifier: Apache-2.0 */
/**
 * codec.h - a reversible transformation of a byte stream, without I/O.
 *
 * A codec sees one connection as two directions: WRAP turns plain bytes into wire bytes, UNWRAP
 * turns them back.  The engine owns sockets, buffers, time and randomness; it calls the codec with
 * a view on the unread input of one direction, and the codec consumes input and appends output
 * through the functions below.  The same codec therefore runs as a process, under a test, under a
 * fuzzer, or inside another program.
 *
 * The contract in five sentences:
 *  - Input that a call does not consume is kept by the engine and shown again with what follows,
 *    so a codec that answers SSP_MORE without consuming works for every split of its messages.
 *  - A call starts with at least ssp_codec::min_room bytes of output room; ssp_room() answers NULL
 *    when a larger request does not fit, and the codec then returns SSP_OK to be called again
 * later.
 *  - SSP_OK promises progress: bytes consumed, bytes written, or a refused ssp_room().
 *  - No pointer from ssp_in() or ssp_room() is valid after the call returns.
 *  - Breaking a rule ends that connection with a log line that names codec and rule.
 *
 * Thread: a connection is served by one thread; codecs share nothing but their const configuration.
 */
#ifndef SSPLUGIN_CODEC_H
#define SSPLUGIN_CODEC_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ssplugin/carrier.h>
#include <ssplugin/env.h>
#include <ssplugin/options.h>
#include <ssplugin/version.h>

#ifdef __cplusplus
extern "C" {
#endif

/** WRAP: plain to wire.  UNWRAP: wire to plain. */
typedef enum { SSP_WRAP = 0, SSP_UNWRAP = 1 } ssp_dir;

/** The result of a call, for its direction. */
typedef enum {
    SSP_OK = 0,      /**< progress; call again while there is input or room */
    SSP_MORE = 1,    /**< wants more input, see ssp_need() */
    SSP_CLEAR = 2,   /**< identity from here on: never called again, the engine may splice */
    SSP_END = 3,     /**< logical end of this direction: half-close behind the last output */
    SSP_FOREIGN = 4, /**< not our protocol; allowed only while nothing has been consumed */
    SSP_FAIL = -1    /**< protocol error: output so far is delivered, then the stream is cut */
} ssp_verdict;

#define SSP_NPOS ((size_t)-1)

/** The bytes of unread input a direction may hold; asking for more than this breaks a rule. */
#define SSP_WINDOW ((size_t)256 * 1024)

typedef struct ssp_conn ssp_conn; /**< one connection */
typedef struct ssp_io ssp_io;     /**< view on one direction, valid during one call */

/** @name Input
 *  @{ */

/** The unread input, contiguous, borrowed for the call; *len may be 0. */
SSP_API const uint8_t *ssp_in(const ssp_io *io, size_t *len);

/** True when the sender of this direction has shut down and all its bytes are in the view.
 *  Anything but SSP_FAIL then ends the direction cleanly if no input is left unread, and cuts it
 *  (the receiver sees an error, not an end) if some is. */
SSP_API bool ssp_eof(const ssp_io *io);

/** Finds the n bytes at pattern (n >= 1).  Returns the offset just past the first occurrence, 0
 * when it is not there yet, SSP_NPOS when it does not end within the first limit bytes.  Remembers
 * how far it looked, so a slow sender costs no rescans; use one pattern per position. */
SSP_API size_t ssp_find(ssp_io *io, const void *pattern, size_t n, size_t limit);

/** With SSP_MORE: do not call before total bytes are unread (total <= SSP_WINDOW). */
SSP_API void ssp_need(ssp_io *io, size_t total);

/** With SSP_MORE: waits for the other direction, as in a handshake, and not for input.  The call
 *  comes again when that has moved; until then the end of the input does not end this direction.
 *  From unwrap of a client it says that the connection does not stand yet: silence as long as the
 *  option handshake cuts it. */
SSP_API void ssp_wait(ssp_io *io);

/** True when this call is the one that ssp_conn_timer() asked for.  Input may be there as well. */
SSP_API bool ssp_timer_fired(const ssp_io *io);

/** Consumes n unread bytes, emits nothing.  n is at most the unread length. */
SSP_API void ssp_skip(ssp_io *io, size_t n);

/** Consumes n unread bytes and emits the same bytes by reference, without a copy. */
SSP_API void ssp_pass(ssp_io *io, size_t n);

/** Emits the next n bytes verbatim, also those not read yet; the codec is called after them. */
SSP_API void ssp_pass_ahead(ssp_io *io, uint64_t n);
/** @} */

/** @name Output
 *  @{ */

/** Appends a copy of n bytes; n is at most the room left. */
SSP_API void ssp_put(ssp_io *io, const void *bytes, size_t n);

/** Appends formatted text without its NUL; at most 4096 bytes.  Returns the length. */
SSP_API int ssp_putf(ssp_io *io, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

/** n writable bytes at the end of the output, or NULL when they do not fit now.  After a granted
 * ssp_room() one ssp_pass() fits, too: a header and its payload always fit together. */
SSP_API uint8_t *ssp_room(ssp_io *io, size_t n);

/** The bytes that ssp_room() would grant now. */
SSP_API size_t ssp_room_left(const ssp_io *io);

/** Appends the first n of the bytes ssp_room() returned. */
SSP_API void ssp_used(ssp_io *io, size_t n);

/** Sends n bytes (at most 16 KiB in one call) back to where the input came from.  Behind the end of
 *  that direction they are dropped, and a call by the timer that says them breaks a rule. */
SSP_API void ssp_reply(ssp_io *io, const void *bytes, size_t n);
/** @} */

/** @name The connection
 *  @{ */
SSP_API ssp_role ssp_conn_role(const ssp_conn *conn);
SSP_API const void *ssp_conn_conf(const ssp_conn *conn); /**< ssp_codec::conf_size bytes, const */
SSP_API void ssp_conn_random(const ssp_conn *conn, void *bytes, size_t n); /**< from the kernel */
SSP_API int64_t ssp_conn_time(const ssp_conn *conn); /**< seconds since 1970, UTC */

/**
 * From a call of either direction: calls the function of dir once ms milliseconds have passed, also
 * without input, see ssp_timer_fired().  One timer per direction: a later request replaces it, 0
 * cancels it.  The call is one like all others, so what it answers means the same; one that has
 * nothing to say answers SSP_MORE, and one that still waits says ssp_wait() again.
 *
 * A timer is late, never early: while output of dir waits for its receiver, while bytes promised by
 * ssp_pass_ahead() are missing, and before the connection stands as far as dir needs it.  It never
 * fires once dir is over (SSP_END, SSP_CLEAR, SSP_FOREIGN, SSP_FAIL) nor after the connection.
 * Output of a timer does not keep an idle connection alive: only payload does.
 */
SSP_API void ssp_conn_timer(ssp_conn *conn, ssp_dir dir, unsigned ms);

/** The length of an address as text, with its NUL. */
enum { SSP_CLIENT_TEXT = 64 };

/** Server: the numeric address of the client, without a port.  Returns false, with "", when it is
 * not known, as in a test. */
SSP_API bool ssp_conn_client(const ssp_conn *conn, char text[SSP_CLIENT_TEXT]);

/** Server, from unwrap before the first plain byte: the peer is a proxy that speaks for the client
 * with this address.  Nobody but the author can know whether it may.  Ignores what is no numeric
 * address. */
SSP_API void ssp_conn_name_client(ssp_conn *conn, const char *host);

/** Server, from unwrap: this peer speaks the outer protocol but is not a client of this plugin. The
 * connection goes to the fallback instead of the plain side, through this codec as before; without
 * a fallback it is drained.  Counts only before the first plain byte has been emitted; breaks a
 * rule later. */
SSP_API void ssp_conn_divert(ssp_conn *conn);

/** Server with SSP_BEGIN_DIVERTED, from unwrap: this peer is a client of this plugin after all. The
 * call emits nothing and answers SSP_OK or SSP_MORE.  The connection to the fallback is closed,
 * with what waits for it and what wrap has not read of it, and the next call has a view of the
 * plain side.  Once, and before either direction is over; breaks a rule otherwise. */
SSP_API void ssp_conn_recall(ssp_conn *conn);

/** The reason of the SSP_FAIL that follows: one line for the operator, cut at 200 bytes, without
 * secrets.  The first one stays.  A server logs it only when verbose, since unauthenticated peers
 * can cause it. */
SSP_API void ssp_conn_why(ssp_conn *conn, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;
/** @} */

/** One direction's function.  state is ssp_codec::state_size bytes, zeroed before the first call.
 */
typedef ssp_verdict ssp_codec_fn(ssp_conn *conn, void *state, ssp_io *io);

/**
 * Transforms one datagram (SIP003u) of n bytes into at most cap bytes at out, which does not
 * overlap in; cap is at least n plus ssp_codec::datagram_overhead.  Each datagram stands alone.
 * Returns the length, or -1: not for us, dropped.
 */
typedef ptrdiff_t ssp_datagram_fn(const ssp_conn *conn, const uint8_t *in, size_t n, uint8_t *out,
                                  size_t cap);

/** Flags of ssp_codec. */
enum {
    SSP_LAZY_DIAL = 1,   /**< client: dial the server only once there is something to send */
    SSP_CLIENT_ONLY = 2, /**< the program has only the client role */
    SSP_SERVER_ONLY = 4, /**< the program has only the server role */
    /** server: a peer that fails, or is foreign without a fallback, is closed at once, as servers
     * of this protocol do, instead of being read until the deadline */
    SSP_CLOSE_REFUSED = 8,
    /** server: every connection is diverted from accept on, before its first byte, until the codec
     * recalls it: the fallback sees all that the peer does, and when.  Not in a stack */
    SSP_BEGIN_DIVERTED = 16
};

/** A codec: one static const object per protocol. */
typedef struct ssp_codec {
    uint32_t size;    /**< sizeof(ssp_codec); fields beyond a smaller size count as zero */
    uint32_t flags;   /**< SSP_LAZY_DIAL and so on */
    const char *name; /**< lower case, as users write it */
    const char *version;
    const char *about;         /**< one line for --help; may be NULL */
    size_t conf_size;          /**< bytes of configuration, zeroed, then filled from options */
    size_t state_size;         /**< bytes of state per connection, shared by both directions */
    size_t min_room;           /**< output room that a call needs at least, bytes; 0 means 4096 */
    const ssp_option *options; /**< ends with SSP_OPTION_END; may be NULL */

    /** Validates and completes conf after the options have been read.  Returns 0, or -1 with a
     *  sentence in why.  May be NULL. */
    int (*setup)(void *conf, const ssp_env *env, char *why, size_t why_cap);
    void (*release)(void *conf); /**< undoes setup; may be NULL */

    ssp_codec_fn *wrap;
    ssp_codec_fn *unwrap;
    void (*close)(ssp_conn *conn, void *state); /**< wipes and releases state; may be NULL */

    /** Where a server sends connections that are not its protocol: host:port in conf, or NULL for
     *  the built-in option fallback.  May be NULL. */
    const char *(*fallback)(const void *conf);

    /** SIGHUP, or a file of an SSP_FILE option has changed: reads files again.  Connections that
     * live go on with what they took before; on -1 conf must be as it was, and why is logged.  May
     * be NULL. */
    int (*reload)(void *conf, char *why, size_t why_cap);

    ssp_datagram_fn *seal;    /**< plain to wire; NULL: this codec carries no datagrams */
    ssp_datagram_fn *open;    /**< wire to plain; NULL exactly when seal is */
    size_t datagram_overhead; /**< bytes that seal adds at most */

    /** Server: several streams that the plain bytes of a connection may be, by conf after setup;
     * NULL: they never are.  May be NULL. */
    const ssp_carrier *(*carrier)(const void *conf);
} ssp_codec;

#ifdef __cplusplus
}
#endif

#endif
