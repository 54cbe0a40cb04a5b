/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.h - the files a plugin has to reach because its options name them.
 */
#ifndef SSP_HOST_REACH_H
#define SSP_HOST_REACH_H

#include <stddef.h>

enum { SSP_REACH_MAX = 16 };

struct ssp_reach {
    const char *path[SSP_REACH_MAX + 1]; /* absolute, ends with NULL */
    char *text;                          /* owned storage */
};

/* Collects the values of SS_PLUGIN_OPTIONS that are absolute paths; options may be NULL.  Returns
 * 0, or -1 when memory is out. */
int ssp_reach_read(struct ssp_reach *reach, const char *options);
void ssp_reach_release(struct ssp_reach *reach);

#endif
