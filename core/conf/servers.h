/* SPDX-License-Identifier: Apache-2.0 */
/*
 * servers.h - servers that bring their own method, password and plugin, as URLs and lists do.
 */
#ifndef SS_CONF_SERVERS_H
#define SS_CONF_SERVERS_H

#include "conf/complain.h"

#include <json-c/json.h>

/* Adds an item of "servers", unless it is disabled.  Returns 0, or -1 after an error message. */
int ss_servers_add(struct ss_conf *conf, const struct ss_origin *origin, json_object *object);

/* The values of the server become those of the conf.  Returns 0, or -1 after an error message. */
int ss_servers_use(struct ss_conf *conf, const struct ss_origin *origin,
                   const struct ss_server *server);

/* The only server is that of the conf: the values of its list take the place of those beside it,
 * which fill what it leaves out.  ss-server has an instance for each of several, and a
 * client chooses among them.  Returns 0, or -1 after an error message. */
int ss_servers_settle(struct ss_conf *conf, const struct ss_origin *origin);

/* A server of the command line is complete: nothing of a file's is added.  Returns 0, or -1 when
 * memory is out. */
int ss_servers_seal(struct ss_conf *conf);

#endif
