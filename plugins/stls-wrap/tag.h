/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tag.h - HMAC-SHA1 that goes on for the life of a connection, of which tags are taken in between.
 *
 * A tag is the first four bytes of the HMAC over all that has been fed.  Functions that return bool
 * return false when memory is out.
 */
#ifndef STLS_WRAP_TAG_H
#define STLS_WRAP_TAG_H

#include <openssl/evp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STLS_TAG_LEN = 4 };

/* The password as the key of all tags.  NULL when memory is out, or without HMAC-SHA1. */
EVP_MAC_CTX *stls_tag_key(const char *password);

/* Another one that has been fed what the first one has. */
EVP_MAC_CTX *stls_tag_fork(const EVP_MAC_CTX *mac);
void stls_tag_free(EVP_MAC_CTX *mac); /* accepts NULL */

bool stls_tag_feed(EVP_MAC_CTX *mac, const void *bytes, size_t n);
bool stls_tag_take(const EVP_MAC_CTX *mac, uint8_t tag[STLS_TAG_LEN]);

/* In constant time. */
bool stls_tag_same(const uint8_t a[STLS_TAG_LEN], const uint8_t b[STLS_TAG_LEN]);

#endif
