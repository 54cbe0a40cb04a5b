/* SPDX-License-Identifier: Apache-2.0 */
/*
 * meter.h - the traffic of a server and its limits, which the instances have together that
 * follow one another at one place: sessions of earlier settings count, and wait, with the others.
 */
#ifndef SS_APP_METER_H
#define SS_APP_METER_H

#include "engine/engine.h"

struct ss_meter {
    struct ssp__meter traffic;
    uint64_t told_up, told_down; /* of its bytes, to the store of a fleet */
    unsigned holders, others;
    struct ssp__meter mate[]; /* of sessions on each of the other workers */
};

/* Holds the one that is offered, or else a new one, of a program with so many other workers.  NULL
 * after a log line. */
struct ss_meter *ss_meter_take(struct ss_meter *offered, unsigned others);
void ss_meter_leave(struct ss_meter *meter); /* accepts NULL */

#endif
