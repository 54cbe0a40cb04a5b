/* SPDX-License-Identifier: Apache-2.0 */
/*
 * end.h - one end of one connection under test: a codec, its configuration, dice and a clock.
 *
 * Every function asserts what it needs; none returns an error.
 */
#ifndef OBFS_END_H
#define OBFS_END_H

#include "obfs/obfs.h"

#include <ssplugin/testing.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* 1994-11-06 08:49:37 UTC, the date of RFC 9110's examples. */
#define END_TIME 784111777

/* The environment of both ends: the remote port is the one of the captures. */
extern const ssp_env end_env;

struct end {
    struct obfs_conf conf;
    ssp_world world;
    uint32_t dice;
    const ssp_codec *codec;
    ssp_drive *drive;
};

/* conf as options would leave it; setup completes it.  Ends with other seeds draw other bytes. */
void end_open(struct end *end, const ssp_codec *codec, struct obfs_conf conf, uint32_t seed);
void end_close(struct end *end);

ssp_verdict end_feed(struct end *end, ssp_dir dir, const void *bytes, size_t n);

/* As end_feed, and nothing follows. */
ssp_verdict end_finish(struct end *end, ssp_dir dir, const void *bytes, size_t n);

/* The output that waits in dir equals these bytes. */
void end_says(const struct end *end, ssp_dir dir, const void *bytes, size_t n);

/* Forgets the output that waits in dir. */
void end_forget(struct end *end, ssp_dir dir);

/* Whatever the cut, and byte by byte: a new end of this kind turns wire into plain. */
void end_unwraps_every_split(const ssp_codec *codec, struct obfs_conf conf, const void *wire,
                             size_t wire_len, const char *plain);

#endif
