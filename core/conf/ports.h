/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ports.h - the ports of "port_password", each with its password.
 */
#ifndef SS_CONF_PORTS_H
#define SS_CONF_PORTS_H

#include "conf/complain.h"

#include <json-c/json.h>

/* Reads an object of ports and their passwords.  Returns 0, or -1 after an error message. */
int ss_ports_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

void ss_ports_release(struct ss_conf *conf);

#endif
