/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manager.h - the conf of ss-manager, and those of its servers: one for each port, with settings
 * of its own over those of the manager.
 */
#ifndef SS_CONF_MANAGER_H
#define SS_CONF_MANAGER_H

#include "conf/conf.h"

/* Completes the conf of a manager, or exits after an error message. */
enum ssp__next ss_manager_conf_check(struct ss_conf *conf, int *status);

/* Makes *out the conf of a server: text, a JSON object, over the conf of the manager.  Returns 0,
 * or -1 after an error message; *out is to be released in both cases. */
int ss_port_conf(struct ss_conf *out, const struct ss_conf *manager, uint16_t port,
                 const char *text);

#endif
