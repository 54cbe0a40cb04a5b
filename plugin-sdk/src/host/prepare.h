/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prepare.h - the file of a plugin, and the guardian that starts it.
 */
#ifndef SSP_HOST_PREPARE_H
#define SSP_HOST_PREPARE_H

#include "host/host_impl.h"

#include <stddef.h>

/* Finds the plugin's file, which must be trustworthy.  Returns 0, or -1 with a sentence in why. */
int ssp__prepare_find(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap);

/* Forks the guardian.  Returns 0, or -1 with a sentence in why. */
int ssp__prepare_guardian(ssp_host *h, const ssp_host_conf *conf, char *why, size_t cap);

#endif
