/* SPDX-License-Identifier: Apache-2.0 */
/*
 * readiness.h - decides when a plugin that has started is ready.
 */
#ifndef SSP_HOST_READINESS_H
#define SSP_HOST_READINESS_H

#include "host/host_impl.h"

/* Limits the start, by what is known of it. */
void ssp__readiness_limit(ssp_host *h);

/* The plugin is ready if what is known of it says so. */
void ssp__readiness_consider(ssp_host *h);

/* The plugin is ready. */
void ssp__readiness_reached(ssp_host *h);

#endif
