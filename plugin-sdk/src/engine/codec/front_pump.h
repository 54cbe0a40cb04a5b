/* SPDX-License-Identifier: Apache-2.0 */
/*
 * front_pump.h - a front under the rules of a pump, for one connection.
 */
#ifndef SSP_CODEC_FRONT_PUMP_H
#define SSP_CODEC_FRONT_PUMP_H

#include "base/front.h"
#include "codec/pump.h"

struct ssp__front_pump {
    const struct ssp__front *front;
    void *state;           /* front->state_size bytes, borrowed */
    ssp_conn conn;         /* of the front: its configuration, its reason */
    struct ssp__pump pump; /* fn is NULL once the front is done */
    struct ssp__target target;
    bool unused; /* the target has replaced another one, and has got no byte */
    bool full;   /* it is not run before its replies have left */

    struct ssp__pump answer; /* fn is NULL without one, and once it is done */
    enum ssp__reach reach;
    bool ended; /* no more bytes of the target come */
};

/* Makes a zeroed pump, with state and conn set, that of a connection whose client has reached this
 * address. */
void ssp__front_pump_open(struct ssp__front_pump *f, const struct ssp__front *front,
                          const struct ssp__address *reached);

/* Runs the front over the view until it needs something: as ssp__pump_run(), see base/front.h for
 * the meaning.  Never SSP_FOREIGN. */
ssp_verdict ssp__front_pump_run(struct ssp__front_pump *f, ssp_io *io);

/* The same for the answer. */
ssp_verdict ssp__front_pump_answer(struct ssp__front_pump *f, ssp_io *io);

/* Begins with the target that has replaced the former one. */
void ssp__front_pump_renew(struct ssp__front_pump *f, struct ssp__pool *pool);

void ssp__front_pump_close(struct ssp__front_pump *f, struct ssp__pool *pool);

#endif
