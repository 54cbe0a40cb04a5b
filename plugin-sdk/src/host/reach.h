/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reach.h - what a plugin has to reach because its options name it: files, and where they lie.
 */
#ifndef SSP_HOST_REACH_H
#define SSP_HOST_REACH_H

#include <stddef.h>

enum { SSP_REACH_MAX = 48 };

struct ssp_reach {
    const char *path[SSP_REACH_MAX + 1]; /* absolute, each owned; ends with NULL */
    size_t n;
};

/* Collects the values of SS_PLUGIN_OPTIONS that are absolute paths, and the directories of what
 * they lead to, but never the root; options may be NULL.  Returns 0, or -1 when memory is out. */
int ssp_reach_read(struct ssp_reach *reach, const char *options);
void ssp_reach_release(struct ssp_reach *reach);

#endif
