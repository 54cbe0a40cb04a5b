/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean.h - text that a plugin wrote, made fit to be shown.
 */
#ifndef SSP_HOST_REPORT_CLEAN_H
#define SSP_HOST_REPORT_CLEAN_H

/* Control characters, also those of UTF-8 beyond ASCII, act on whoever shows the text: they become
 * '?'. */
void ssp__clean(char *text);

#endif
