/* SPDX-License-Identifier: Apache-2.0 */
/*
 * account.h - what is said about a plugin that failed: one line with who, how, its last words, and
 * what to do about it.
 */
#ifndef SSP_HOST_ACCOUNT_H
#define SSP_HOST_ACCOUNT_H

#include "host/life.h"

#include <stddef.h>

/* Its last lines say that the port it was to take is taken. */
bool ssp_account_address_in_use(const struct ssp_host *h);

/* It could not be found or started; error is an errno. */
void ssp_account_exec(const struct ssp_host *h, int error, char *why, size_t cap);

/* It has exited. */
void ssp_account_exit(const struct ssp_host *h, const struct ssp_guardian_report *r, char *why,
                      size_t cap);

/* It runs, but is not ready in time. */
void ssp_account_late(const struct ssp_host *h, char *why, size_t cap);

#endif
