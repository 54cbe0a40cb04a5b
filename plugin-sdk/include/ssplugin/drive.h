/* SPDX-License-Identifier: Apache-2.0 */
/**
 * drive.h - a codec without sockets: its configuration, stacks of codecs, and the pure driver.
 *
 * For programs with a loop of their own, for tests and for fuzzers: the caller feeds bytes and
 * takes bytes, the driver keeps what the codec has not read yet and enforces the codec's contract
 * with the engine's own code.
 *
 * Thread: one object belongs to one thread at a time; a configuration may be shared by many once it
 * has been made.
 */
#ifndef SSPLUGIN_DRIVE_H
#define SSPLUGIN_DRIVE_H

#include <ssplugin/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** @name Configuration
 *  @{ */

/** A codec's configuration, made from an option string by the codec's table and its setup(). */
typedef struct ssp_conf ssp_conf;

/** options as in SS_PLUGIN_OPTIONS, borrowed for the call, NULL for none; keys that the table does
 *  not know are ignored.  NULL with a sentence in why, which names the byte or the option. */
SSP_API ssp_conf *ssp_conf_new(const ssp_codec *codec, ssp_role role, const char *options,
                               char *why, size_t why_cap);

/** The struct of ssp_codec::conf_size bytes; lives as long as conf. */
SSP_API const void *ssp_conf_values(const ssp_conf *conf);

/** Calls the codec's release() and wipes the texts.  Accepts NULL. */
SSP_API void ssp_conf_free(ssp_conf *conf);
/** @} */

/** @name Stacks
 *  @{ */

/** Several codecs that work as one: codec[0] is nearest to the plain side, the last one to the
 *  wire.  A layer that has become clear costs nothing any more. */
typedef struct ssp_stack ssp_stack;

/** conf[i] is the configuration of codec[i]; all are borrowed and must outlive the stack.  n is 1
 *  or more.  NULL when memory is out, when n is 0, when a codec has no size, when two layers
 *  allow no common role, or when one has SSP_BEGIN_DIVERTED. */
SSP_API ssp_stack *ssp_stack_new(const ssp_codec *const *codec, const void *const *conf, size_t n);

/** The stack as a codec, which lives as long as the stack; its configuration is the stack itself.
 */
SSP_API const ssp_codec *ssp_stack_codec(const ssp_stack *stack);
SSP_API void ssp_stack_free(ssp_stack *stack); /**< accepts NULL */
/** @} */

/** @name The driver
 *  @{ */

/** The source of randomness and time for a driven codec.  NULL means: zeros, and a clock that
 * begins at 0 and goes with ssp_drive_advance(). */
typedef struct ssp_world {
    void (*random)(void *arg, void *bytes, size_t n);
    int64_t (*unix_time)(void *arg);
    void *arg;
} ssp_world;

/** The kernel's randomness and clock, for real programs.  Static. */
SSP_API const ssp_world *ssp_world_real(void);

/** One end of one connection, both directions, without I/O. */
typedef struct ssp_drive ssp_drive;

/** conf is borrowed and must outlive the driver.  NULL when memory is out, or
 *  when the codec has no size. */
SSP_API ssp_drive *ssp_drive_new(const ssp_codec *codec, ssp_role role, const void *conf,
                                 const ssp_world *world);
SSP_API void ssp_drive_free(ssp_drive *drive); /**< accepts NULL */

/** Grants the codec at most room bytes of output per call (not less than its min_room). */
SSP_API void ssp_drive_window(ssp_drive *drive, size_t room);

/**
 * Appends n bytes to the unread input of dir, with fin also the end of input, and runs the codec
 * until it wants more.  The bytes given are copied into memory of exactly their size, so that a
 * sanitizer sees every read past the end.
 *
 * Returns SSP_MORE (wants input; behind fin: the codec has called ssp_wait(), feed nothing, with
 * fin, once the other direction has been fed), SSP_CLEAR, SSP_END (also for a clean end of input),
 * SSP_FOREIGN or SSP_FAIL (also for input that was cut inside a message, for a broken rule, and
 * when 1 MiB of output has not been taken).  After SSP_END, SSP_FOREIGN and SSP_FAIL the direction
 * is over: the same verdict comes again.
 */
SSP_API ssp_verdict ssp_drive_feed(ssp_drive *drive, ssp_dir dir, const void *bytes, size_t n,
                                   bool fin);

/** Output that waits in dir, borrowed until the next call; ssp_reply() bytes of one direction come
 *  out of the other. */
SSP_API const uint8_t *ssp_drive_output(const ssp_drive *drive, ssp_dir dir, size_t *n);
SSP_API void ssp_drive_take(ssp_drive *drive, ssp_dir dir, size_t n);

/** Milliseconds until ssp_drive_advance() calls the codec in dir because of ssp_conn_timer(), 0 for
 *  now; -1 when there is nothing to wait for, as while output of dir has not been taken. */
SSP_API int64_t ssp_drive_timer(const ssp_drive *drive, ssp_dir dir);

/** The time of the driver's timers goes on by ms milliseconds, and it does not go by itself: calls
 *  the codec for each timer that falls due, in their order.  A direction that ends by it says so at
 *  the next feed, of nothing. */
SSP_API void ssp_drive_advance(ssp_drive *drive, unsigned ms);

/** True when the codec has called ssp_conn_divert(); with SSP_BEGIN_DIVERTED from the beginning
 * until it calls ssp_conn_recall(): then output that waits for the fallback, and input of it that
 * is unread, is dropped, so take output before. */
SSP_API bool ssp_drive_diverted(const ssp_drive *drive);

/** The reason given to ssp_conn_why(), borrowed from the driver, or NULL. */
SSP_API const char *ssp_drive_why(const ssp_drive *drive);

/** The rule that the codec broke, or NULL; lives as long as the driver. */
SSP_API const char *ssp_drive_broken_rule(const ssp_drive *drive);

/** Transforms one datagram: n bytes at in to at most cap bytes at out, which do not overlap.
 *  Returns the length, or -1: not for us, drop it (also for a codec without datagrams and for a
 *  broken rule, see ssp_drive_broken_rule()). */
SSP_API ptrdiff_t ssp_drive_datagram(ssp_drive *drive, ssp_dir dir, const void *in, size_t n,
                                     void *out, size_t cap);
/** @} */

#ifdef __cplusplus
}
#endif

#endif
