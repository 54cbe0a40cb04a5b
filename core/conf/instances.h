/* SPDX-License-Identifier: Apache-2.0 */
/*
 * instances.h - several listeners of a client, or several servers, in one configuration: each
 * becomes an instance with a conf of its own.
 */
#ifndef SS_CONF_INSTANCES_H
#define SS_CONF_INSTANCES_H

#include "conf/conf.h"

/* Completes and checks the conf, and makes its instances, if it is to have more than itself.  Goes
 * on, or exits after an error message. */
enum ssp__next ss_instances_make(struct ss_conf *conf, enum ss_program program, int *status);

#endif
