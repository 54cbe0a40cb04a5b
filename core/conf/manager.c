/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/manager.h"

#include "conf/check.h"
#include "conf/fields.h"
#include "conf/json.h"
#include "conf/merge.h"
#include "conf/secrets.h"
#include "conf/text.h"

#include <stdio.h>
#include <string.h>

/* A manager has no port of its own. */
static void drop_ports(struct ss_conf *conf)
{
    conf->server_port = 0;
    for (unsigned i = 0; i < conf->servers; i++)
        conf->server[i].port = 0;
}

enum ssp__next ss_manager_conf_check(struct ss_conf *conf, int *status)
{
    const struct ss_origin origin = {.program = SS_MANAGER};
    ss_fields_drop_empty(conf);
    ss_conf_complete(conf);
    drop_ports(conf);
    *status = SS_EXIT_FATAL;
    if (conf->method == NULL && ss_text_replace(&conf->method, SS_METHOD_DEFAULT) == -1) {
        ss_complain(&origin, "out of memory");
        return SSP_EXIT_WITH;
    }
    if (conf->manager_key != NULL && conf->executable != NULL) {
        ss_complain(&(struct ss_origin){.program = SS_MANAGER, .name = "manager_key"},
                    "servers of \"executable\" cannot seal their reports (remove one of them)");
        return SSP_EXIT_WITH;
    }
    if (conf->state_dir != NULL && conf->executable != NULL) {
        ss_complain(&(struct ss_origin){.program = SS_MANAGER, .name = "state_dir"},
                    "servers of \"executable\" do not use it (remove one of them)");
        return SSP_EXIT_WITH;
    }
    if (conf->list.n > 0)
        ss_complain(&(struct ss_origin){.program = SS_MANAGER, .name = "servers"},
                    "is for ss-server, ignored (expected \"port_password\" or requests)");
    return SSP_GO_ON;
}

/* Settings of the process are not those of a server. */
static int base_conf(struct ss_conf *base, const struct ss_conf *manager)
{
    if (ss_conf_copy(base, manager) == -1)
        return -1;
    char **not_its_own[] = {&base->manager_address, &base->pid_file,    &base->workdir,
                            &base->executable,      &base->manager_key, &base->metrics,
                            &base->state_dir};
    for (size_t i = 0; i < sizeof not_its_own / sizeof *not_its_own; i++)
        ss_text_drop(not_its_own[i], true);
    return 0;
}

int ss_port_conf(struct ss_conf *out, const struct ss_conf *manager, uint16_t port,
                 const char *text)
{
    char name[24];
    struct ss_conf base;
    int status;
    (void)snprintf(name, sizeof name, "port %u", port);
    const struct ss_origin origin = {.program = SS_SERVER, .path = name};
    *out = (struct ss_conf){.servers = 0};
    int rc = base_conf(&base, manager);
    if (rc == -1)
        ss_complain(&origin, "out of memory");
    else
        rc = ss_conf_json(out, &origin, text, strlen(text));
    if (rc == 0)
        ss_fields_merge(out, &base);
    ss_conf_release(&base);
    if (rc == 0)
        rc = ss_text_replace(&out->path, manager->path);
    return rc == 0 && ss_conf_check(out, SS_SERVER, &status) == SSP_GO_ON ? 0 : -1;
}
