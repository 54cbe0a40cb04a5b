/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/request.h"

#include "pt-wrap/where.h"

#include <ssplugin/host.h>
#include <ssplugin/log.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
    START_S = 30,
    SOCKS_S = 75, /* a transport may take 60 for a handshake of its own */
    SECONDS_MAX = 86400,
    PHRASE_MAX = 256,
    OBFS4_CERT = 70,
    OBFS4_IAT_MODES = 3
};

__attribute__((format(printf, 3, 4))) static int complain(char *why, size_t cap, const char *format,
                                                          ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(why, cap, format, args);
    va_end(args);
    return SSP_EXIT_CONFIG;
}

static int out_of_memory(char *why, size_t cap)
{
    (void)complain(why, cap, "out of memory");
    return SSP_EXIT_OS;
}

/* ---- options ---- */

typedef enum { TEXT, FLAG, SECONDS, IGNORED } kind;

/* All options of pt-wrap, besides the role; every other key is an argument of the transport. */
static const struct row {
    const char *key;
    kind kind;
    size_t offset;
} rows[] = {
    {"exec", TEXT, offsetof(struct pt_request, exec)},
    {"transport", TEXT, offsetof(struct pt_request, transport)},
    {"state", TEXT, offsetof(struct pt_request, state)},
    {"proxy", TEXT, offsetof(struct pt_request, proxy)},
    {"bridge", TEXT, offsetof(struct pt_request, bridge)},
    {"bind-v4", TEXT, offsetof(struct pt_request, bind_v4)},
    {"bind-v6", TEXT, offsetof(struct pt_request, bind_v6)},
    {"ext-orport", FLAG, offsetof(struct pt_request, ext_orport)},
    {"proxy-protocol", FLAG, offsetof(struct pt_request, proxy_protocol)},
    {"v", FLAG, offsetof(struct pt_request, verbose)},
    {"start", SECONDS, offsetof(struct pt_request, start_s)},
    {"socks-timeout", SECONDS, offsetof(struct pt_request, socks_s)},
    {"t", SECONDS, offsetof(struct pt_request, timeout_s)},
    {"file", IGNORED, 0}, /* its value is for the sandbox of the host */
};

static int store(struct pt_request *request, const struct row *row, const char *value, char *why,
                 size_t cap)
{
    void *field = (char *)request + row->offset;
    if (row->kind == FLAG) {
        *(int *)field = wrap_flag(value);
    } else if (row->kind == TEXT) {
        if (value == NULL || *value == '\0')
            return complain(why, cap, "option %s has no value", row->key);
        *(const char **)field = value;
    } else if (row->kind == SECONDS) {
        *(unsigned *)field = wrap_seconds(value, SECONDS_MAX);
        if (*(unsigned *)field == 0)
            return complain(why, cap, "option %s is not a number of seconds from 1 to %d", row->key,
                            SECONDS_MAX);
    }
    return 0;
}

static const struct row *row_of(const char *key)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (wrap_same_name(rows[i].key, key))
            return &rows[i];
    }
    return NULL;
}

static int read_options(struct pt_request *request, char *why, size_t cap)
{
    ssp_item item;
    int rc, status = 0;
    if (wrap_items_begin(&request->items, request->env->options) == -1)
        return out_of_memory(why, cap);
    while (status == 0 && (rc = wrap_items_next(&request->items, &item)) != 0) {
        if (rc == -1)
            return wrap_items_malformed(&request->items, why, cap);
        const struct row *row = row_of(item.key);
        if (row != NULL)
            status = store(request, row, item.value, why, cap);
        else
            (void)wrap_role(&request->role, item.key, item.value);
    }
    return status;
}

/* Comes after the bridge line, so that separate options override it. */
static int read_arguments(struct pt_request *request, char *why, size_t cap)
{
    struct wrap_items items;
    ssp_role said = SSP_ROLE_UNKNOWN;
    ssp_item item;
    int rc = 0;
    if (wrap_items_begin(&items, request->env->options) == -1)
        return out_of_memory(why, cap);
    while (rc == 0 && wrap_items_next(&items, &item) == 1) {
        if (row_of(item.key) == NULL && !wrap_role(&said, item.key, item.value))
            rc = pt_args_set(&request->args, item.key, item.value != NULL ? item.value : "1");
    }
    wrap_items_end(&items);
    return rc == 0 ? 0 : out_of_memory(why, cap);
}

