/* SPDX-License-Identifier: Apache-2.0 */
/*
 * upstreams.h - the servers that a client chooses among: each with a conf of its own, complete.
 */
#ifndef SS_CONF_UPSTREAMS_H
#define SS_CONF_UPSTREAMS_H

#include "conf/complain.h"

/* Adds the server to the upstreams of conf; what it leaves out is that of base.  Returns 1, 0 after
 * a message when it cannot be used, or -1 after an error message: memory is out. */
int ss_upstreams_add(struct ss_conf *conf, const struct ss_conf *base,
                     const struct ss_server *server, const struct ss_origin *origin);

/* Makes the upstreams of a conf whose list is to be chosen from, and completes and checks the conf.
 * Goes on, or exits after an error message: none can be used. */
enum ssp__next ss_upstreams_make(struct ss_conf *conf, enum ss_program program, int *status);

#endif
