/* SPDX-License-Identifier: Apache-2.0 */
/*
 * secrets.h - passwords and keys that are written elsewhere, and the users of a server.
 *
 * A value ${NAME} is that of the environment.  A password may be in a file of its own: at a path,
 * or in the directory of a service's credentials ($CREDENTIALS_DIRECTORY, see systemd.exec(5)).
 */
#ifndef SS_CONF_SECRETS_H
#define SS_CONF_SECRETS_H

#include "conf/complain.h"

#include <stdbool.h>

/* Adds a user, with the key as text.  Returns 0, or -1 when memory is out. */
int ss_users_of_conf_add(struct ss_conf *conf, const char *name, const char *key,
                         const struct ssp__allowance *allowance);

/* Moves the users of *file to *conf, which has none. */
void ss_users_of_conf_move(struct ss_conf *conf, struct ss_conf *file);

/* Wipes and frees them. */
void ss_users_of_conf_release(struct ss_conf *conf);

/* True for ${NAME}, which is no secret itself. */
bool ss_secrets_named(const char *text);

/* Replaces ${NAME}, which is the whole text, by the value of that variable.  Returns 0, also for
 * another text, or -1 after an error message: there is no such variable, or memory is out.  Without
 * origin nothing is said. */
int ss_secrets_expand(char **text, const struct ss_origin *origin);

/* Fetches what is written elsewhere.  Returns 0, or -1 after an error message. */
int ss_secrets_fetch(struct ss_conf *conf, enum ss_program program);

/* Makes conf->users of the keys, which are wiped.  Returns 0, or -1 after an error message. */
int ss_secrets_make_users(struct ss_conf *conf, enum ss_program program);

/* Prints a new random key for the method, in base64.  Returns the exit status. */
int ss_secrets_print_new_key(const struct ss_origin *origin, const char *method);

#endif
