/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clean.h - makes text of a plugin safe to print.
 */
#ifndef SSP_HOST_REPORT_CLEAN_H
#define SSP_HOST_REPORT_CLEAN_H

/* Replaces control characters, including those of UTF-8 beyond ASCII and those that change the
 * order of a text, by '?': a terminal would obey them. */
void ssp__clean(char *text);

#endif
