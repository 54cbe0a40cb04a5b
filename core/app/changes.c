/* SPDX-License-Identifier: Apache-2.0 */
#include "app/changes.h"

#include "app/plugin.h"
#include "conf/fields.h"

#include <stdio.h>
#include <string.h>

static bool is_client(const struct ss_party *p)
{
    return ss_programs[p->program].role == SSP_CLIENT;
}

static bool is_plugged(const struct ss_party *p)
{
    return !is_client(p) && ss_plugin_runs(p->conf);
}

static bool same_place(const struct ss_party *a, const struct ss_party *b)
{
    if (a->program != b->program)
        return false;
    if (!is_client(a))
        return ss_conf_same_servers(a->conf, b->conf);
    return a->conf->local_port == b->conf->local_port &&
           strcmp(a->conf->local_address, b->conf->local_address) == 0;
}

static int refuse(char why[SS_CHANGES_WHY_MAX], const struct ss_party *p, const char *reason)
{
    char where[SSP_HOST_MAX + 8];
    struct ssp__endpoint e = p->conf->server[0];
    if (is_client(p))
        (void)snprintf(where, sizeof where, "%s:%u", p->conf->local_address, p->conf->local_port);
    else
        ssp__endpoint_format(&e, where, sizeof where);
    (void)snprintf(why, SS_CHANGES_WHY_MAX, "%s: %s: restart the program", where, reason);
    return -1;
}

/* A plugin reads its options when it starts. */
static int compare(struct ss_change *change, const struct ss_party *next,
                   const struct ss_party *now, char why[SS_CHANGES_WHY_MAX])
{
    char reason[SS_CHANGES_WHY_MAX / 2];
    bool client = is_client(next), plugged = is_plugged(next) || is_plugged(now);
    const char *name = ss_conf_differs(now->conf, next->conf, SS_OF_SOCKET);
    if (name != NULL) {
        (void)snprintf(reason, sizeof reason, "%s belongs to the socket that listens", name);
        return refuse(why, next, reason);
    }
    name = client ? NULL : ss_conf_differs(now->conf, next->conf, SS_OF_PLUGIN);
    if (plugged && name != NULL) {
        (void)snprintf(reason, sizeof reason, "%s needs a new plugin", name);
        return refuse(why, next, reason);
    }
    bool same = name == NULL && ss_conf_same_accounts(now->conf, next->conf) &&
                ss_conf_differs(now->conf, next->conf, SS_OF_SETTINGS | SS_OF_DIAL) == NULL;
    change->kind = same ? SS_KEPT : SS_REPLACED;
    if (!client && memcmp(now->key, next->key, SS_KEY_PRINT) != 0)
        change->kind = SS_REKEYED;
    return 0;
}

/* The one that runs at the same place, and was not found before; now.n: none does. */
static size_t find(const struct ss_party *next, struct ss_parties now, const bool *gone)
{
    size_t k = 0;
    while (k < now.n && !(gone[k] && same_place(next, &now.at[k])))
        k++;
    return k;
}

int ss_changes_find(struct ss_change *change, struct ss_parties next, bool *gone,
                    struct ss_parties now, char why[SS_CHANGES_WHY_MAX])
{
    for (size_t k = 0; k < now.n; k++)
        gone[k] = true;
    for (size_t i = 0; i < next.n; i++) {
        size_t k = find(&next.at[i], now, gone);
        change[i] = (struct ss_change){.kind = SS_ADDED, .former = k};
        if (k == now.n && is_plugged(&next.at[i]))
            return refuse(why, &next.at[i], "a new server needs a plugin");
        if (k == now.n)
            continue;
        gone[k] = false;
        if (compare(&change[i], &next.at[i], &now.at[k], why) == -1)
            return -1;
    }
    return 0;
}
