/* SPDX-License-Identifier: Apache-2.0 */
/*
 * server_url.h - an ss:// URL is a server with settings of its own.
 */
#ifndef SS_CONF_SERVER_URL_H
#define SS_CONF_SERVER_URL_H

#include "conf/complain.h"

/* Adds the server of an ss:// URL.  Returns 0, or -1 after an error message, which shows nothing of
 * the URL. */
int ss_server_url_add(struct ss_conf *conf, const struct ss_origin *origin, const char *url);

#endif
