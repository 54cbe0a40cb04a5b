/* SPDX-License-Identifier: Apache-2.0 */
/* arena.h - memory for libcrypto and libssl, which no sanitizer sees into: its allocator checks
 * every block of theirs for nothing, and takes most of the time of a run. */
#ifndef SSP_TESTS_ARENA_H
#define SSP_TESTS_ARENA_H

#include <stddef.h>

/* Before the first call of OpenSSL. */
void arena_serve_openssl(void);

/* Blocks in use: a run must return what it took. */
size_t arena_blocks(void);

#endif
