/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fields.h"

#include "base/guess.h"
#include "base/networks.h"
#include "conf/server_url.h"
#include "conf/text.h"
#include "formats/amount.h"
#include "formats/url.h"
#include "proto/method.h"
#include "proto/target.h"

#include <ssplugin/env.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/un.h>

/* The minimum of seconds for which zero is not a value, and the description of a valid value. */
enum { SECONDS_MIN_MS = 100, EXPECTED_SIZE = 256 };

/* The reason to refuse a value. */
enum { NOT_ONE = -1, TOO_MANY = -2, NO_MEMORY = -3 };

static int store(char **member, const char *text)
{
    return ss_text_replace(member, text) == 0 ? 0 : NO_MEMORY;
}

static int set_text(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return store(ss_field_member(conf, field), text);
}

static int set_path(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    if (*text != '\0' && *text != '/')
        return NOT_ONE;
    return store(ss_field_member(conf, field), text);
}

/* The kernel takes no longer name. */
static bool may_be_socket(const char *path)
{
    return path[0] == '/' && strlen(path) < sizeof((struct sockaddr_un *)NULL)->sun_path;
}

static int set_socket(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    if (*text != '\0' && !may_be_socket(text))
        return NOT_ONE;
    return store(ss_field_member(conf, field), text);
}

static int set_port(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    int port = ssp_port_parse(text);
    if (port == -1)
        return NOT_ONE;
    *(uint16_t *)ss_field_member(conf, field) = (uint16_t)port;
    return 0;
}

static int set_number(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    uint64_t number = 0;
    if (*text == '\0')
        return NOT_ONE;
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9')
            return NOT_ONE;
        number = number * 10 + (uint64_t)(*text - '0');
        if (number > field->max)
            return NOT_ONE;
    }
    *(unsigned *)ss_field_member(conf, field) = (unsigned)number;
    return 0;
}

static unsigned least(const struct ss_field *field)
{
    return (field->flags & SS_ZERO) != 0 ? 0 : SECONDS_MIN_MS;
}

/* Digits, optionally a point and more digits: as in JSON, without the exponent. */
static int set_seconds(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    static const char digits[] = "0123456789";
    size_t whole = strspn(text, digits);
    size_t decimals = text[whole] == '.' ? strspn(text + whole + 1, digits) : 0;
    size_t len = decimals > 0 ? whole + 1 + decimals : whole;
    if (whole == 0 || text[len] != '\0')
        return NOT_ONE;
    uint64_t ms = 0;
    for (size_t i = 0; i < whole && ms <= field->max; i++)
        ms = ms * 10 + (uint64_t)(text[i] - '0') * 1000;
    /* Fractions of a millisecond are cut off. */
    for (unsigned i = 0, unit = 100; i < decimals && unit > 0; i++, unit /= 10)
        ms += (uint64_t)(text[whole + 1 + i] - '0') * unit;
    if (ms < least(field) || ms > field->max)
        return NOT_ONE;
    *(unsigned *)ss_field_member(conf, field) = (unsigned)ms;
    return 0;
}

static int set_switch(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    *(bool *)ss_field_member(conf, field) = strcmp(text, "true") == 0;
    return 0;
}

static int set_amount(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return ss_amount_read(ss_field_member(conf, field), text) == 0 ? 0 : NOT_ONE;
}

static bool is_ipv6(const char *text, struct ssp__address *a)
{
    return ssp__address_parse(a, text, 0) == 0 && a->u.any.sa_family == AF_INET6;
}

/* ::1:8388 is an IPv6 address, though of a kind that is out of use (RFC 4291, section 2.5.5.1): it
 * is meant to be ::1 with a port.  ::1:18388 is none at all. */