/* ---- what to run ---- */

/* Debian's program for a transport, where the option exec does not say another. */
static const char *usual_program(const char *transport)
{
    static const struct {
        const char *transport, *program;
    } usual[] = {{"obfs4", "obfs4proxy"},     {"obfs3", "obfs4proxy"},
                 {"obfs2", "obfs4proxy"},     {"scramblesuit", "obfs4proxy"},
                 {"meek_lite", "obfs4proxy"}, {"snowflake", "snowflake-client"}};
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strcmp(usual[i].transport, transport) == 0)
            return usual[i].program;
    }
    return NULL;
}

static int find_program(struct pt_request *request, char *why, size_t cap)
{
    char what[PHRASE_MAX];
    const char *line = request->exec != NULL ? request->exec : usual_program(request->transport);
    if (line == NULL)
        return complain(why, cap,
                        "option exec is missing: the program that has the transport %s, such as "
                        "exec=/usr/bin/obfs4proxy",
                        request->transport);
    if (words_split(&request->words, line, NULL, NULL, what, sizeof what) == -1)
        return complain(why, cap, "exec: %s", what);
    if (ssp_host_find(request->words.word[0], NULL, request->program, sizeof request->program) == 0)
        return 0;
    return complain(why, cap, "exec: %.200s: %s%s", request->words.word[0], strerror(errno),
                    strchr(request->words.word[0], '/') == NULL ? " in PATH" : "");
}

static int read_bridge(struct pt_request *request, char *why, size_t cap)
{
    struct pt_bridge bridge;
    if (request->bridge == NULL)
        return 0;
    if (request->role == SSP_SERVER)
        return complain(why, cap, "option bridge is for clients");
    if (pt_bridge_read(&bridge, &request->args, request->bridge, why, cap) == -1)
        return SSP_EXIT_CONFIG;
    memcpy(request->named, bridge.transport, sizeof request->named);
    if (request->transport != NULL && strcmp(request->transport, request->named) != 0)
        return complain(why, cap, "the bridge line is for %s, but transport is %.60s",
                        request->named, request->transport);
    request->transport = request->named;
    if (strcmp(bridge.place.ip, request->remote) != 0 ||
        bridge.place.port != ssp_port_parse(request->env->remote_port))
        ssp_info("the bridge line has another address than the server is configured with: it is "
                 "not used");
    return 0;
}

static int name_transport(struct pt_request *request, char *why, size_t cap)
{
    if (request->transport == NULL)
        return complain(why, cap, "option transport is missing: such as transport=obfs4");
    if (!pt_name_valid(request->transport))
        return complain(why, cap, "transport \"%.60s\": not the name of a transport",
                        request->transport);
    return 0;
}

/* ---- what only one role has ---- */

/* obfs4 itself would report this at the first connection, and in its own log only. */
static int check_obfs4(const struct pt_request *request, char *why, size_t cap)
{
    const char *cert = pt_args_get(&request->args, "cert");
    const char *mode = pt_args_get(&request->args, "iat-mode");
    if (cert == NULL && pt_args_get(&request->args, "node-id") != NULL &&
        pt_args_get(&request->args, "public-key") != NULL)
        return 0;
    if (cert == NULL || mode == NULL)
        return complain(why, cap,
                        "obfs4 needs cert and iat-mode: the server has them in the file "
                        "client-options of its state directory");
    if (strlen(cert) != OBFS4_CERT)
        return complain(why, cap, "cert has %zu characters; that of obfs4 has %d: copy all of it",
                        strlen(cert), OBFS4_CERT);
    if (mode[0] < '0' || mode[0] >= '0' + OBFS4_IAT_MODES || mode[1] != '\0')
        return complain(why, cap, "iat-mode is 0, 1 or 2");
    return 0;
}

