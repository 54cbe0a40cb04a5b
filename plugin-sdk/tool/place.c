/* SPDX-License-Identifier: Apache-2.0 */
#include "place.h"

#include <stdio.h>
#include <string.h>

enum { REMOTE_PORT = 8388, LOCAL_PORT = 1984, READY_MS = 5000, GRACE_MS = 2000 };

static int index_of(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], word) == 0)
            return i;
    }
    return -1;
}

enum ssp__next place_endpoint(struct ssp__endpoint *e, const struct tool_usage *usage,
                              const char *name, const char *value)
{
    if (ssp__endpoint_parse(e, value, 0) == 0)
        return SSP_GO_ON;
    return tool_refuse(
        usage, "--%s %.100s: expected HOST:PORT, a port of 1 to 65535 and IPv6 in []", name, value);
}

enum ssp__next place_take(struct place *p, const struct tool_usage *usage, const char *name,
                          const char *value)
{
    static const char *const roles[] = {"", "client", "server", NULL};
    static const char *const modes[] = {"tcp_only", "udp_only", "tcp_and_udp", NULL};
    if (strcmp(name, "remote") == 0)
        return place_endpoint(&p->remote, usage, name, value);
    if (strcmp(name, "local") == 0)
        return place_endpoint(&p->local, usage, name, value);
    if (strcmp(name, "options") == 0) {
        p->options = value;
        return SSP_GO_ON;
    }
    bool of_role = strcmp(name, "role") == 0;
    int i = index_of(value, of_role ? roles : modes);
    if (i == -1 || (of_role && i == 0))
        return tool_refuse(usage, "--%s %.40s: expected %s", name, value,
                           of_role ? "client or server" : "tcp_only, udp_only or tcp_and_udp");
    if (of_role)
        p->role = (ssp_role)i;
    else
        p->mode = (ssp_mode)i;
    return SSP_GO_ON;
}

void place_complete(struct place *p, ssp_role role)
{
    char literal[SSP_HOST_MAX];
    if (p->role == SSP_ROLE_UNKNOWN)
        p->role = role;
    if (p->remote.port == 0)
        (void)ssp__endpoint_set(&p->remote, "127.0.0.1", REMOTE_PORT);
    if (p->local.port == 0)
        (void)ssp__endpoint_set(&p->local, "127.0.0.1", LOCAL_PORT);
    (void)snprintf(p->remote_host, sizeof p->remote_host, "%s",
                   ssp__endpoint_host(&p->remote, literal));
    (void)snprintf(p->local_host, sizeof p->local_host, "%s",
                   ssp__endpoint_host(&p->local, literal));
}

ssp_host_conf place_conf(const struct place *p, const char *plugin)
{
    return (ssp_host_conf){.size = sizeof(ssp_host_conf),
                           .plugin = plugin,
                           .options = p->options,
                           .role = p->role,
                           .remote_host = p->remote_host,
                           .remote_port = p->remote.port,
                           .local_host = p->local_host,
                           .local_port = p->local.port,
                           .ready_ms = READY_MS,
                           .grace_ms = GRACE_MS,
                           .mode = p->mode};
}

const char *place_role(ssp_role role)
{
    return role == SSP_SERVER ? "server" : "client";
}

const struct ssp__endpoint *place_front(const struct place *p)
{
    return p->role == SSP_SERVER ? &p->remote : &p->local;
}