static bool lacks_brackets(const struct ss_field *field, const char *text)
{
    struct ssp__address a;
    char host[INET6_ADDRSTRLEN];
    const char *colon = strrchr(text, ':');
    bool address = field->kind == SS_KIND_SERVERS || field->kind == SS_KIND_TARGET ||
                   field->kind == SS_KIND_OUTGOING || ss_field_outgoing(field);
    if (!address || colon == NULL || ssp_port_parse(colon + 1) == -1)
        return false;
    if (is_ipv6(text, &a))
        return IN6_IS_ADDR_V4COMPAT(&a.u.v6.sin6_addr);
    if ((size_t)(colon - text) >= sizeof host)
        return false;
    (void)snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    return is_ipv6(host, &a);
}

static int set_server(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    (void)field;
    if (conf->servers == SS_SERVERS_MAX)
        return TOO_MANY;
    struct ssp__endpoint *server = &conf->server[conf->servers];
    if (ssp__endpoint_parse(server, text, 0) == -1) {
        /* No port of its own: server_port is added when everything has been read. */
        if (ssp__endpoint_parse(server, text, 1) == -1)
            return NOT_ONE;
        server->port = 0;
    }
    conf->servers++;
    return 0;
}

static int set_target(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    struct ssp__target target;
    if (*text != '\0' && ss_target_read(&target, text) == -1)
        return NOT_ONE;
    return store(ss_field_member(conf, field), text);
}

int ss_local_address_read(struct ssp__endpoint *e, const char *text)
{
    struct ssp__address address;
    int port = ssp_port_parse(text);
    if (port != -1)
        return ssp__endpoint_set(e, "127.0.0.1", (uint16_t)port);
    if (ssp__endpoint_parse(e, text, 0) == -1)
        return -1;
    return ssp__endpoint_address(e, &address) && ssp__address_loopback(&address) ? 0 : -1;
}

static int set_here(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    struct ssp__endpoint e;
    if (!may_be_socket(text) && (text[0] == '/' || ss_local_address_read(&e, text) == -1))
        return NOT_ONE;
    return store(ss_field_member(conf, field), text);
}

static const char *const modes[] = {
    [SSP_TCP_ONLY] = "tcp_only",
    [SSP_TCP_AND_UDP] = "tcp_and_udp",
    [SSP_UDP_ONLY] = "udp_only",
};

const char *ss_mode_name(ssp_mode mode)
{
    return modes[mode];
}

static int set_plugin_mode(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(text, modes[i]) == 0) {
            *(ssp_mode *)ss_field_member(conf, field) = (ssp_mode)i;
            return 0;
        }
    }
    return NOT_ONE;
}

/* An unknown mode becomes the default, as in shadowsocks-libev. */
static int set_mode(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    conf->mode = SSP_TCP_ONLY;
    return set_plugin_mode(conf, field, text);
}

static int set_either(bool *on, const char *text, const char *no, const char *yes)
{
    if (strcmp(text, no) != 0 && strcmp(text, yes) != 0)
        return NOT_ONE;
    *on = strcmp(text, yes) == 0;
    return 0;
}

static int set_restart(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return set_either(ss_field_member(conf, field), text, "never", "on-failure");
}

static int set_outbound(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    for (unsigned i = 0; i < SS_OUTBOUNDS; i++) {
        if (strcmp(text, ss_outbound_name((enum ss_outbound)i)) == 0) {
            *(enum ss_outbound *)ss_field_member(conf, field) = (enum ss_outbound)i;
            return 0;
        }
    }
    return NOT_ONE;
}

static int set_udp(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return set_either(ss_field_member(conf, field), text, "direct", "off");
}

static int set_method(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    const struct ss_method *method = *text != '\0' ? ss_method_find(text) : NULL;
    if (*text != '\0' && method == NULL)
        return NOT_ONE;
    return store(ss_field_member(conf, field), method != NULL ? method->name : "");
}

/* The family of a numeric address; AF_UNSPEC for anything else. */
static int family_of(const char *text)
{
    struct ssp__address address;
    return ssp__address_parse(&address, text, 0) == 0 ? address.u.any.sa_family : AF_UNSPEC;
}

