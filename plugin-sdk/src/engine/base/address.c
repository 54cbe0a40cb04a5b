/* SPDX-License-Identifier: Apache-2.0 */
#include "base/address.h"

#include <ssplugin/env.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Not in contract/, because addresses need it too and there is one reading of a port. */
int ssp_port_parse(const char *text)
{
    int port = 0;
    if (text == NULL || *text == '\0')
        return -1;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return -1;
        port = port * 10 + (*text - '0');
        if (port > UINT16_MAX)
            return -1;
    }
    return port > 0 ? port : -1;
}

static int set(struct ssp__endpoint *e, const char *host, size_t len, uint16_t port)
{
    char text[SSP_HOST_MAX];
    if (len == 0 || len >= sizeof text)
        return -1;
    memcpy(text, host, len);
    text[len] = '\0';
    e->port = port;
    e->named = ssp__address_parse(&e->u.address, text, 0) == -1;
    if (e->named)
        memcpy(e->u.name, text, len + 1);
    return 0;
}

/* True for text that could be a name or an IPv4 address; only a lookup can confirm it. */
static bool plausible(const char *host, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)host[i] <= ' ' || strchr("[]/|\"\\\x7f", host[i]) != NULL)
            return false;
    }
    return true;
}

static bool is_v6(const char *host)
{
    struct ssp__address a;
    return ssp__address_parse(&a, host, 0) == 0 && a.u.any.sa_family == AF_INET6;
}

/* Reads ":port" or nothing.  Returns 0 for a port that is missing or wrong. */
static uint16_t port_after(const char *text, uint16_t default_port)
{
    if (*text == '\0')
        return default_port;
    int port = *text == ':' ? ssp_port_parse(text + 1) : -1;
    return port == -1 ? 0 : (uint16_t)port;
}

static int parse_bracketed(struct ssp__endpoint *e, const char *text, uint16_t default_port)
{
    const char *end = strchr(text, ']');
    uint16_t port = end != NULL ? port_after(end + 1, default_port) : 0;
    if (port == 0 || set(e, text + 1, (size_t)(end - text) - 1, port) == -1)
        return -1;
    return !e->named && e->u.address.u.any.sa_family == AF_INET6 ? 0 : -1;
}

int ssp__endpoint_parse(struct ssp__endpoint *e, const char *text, uint16_t default_port)
{
    if (text[0] == '[')
        return parse_bracketed(e, text, default_port);
    if (is_v6(text))
        return default_port != 0 ? set(e, text, strlen(text), default_port) : -1;

    size_t len = strcspn(text, ":");
    uint16_t port = port_after(text + len, default_port);
    if (port == 0 || !plausible(text, len))
        return -1;
    return set(e, text, len, port);
}

int ssp__endpoint_set(struct ssp__endpoint *e, const char *host, uint16_t port)
{
    size_t len = strlen(host);
    if (len >= 2 && host[0] == '[' && host[len - 1] == ']')
        return set(e, host + 1, len - 2, port);
    return set(e, host, len, port);
}

void ssp__endpoint_set_address(struct ssp__endpoint *e, const struct ssp__address *a)
{
    e->port = ssp__address_port(a);
    e->named = false;
    e->u.address = *a;
}

bool ssp__endpoint_address(const struct ssp__endpoint *e, struct ssp__address *a)
{
    if (e->named || e->u.address.len == 0)
        return false;
    *a = e->u.address;
    ssp__address_set_port(a, e->port);
    return true;
}

/* The address alone, as inet_ntop() writes it, and its zone. */
static void format_host(const struct ssp__address *a, char *text, size_t cap)
{
    char literal[INET6_ADDRSTRLEN] = "", zone[12] = "";
    if (a->u.any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &a->u.v4.sin_addr, literal, sizeof literal);
    else
        (void)inet_ntop(AF_INET6, &a->u.v6.sin6_addr, literal, sizeof literal);
    if (a->u.any.sa_family == AF_INET6 && a->u.v6.sin6_scope_id != 0)
        (void)snprintf(zone, sizeof zone, "%%%u", a->u.v6.sin6_scope_id);
    (void)snprintf(text, cap, "%s%s", literal, zone);
}

const char *ssp__endpoint_host(const struct ssp__endpoint *e, char text[SSP_HOST_MAX])
{
    if (e->named)
        return e->u.name;
    text[0] = '\0';
    if (e->u.address.len > 0)
        format_host(&e->u.address, text, SSP_HOST_MAX);
    return text;
}

void ssp__endpoint_format(const struct ssp__endpoint *e, char *text, size_t cap)
{
    char buffer[SSP_HOST_MAX];
    const char *host = ssp__endpoint_host(e, buffer);
    bool v6 = strchr(host, ':') != NULL;
    (void)snprintf(text, cap, v6 ? "[%s]:%u" : "%s:%u", host, (unsigned)e->port);
}

/* An interface as its name or its number; 0: none such. */
static unsigned scope_of(const char *zone)
{
    /* The kernel reads "lo:anything" as lo. */
    if (strchr(zone, ':') != NULL || !plausible(zone, strlen(zone)))
        return 0;
    unsigned index = if_nametoindex(zone);
    if (index != 0 || strspn(zone, "0123456789") != strlen(zone))
        return index;
    unsigned long number = strtoul(zone, NULL, 10);
    return number <= UINT32_MAX ? (unsigned)number : 0;
}

