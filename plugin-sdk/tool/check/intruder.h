/* SPDX-License-Identifier: Apache-2.0 */
/*
 * intruder.h - an unauthenticated peer of the server plugin: sends some bytes, or none, and notes
 * when its connection is closed.
 */
#ifndef SSP_CHECK_INTRUDER_H
#define SSP_CHECK_INTRUDER_H

#include "check/scene.h"

enum { INTRUSION_MAX = 20480 };

struct intruder {
    struct watch watch; /* first */
    struct scene *scene;
    uint8_t *bytes; /* owned; the bytes to send */
    size_t len, sent;
    size_t pause; /* the peer reads so many of them before the others are sent; 0: all at once */
    int diag;     /* of reader_open(), borrowed; for pause */
    uint64_t asked_us;
    bool fin; /* shuts down behind its bytes */
    bool connecting, over;
    uint64_t begun_us, over_us; /* connected, closed by the plugin; 0: not */
    uint64_t heard;             /* bytes it was answered */
};

/* Connects.  bytes are copied; pause, diag and fin may be set before the scene runs. */
void intruder_open(struct intruder *intruder, struct scene *scene, uint16_t port,
                   const uint8_t *bytes, size_t n);
void intruder_close(struct intruder *intruder); /* accepts one that is closed */

/* Several of them; scene_test_fn below. */
struct intruders {
    struct intruder *intruder;
    unsigned n;
};

bool intruders_connected(void *intruders); /* each has sent its bytes, or is over */
bool intruders_over(void *intruders);      /* each has been closed by the plugin */
void intruders_close(struct intruders *intruders);

#endif
