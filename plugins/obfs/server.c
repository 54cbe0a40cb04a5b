/* SPDX-License-Identifier: Apache-2.0 */
/* server.c - the program obfs-server. */
#include "obfs/config.h"
#include "obfs/obfs.h"

#include <ssplugin/ssplugin.h>

SSP_PLUGIN_NOTE

int main(int argc, char **argv)
{
    char why[OBFS_WHY_MAX];
    struct obfs_config config;
    int status = SSP_EXIT_CONFIG;
    ssp_log_open(SSP_LOG_PLUGIN, obfs_server.name, false);
    if (obfs_config_read(&config, SSP_SERVER, argc, argv, why) == 0)
        status = ssp_main(config.argc, config.argv, &obfs_server);
    else
        ssp_error("%s", why);
    obfs_config_release(&config);
    return status;
}
