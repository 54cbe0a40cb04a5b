/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libcrypto/start.h - libcrypto's algorithms, before the first connection needs one.
 *
 * libcrypto loads all algorithms of a kind when the first of them is used.  One for which memory
 * was out at that moment is unknown as long as the process lives.
 */
#ifndef SSP_LIBCRYPTO_START_H
#define SSP_LIBCRYPTO_START_H

#include <openssl/types.h>

/* Loads every algorithm, unless that is done.  Comes before any other use of libcrypto, which could
 * not be watched else.  When memory is out, the process ends with a line and this status. */
void ssp__libcrypto_start(int status);

/* Loads every algorithm of a library that is not the process' own.  ssp__libcrypto_failures() tells
 * whether one was left out. */
void ssp__libcrypto_load(OSSL_LIB_CTX *library);

/* How many allocations of libcrypto and libssl have failed.  A call after which there are more may
 * have left something out without an error. */
unsigned long ssp__libcrypto_failures(void);

#endif
