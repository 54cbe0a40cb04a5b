/* SPDX-License-Identifier: Apache-2.0 */
/*
 * log.h - the log sink: one line per event, never a secret.
 *
 * The sink is the one mutable global of the project.  A line is written at once or dropped: a
 * reader that does not drain its pipe never blocks the program; drops are counted and reported.
 */
#ifndef SSP_BASE_LOG_H
#define SSP_BASE_LOG_H

#include <stdbool.h>

enum ssp_log_level { SSP_LOG_ERROR, SSP_LOG_INFO, SSP_LOG_DEBUG };

enum ssp_log_style {
    SSP_LOG_PLUGIN, /* "name: text" on stderr */
    SSP_LOG_DAEMON, /* " 2026-01-31 23:59:59 INFO: text", INFO on stdout, ERROR on stderr */
    SSP_LOG_SYSLOG  /* facility daemon, with pid */
};

/* name is borrowed for ever.  verbose lets SSP_LOG_DEBUG through. */
void ssp_log_open(enum ssp_log_style style, const char *name, bool verbose);

/* True when SSP_LOG_DEBUG lines are written: lets callers skip the work of composing one. */
bool ssp_log_verbose(void);

void ssp_log(enum ssp_log_level level, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#define ssp_error(...) ssp_log(SSP_LOG_ERROR, __VA_ARGS__)
#define ssp_info(...) ssp_log(SSP_LOG_INFO, __VA_ARGS__)
#define ssp_debug(...) ssp_log(SSP_LOG_DEBUG, __VA_ARGS__)

#endif
