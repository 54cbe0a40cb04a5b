/* SPDX-License-Identifier: Apache-2.0 */
/*
 * failure.h - the log line about a plugin that failed: name, problem, its last output, and the
 * remedy.
 */
#ifndef SSP_HOST_REPORT_FAILURE_H
#define SSP_HOST_REPORT_FAILURE_H

#include "host/host_impl.h"

#include <stddef.h>

/* True when its last lines report that an address is taken, and none says that it is not the one
 * that the host has chosen. */
bool ssp__failure_port_taken(const ssp_host *h);

/* It could not be found or started; error is an errno, meant as in ssp__diagnose_facts. */
void ssp__failure_exec(const ssp_host *h, int error, const char *meant, char *why, size_t cap);

/* It has exited. */
void ssp__failure_exit(const ssp_host *h, const struct ssp__guardian_report *r, char *why,
                       size_t cap);

/* It runs, but is not ready in time. */
void ssp__failure_late(const ssp_host *h, char *why, size_t cap);

#endif
