/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/fields.h"

#include "crypto/cipher.h"

#include <ssplugin/env.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The longest timeout, in milliseconds, is still an int. */
enum { TIMEOUT_MAX = INT_MAX / 1000, HANDSHAKE_MAX = 3600, MTU_MAX = 65535 };

#define AT(member) offsetof(struct ss_conf, member)

static const struct ss_field fields[] = {
    {"server", SS_KIND_SERVERS, SS_FOR_BOTH, 0, 0},
    {"server_port", SS_KIND_PORT, SS_FOR_BOTH, AT(server_port), 0},
    {"local_address", SS_KIND_TEXT, SS_FOR_BOTH, AT(local_address), 0},
    {"local_ipv4_address", SS_KIND_IPV4, SS_FOR_SERVER, AT(local_ipv4_address), 0},
    {"local_ipv6_address", SS_KIND_IPV6, SS_FOR_SERVER, AT(local_ipv6_address), 0},
    {"local_port", SS_KIND_PORT, SS_FOR_LOCAL, AT(local_port), 0},
    {"password", SS_KIND_TEXT, SS_FOR_BOTH | SS_SECRET, AT(password), 0},
    {"key", SS_KIND_TEXT, SS_FOR_BOTH | SS_SECRET, AT(key), 0},
    {"method", SS_KIND_METHOD, SS_FOR_BOTH, AT(method), 0},
    {"timeout", SS_KIND_NUMBER, SS_FOR_BOTH, AT(timeout_s), TIMEOUT_MAX},
    {"handshake_timeout", SS_KIND_NUMBER, SS_FOR_SERVER, AT(handshake_timeout_s), HANDSHAKE_MAX},
    {"mode", SS_KIND_MODE, SS_FOR_BOTH, AT(mode), 0},
    {"fast_open", SS_KIND_SWITCH, SS_FOR_BOTH, AT(fast_open), 0},
    {"reuse_port", SS_KIND_SWITCH, SS_FOR_BOTH, AT(reuse_port), 0},
    {"mptcp", SS_KIND_SWITCH, SS_FOR_BOTH, AT(mptcp), 0},
    {"ipv6_first", SS_KIND_SWITCH, SS_FOR_BOTH, AT(ipv6_first), 0},
    {"no_delay", SS_KIND_SWITCH, SS_FOR_BOTH, AT(no_delay), 0},
    {"use_syslog", SS_KIND_SWITCH, SS_FOR_BOTH, AT(use_syslog), 0},
    {"nofile", SS_KIND_NUMBER, SS_FOR_BOTH, AT(nofile), INT_MAX},
    {"mtu", SS_KIND_NUMBER, SS_FOR_BOTH, AT(mtu), MTU_MAX},
    {"tcp_incoming_sndbuf", SS_KIND_NUMBER, SS_FOR_BOTH, AT(tcp_incoming_sndbuf), INT_MAX},
    {"tcp_incoming_rcvbuf", SS_KIND_NUMBER, SS_FOR_BOTH, AT(tcp_incoming_rcvbuf), INT_MAX},
    {"tcp_outgoing_sndbuf", SS_KIND_NUMBER, SS_FOR_BOTH, AT(tcp_outgoing_sndbuf), INT_MAX},
    {"tcp_outgoing_rcvbuf", SS_KIND_NUMBER, SS_FOR_BOTH, AT(tcp_outgoing_rcvbuf), INT_MAX},
    {"user", SS_KIND_TEXT, SS_FOR_BOTH, AT(user), 0},
    {"nameserver", SS_KIND_TEXT, SS_FOR_SERVER, AT(nameserver), 0},
    {"acl", SS_KIND_TEXT, SS_FOR_BOTH, AT(acl), 0},
    {"manager_address", SS_KIND_TEXT, SS_FOR_SERVER, AT(manager_address), 0},
    {"plugin", SS_KIND_TEXT, SS_FOR_BOTH, AT(plugin), 0},
    {"plugin_opts", SS_KIND_OPTIONS, SS_FOR_BOTH | SS_SECRET, AT(plugin_opts), 0},
    {"auth", SS_KIND_OTA, SS_FOR_BOTH, 0, 0},

    {"pid_file", SS_KIND_TEXT, SS_FOR_BOTH | SS_ARGV_ONLY, AT(pid_file), 0},
    {"interface", SS_KIND_TEXT, SS_FOR_BOTH | SS_ARGV_ONLY, AT(interface), 0},
    {"outgoing", SS_KIND_OUTGOING, SS_FOR_SERVER | SS_ARGV_ONLY, 0, 0},
    {"verbose", SS_KIND_SWITCH, SS_FOR_BOTH | SS_ARGV_ONLY, AT(verbose), 0},

    {"dscp", SS_KIND_ELSEWHERE, SS_FOR_BOTH, 0, 0},
    {"port_password", SS_KIND_ELSEWHERE, SS_FOR_BOTH, 0, 0},
    {"tcp_tproxy", SS_KIND_ELSEWHERE, SS_FOR_BOTH, 0, 0},
    {"tunnel_address", SS_KIND_ELSEWHERE, SS_FOR_BOTH, 0, 0},
    {"workdir", SS_KIND_ELSEWHERE, SS_FOR_BOTH, 0, 0},

    {"balancer", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"dns", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"dns_cache_size", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"ipv6_only", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"keep_alive", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"locals", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"log", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"manager_port", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"online_config", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_bind_addr", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_bind_interface", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_fwmark", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_proxy", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_udp_allow_fragmentation", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"outbound_user_cookie", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"plugin_args", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"plugin_mode", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"protocol", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"runtime", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"security", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"servers", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"shadowsocks", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"udp_max_associations", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"udp_mtu", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"udp_timeout", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"version", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
    {"workers", SS_KIND_FOREIGN, SS_FOR_BOTH, 0, 0},
};

enum { FIELDS = sizeof fields / sizeof fields[0] };

/* What people write who know another program. */
static const struct {
    const char *alias, *name;
} aliases[] = {
    {"address", "server"},
    {"cipher", "method"},
    {"encrypt_method", "method"},
    {"encryption", "method"},
    {"listen", "server"},
    {"passwd", "password"},
    {"plugin_options", "plugin_opts"},
    {"port", "server_port"},
    {"server_host", "server"},
    {"security_type", "method"},
};

const struct ss_field *ss_field_find(const char *name)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(fields[i].name, name) == 0)
            return &fields[i];
    }
    return NULL;
}

