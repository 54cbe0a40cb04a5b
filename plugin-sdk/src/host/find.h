/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.h - which file a plugin's name means, and what that file says of itself.
 */
#ifndef SSP_HOST_FIND_H
#define SSP_HOST_FIND_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Finds an executable: a name with '/' is that very file; another is looked for in directory (NULL:
 * none), then in the absolute entries of $PATH, never in the current directory.
 *
 * Returns 0 with an absolute path, or -1 with errno.
 */
int ssp__find_plugin(const char *name, const char *directory, char *path, size_t path_cap);

/* True when the file says that its program takes a listening socket (SSP_TAKES_LISTEN_FDS). */
bool ssp__find_takes_listen_fds(const char *path);

#endif
