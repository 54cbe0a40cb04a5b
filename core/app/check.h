/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - --check: what a start would refuse beside the mistakes of the configuration itself.
 */
#ifndef SS_APP_CHECK_H
#define SS_APP_CHECK_H

#include "conf/conf.h"

/* Looks for plugins and users, starts nothing, and says whether the configuration is usable.
 * Returns the exit status. */
int ss_check(enum ss_program program, const struct ss_conf *conf);

#endif
