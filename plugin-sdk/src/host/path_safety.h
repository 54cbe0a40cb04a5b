/* SPDX-License-Identifier: Apache-2.0 */
/*
 * path_safety.h - checks that root may run a file: only root could have written it.
 */
#ifndef SSP_HOST_PATH_SAFETY_H
#define SSP_HOST_PATH_SAFETY_H

#include <stddef.h>

/*
 * Follows the path as the kernel does, symlink by symlink, and refuses a file, a directory or a
 * symlink on the way that is owned by neither root nor us, and a file or directory that its group
 * or the world can write to.  A sticky directory such as /tmp is no obstacle on the way, but is
 * refused as the plugin's own directory: any user can put files beside it.
 *
 * Returns 0 when all is well or we are not root; -1 with a sentence in why that names the path, the
 * problem and the remedy.
 */
int ssp__path_safety_check(const char *path, char *why, size_t cap);

#endif
