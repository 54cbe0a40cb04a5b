/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - what was read becomes a complete conf: defaults, what is required, what fits together.
 */
#ifndef SS_CONF_CHECK_H
#define SS_CONF_CHECK_H

#include "conf/conf.h"

/* Goes on with *conf, or exits after a complaint. */
enum ssp__next ss_conf_check(struct ss_conf *conf, enum ss_program program, int *status);

#endif
