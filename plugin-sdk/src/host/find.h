/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.h - finds the file of a plugin by its name.
 */
#ifndef SSP_HOST_FIND_H
#define SSP_HOST_FIND_H

#include <stddef.h>

/*
 * Finds an executable: a name with '/' is that very file; another is looked for in directory (NULL:
 * none), then in the absolute entries of $PATH, never in the current directory.
 *
 * Returns 0 with an absolute path, or -1 with errno.
 */
int ssp__find_plugin(const char *name, const char *directory, char *path, size_t path_cap);

#endif
