/* SPDX-License-Identifier: Apache-2.0 */
/**
 * testing.h - a codec without sockets: the pure driver, and the laws that every codec keeps.
 */
#ifndef SSPLUGIN_TESTING_H
#define SSPLUGIN_TESTING_H

#include <ssplugin/codec.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Where a driven codec gets randomness and time.  NULL means: zeros, and time 0. */
typedef struct ssp_world {
    void (*random)(void *arg, void *bytes, size_t n);
    int64_t (*unix_time)(void *arg);
    void *arg;
} ssp_world;

/** One end of one connection, both directions, without I/O. */
typedef struct ssp_drive ssp_drive;

/** conf is borrowed and must outlive the driver.  NULL when memory is out. */
ssp_drive *ssp_drive_new(const ssp_codec *codec, ssp_role role, const void *conf,
                         const ssp_world *world);
void ssp_drive_free(ssp_drive *drive);

/** Grants the codec at most room bytes of output per call (not less than its min_room). */
void ssp_drive_window(ssp_drive *drive, size_t room);

/**
 * Appends n bytes to the unread input of dir, with fin also the end of input, and runs the codec
 * until it wants more.  The bytes given are copied into memory of exactly their size, so that a
 * sanitizer sees every read past the end.
 *
 * Returns SSP_MORE (wants input), SSP_CLEAR, SSP_END (also for a clean end of input), SSP_FOREIGN
 * or SSP_FAIL (also for input that was cut inside a message, and for a broken rule).
 */
ssp_verdict ssp_drive_feed(ssp_drive *drive, ssp_dir dir, const void *bytes, size_t n, int fin);

/** Output that waits in dir; ssp_reply() bytes of one direction come out of the other. */
const uint8_t *ssp_drive_output(const ssp_drive *drive, ssp_dir dir, size_t *n);
void ssp_drive_take(ssp_drive *drive, ssp_dir dir, size_t n);

/** The rule that the codec broke, or NULL. */
const char *ssp_drive_broken_rule(const ssp_drive *drive);

/** A pair of ends that must understand each other. */
typedef struct ssp_law_subject {
    const ssp_codec *codec;
    const void *client_conf, *server_conf;
    /** Largest payload in the split laws; every cut of the wire form is tried. 0 means 64. */
    size_t split_payload;
} ssp_law_subject;

/**
 * Runs every law: round trip for each size class, the same result for every split of the input, the
 * smallest output window, truncation never succeeds, nothing kept of the caller's buffers.
 *
 * Returns NULL, or the broken law as a sentence in static or caller-independent storage.
 */
const char *ssp_laws_check(const ssp_law_subject *subject);

#ifdef __cplusplus
}
#endif

#endif