static int set_ip(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    int family = field->kind == SS_KIND_IPV4 ? AF_INET : AF_INET6;
    if (*text != '\0' && family_of(text) != family)
        return NOT_ONE;
    return store(ss_field_member(conf, field), text);
}

/* True for an address that c-ares takes: numeric, without a zone. */
static bool is_nameserver(const char *text)
{
    struct ssp__endpoint e;
    return ssp__endpoint_parse(&e, text, 1) == 0 && !e.named && strchr(text, '%') == NULL;
}

/* Cuts off blanks, and brackets that no port needs. */
static char *trim(char *text)
{
    static const char blanks[] = " \t";
    text += strspn(text, blanks);
    size_t n = strlen(text);
    while (n > 0 && strchr(blanks, text[n - 1]) != NULL)
        n--;
    bool brackets = n > 2 && text[0] == '[' && text[n - 1] == ']';
    text[brackets ? n - 1 : n] = '\0';
    return text + (brackets ? 1 : 0);
}

static bool is_network(const char *text)
{
    struct ssp__network network;
    return ssp__network_parse(&network, text) == 0;
}

/* Items between commas, each of which is one; blanks are cut off. */
static int set_list(char **member, const char *text, bool (*is_one)(const char *item))
{
    char *list = strdup(text), *rest = NULL;
    size_t len = 0;
    int rc = list != NULL ? 0 : NO_MEMORY;
    char *item = rc == 0 ? strtok_r(list, ",", &rest) : NULL;
    for (; item != NULL && rc == 0; item = strtok_r(NULL, ",", &rest)) {
        item = trim(item);
        rc = is_one(item) ? 0 : NOT_ONE;
        if (len > 0)
            list[len++] = ',';
        memmove(list + len, item, strlen(item) + 1); /* the stored form is never longer */
        len += strlen(list + len);
    }
    if (rc == 0 && len == 0 && *text != '\0')
        rc = NOT_ONE;
    if (rc == 0)
        rc = store(member, len > 0 ? list : "");
    free(list);
    return rc;
}

/* Kept as c-ares reads it: "192.0.2.1,2001:db8::1,[2001:db8::2]:5353". */
static int set_nameservers(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return set_list(ss_field_member(conf, field), text, is_nameserver);
}

static int set_networks(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return set_list(ss_field_member(conf, field), text, is_network);
}

static int set_outgoing(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    (void)field;
    int family = family_of(text);
    if (family == AF_UNSPEC)
        return NOT_ONE;
    return store(family == AF_INET ? &conf->local_ipv4_address : &conf->local_ipv6_address, text);
}

/* For each kind: the function that stores it, and its description.  describe() makes the
 * descriptions that are NULL here. */
