/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.h - where the store of a fleet is, as a configuration writes it:
 *
 *   redis://[[USER]:PASSWORD@]HOST[:PORT][/DB][?OPTIONS]    port 6379, database 0
 *   unix:/PATH[?OPTIONS]
 *
 * OPTIONS are key=value, joined by &: db, prefix, user, password.  All parts may be
 * percent-encoded.
 */
#ifndef SS_STORE_PLACE_H
#define SS_STORE_PLACE_H

#include "base/address.h"

/* Texts are owned; zero is none. */
struct ss_store_place {
    struct ssp__endpoint server; /* none: the path */
    char *path;
    char *user, *password; /* NULL: none */
    char *prefix;          /* of all keys, never NULL */
    unsigned db;
};

/* Returns 0, or -1 with a reason that has no secret; release is due either way. */
int ss_store_place_read(struct ss_store_place *place, const char *url, const char **why);
void ss_store_place_release(struct ss_store_place *place); /* wipes the password */

#endif