const struct ss_field *ss_field_suggest(const char *name)
{
    for (size_t i = 0; i < sizeof aliases / sizeof aliases[0]; i++) {
        if (ss_distance(name, aliases[i].alias) == 0)
            return ss_field_find(aliases[i].name);
    }
    const struct ss_field *best = NULL;
    unsigned best_distance = ss_distance_limit(name);
    for (size_t i = 0; i < FIELDS; i++) {
        bool key = (fields[i].flags & SS_ARGV_ONLY) == 0 && fields[i].kind < SS_KIND_OTA;
        unsigned distance = key ? ss_distance(name, fields[i].name) : best_distance;
        if (distance < best_distance) {
            best = &fields[i];
            best_distance = distance;
        }
    }
    return best;
}

/* Why a value was not taken. */
enum { NOT_ONE = -1, TOO_MANY = -2, NO_MEMORY = -3 };

static void *member(struct ss_conf *conf, const struct ss_field *field)
{
    return (char *)conf + field->offset;
}

static bool holds_text(const struct ss_field *field)
{
    return field->kind == SS_KIND_TEXT || field->kind == SS_KIND_OPTIONS ||
           field->kind == SS_KIND_METHOD || field->kind == SS_KIND_IPV4 ||
           field->kind == SS_KIND_IPV6;
}

static int replace(char **member_text, const char *text)
{
    char *copy = strdup(text);
    if (copy == NULL)
        return NO_MEMORY;
    free(*member_text);
    *member_text = copy;
    return 0;
}

static int set_text(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    return replace(member(conf, field), text);
}