static int prepare_client(struct pt_request *request, char *why, size_t cap)
{
    if (request->ext_orport || request->proxy_protocol)
        return complain(why, cap, "options ext-orport and proxy-protocol are for servers");
    if (request->socks_s == 0)
        request->socks_s = SOCKS_S;
    if (strcmp(request->transport, "obfs4") == 0 && check_obfs4(request, why, cap) != 0)
        return SSP_EXIT_CONFIG;
    if (request->args.n == 0)
        return 0;
    request->socks_args = pt_args_socks(&request->args);
    if (request->socks_args == NULL)
        return out_of_memory(why, cap);
    if (strlen(request->socks_args) <= PT_ARGS_SOCKS_MAX)
        return 0;
    return complain(why, cap,
                    "the arguments of %s have %zu bytes, and SOCKS carries %d: give the long ones "
                    "to the program, behind its name in exec",
                    request->transport, strlen(request->socks_args), PT_ARGS_SOCKS_MAX);
}

static int prepare_server(struct pt_request *request, char *why, size_t cap)
{
    const ssp_env *env = request->env;
    if (request->proxy != NULL || request->socks_s != 0)
        return complain(why, cap, "options proxy and socks-timeout are for clients");
    if (request->state == NULL)
        return complain(why, cap,
                        "option state is missing: the directory where the transport keeps its "
                        "keys, such as state=/var/lib/pt-wrap");
    if (request->proxy_protocol && !request->ext_orport)
        return complain(why, cap, "proxy-protocol needs ext-orport, which says who a client is");
    int status = pt_where(&request->listen, env->remote_host, env->remote_port, true, why, cap);
    return status != 0
               ? status
               : pt_where(&request->dial, env->local_host, env->local_port, false, why, cap);
}

static int check(struct pt_request *request, char *why, size_t cap)
{
    uint8_t ip[16];
    if (request->bind_v4 != NULL && pt_ip_bytes(request->bind_v4, ip) != 4)
        return complain(why, cap, "bind-v4 is \"%.60s\", expected an IPv4 address",
                        request->bind_v4);
    if (request->bind_v6 != NULL && pt_ip_bytes(request->bind_v6, ip) != 16)
        return complain(why, cap, "bind-v6 is \"%.60s\", expected an IPv6 address",
                        request->bind_v6);
    if (request->proxy != NULL && strstr(request->proxy, "://") == NULL)
        return complain(why, cap, "proxy is no URI: expected such as socks5://127.0.0.1:1080");
    if (request->env->mode != SSP_TCP_ONLY)
        return complain(why, cap,
                        "SS_PLUGIN_MODE asks for UDP, which transports do not carry: use tcp_only");
    return 0;
}

/* All must be hosts, although a server needs the first one only. */
static int check_servers(struct pt_request *request, char *why, size_t cap)
{
    const char *at = request->env->remote_host;
    char host[PT_HOST_MAX];
    int rc, n = 0;
    while ((rc = ssp_hosts_next(&at, host, sizeof host)) == 1) {
        if (n++ == 0)
            memcpy(request->remote, host, sizeof host);
    }
    return rc == 0 && n > 0 ? 0
                            : complain(why, cap, "SS_REMOTE_HOST is no host: \"%.60s\"",
                                       request->env->remote_host);
}

static int prepare(struct pt_request *request, char *why, size_t cap)
{
    return (request->role == SSP_CLIENT ? prepare_client : prepare_server)(request, why, cap);
}

typedef int part_fn(struct pt_request *request, char *why, size_t cap);

int pt_wish_read(struct pt_request *request, const ssp_env *env, const char *name, char *why,
                 size_t why_cap)
{
    static part_fn *const parts[] = {check,          check_servers, read_bridge, name_transport,
                                     read_arguments, find_program,  prepare};
    *request = (struct pt_request){.env = env, .start_s = START_S};
    int status = read_options(request, why, why_cap);
    request->role = ssp_env_role(env, request->role, name);
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == 0; i++)
        status = parts[i](request, why, why_cap);
    return status;
}

void pt_wish_release(struct pt_request *request)
{
    words_release(&request->words);
    pt_args_release(&request->args);
    pt_args_forget(request->socks_args);
    wrap_items_end(&request->items);
    *request = (struct pt_request){.env = NULL};
}
