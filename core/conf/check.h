/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.h - completes a conf that was read: sets defaults, then checks required values and
 * combinations.
 */
#ifndef SS_CONF_CHECK_H
#define SS_CONF_CHECK_H

#include "conf/conf.h"

/* The method of a conf that names none. */
#define SS_METHOD_DEFAULT "chacha20-ietf-poly1305"

/* Sets the defaults that do not depend on the program. */
void ss_conf_complete(struct ss_conf *conf);

/* Returns with *conf complete, or exits after an error message. */
enum ssp__next ss_conf_check(struct ss_conf *conf, enum ss_program program, int *status);

#endif
