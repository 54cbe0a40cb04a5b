/* SPDX-License-Identifier: Apache-2.0 */
/*
 * user.h - a user as the store has it: the name, and an object of JSON like a row of "users" in a
 * configuration: {"password": base64, "limit_bytes": amount, "limit_rate": amount}.
 */
#ifndef SS_STORE_USER_H
#define SS_STORE_USER_H

#include "crypto/cipher.h"
#include "proto/users.h"

/* Adds the user to a table.  Returns NULL, or why it is none: a sentence without a secret. */
const char *ss_store_user_add(struct ss_users *users, const struct ss_cipher *cipher,
                              const char *name, const char *text, size_t len);

/* Adds the user as it is in another table, if it is there. */
void ss_store_user_keep(struct ss_users *users, struct ss_users *from, const char *name);

#endif
