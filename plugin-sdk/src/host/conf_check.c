/* SPDX-License-Identifier: Apache-2.0 */
#include "host/conf_check.h"

#include "base/address.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

static bool on_loopback(const char *host)
{
    struct ssp__address a;
    return ssp__address_parse(&a, host, 0) == 0 && ssp__address_loopback(&a);
}

bool ssp__conf_check_choose_port(const ssp_host_conf *c)
{
    return (c->role == SSP_CLIENT ? c->local_port : c->remote_port) == 0;
}

bool ssp__conf_check_private(const ssp_host_conf *c)
{
    return c->role == SSP_CLIENT && on_loopback(c->local_host);
}

const char *ssp__conf_check_listen_host(const ssp_host_conf *c)
{
    return c->role == SSP_CLIENT ? c->local_host : c->remote_host;
}

static bool fits(const char *const *list)
{
    unsigned n = 0;
    while (list != NULL && list[n] != NULL && n <= SSP_TERMS_LIST_MAX)
        n++;
    return n <= SSP_TERMS_LIST_MAX;
}

/* Checks the addresses.  Returns the mistake, or NULL. */
static const char *misaddressed(const ssp_host_conf *c)
{
    if (c->remote_host == NULL || *c->remote_host == '\0')
        return "remote_host is not given";
    if (c->local_host == NULL || *c->local_host == '\0')
        return "local_host is not given";
    if (c->role == SSP_CLIENT && c->remote_port == 0)
        return "remote_port of a client is not given";
    if (c->role == SSP_SERVER && c->local_port == 0)
        return "local_port of a server is not given";
    if (ssp__conf_check_choose_port(c) && !on_loopback(ssp__conf_check_listen_host(c)))
        return "the port to listen on is to be chosen, but its host is not a loopback address, "
               "such as 127.0.0.1";
    return NULL;
}

/* Checks the configuration.  Returns the mistake, or NULL. */
static const char *mistake(const ssp_host_conf *c)
{
    if (c->plugin == NULL || *c->plugin == '\0')
        return "plugin is not given";
    if (c->role != SSP_CLIENT && c->role != SSP_SERVER)
        return "role is neither SSP_CLIENT nor SSP_SERVER";
    if (c->mode != SSP_TCP_ONLY && c->mode != SSP_UDP_ONLY && c->mode != SSP_TCP_AND_UDP)
        return "mode is none of SSP_TCP_ONLY, SSP_UDP_ONLY and SSP_TCP_AND_UDP";
    if (c->on_ready == NULL || c->on_down == NULL || c->on_death == NULL)
        return "on_ready, on_down or on_death is NULL";
    if (c->ready != SSP_READY_LISTENS && c->ready != SSP_READY_SAID &&
        c->ready != SSP_READY_STARTED)
        return "ready is none of SSP_READY_LISTENS, SSP_READY_SAID and SSP_READY_STARTED";
    if (!fits(c->argv) || !fits(c->variables))
        return "argv or variables has too many entries";
    return misaddressed(c);
}

int ssp__conf_check_read(ssp_host_conf *conf, const ssp_host_conf *given, char *why, size_t cap)
{
    *conf = (ssp_host_conf){.size = sizeof *conf};
    if (given->size == 0) {
        (void)snprintf(why, cap, "ssp_host_conf: size is 0; set it to sizeof(ssp_host_conf)");
        return -1;
    }
    memcpy(conf, given, given->size < sizeof *conf ? given->size : sizeof *conf);
    const char *what = mistake(conf);
    if (what == NULL)
        return 0;
    (void)snprintf(why, cap, "ssp_host_conf: %s", what);
    return -1;
}
