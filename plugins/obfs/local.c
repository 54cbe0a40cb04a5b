/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - the program obfs-local. */
#include "obfs/run.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    return obfs_run(argc, argv, &obfs_local, SSP_CLIENT);
}
