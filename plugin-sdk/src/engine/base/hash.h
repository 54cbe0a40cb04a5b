/* SPDX-License-Identifier: Apache-2.0 */
/* hash.h - a keyed hash for tables whose keys come from the network. */
#ifndef SSP_BASE_HASH_H
#define SSP_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* SipHash-1-3 of n words.  With a random key, a peer cannot choose inputs that collide. */
uint64_t ssp__hash(const uint64_t key[2], const uint64_t *word, size_t n);

#endif
