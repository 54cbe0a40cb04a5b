/* SPDX-License-Identifier: Apache-2.0 */
/* conf.c - one codec's configuration for programs without ssp_main(): see drive.h. */
#include "options/settings.h"

#include <ssplugin/drive.h>

#include <stdio.h>
#include <stdlib.h>

struct ssp_conf {
    struct ssp__settings settings;
};

/* The role when no host has set one. */
static ssp_env somewhere(ssp_role role, const char *options)
{
    return (ssp_env){.role = role,
                     .local_host = "127.0.0.1",
                     .local_port = "1984",
                     .remote_host = "127.0.0.1",
                     .remote_port = "8388",
                     .options = options,
                     .notify_fd = -1};
}

ssp_conf *ssp_conf_new(const ssp_codec *codec, ssp_role role, const char *options, char *why,
                       size_t why_cap)
{
    ssp_conf *conf = calloc(1, sizeof *conf);
    ssp_env env = somewhere(role, options);
    if (conf == NULL) {
        (void)snprintf(why, why_cap, "out of memory");
        return NULL;
    }
    struct ssp__settings *s = &conf->settings;
    if (ssp__settings_init(s, &codec, 1, why, why_cap) == 0 &&
        (options == NULL || ssp__settings_parse(s, options, NULL, NULL, why, why_cap) == 0) &&
        ssp__settings_finish(s, &env, why, why_cap) == 0)
        return conf;
    ssp_conf_free(conf);
    return NULL;
}

const void *ssp_conf_values(const ssp_conf *conf)
{
    return conf->settings.layer[0].conf;
}

void ssp_conf_free(ssp_conf *conf)
{
    if (conf == NULL)
        return;
    ssp__settings_release(&conf->settings);
    free(conf);
}