static int set_port(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    int port = ssp_port_parse(text);
    if (port == -1)
        return NOT_ONE;
    *(uint16_t *)member(conf, field) = (uint16_t)port;
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
    *(unsigned *)member(conf, field) = (unsigned)number;
    return 0;
}

static int set_switch(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    *(bool *)member(conf, field) = strcmp(text, "true") == 0;
    return 0;
}

static int set_server(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    (void)field;
    if (conf->servers == SS_SERVERS_MAX)
        return TOO_MANY;
    struct ssp_endpoint *server = &conf->server[conf->servers];
    if (ssp_endpoint_parse(server, text, 0) == -1) {
        /* No port of its own: server_port is added when everything has been read. */
        if (ssp_endpoint_parse(server, text, 1) == -1)
            return NOT_ONE;
        server->port = 0;
    }
    conf->servers++;
    return 0;
}

static int set_mode(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    static const char *const modes[] = {
        [SS_TCP_ONLY] = "tcp_only",
        [SS_TCP_AND_UDP] = "tcp_and_udp",
        [SS_UDP_ONLY] = "udp_only",
    };
    (void)field;
    conf->mode = SS_TCP_ONLY;
    for (unsigned i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strcmp(text, modes[i]) == 0) {
            conf->mode = (enum ss_mode)i;
            return 0;
        }
    }
    return NOT_ONE;
}

static int set_method(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    const struct ss_cipher *cipher = *text != '\0' ? ss_cipher_find(text) : NULL;
    if (*text != '\0' && cipher == NULL)
        return NOT_ONE;
    return replace(member(conf, field), cipher != NULL ? cipher->name : "");
}

/* The family of a numeric address; AF_UNSPEC for anything else. */
static int family_of(const char *text)
{
    struct ssp_address address;
    return ssp_address_parse(&address, text, 0) == 0 ? address.u.any.sa_family : AF_UNSPEC;
}

static int set_ip(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    int family = field->kind == SS_KIND_IPV4 ? AF_INET : AF_INET6;
    if (*text != '\0' && family_of(text) != family)
        return NOT_ONE;
    return replace(member(conf, field), text);
}

static int set_outgoing(struct ss_conf *conf, const struct ss_field *field, const char *text)
{
    (void)field;
    int family = family_of(text);
    if (family == AF_UNSPEC)
        return NOT_ONE;
    return replace(family == AF_INET ? &conf->local_ipv4_address : &conf->local_ipv6_address, text);
}

/* By kind: how it is stored, and how it is described.  A number's range is in its field. */
static const struct {
    int (*set)(struct ss_conf *conf, const struct ss_field *field, const char *text);
    const char *what, *expected;
} kinds[] = {
    [SS_KIND_TEXT] = {set_text, "text", "a string"},
    [SS_KIND_OPTIONS] = {set_text, "text", "a string or an object of options"},
    [SS_KIND_PORT] = {set_port, "a port", "1..65535"},
    [SS_KIND_NUMBER] = {set_number, "a number", NULL},
    [SS_KIND_SWITCH] = {set_switch, "a boolean", "true or false"},
    [SS_KIND_SERVERS] = {set_server, "an address", "host, host:port or [ipv6]:port"},
    [SS_KIND_MODE] = {set_mode, "a mode", "tcp_only, tcp_and_udp or udp_only"},
    [SS_KIND_METHOD] = {set_method, "a method", NULL},
    [SS_KIND_IPV4] = {set_ip, "an IPv4 address", "four numbers as in 192.0.2.1"},
    [SS_KIND_IPV6] = {set_ip, "an IPv6 address", "groups as in 2001:db8::1"},
    [SS_KIND_OUTGOING] = {set_outgoing, "an IP address", "IPv4 or IPv6, numeric"},
};

int ss_field_refuse(const struct ss_field *field, const struct ss_origin *origin, const char *found)
{
    char range[32];
    const char *expected = kinds[field->kind].expected;
    if (expected == NULL) {
        (void)snprintf(range, sizeof range, "0..%u", field->max);
        expected = range;
    }
    ss_complain(origin, "%s is not %s (expected %s)", found, kinds[field->kind].what, expected);
    return -1;
}

