/* SPDX-License-Identifier: Apache-2.0 */
#include "pt-wrap/wish.h"

#include "pt-wrap/where.h"

#include <ssplugin/host.h>
#include <ssplugin/log.h>
#include <ssplugin/options.h>

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

/* ---- options ---- */

typedef enum { TEXT, FLAG, SECONDS, IGNORED } kind;

/* All that are ours; every other key is an argument of the transport. */
static const struct row {
    const char *key;
    kind kind;
    size_t offset;
} rows[] = {
    {"exec", TEXT, offsetof(struct pt_wish, exec)},
    {"transport", TEXT, offsetof(struct pt_wish, transport)},
    {"state", TEXT, offsetof(struct pt_wish, state)},
    {"proxy", TEXT, offsetof(struct pt_wish, proxy)},
    {"bridge", TEXT, offsetof(struct pt_wish, bridge)},
    {"bind-v4", TEXT, offsetof(struct pt_wish, bind_v4)},
    {"bind-v6", TEXT, offsetof(struct pt_wish, bind_v6)},
    {"ext-orport", FLAG, offsetof(struct pt_wish, ext_orport)},
    {"proxy-protocol", FLAG, offsetof(struct pt_wish, proxy_protocol)},
    {"v", FLAG, offsetof(struct pt_wish, verbose)},
    {"start", SECONDS, offsetof(struct pt_wish, start_s)},
    {"socks-timeout", SECONDS, offsetof(struct pt_wish, socks_s)},
    {"t", SECONDS, offsetof(struct pt_wish, timeout_s)},
    {"file", IGNORED, 0}, /* its value is for the sandbox of the host */
    {"server", IGNORED, 0},
    {"client", IGNORED, 0},
};

/* '-' and '_' are the same in our own names. */
static bool same_name(const char *a, const char *b)
{
    for (; *a != '\0' && *b != '\0'; a++, b++) {
        if ((*a == '_' ? '-' : *a) != (*b == '_' ? '-' : *b))
            return false;
    }
    return *a == *b;
}

static bool is_off(const char *value)
{
    static const char *const words[] = {"0", "false", "no", "off"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(value, words[i]) == 0)
            return true;
    }
    return false;
}

static int store(struct pt_wish *wish, const struct row *row, const char *value, char *why,
                 size_t cap)
{
    void *field = (char *)wish + row->offset;
    if (row->kind == FLAG) {
        *(int *)field = value == NULL || !is_off(value);
    } else if (row->kind == TEXT) {
        if (value == NULL || *value == '\0')
            return complain(why, cap, "option %s has no value", row->key);
        *(const char **)field = value;
    } else if (row->kind == SECONDS) {
        char *end = NULL;
        unsigned long n = value != NULL ? strtoul(value, &end, 10) : 0;
        if (value == NULL || value[0] < '0' || value[0] > '9' || *end != '\0' || n < 1 ||
            n > SECONDS_MAX)
            return complain(why, cap, "option %s is not a number of seconds from 1 to %d", row->key,
                            SECONDS_MAX);
        *(unsigned *)field = (unsigned)n;
    }
    return 0;
}

static const struct row *row_of(const char *key)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (same_name(rows[i].key, key))
            return &rows[i];
    }
    return NULL;
}

/* What decodes an item, and remembers where the next one goes. */
struct reader {
    const char *at;
    char *room;
};

static int next(struct reader *r, ssp_item *item)
{
    int rc = ssp_options_next(&r->at, r->room, strlen(r->at) + 2, item);
    if (rc == 1) {
        const char *last = item->value != NULL ? item->value : item->key;
        r->room += (last - r->room) + (ptrdiff_t)strlen(last) + 1;
    }
    return rc;
}

static int read_options(struct pt_wish *wish, char *why, size_t cap)
{
    const char *options = wish->env->options != NULL ? wish->env->options : "";
    struct reader r = {.at = options};
    ssp_item item;
    int rc, status = 0;
    r.room = wish->room = malloc(2 * strlen(options) + 2);
    if (r.room == NULL)
        return complain(why, cap, "out of memory");
    while (status == 0 && (rc = next(&r, &item)) != 0) {
        if (rc == -1)
            return complain(why, cap, "SS_PLUGIN_OPTIONS: malformed at byte %td", r.at - options);
        const struct row *row = row_of(item.key);
        if (row != NULL)
            status = store(wish, row, item.value, why, cap);
    }
    return status;
}