static const struct {
    int (*set)(struct ss_conf *conf, const struct ss_field *field, const char *text);
    const char *what, *expected;
} kinds[] = {
    [SS_KIND_TEXT] = {set_text, "text", "a string"},
    [SS_KIND_PATH] = {set_path, "an absolute path", "one that begins with /"},
    [SS_KIND_SOCKET] = {set_socket, "a path for a socket",
                        "one of 2 to 107 bytes that begins with /"},
    [SS_KIND_OPTIONS] = {set_text, "text", "a string or an object of options"},
    [SS_KIND_PORT] = {set_port, "a port", "1..65535"},
    [SS_KIND_NUMBER] = {set_number, "a number", NULL},
    [SS_KIND_SECONDS] = {set_seconds, "a number of seconds", NULL},
    [SS_KIND_AMOUNT] = {set_amount, "an amount", SS_AMOUNT_EXPECTED},
    [SS_KIND_SWITCH] = {set_switch, "a boolean", "true or false"},
    [SS_KIND_SERVERS] = {set_server, "an address", "host, host:port or [ipv6]:port"},
    [SS_KIND_TARGET] = {set_target, "a target", "host:port or [ipv6]:port"},
    [SS_KIND_HERE] = {set_here, "an address of loopback",
                      "a port, 127.0.0.1:port, [::1]:port or an absolute path of at most 107 "
                      "bytes"},
    [SS_KIND_MODE] = {set_mode, "a mode", "tcp_only, tcp_and_udp or udp_only"},
    [SS_KIND_PLUGIN_MODE] = {set_plugin_mode, "a mode", "tcp_only, tcp_and_udp or udp_only"},
    [SS_KIND_RESTART] = {set_restart, "a restart policy", "never or on-failure"},
    [SS_KIND_OUTBOUND] = {set_outbound, "a choice of targets", "lan, all or public"},
    [SS_KIND_UDP] = {set_udp, "a policy for UDP", "direct or off"},
    [SS_KIND_METHOD] = {set_method, "a method", NULL},
    [SS_KIND_IPV4] = {set_ip, "an IPv4 address", "four numbers as in 192.0.2.1"},
    [SS_KIND_IPV6] = {set_ip, "an IPv6 address", "groups as in 2001:db8::1"},
    [SS_KIND_NAMESERVERS] = {set_nameservers, "a list of name servers",
                             "IP addresses and commas; with a port as in 192.0.2.1:53 or "
                             "[2001:db8::1]:53"},
    [SS_KIND_NETWORKS] = {set_networks, "a list of networks",
                          "IP addresses, alone or with /length, and commas"},
    [SS_KIND_USERS] = {NULL, "a list of users", "[{\"name\": text, \"password\": text}, ...]"},
    [SS_KIND_ACCOUNTS] = {NULL, "a list of users", "[{\"name\": text, \"password\": text}, ...]"},
    [SS_KIND_OUTGOING] = {set_outgoing, "an IP address", "IPv4 or IPv6, numeric"},
};

/* Describes the values that the field takes. */
static void describe(char out[EXPECTED_SIZE], const struct ss_field *field)
{
    if (field->kind == SS_KIND_METHOD)
        (void)snprintf(out, EXPECTED_SIZE, "one of %s", ss_method_list());
    else if (field->kind == SS_KIND_SECONDS)
        (void)snprintf(out, EXPECTED_SIZE, "%s..%u", least(field) == 0 ? "0" : "0.1",
                       field->max / 1000);
    else if (field->kind == SS_KIND_NUMBER)
        (void)snprintf(out, EXPECTED_SIZE, "0..%u", field->max);
    else
        (void)snprintf(out, EXPECTED_SIZE, "%s", kinds[field->kind].expected);
}

int ss_field_refuse(const struct ss_field *field, const struct ss_origin *origin, const char *found)
{
    char expected[EXPECTED_SIZE];
    describe(expected, field);
    ss_complain(origin, "%s is not %s (expected %s)", found, kinds[field->kind].what, expected);
    return -1;
}

static void to_lower(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text >= 'A' && *text <= 'Z')
            *text = (char)(*text | ' ');
    }
}

/* Methods have more names than ours: AEAD_CHACHA20_POLY1305, chacha20-poly1305. */
static void plain_method(char out[SS_QUOTE_MAX], const char *name)
{
    static const char prefix[] = "aead_", ietf[] = "-ietf-";
    size_t skipped = strncasecmp(name, prefix, sizeof prefix - 1) == 0 ? sizeof prefix - 1 : 0;
    (void)snprintf(out, SS_QUOTE_MAX, "%s", name + skipped);
    to_lower(out);
    char *infix = strstr(out, ietf);
    if (infix != NULL)
        memmove(infix, infix + sizeof ietf - 2, strlen(infix + sizeof ietf - 2) + 1);
}

/* The method that is closest to text, or NULL. */
static const char *suggest_method(const char *text)
{
    char typed[SS_QUOTE_MAX], known[SS_QUOTE_MAX];
    const char *best = NULL;
    struct ssp__guess guess;
    plain_method(typed, text);
    ssp__guess_begin(&guess, typed);
    for (size_t i = 0; ss_method_at(i) != NULL; i++) {
        plain_method(known, ss_method_at(i)->name);
        if (ssp__guess_offer(&guess, known))
            best = ss_method_at(i)->name;
    }
    return best;
}

