/* SPDX-License-Identifier: Apache-2.0 */
/*
 * start.h - the libraries below this layer, before their first use.
 */
#ifndef SS_CRYPTO_START_H
#define SS_CRYPTO_START_H

/* Starts libsodium and libcrypto.  give_up, which does not return, is called where libsodium cannot
 * go on without random bytes, at any time.  Where memory is out the process ends with a line and
 * this status.  Returns NULL, or what is wrong. */
const char *ss_crypto_start(void (*give_up)(void), int status);

#endif
