/* SPDX-License-Identifier: Apache-2.0 */
#include "app/access.h"

#include "acl/pac.h"
#include "conf/acl_file.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

static void log_mistake(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    if (remark == SS_ACL_MISTAKE && line > 0)
        ssp_error("acl %s: line %u: %s", (const char *)arg, line, text);
    else if (remark == SS_ACL_MISTAKE)
        ssp_error("acl %s: %s", (const char *)arg, text);
}

static int load(struct ss_access *a)
{
    struct ss_acl *acl = ss_acl_file_read(a->path, log_mistake, a->path);
    if (acl == NULL)
        return -1;
    ss_acl_free(a->acl);
    free(a->pac);
    a->acl = acl;
    a->pac = NULL;
    ssp_info("acl %s: %zu rules", a->path, ss_acl_rules(acl));
    return 0;
}

static void reload(void *arg)
{
    struct ss_process *process = arg;
    for (struct ss_access *a = process->accesses; a != NULL; a = a->next) {
        if (load(a) == -1)
            ssp_error("reload of acl %s failed: the previous rules stay in use", a->path);
    }
}

static struct ss_access *find(const struct ss_process *process, const char *path)
{
    struct ss_access *a = process->accesses;
    while (a != NULL && strcmp(a->path, path) != 0)
        a = a->next;
    return a;
}

/* Takes path. */
static struct ss_access *open_new(struct ss_process *process, char *path)
{
    struct ss_access *a = calloc(1, sizeof *a);
    bool first = process->accesses == NULL;
    if (a == NULL) {
        free(path);
        return NULL;
    }
    *a = (struct ss_access){.path = path};
    if (load(a) == -1 ||
        (first && ssp__program_on_signal(&process->program, SIGHUP, reload, process) == -1)) {
        ss_access_free(a);
        return NULL;
    }
    a->next = process->accesses;
    process->accesses = a;
    return a;
}

int ss_access_open(struct ss_instance *i)
{
    const char *name = i->conf->acl;
    if (name == NULL)
        return 0;
    char *path = realpath(name, NULL);
    if (path == NULL) {
        ssp_error("acl %s: %s", name, strerror(errno));
        return -1;
    }
    i->access = find(i->process, path);
    if (i->access != NULL)
        free(path);
    else
        i->access = open_new(i->process, path);
    return i->access != NULL ? 0 : -1;
}

void ss_access_free(struct ss_access *a)
{
    while (a != NULL) {
        struct ss_access *next = a->next;
        ss_acl_free(a->acl);
        free(a->pac);
        free(a->path);
        free(a);
        a = next;
    }
}

const struct ss_acl *ss_access_list(const struct ss_instance *i)
{
    return i->access != NULL ? i->access->acl : NULL;
}

/* For want of memory. */
static const char everything_to_the_proxy[] = "function direct(host) { return false; }\n";

/* Made when it is asked for first. */
const char *ss_access_pac(const struct ss_instance *i, size_t *len)
{
    struct ss_access *a = i->access;
    bool whole = true;
    if (a == NULL)
        return NULL;
    if (a->pac == NULL)
        a->pac = ss_acl_pac(a->acl, &a->pac_len, &whole);
    if (!whole)
        ssp_info(
            "acl %s: its names do not fit into /proxy.pac (1 MiB); the proxy decides about them",
            a->path);
    *len = a->pac != NULL ? a->pac_len : sizeof everything_to_the_proxy - 1;
    return a->pac != NULL ? a->pac : everything_to_the_proxy;
}

/* ---- clients ---- */

static struct ss_acl_verdict verdict_of(const struct ss_acl *acl, const struct ssp__endpoint *e)
{
    struct ssp__address a;
    return ssp__endpoint_address(e, &a) ? ss_acl_address(acl, &a) : ss_acl_name(acl, e->u.name);
}

/* A rule for a name is one for all of its addresses. */
static bool permit_direct(const void *arg, const struct ssp__endpoint *e,
                          const struct ssp__address *a, char why[SSP_PERMIT_WHY_MAX])
{
    const struct ss_acl *acl = ss_access_list(arg);
    struct ss_acl_verdict v = verdict_of(acl, e);
    if (v.way == SS_ACL_BY_ADDRESS)
        v = ss_acl_address(acl, a);
    (void)snprintf(why, SSP_PERMIT_WHY_MAX, "the access list takes it to the server");
    return v.way == SS_ACL_AROUND;
}

/* Dials those addresses of a name that bypass the server; if there are none, the server. */
enum ss_way ss_access_plan(const struct ss_instance *i, const struct ssp__plan_query *query,
                           struct ssp__plan *plan, unsigned *failed)
{
    const struct ss_acl *acl = ss_access_list(i);
    *failed = query->failed;
    if (acl == NULL || query->target == NULL)
        return SS_WAY_SERVER;
    struct ss_acl_verdict v = verdict_of(acl, &query->target->endpoint);
    if (v.way == SS_ACL_THROUGH)
        return SS_WAY_SERVER;
    if (query->failed == 0) {
        plan->endpoint = &query->target->endpoint;
        plan->endpoints = 1;
        plan->coded = plan->say_target = false;
        plan->permit = permit_direct;
        return SS_WAY_DIRECT;
    }
    if (v.way == SS_ACL_AROUND || (query->failed == 1 && !query->untried))
        return SS_WAY_NONE;
    *failed = query->failed - 1;
    return SS_WAY_SERVER;
}

/* ---- servers ---- */

/* The form of the line is that of shadowsocks-libev, which filters read. */
bool ss_access_admit(const void *arg, const struct ssp__address *client)
{
    const struct ss_instance *i = arg;
    char host[SSP_HOST_MAX];
    struct ssp__endpoint e;
    struct ss_acl_verdict v = ss_acl_address(ss_access_list(i), client);
    if (v.way != SS_ACL_AROUND)
        return true;
    ssp__endpoint_set_address(&e, client);
    if (ssp__log_limit_take_of(i->process->program.worker->refusals, client))
        ssp_error("Access denied from %s", ssp__endpoint_host(&e, host));
    return false;
}
