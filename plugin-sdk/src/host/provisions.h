/* SPDX-License-Identifier: Apache-2.0 */
/*
 * provisions.h - everything a plugin needs to be started: its file, its user, its sandbox, its
 * environment, and the guardian that starts it.
 */
#ifndef SSP_HOST_PROVISIONS_H
#define SSP_HOST_PROVISIONS_H

#include "host/life.h"

#include <stddef.h>

/* Finds the plugin's file, which must be trustworthy.  Returns 0, or -1 with a sentence in why. */
int ssp_provisions_find(struct ssp_host *h, const struct ssp_host_conf *conf, char *why,
                        size_t cap);

/* Forks the guardian.  Returns 0, or -1 with a sentence in why. */
int ssp_provisions_guardian(struct ssp_host *h, const struct ssp_host_conf *conf, char *why,
                            size_t cap);

#endif
