/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access.h - may a plugin's user do that?  Read from the modes of files, before there is a process
 * of that user.
 */
#ifndef SSP_HOST_ACCESS_H
#define SSP_HOST_ACCESS_H

#include "host/process/privilege.h"

/* True when the user that p changes to may, by its own permissions and not by root's.  mode is of
 * R_OK, W_OK and X_OK.  Access control lists are not looked at. */
bool ssp__access(const struct ssp__privilege *p, const char *path, int mode);

/* The same without the path: its directories are taken for open. */
bool ssp__access_alone(const struct ssp__privilege *p, const char *path, int mode);

#endif
