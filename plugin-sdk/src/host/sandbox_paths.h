/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sandbox_paths.h - what a plugin has to reach because its options name it: files, and where they
 * lie.
 */
#ifndef SSP_HOST_SANDBOX_PATHS_H
#define SSP_HOST_SANDBOX_PATHS_H

#include <stddef.h>

enum { SSP_REACH_MAX = 48 };

struct ssp__sandbox_paths {
    const char *path[SSP_REACH_MAX + 1]; /* absolute, each owned; ends with NULL */
    size_t n;
};

/* Collects the values of SS_PLUGIN_OPTIONS that are absolute paths, and the directories of what
 * they lead to, but never the root; options may be NULL.  Returns 0, or -1 when memory is out. */
int ssp__sandbox_paths_read(struct ssp__sandbox_paths *reach, const char *options);
void ssp__sandbox_paths_release(struct ssp__sandbox_paths *reach);

#endif
