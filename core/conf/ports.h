/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports.h - the servers of ss-manager: one for each port, with settings of its own over those of
 * the manager.
 */
#ifndef SS_CONF_PORTS_H
#define SS_CONF_PORTS_H

#include "conf/complain.h"

#include <json-c/json.h>

/* Reads "port_password", an object of ports and their passwords.  Returns 0, or -1 after an error
 * message. */
int ss_ports_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

/* Completes the conf of a manager, or exits after an error message. */
enum ssp__next ss_ports_check(struct ss_conf *conf, int *status);

/* Makes *out the conf of a server: text, a JSON object, over the conf of the manager.  Returns 0,
 * or -1 after an error message; *out is to be released in both cases. */
int ss_port_conf(struct ss_conf *out, const struct ss_conf *manager, uint16_t port,
                 const char *text);

void ss_ports_release(struct ss_conf *conf);

#endif