/* After the bridge line, so that what stands alone wins. */
static int read_arguments(struct pt_wish *wish, char *why, size_t cap)
{
    const char *options = wish->env->options != NULL ? wish->env->options : "";
    size_t len = 2 * strlen(options) + 2;
    struct reader r = {.at = options, .room = malloc(len)};
    char *room = r.room;
    ssp_item item;
    int rc = 0;
    if (room == NULL)
        return complain(why, cap, "out of memory");
    while (rc == 0 && next(&r, &item) == 1) {
        if (row_of(item.key) == NULL)
            rc = pt_args_set(&wish->args, item.key, item.value != NULL ? item.value : "1");
    }
    explicit_bzero(room, len);
    free(room);
    return rc == 0 ? 0 : complain(why, cap, "out of memory");
}

static bool has_word(const char *options, const char *word)
{
    size_t n = strlen(word);
    for (const char *at = options; at != NULL && (at = strstr(at, word)) != NULL; at += n) {
        if ((at == options || at[-1] == ';') && (at[n] == ';' || at[n] == '\0'))
            return true;
    }
    return false;
}

/* As with all plugins of this toolkit: the contract, an option, the program's name. */
static ssp_role role_of(const ssp_env *env, const char *name)
{
    static const char server[] = "-server";
    size_t n = strlen(name), m = sizeof server - 1;
    if (env->role != SSP_ROLE_UNKNOWN)
        return env->role;
    if (has_word(env->options, "server"))
        return SSP_SERVER;
    if (has_word(env->options, "client"))
        return SSP_CLIENT;
    return n >= m && strcmp(name + n - m, server) == 0 ? SSP_SERVER : SSP_CLIENT;
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

static int find_program(struct pt_wish *wish, char *why, size_t cap)
{
    char what[PHRASE_MAX];
    const char *line = wish->exec != NULL ? wish->exec : usual_program(wish->transport);
    if (line == NULL)
        return complain(why, cap,
                        "option exec is missing: the program that has the transport %s, such as "
                        "exec=/usr/bin/obfs4proxy",
                        wish->transport);
    if (words_split(&wish->words, line, NULL, NULL, what, sizeof what) == -1)
        return complain(why, cap, "exec: %s", what);
    if (ssp_host_find(wish->words.word[0], NULL, wish->program, sizeof wish->program) == 0)
        return 0;
    return complain(why, cap, "exec: %.200s: %s%s", wish->words.word[0], strerror(errno),
                    strchr(wish->words.word[0], '/') == NULL ? " in PATH" : "");
}

static int read_bridge(struct pt_wish *wish, char *why, size_t cap)
{
    struct pt_bridge bridge;
    if (wish->bridge == NULL)
        return 0;
    if (wish->role == SSP_SERVER)
        return complain(why, cap, "option bridge is for clients");
    if (pt_bridge_read(&bridge, &wish->args, wish->bridge, why, cap) == -1)
        return SSP_EXIT_CONFIG;
    memcpy(wish->named, bridge.transport, sizeof wish->named);
    if (wish->transport != NULL && strcmp(wish->transport, wish->named) != 0)
        return complain(why, cap, "the bridge line is for %s, but transport is %.60s", wish->named,
                        wish->transport);
    wish->transport = wish->named;
    if (strcmp(bridge.place.ip, wish->remote) != 0 ||
        bridge.place.port != ssp_port_parse(wish->env->remote_port))
        ssp_info("the bridge line has another address than the server is configured with: it is "
                 "not used");
    return 0;
}

static int name_transport(struct pt_wish *wish, char *why, size_t cap)
{
    if (wish->transport == NULL)
        return complain(why, cap, "option transport is missing: such as transport=obfs4");
    if (!pt_name_valid(wish->transport))
        return complain(why, cap, "transport is \"%.60s\", which is no name of one",
                        wish->transport);
    return 0;
}

/* ---- what only one role has ---- */

/* obfs4 itself would say so at the first connection, and to its own log only. */
static int check_obfs4(const struct pt_wish *wish, char *why, size_t cap)
{
    const char *cert = pt_args_get(&wish->args, "cert");
    const char *mode = pt_args_get(&wish->args, "iat-mode");
    if (cert == NULL && pt_args_get(&wish->args, "node-id") != NULL &&
        pt_args_get(&wish->args, "public-key") != NULL)
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

static int prepare_client(struct pt_wish *wish, char *why, size_t cap)
{
    if (wish->ext_orport || wish->proxy_protocol)
        return complain(why, cap, "options ext-orport and proxy-protocol are for servers");
    if (strcmp(wish->transport, "obfs4") == 0 && check_obfs4(wish, why, cap) != 0)
        return SSP_EXIT_CONFIG;
    if (wish->args.n == 0)
        return 0;
    wish->socks_args = pt_args_socks(&wish->args);
    if (wish->socks_args == NULL)
        return complain(why, cap, "out of memory");
    if (strlen(wish->socks_args) <= PT_ARGS_SOCKS_MAX)
        return 0;
    return complain(why, cap,
                    "the arguments of %s have %zu bytes, and SOCKS carries %d: give the long ones "
                    "to the program, behind its name in exec",
                    wish->transport, strlen(wish->socks_args), PT_ARGS_SOCKS_MAX);
}

static int prepare_server(struct pt_wish *wish, char *why, size_t cap)
{
    const ssp_env *env = wish->env;
    if (wish->proxy != NULL)
        return complain(why, cap, "option proxy is for clients");
    if (wish->state == NULL)
        return complain(why, cap,
                        "option state is missing: the directory where the transport keeps its "
                        "keys, such as state=/var/lib/pt-wrap");
    if (wish->proxy_protocol && !wish->ext_orport)
        return complain(why, cap, "proxy-protocol needs ext-orport, which says who a client is");
    int status = pt_where(&wish->listen, env->remote_host, env->remote_port, true, why, cap);
    return status != 0 ? status
                       : pt_where(&wish->dial, env->local_host, env->local_port, false, why, cap);
}

static int check(struct pt_wish *wish, char *why, size_t cap)
{
    uint8_t ip[16];
    if (wish->bind_v4 != NULL && pt_ip_bytes(wish->bind_v4, ip) != 4)
        return complain(why, cap, "bind-v4 is \"%.60s\", expected an IPv4 address", wish->bind_v4);
    if (wish->bind_v6 != NULL && pt_ip_bytes(wish->bind_v6, ip) != 16)
        return complain(why, cap, "bind-v6 is \"%.60s\", expected an IPv6 address", wish->bind_v6);
    if (wish->proxy != NULL && strstr(wish->proxy, "://") == NULL)
        return complain(why, cap, "proxy is no URI: expected such as socks5://127.0.0.1:1080");
    if (wish->env->mode != SSP_TCP_ONLY)
        return complain(why, cap,
                        "SS_PLUGIN_MODE asks for UDP, which transports do not carry: use tcp_only");
    return 0;
}

static int first_server(struct pt_wish *wish, char *why, size_t cap)
{
    const char *at = wish->env->remote_host;
    if (ssp_hosts_next(&at, wish->remote, sizeof wish->remote) != 1)
        return complain(why, cap, "SS_REMOTE_HOST is no host: \"%.60s\"", wish->env->remote_host);
    if (wish->role == SSP_CLIENT && strchr(wish->env->remote_host, '|') != NULL)
        ssp_info("SS_REMOTE_HOST has several hosts: the first is used");
    return 0;
}

typedef int part_fn(struct pt_wish *wish, char *why, size_t cap);

int pt_wish_read(struct pt_wish *wish, const ssp_env *env, const char *name, char *why,
                 size_t why_cap)
{
    *wish = (struct pt_wish){
        .env = env, .role = role_of(env, name), .start_s = START_S, .socks_s = SOCKS_S};
    part_fn *const parts[] = {
        read_options,   check,
        first_server,   read_bridge,
        name_transport, read_arguments,
        find_program,   wish->role == SSP_CLIENT ? prepare_client : prepare_server,
    };
    int status = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts && status == 0; i++)
        status = parts[i](wish, why, why_cap);
    return status;
}

void pt_wish_release(struct pt_wish *wish)
{
    words_release(&wish->words);
    pt_args_release(&wish->args);
    pt_args_forget(wish->socks_args);
    if (wish->room != NULL && wish->env->options != NULL)
        explicit_bzero(wish->room, strlen(wish->env->options));
    free(wish->room);
    *wish = (struct pt_wish){.env = NULL};
}
