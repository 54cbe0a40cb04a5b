/* SPDX-License-Identifier: Apache-2.0 */
/*
 * temporary.h - a directory for the temporary files of one plugin, which no other program shares.
 */
#ifndef SSP_HOST_PROCESS_TEMPORARY_H
#define SSP_HOST_PROCESS_TEMPORARY_H

#include "host/process/privilege.h"

#include <stddef.h>

enum { SSP_TEMPORARY_PATH = 256 };

/*
 * Makes an empty directory that only the user of p can enter, below $TMPDIR where that user gets
 * there, else below /tmp or /var/tmp.
 *
 * Returns 0 with its path, or -1 with errno and "" in path.
 */
int ssp__temporary_make(const struct ssp__privilege *p, char path[SSP_TEMPORARY_PATH]);

/* Removes it and what is in it, through no symbolic link.  It leaves files that are
 * deeper or more than a plugin makes in good faith.  "" and what is gone are accepted. */
void ssp__temporary_remove(const char *path);

#endif
