/* SPDX-License-Identifier: Apache-2.0 */
/*
 * far_end.h - a server as far as it counts what comes.
 */
#ifndef SSP_CHECK_FAR_END_H
#define SSP_CHECK_FAR_END_H

#include "check/scene.h"

enum { FAR_MAX = 32 };

struct far_end {
    struct watch watch; /* first */
    struct scene *scene;
    struct far_conn {
        struct watch watch; /* first */
        struct far_end *far;
    } conn[FAR_MAX];
    unsigned conns, bytes;
};

/* Listens there; without success far->watch.fd is -1. */
void far_end_open(struct far_end *far, struct scene *scene, const char *host, uint16_t port);
void far_end_close(struct far_end *far); /* accepts a zeroed one */

#endif
