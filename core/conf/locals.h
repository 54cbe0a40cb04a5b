/* SPDX-License-Identifier: Apache-2.0 */
/*
 * locals.h - the listeners of "locals".
 */
#ifndef SS_CONF_LOCALS_H
#define SS_CONF_LOCALS_H

#include "conf/complain.h"

#include <json-c/json.h>

/* Adds an item of "locals", unless it is disabled or no program of ours serves its protocol.
 * Returns 0, or -1 after an error message. */
int ss_locals_add(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

#endif
