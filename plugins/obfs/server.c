/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the program obfs-server. */
#include "obfs/run.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_NOTE
SSP_PLUGIN_SHARES

int main(int argc, char **argv)
{
    return obfs_run(argc, argv, &obfs_server, SSP_SERVER);
}