static int refuse_method(const struct ss_origin *origin, const char *text)
{
    char quote[SS_QUOTE_MAX];
    ss_complain(origin, "%s is %s (expected one of %s)", ss_quote(quote, text),
                ss_cipher_legacy(text) ? "a stream cipher, which is not secure" : "not a method",
                ss_cipher_list());
    return -1;
}

int ss_field_set(struct ss_conf *conf, const struct ss_field *field, const struct ss_origin *origin,
                 const char *text)
{
    char quote[SS_QUOTE_MAX];
    int rc = kinds[field->kind].set(conf, field, text);
    if (rc == NOT_ONE && field->kind == SS_KIND_MODE) {
        ss_complain(origin, "ignore unknown mode: %s, use tcp_only as fallback (expected %s)",
                    ss_quote(quote, text), kinds[SS_KIND_MODE].expected);
        return 0;
    }
    if (rc == NOT_ONE && field->kind == SS_KIND_METHOD)
        return refuse_method(origin, text);
    if (rc == NOT_ONE)
        return ss_field_refuse(field, origin, ss_quote(quote, text));
    if (rc == TOO_MANY)
        ss_complain(origin, "too many addresses (expected at most %d)", SS_SERVERS_MAX);
    if (rc == NO_MEMORY)
        ss_complain(origin, "out of memory");
    return rc == 0 ? 0 : -1;
}

static void take_text(char **own, char **other)
{
    if (*own != NULL)
        return;
    *own = *other;
    *other = NULL;
}

static void merge_field(struct ss_conf *conf, struct ss_conf *file, const struct ss_field *field)
{
    void *own = member(conf, field), *other = member(file, field);
    if (holds_text(field))
        take_text(own, other);
    else if (field->kind == SS_KIND_PORT && *(uint16_t *)own == 0)
        *(uint16_t *)own = *(uint16_t *)other;
    else if (field->kind == SS_KIND_NUMBER && *(unsigned *)own == 0)
        *(unsigned *)own = *(unsigned *)other;
    else if (field->kind == SS_KIND_SWITCH)
        *(bool *)own = *(bool *)own || *(bool *)other;
}

static bool is_outgoing(const struct ss_field *field)
{
    return field->kind == SS_KIND_IPV4 || field->kind == SS_KIND_IPV6 ||
           field->offset == AT(local_address);
}

static bool is_key(const struct ss_field *field)
{
    return field->offset == AT(password) || field->offset == AT(key);
}

void ss_fields_merge(struct ss_conf *conf, struct ss_conf *file)
{
    if (conf->mode == SS_TCP_ONLY)
        conf->mode = file->mode;
    if (conf->servers == 0) {
        memcpy(conf->server, file->server, sizeof conf->server);
        conf->servers = file->servers;
    }
    /* -b of a server, for one family, also beats what the file says of the other. */
    bool bound = conf->local_ipv4_address != NULL || conf->local_ipv6_address != NULL;
    /* So do -k and --key, each for both. */
    bool keyed = conf->password != NULL || conf->key != NULL;
    for (size_t i = 0; i < FIELDS; i++) {
        if (!(bound && is_outgoing(&fields[i])) && !(keyed && is_key(&fields[i])))
            merge_field(conf, file, &fields[i]);
    }
}

static void drop(char **text, unsigned flags)
{
    if (*text != NULL && (flags & SS_SECRET) != 0)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void ss_fields_drop_empty(struct ss_conf *conf)
{
    for (size_t i = 0; i < FIELDS; i++) {
        char **text = holds_text(&fields[i]) ? member(conf, &fields[i]) : NULL;
        if (text != NULL && *text != NULL && **text == '\0')
            drop(text, fields[i].flags);
    }
}

void ss_conf_release(struct ss_conf *conf)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (holds_text(&fields[i]))
            drop(member(conf, &fields[i]), fields[i].flags);
    }
    *conf = (struct ss_conf){.servers = 0};
}
