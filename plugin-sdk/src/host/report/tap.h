/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tap.h - reads a pipe of a plugin whenever it has bytes, and at most every 5 ms: one that writes
 * without end costs the loop no more than that.
 */
#ifndef SSP_HOST_REPORT_TAP_H
#define SSP_HOST_REPORT_TAP_H

#include "net/loop.h"

struct ssp__tap {
    ssp_loop *loop; /* this and the next three are set by the owner */
    int fd;         /* borrowed */
    void (*read)(void *arg);
    void *arg;
    struct ssp__watch *watch; /* NULL: closed, or at rest */
    struct ssp__deadline rest;
};

void ssp__tap_open(struct ssp__tap *tap);
void ssp__tap_close(struct ssp__tap *tap); /* may be called twice, and on a zeroed one */

#endif
