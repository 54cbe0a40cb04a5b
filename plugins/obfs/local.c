/* SPDX-License-Identifier: Apache-2.0 */
/* local.c - the program obfs-local. */
#include "obfs/config.h"
#include "obfs/obfs.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    char why[OBFS_WHY_MAX];
    struct obfs_config config;
    int status = SSP_EXIT_CONFIG;
    ssp_log_open(SSP_LOG_PLUGIN, obfs_local.name, false);
    if (obfs_config_read(&config, SSP_CLIENT, argc, argv, why) == 0)
        status = ssp_main(config.argc, config.argv, &obfs_local);
    else
        ssp_error("%s", why);
    obfs_config_release(&config);
    return status;
}
