/* SPDX-License-Identifier: Apache-2.0 */
/*
 * salts.h - the salts of AEAD-2022 that a node has seen, as the store hands them to the others:
 * keyed hashes, see crypto/recent.h.
 */
#ifndef SS_STORE_SALTS_H
#define SS_STORE_SALTS_H

#include "crypto/recent.h"

enum { SS_STORE_SALT = 8 + 8 + 8 + SS_RECENT_HASH };

void ss_store_salt_write(uint8_t out[SS_STORE_SALT], const struct ss_recent_kept *kept);
void ss_store_salt_read(struct ss_recent_kept *kept, const uint8_t in[SS_STORE_SALT]);

#endif
