/* SPDX-License-Identifier: Apache-2.0 */
/**
 * log.h - the log sink: one line per event, never a secret.
 *
 * The sink is the one mutable global of the library.  A line is written at once or dropped: a
 * reader that does not drain its pipe never blocks the program; drops are counted and reported.
 *
 * Thread: ssp_log_open() and ssp_log_redirect() before the second thread starts; the rest any.
 */
#ifndef SSPLUGIN_LOG_H
#define SSPLUGIN_LOG_H

#include <ssplugin/version.h>

#include <stdbool.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ssp_log_level { SSP_LOG_ERROR, SSP_LOG_INFO, SSP_LOG_DEBUG } ssp_log_level;

typedef enum ssp_log_style {
    SSP_LOG_PLUGIN, /**< "name: text" on stderr */
    SSP_LOG_DAEMON, /**< " 2026-01-31 23:59:59 INFO: text", INFO on stdout, ERROR on stderr */
    SSP_LOG_SYSLOG  /**< facility daemon, with pid */
} ssp_log_style;

/** name is borrowed for ever.  verbose lets SSP_LOG_DEBUG through. */
SSP_API void ssp_log_open(ssp_log_style style, const char *name, bool verbose);

/** A log of the program's own; text is one line without newline, borrowed for the call. */
typedef void ssp_log_fn(void *arg, ssp_log_level level, const char *text);

/** From now on lines go to sink instead; NULL: back to the style that was opened. */
SSP_API void ssp_log_redirect(ssp_log_fn *sink, void *arg);

/** True when SSP_LOG_DEBUG lines are written: lets callers skip the work of composing one. */
SSP_API bool ssp_log_verbose(void);

/** One line; it is cut at about 1000 bytes, and its control characters are made harmless. */
SSP_API void ssp_log(ssp_log_level level, const char *format, ...)
#if defined(__GNUC__)
    __attribute__((format(printf, 2, 3)))
#endif
    ;

#define ssp_error(...) ssp_log(SSP_LOG_ERROR, __VA_ARGS__)
#define ssp_info(...) ssp_log(SSP_LOG_INFO, __VA_ARGS__)
#define ssp_debug(...) ssp_log(SSP_LOG_DEBUG, __VA_ARGS__)

#ifdef __cplusplus
}
#endif

#endif