static const char *nature(const char *method)
{
    if (ss_method_legacy(method))
        return "a stream cipher, which is not secure";
    if (strncasecmp(method, "2022-", 5) == 0)
        return "a method of AEAD-2022 that is not supported";
    bool clear = strcasecmp(method, "none") == 0 || strcasecmp(method, "plain") == 0;
    return clear ? "no encryption, which is not supported" : "not a method";
}

static int refuse_method(const struct ss_origin *origin, const char *text)
{
    char quote[SS_QUOTE_MAX];
    bool legacy = ss_method_legacy(text);
    const char *meant = legacy ? NULL : suggest_method(text);
    ss_complain(origin, "%s is %s (%s%s%sexpected one of %s)", ss_quote(quote, text), nature(text),
                meant != NULL ? "did you mean " : "", meant != NULL ? meant : "",
                meant != NULL ? "? " : "", ss_method_list());
    return -1;
}

/* The first words are those of shadowsocks-libev. */
static int refuse_target(const struct ss_field *field, const struct ss_origin *origin,
                         const char *text)
{
    char quote[SS_QUOTE_MAX];
    struct ssp__endpoint e;
    if (ssp__endpoint_parse(&e, text, 0) == 0 || ssp__endpoint_parse(&e, text, 1) == -1)
        return ss_field_refuse(field, origin, ss_quote(quote, text));
    ss_complain(origin, "tunnel port is not defined in %s (expected %s)", ss_quote(quote, text),
                kinds[field->kind].expected);
    return -1;
}

static int refuse_bare_port(const struct ss_field *field, const struct ss_origin *origin,
                            const char *text)
{
    char quote[SS_QUOTE_MAX];
    int colon = (int)(strrchr(text, ':') - text);
    const char *end = text[colon > 0 ? colon - 1 : 0] == ':' ? ":" : "";
    if (field->kind == SS_KIND_SERVERS || field->kind == SS_KIND_TARGET)
        ss_complain(origin, "%s lacks brackets (expected [%.*s%s]:%s)", ss_quote(quote, text),
                    colon, text, end, text + colon + 1);
    else
        ss_complain(origin, "%s is an address with a port (expected %.*s%s)", ss_quote(quote, text),
                    colon, text, end);
    return -1;
}

int ss_field_set(struct ss_conf *conf, const struct ss_field *field, const struct ss_origin *origin,
                 const char *text)
{
    char quote[SS_QUOTE_MAX];
    if (field->kind == SS_KIND_SERVERS && ss_url_is(text))
        return ss_server_url_add(conf, origin, text);
    if (lacks_brackets(field, text))
        return refuse_bare_port(field, origin, text);
    int rc = kinds[field->kind].set(conf, field, text);
    if (rc == NOT_ONE && field->kind == SS_KIND_MODE) {
        ss_complain(origin, "ignore unknown mode: %s, use tcp_only as fallback (expected %s)",
                    ss_quote(quote, text), kinds[SS_KIND_MODE].expected);
        return 0;
    }
    if (rc == NOT_ONE && field->kind == SS_KIND_METHOD)
        return refuse_method(origin, text);
    if (rc == NOT_ONE && field->kind == SS_KIND_TARGET)
        return refuse_target(field, origin, text);
    if (rc == NOT_ONE)
        return ss_field_refuse(field, origin, ss_quote(quote, text));
    if (rc == TOO_MANY)
        ss_complain(origin, "too many addresses (expected at most %d)", SS_SERVERS_MAX);
    if (rc == NO_MEMORY)
        ss_complain(origin, "out of memory");
    if (rc == 0)
        conf->given |= ss_field_bit(field);
    return rc == 0 ? 0 : -1;
}
