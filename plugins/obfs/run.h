/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.h - main() of both programs: the configuration file first, then the plugin.
 */
#ifndef OBFS_RUN_H
#define OBFS_RUN_H

#include "obfs/obfs.h"

/* Returns the exit status, one of SSP_EXIT_*. */
int obfs_run(int argc, char **argv, const ssp_codec *codec, ssp_role role);

#endif