static int parse_v6(struct ssp__address *a, const char *host, uint16_t port)
{
    char literal[INET6_ADDRSTRLEN];
    size_t len = strcspn(host, "%");
    if (len >= sizeof literal)
        return -1;
    memcpy(literal, host, len);
    literal[len] = '\0';

    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    if (inet_pton(AF_INET6, literal, &v6.sin6_addr) != 1)
        return -1;
    if (host[len] == '%')
        v6.sin6_scope_id = scope_of(host + len + 1);
    if (host[len] == '%' && v6.sin6_scope_id == 0)
        return -1;
    *a = (struct ssp__address){.u.v6 = v6, .len = sizeof v6};
    return 0;
}

int ssp__address_parse(struct ssp__address *a, const char *host, uint16_t port)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (inet_pton(AF_INET, host, &v4.sin_addr) != 1)
        return parse_v6(a, host, port);
    *a = (struct ssp__address){.u.v4 = v4, .len = sizeof v4};
    return 0;
}

void ssp__address_format(const struct ssp__address *a, char *text, size_t cap)
{
    struct ssp__endpoint e;
    ssp__endpoint_set_address(&e, a);
    if (a->len == 0)
        (void)snprintf(text, cap, "none");
    else
        ssp__endpoint_format(&e, text, cap);
}

uint16_t ssp__address_port(const struct ssp__address *a)
{
    if (a->len == 0)
        return 0;
    return ntohs(a->u.any.sa_family == AF_INET ? a->u.v4.sin_port : a->u.v6.sin6_port);
}

void ssp__address_set_port(struct ssp__address *a, uint16_t port)
{
    if (a->u.any.sa_family == AF_INET)
        a->u.v4.sin_port = htons(port);
    else
        a->u.v6.sin6_port = htons(port);
}

bool ssp__address_same(const struct ssp__address *a, const struct ssp__address *b)
{
    if (a->u.any.sa_family != b->u.any.sa_family || ssp__address_port(a) != ssp__address_port(b))
        return false;
    if (a->u.any.sa_family == AF_INET)
        return a->u.v4.sin_addr.s_addr == b->u.v4.sin_addr.s_addr;
    return a->u.v6.sin6_scope_id == b->u.v6.sin6_scope_id &&
           memcmp(&a->u.v6.sin6_addr, &b->u.v6.sin6_addr, sizeof a->u.v6.sin6_addr) == 0;
}

/* In the IPv6 form. */
static void host_of(const struct ssp__address *a, struct in6_addr *host, uint32_t *scope)
{
    *host = (struct in6_addr){.s6_addr = {[10] = 0xff, [11] = 0xff}};
    *scope = 0;
    if (a->u.any.sa_family == AF_INET) {
        memcpy(host->s6_addr + 12, &a->u.v4.sin_addr, 4);
        return;
    }
    *host = a->u.v6.sin6_addr;
    *scope = a->u.v6.sin6_scope_id;
}

bool ssp__address_same_host(const struct ssp__address *a, const struct ssp__address *b)
{
    struct in6_addr host[2];
    uint32_t scope[2];
    host_of(a, &host[0], &scope[0]);
    host_of(b, &host[1], &scope[1]);
    return scope[0] == scope[1] && IN6_ARE_ADDR_EQUAL(&host[0], &host[1]);
}

bool ssp__address_unspecified(const struct ssp__address *a)
{
    if (a->len == 0)
        return true;
    if (a->u.any.sa_family == AF_INET)
        return a->u.v4.sin_addr.s_addr == htonl(INADDR_ANY);
    return IN6_IS_ADDR_UNSPECIFIED(&a->u.v6.sin6_addr);
}

bool ssp__address_loopback(const struct ssp__address *a)
{
    if (a->len == 0)
        return false;
    if (a->u.any.sa_family == AF_INET)
        return ntohl(a->u.v4.sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    const struct in6_addr *v6 = &a->u.v6.sin6_addr;
    return IN6_IS_ADDR_LOOPBACK(v6) ||
           (IN6_IS_ADDR_V4MAPPED(v6) && v6->s6_addr[12] == IN_LOOPBACKNET);
}

/* An IPv4 client of a dual socket has an IPv6 address, and is the same source. */
void ssp__address_source(const struct ssp__address *a, uint64_t word[SSP_SOURCE_WORDS])
{
    uint32_t v4 = a->u.v4.sin_addr.s_addr;
    word[0] = 1;
    if (a->u.any.sa_family == AF_INET6) {
        const uint8_t *bytes = a->u.v6.sin6_addr.s6_addr;
        word[0] = IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr) ? 1 : 2;
        memcpy(&v4, bytes + 12, sizeof v4);
        memcpy(&word[1], bytes, sizeof word[1]);
    }
    if (word[0] == 1)
        word[1] = v4;
}

void ssp__address_unmap(struct ssp__address *a)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    if (a->len == 0 || a->u.any.sa_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&a->u.v6.sin6_addr))
        return;
    v4.sin_port = a->u.v6.sin6_port;
    memcpy(&v4.sin_addr, a->u.v6.sin6_addr.s6_addr + 12, sizeof v4.sin_addr);
    *a = (struct ssp__address){.u.v4 = v4, .len = sizeof v4};
}
