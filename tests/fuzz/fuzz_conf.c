/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any text, for each program: no crash, and what is taken keeps the promises of the conf.  The
 * complaints go to stderr: -close_fd_mask=2 makes a campaign fast.
 */
#include "must.h"

#include "conf/json.h"

#include <string.h>

static void check(const struct ss_conf *conf)
{
    must(conf->servers <= SS_SERVERS_MAX);
    for (unsigned i = 0; i < conf->servers; i++) {
        const struct ssp__endpoint *e = &conf->server[i];
        must(!e->named ? e->u.address.len > 0
                       : memchr(e->u.name, '\0', sizeof e->u.name) != NULL && e->u.name[0] != '\0');
    }
    must(conf->mode <= SSP_TCP_AND_UDP);
    must(conf->mtu <= UINT16_MAX);
}

static void read_as(enum ss_program program, const uint8_t *data, size_t size)
{
    struct ss_conf conf = {.servers = 0};
    const struct ss_origin origin = {.program = program, .path = "fuzz.json"};
    (void)ss_conf_json(&conf, &origin, (const char *)data, size);
    check(&conf);
    ss_conf_release(&conf);
    must(conf.servers == 0 && conf.password == NULL && conf.plugin_opts == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > SS_FILE_MAX + 1)
        return 0;
    read_as(SS_LOCAL, data, size);
    read_as(SS_SERVER, data, size);
    read_as(SS_TUNNEL, data, size);
    read_as(SS_REDIR, data, size);
    return 0;
}
