/* SPDX-License-Identifier: Apache-2.0 */
/* accounts.h - "local_users": the users of the clients' side, with their passwords. */
#ifndef SS_CONF_ACCOUNTS_H
#define SS_CONF_ACCOUNTS_H

#include "conf/complain.h"

#include <json-c/json.h>

/* Adds {"name": text, "password": text}, whose password is wiped.  Returns 0, or -1 after an error
 * message. */
int ss_conf_accounts_read(struct ss_conf *conf, const struct ss_origin *origin,
                          json_object *object);

/* Takes those of the file. */
void ss_conf_accounts_move(struct ss_conf *conf, struct ss_conf *file);

/* Returns 0, or -1 when memory is out. */
int ss_conf_accounts_copy(struct ss_conf *out, const struct ss_conf *conf);

void ss_conf_accounts_release(struct ss_conf *conf); /* wipes them */

#endif
