/* SPDX-License-Identifier: Apache-2.0 */
/*
 * line.h - a line of a plugin: removes colours, finds its level and how well it explains an exit.
 */
#ifndef SSP_HOST_REPORT_LINE_H
#define SSP_HOST_REPORT_LINE_H

#include <ssplugin/log.h>

/* Removes the sequences that set colours and clear a terminal's line; others stay. */
void ssp__line_remove_colours(char *line);

/* SSP_LOG_ERROR when the line names that level, or no harmless one and uses an error's words; else
 * SSP_LOG_INFO. */
ssp_log_level ssp__line_level(const char *line);

/* The same of a plugin that has been told to end: its warnings are of what it tears down. */
ssp_log_level ssp__line_level_at_end(const char *line);

enum ssp__line_weight {
    SSP_LINE_PLAIN, /* no error; the last such line counts */
    SSP_LINE_ERROR, /* names the error, as command-line tools do in front of their help */
    SSP_LINE_CRASH  /* the first line that a run-time system prints about a crash */
};

enum ssp__line_weight ssp__line_weight(const char *line);

#endif
