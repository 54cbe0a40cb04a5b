/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vault.h - guarded memory for keys: locked, between pages that nobody may touch, zeros in a fork.
 *
 * Guarded memory comes in pages.  A vault puts several objects of one size into each, so that many
 * of them take little; a page is writable only while one of its objects is.
 */
#ifndef SS_CRYPTO_VAULT_H
#define SS_CRYPTO_VAULT_H

#include <stddef.h>

/* Zero is an empty one.  It goes once all that was taken has been given back. */
struct ss_vault {
    struct ss_vault_page *open; /* list: those with room */
};

/* Zeros, writable until they are sealed.  NULL when memory is out.  Without a vault the object has
 * pages of its own. */
void *ss_vault_take(struct ss_vault *vault, size_t size);
void ss_vault_seal(void *object); /* read-only from now on */
void ss_vault_give(void *object); /* wiped; accepts NULL */

#endif
