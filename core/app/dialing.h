/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dialing.h - how a configuration wants sockets toward servers and targets.
 */
#ifndef SS_APP_DIALING_H
#define SS_APP_DIALING_H

#include "conf/conf.h"
#include "engine/engine.h"

/* Addresses that the options point to. */
struct ss_dialing {
    struct ssp__address bind_v4, bind_v6;
};

/* Borrows from both. */
struct ssp__socket_options ss_dialing_options(struct ss_dialing *dialing,
                                              const struct ss_conf *conf);

#endif
