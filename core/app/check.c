/* SPDX-License-Identifier: Apache-2.0 */
#include "app/check.h"

#include "app/plugin.h"
#include "app/programs.h"
#include "conf/acl_file.h"
#include "conf/complain.h"
#include "conf/manager.h"
#include "host/find.h"
#include "manager/request.h"

#include <errno.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Reads the options, too: no process would tell of them. */
static bool has_inside(const struct ss_origin *origin, const struct ss_conf *c)
{
    const struct ss_keys keys = {.method = ss_method_find(c->method)};
    struct ss_inline *inlined = NULL;
    int rc = keys.method != NULL
                 ? ss_plugin_stack(&inlined, c, ss_programs[origin->program].role, &keys)
                 : 0;
    ss_inline_free(inlined);
    return rc == 0;
}

static bool has_plugin(const struct ss_origin *origin, const struct ss_conf *c)
{
    char path[PATH_MAX], quote[SS_QUOTE_MAX];
    if (ss_plugin_inside(c->plugin) != NULL)
        return has_inside(origin, c);
    if (c->plugin == NULL || *c->plugin == '\0' ||
        ssp__find_plugin(c->plugin, c->plugin_dir, path, sizeof path) == 0)
        return true;
    const char *why = strerror(errno);
    bool near = *path != '\0';
    ss_complain(origin, "%s: %s%s%s%s", ss_quote(quote, c->plugin), why,
                near ? " (did you mean " : "", near ? path : "", near ? "?)" : "");
    return false;
}

/* A user may be a number. */
static bool has_user(const struct ss_origin *origin, const char *name)
{
    char quote[SS_QUOTE_MAX];
    if (name == NULL || strspn(name, "0123456789") == strlen(name) || getpwnam(name) != NULL)
        return true;
    ss_complain(origin, "%s is no user of this machine", ss_quote(quote, name));
    return false;
}

static bool has_directory(const struct ss_origin *origin, const char *path)
{
    struct stat status;
    char quote[SS_QUOTE_MAX];
    if (path == NULL || (stat(path, &status) == 0 && S_ISDIR(status.st_mode)))
        return true;
    ss_complain(origin, "%s is no directory: make it", ss_quote(quote, path));
    return false;
}

struct acl_remarks {
    struct ss_origin origin;
    char line[32];
};

static void tell_remark(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    struct acl_remarks *r = arg;
    (void)snprintf(r->line, sizeof r->line, "line %u", line);
    r->origin.name = line > 0 ? r->line : "acl";
    ss_complain(&r->origin, "%s%s", remark == SS_ACL_DIFFERS ? "warning: " : "", text);
}

/* Tells also the lines that other implementations read otherwise. */
static bool has_acl(enum ss_program program, const struct ss_conf *c)
{
    struct acl_remarks remarks = {.origin = {.program = program, .path = c->acl}};
    if (c->acl == NULL)
        return true;
    struct ss_acl *acl = ss_acl_file_read(c->acl, tell_remark, &remarks);
    remarks.origin.name = "acl";
    if (acl != NULL && ss_programs[program].role == SSP_CLIENT && ss_acl_judges_targets(acl))
        ss_complain(&remarks.origin, "warning: its outbound sections are for ss-server, and decide "
                                     "nothing here (clients have bypass_list and proxy_list)");
    ss_acl_free(acl);
    return acl != NULL;
}

static bool usable(enum ss_program program, const struct ss_conf *c)
{
    const struct ss_origin plugin = {.program = program, .name = "plugin"},
                           user = {.program = program, .name = "user"},
                           plugin_user = {.program = program, .name = "plugin_user"};
    bool found = has_plugin(&plugin, c);
    found = has_user(&user, c->user) && found;
    found = has_user(&plugin_user, c->plugin_user) && found;
    return ss_programs_refuse(c) == 0 && found;
}

/* The ports of a manager, each with its password. */
static bool ports_usable(const struct ss_conf *conf)
{
    bool all = true;
    for (size_t i = 0; i < conf->port_count; i++) {
        struct ss_conf port;
        char *settings = ss_request_settings(conf->ports[i].port, conf->ports[i].password);
        if (settings != NULL) {
            bool fits = ss_port_conf(&port, conf, conf->ports[i].port, settings) == 0;
            ss_conf_release(&port);
            if (!fits)
                ss_complain(&(struct ss_origin){.program = SS_MANAGER, .name = "port_password"},
                            "port %u cannot be served: see the line before", conf->ports[i].port);
            all = all && fits;
        }
        ss_secret_free(settings);
    }
    return all;
}

int ss_check(enum ss_program program, const struct ss_conf *conf)
{
    const struct ss_origin plugin = {.program = program, .name = "plugin"},
                           state = {.program = program, .name = "state_dir"};
    bool all = has_acl(program, conf) && !conf->mistaken;
    all = has_directory(&state, conf->state_dir) && all;
    for (size_t i = 1; i < conf->upstreams; i++) /* the first has its values in conf */
        all = has_plugin(&plugin, &conf->upstream[i]) && all;
    if (conf->instances == 0)
        all = usable(program, conf) && all;
    if (program == SS_MANAGER)
        all = ports_usable(conf) && all;
    for (size_t i = 0; i < conf->instances; i++)
        all = usable(program, &conf->instance[i]) && all;
    if (all)
        printf("%s: the configuration is usable\n", ss_programs[program].name);
    return all ? SS_EXIT_OK : SS_EXIT_USAGE;
}
