/* SPDX-License-Identifier: Apache-2.0 */
#include "net/lookup.h"

#include "net/hosts.h"
#include "net/socket.h"
#include <ssplugin/log.h>

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static void say_left_out(const struct ssp__address *a)
{
    char text[SSP_ADDRESS_TEXT_MAX];
    ssp__address_format(a, text, sizeof text);
    ssp_error("listen on %s: not an address of this machine; skipped", text);
}

/* As above, of the addresses of a name. */
static int drop_absent(struct ssp__address *list, int n)
{
    struct ssp__address absent[SSP_LOOKUP_MAX];
    int here = 0, missing = 0;
    for (int i = 0; i < n; i++) {
        if (ssp__socket_is_here(&list[i]))
            list[here++] = list[i];
        else
            absent[missing++] = list[i];
    }
    if (here == 0) {
        memcpy(list, absent, (size_t)n * sizeof *list);
        return n;
    }
    for (int i = 0; i < missing; i++)
        say_left_out(&absent[i]);
    return here;
}

static int ask_system(const char *name, int type, uint16_t port,
                      struct ssp__address list[SSP_LOOKUP_MAX], int *rc)
{
    struct addrinfo hints = {.ai_socktype = type, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    int n = 0;
    *rc = getaddrinfo(name, NULL, &hints, &found);
    for (const struct addrinfo *i = found; i != NULL && n < SSP_LOOKUP_MAX; i = i->ai_next) {
        if (i->ai_addrlen > sizeof list[n].u)
            continue;
        list[n] = (struct ssp__address){.len = i->ai_addrlen};
        memcpy(&list[n].u, i->ai_addr, i->ai_addrlen);
        ssp__address_set_port(&list[n++], port);
    }
    if (found != NULL)
        freeaddrinfo(found);
    return n;
}

/* The system does not know that every name below localhost is loopback, nor that the hosts file has
 * names without a dot at the end. */
static int find(const struct ssp__endpoint *e, int type, struct ssp__address list[SSP_LOOKUP_MAX],
                int *rc)
{
    char name[SSP_HOST_MAX];
    bool local = ssp__hosts_is_localhost(e->u.name);
    (void)snprintf(name, sizeof name, "%s", local ? "localhost" : e->u.name);
    int n = ask_system(name, type, e->port, list, rc);
    size_t len = strlen(name);
    if (n > 0 || len < 2 || name[len - 1] != '.')
        return n;
    name[len - 1] = '\0';
    return ask_system(name, type, e->port, list, rc);
}

int ssp__lookup(const struct ssp__endpoint *e, int type, struct ssp__address list[SSP_LOOKUP_MAX],
                char *why, size_t why_cap)
{
    int rc = 0;
    if (ssp__endpoint_address(e, &list[0]))
        return 1;
    int n = find(e, type, list, &rc);
    if (n > 0)
        return drop_absent(list, n);
    (void)snprintf(why, why_cap, "listen on %s: %s", e->u.name,
                   rc != 0 ? gai_strerror(rc) : "no address of a known family");
    errno = EADDRNOTAVAIL;
    return -1;
}

static bool is_here(const struct ssp__endpoint *e)
{
    struct ssp__address a;
    return !ssp__endpoint_address(e, &a) || ssp__socket_is_here(&a);
}

unsigned ssp__lookup_drop_absent(struct ssp__endpoint *e, unsigned n)
{
    unsigned missing = 0, kept = 0;
    for (unsigned i = 0; i < n; i++)
        missing += !is_here(&e[i]);
    for (unsigned i = 0; i < n && missing < n; i++) {
        struct ssp__address a;
        if (is_here(&e[i]))
            e[kept++] = e[i];
        else if (ssp__endpoint_address(&e[i], &a))
            say_left_out(&a);
    }
    return kept > 0 ? kept : n;
}

static bool is_wildcard(const struct ssp__address *a)
{
    struct ssp__address any;
    return (ssp__address_parse(&any, "0.0.0.0", ssp__address_port(a)) == 0 &&
            ssp__address_same(&any, a)) ||
           (ssp__address_parse(&any, "::", ssp__address_port(a)) == 0 &&
            ssp__address_same(&any, a));
}

/* A wildcard is every address of this machine. */
static bool is_own(const struct ssp__endpoint *listen, unsigned n, const struct ssp__address *a)
{
    struct ssp__address own;
    for (unsigned i = 0; i < n; i++) {
        if (ssp__endpoint_address(&listen[i], &own) &&
            ssp__address_port(&own) == ssp__address_port(a) &&
            (ssp__address_same(&own, a) || is_wildcard(a) ||
             (is_wildcard(&own) && ssp__socket_is_here(a))))
            return true;
    }
    return false;
}

bool ssp__lookup_leads_back(const struct ssp__endpoint *listen, unsigned n,
                            const struct ssp__endpoint *e)
{
    static const char *const loopback[] = {"127.0.0.1", "::1"};
    char text[SSP_HOST_MAX];
    struct ssp__address a;
    if (ssp__endpoint_address(e, &a))
        return is_own(listen, n, &a);
    bool local = strcasecmp(ssp__endpoint_host(e, text), "localhost") == 0;
    for (int i = 0; local && i < 2; i++) {
        if (ssp__address_parse(&a, loopback[i], e->port) == 0 && is_own(listen, n, &a))
            return true;
    }
    return false;
}
