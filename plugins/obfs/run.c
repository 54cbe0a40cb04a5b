/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/run.h"

#include "obfs/config.h"

#include <ssplugin/ssplugin.h>

int obfs_run(int argc, char **argv, const ssp_codec *codec, ssp_role role)
{
    char why[OBFS_WHY_MAX];
    struct obfs_config config;
    int status = SSP_EXIT_CONFIG;
    ssp_log_open(SSP_LOG_PLUGIN, codec->name, false);
    if (obfs_config_read(&config, role, argc, argv, why) == 0)
        status = ssp_main(config.argc, config.argv, codec);
    else
        ssp_error("%s", why);
    obfs_config_release(&config);
    return status;
}
