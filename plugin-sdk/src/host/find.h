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
 * Returns 0 with an absolute path.  Otherwise -1 with errno, and path is that of the executable
 * there whose name resembles this one most, or empty.
 */
int ssp__find_plugin(const char *name, const char *directory, char *path, size_t path_cap);

#endif
