/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listening.h - log lines of addresses that are listened on, or could not be.
 */
#ifndef SS_APP_LISTENING_H
#define SS_APP_LISTENING_H

#include "engine/engine.h"
#include "procfs/diag.h"

/* Logs that e, of n, is listened on. */
void ss_listening_log(const char *line, const struct ssp__endpoint *e, unsigned n);

/* Logs why nothing listens on e, one of n addresses, and what to do; errno and why are those of the
 * failure. */
void ss_listening_failed(const struct ssp__endpoint *e, unsigned n, enum ssp__transport transport,
                         const char *why);

#endif
