/* SPDX-License-Identifier: Apache-2.0 */
#include "app/access.h"

#include "acl/pac.h"
#include "conf/acl_file.h"
#include "conf/complain.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the file ---- */

struct remarks {
    const char *path;
    char *why; /* the last mistake */
};

static void note_mistake(void *arg, enum ss_acl_remark remark, unsigned line, const char *text)
{
    const struct remarks *r = arg;
    if (remark == SS_ACL_MISTAKE && line > 0)
        (void)snprintf(r->why, SS_ACCESS_WHY_MAX, "acl %s: line %u: %s", r->path, line, text);
    else if (remark == SS_ACL_MISTAKE)
        (void)snprintf(r->why, SS_ACCESS_WHY_MAX, "acl %s: %s", r->path, text);
}

static int load(struct ss_access *a, char why[SS_ACCESS_WHY_MAX])
{
    struct remarks remarks = {.path = a->path, .why = why};
    struct ss_acl *acl = ss_acl_file_read(a->path, note_mistake, &remarks);
    if (acl == NULL)
        return -1;
    ss_acl_free(a->acl);
    free(a->pac);
    a->acl = acl;
    a->pac = NULL;
    return 0;
}

static void announce(const struct ss_access *a)
{
    ssp_info("acl %s: %zu rules", a->path, ss_acl_rules(a->acl));
}

void ss_access_reload(struct ss_process *process)
{
    char why[SS_ACCESS_WHY_MAX];
    ssp__crew_hold(process->program.crew);
    for (struct ss_access *a = process->accesses; a != NULL; a = a->next) {
        if (load(a, why) == 0)
            announce(a);
        else
            ssp_error("reload: %s; the previous rules stay in use", why);
    }
    ssp__crew_release(process->program.crew);
}

static struct ss_access *find(struct ss_access *a, const char *path)
{
    while (a != NULL && strcmp(a->path, path) != 0)
        a = a->next;
    return a;
}

int ss_access_read(struct ss_access **list, const char *name, char why[SS_ACCESS_WHY_MAX])
{
    char *path = realpath(name, NULL);
    if (path == NULL) {
        char reason[SS_UNREADABLE_MAX];
        (void)snprintf(why, SS_ACCESS_WHY_MAX, "acl %s: %s", name, ss_unreadable(reason, errno));
        return -1;
    }
    if (find(*list, path) != NULL) {
        free(path);
        return 0;
    }
    (void)snprintf(why, SS_ACCESS_WHY_MAX, "acl %s: out of memory", name);
    struct ss_access *a = calloc(1, sizeof *a);
    if (a == NULL) {
        free(path);
        return -1;
    }
    *a = (struct ss_access){.path = path, .lock = PTHREAD_MUTEX_INITIALIZER};
    if (load(a, why) == -1) {
        ss_access_free(a);
        return -1;
    }
    a->next = *list;
    *list = a;
    return 0;
}

/* Returns NULL when it has not been read yet. */
static struct ss_access *known(struct ss_process *process, const char *name)
{
    char *path = realpath(name, NULL);
    struct ss_access *a = path != NULL ? find(process->accesses, path) : NULL;
    if (a == NULL && path != NULL)
        a = find(process->staged, path);
    free(path);
    return a;
}

int ss_access_open(struct ss_instance *i)
{
    char why[SS_ACCESS_WHY_MAX];
    const char *name = i->conf->acl;
    if (name == NULL)
        return 0;
    i->access = known(i->process, name);
    if (i->access == NULL && ss_access_read(&i->process->accesses, name, why) == -1) {
        ssp_error("%s", why);
        return -1;
    }
    if (i->access == NULL) {
        i->access = i->process->accesses;
        announce(i->access);
    }
    i->access->holders++;
    return 0;
}

void ss_access_leave(struct ss_instance *i)
{
    if (i->access != NULL)
        i->access->holders--;
    i->access = NULL;
}

static void exchange(struct ss_access *a, struct ss_access *b)
{
    struct ss_acl *acl = a->acl;
    a->acl = b->acl;
    b->acl = acl;
    free(a->pac);
    a->pac = NULL;
}

static void free_unused(struct ss_access **link)
{
    while (*link != NULL) {
        struct ss_access *a = *link;
        if (a->holders > 0) {
            link = &a->next;
            continue;
        }
        *link = a->next;
        a->next = NULL;
        ss_access_free(a);
    }
}

void ss_access_commit(struct ss_process *process)
{
    while (process->staged != NULL) {
        struct ss_access *fresh = process->staged, *old = find(process->accesses, fresh->path);
        process->staged = fresh->next;
        announce(fresh);
        if (old != NULL)
            exchange(old, fresh);
        fresh->next = process->accesses;
        process->accesses = fresh;
    }
    free_unused(&process->accesses);
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
    (void)pthread_mutex_lock(&a->lock);
    if (a->pac == NULL)
        a->pac = ss_acl_pac(a->acl, &a->pac_len, &whole);
    (void)pthread_mutex_unlock(&a->lock);
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
bool ss_access_admit(const void *arg, const struct ssp__address *client,
                     struct ssp__log_limit *refusals)
{
    const struct ss_instance *i = arg;
    char host[SSP_HOST_MAX];
    struct ssp__endpoint e;
    struct ss_acl_verdict v = ss_acl_address(ss_access_list(i), client);
    if (v.way != SS_ACL_AROUND)
        return true;
    ssp__endpoint_set_address(&e, client);
    if (ssp__log_limit_take_of(refusals, client))
        ssp_error("Access denied from %s", ssp__endpoint_host(&e, host));
    return false;
}
