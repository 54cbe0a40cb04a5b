/* SPDX-License-Identifier: Apache-2.0 */
/*
 * online.h - "online_config": a list of servers from a file or an https URL, the last good copy of
 * it, and the plugins that it may name.
 */
#ifndef SS_CONF_ONLINE_H
#define SS_CONF_ONLINE_H

#include "conf/complain.h"

#include <json-c/json.h>

/* A plugin that a list may name, and the digest that its file must have. */
struct ss_allowed_plugin {
    char *path;
    char *sha256; /* hexadecimal; NULL: any */
};

/* Reads the object of "online_config".  Returns 0, or -1 after an error message. */
int ss_online_read(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

/* Adds the servers of the list to those of the conf; when there is none to be had, the last good
 * copy counts.  Returns 0, or -1 after an error message. */
int ss_online_load(struct ss_conf *conf, const struct ss_origin *origin);

void ss_online_release(struct ss_conf *conf);

#endif
