/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/check.h"

#include "conf/fields.h"
#include "conf/merge.h"
#include "conf/secrets.h"
#include "proto/method.h"
#include "store/place.h"

#include <sched.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

/* Smaller socket buffers are worse than none; shadowsocks-libev ignores them too. */
enum {
    SOCKS_PORT = 1080,
    BUFFER_MIN = 16383,
    TIMEOUT_S = 60,
    PLUGIN_READY_MS = 10000,
    PLUGIN_GRACE_MS = 2000,
    KEEP_ALIVE_S = 300,
    USER_TIMEOUT_S = 900,
    DRAIN_S = 3600
};

/* Sets the defaults.  Returns 0, or -1 when memory is out. */
static int set_default(char **text, const char *value)
{
    if (*text == NULL)
        *text = strdup(value);
    return *text != NULL ? 0 : -1;
}

static bool all_ipv6(const struct ss_conf *conf)
{
    struct ssp__address address;
    for (unsigned i = 0; i < conf->servers; i++) {
        if (!ssp__endpoint_address(&conf->server[i], &address) ||
            address.u.any.sa_family != AF_INET6)
            return false;
    }
    return true;
}

/* That the process may use. */
static unsigned cpus(void)
{
    cpu_set_t set;
    int n = sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
    return n < SS_WORKERS_MAX ? (unsigned)n : SS_WORKERS_MAX;
}

void ss_conf_complete(struct ss_conf *conf)
{
    if (conf->timeout_s == 0)
        conf->timeout_s = TIMEOUT_S;
    if (conf->drain_s == 0)
        conf->drain_s = DRAIN_S;
    if (conf->plugin_ready_ms == 0)
        conf->plugin_ready_ms = PLUGIN_READY_MS;
    if (conf->workers == 0)
        conf->workers = ss_field_given(conf, "workers") ? cpus() : 1;
    if (!ss_field_given(conf, "keep_alive"))
        conf->keep_alive_s = KEEP_ALIVE_S;
    if (!ss_field_given(conf, "tcp_user_timeout"))
        conf->tcp_user_timeout_s = USER_TIMEOUT_S;
    if (!ss_field_given(conf, "plugin_grace"))
        conf->plugin_grace_ms = PLUGIN_GRACE_MS;
    if (!ss_field_given(conf, "plugin_sandbox"))
        conf->plugin_sandbox = true;
}

/* True when there are plugins, and each is inside of the program. */
static bool all_inside(const struct ss_conf *conf)
{
    bool any = conf->plugin != NULL, all = !any || ss_plugin_inside(conf->plugin) != NULL;
    for (size_t i = 0; i < conf->list.n; i++) {
        const char *plugin = conf->list.at[i].plugin;
        any = any || plugin != NULL;
        all = all && (plugin == NULL || ss_plugin_inside(plugin) != NULL);
    }
    return any && all;
}

/* Settings for the process of a plugin, where there is none. */
static void tell_useless(const struct ss_conf *conf, enum ss_program program)
{
    const struct {
        const char *name;
        bool given;
    } row[] = {
        {"plugin_user", conf->plugin_user != NULL},
        {"plugin_dir", conf->plugin_dir != NULL},
        {"plugin_restart", ss_field_given(conf, "plugin_restart")},
        {"plugin_ready", conf->plugin_ready_ms != 0},
        {"plugin_grace", ss_field_given(conf, "plugin_grace")},
        {"plugin_sandbox", ss_field_given(conf, "plugin_sandbox")},
        {"plugin_writable", conf->plugin_writable != NULL},
        {"plugin_ports", conf->plugin_ports != NULL},
        {"plugin_exposed", conf->plugin_exposed},
    };
    for (size_t i = 0; all_inside(conf) && i < sizeof row / sizeof *row; i++) {
        if (row[i].given)
            ss_complain(&(struct ss_origin){.program = program, .name = row[i].name},
                        "ignored: the plugin is inside of the program, and no process (remove it, "
                        "or the prefix \"inline:\")");
    }
}

static int complete(struct ss_conf *conf, enum ss_program program)
{
    tell_useless(conf, program);
    ss_conf_complete(conf);
    bool client = ss_programs[program].role == SSP_CLIENT;
    if (!client && conf->servers == 0) {
        (void)ssp__endpoint_set(&conf->server[0], "0.0.0.0", 0);
        conf->servers = 1;
    }
    for (unsigned i = 0; i < conf->servers; i++) {
        if (conf->server[i].port == 0)
            conf->server[i].port = conf->server_port;
    }
    if (conf->export_qr != NULL)
        conf->export_url = true;
    bool listens = conf->local_port != 0 || conf->listeners > 0;
    if (program == SS_LOCAL && !listens && (conf->list.n > 0 || conf->export_url))
        conf->local_port = SOCKS_PORT;
    int rc = set_default(&conf->method, SS_METHOD_DEFAULT);
    if (client)
        rc |= set_default(&conf->local_address, all_ipv6(conf) ? "::1" : "127.0.0.1");
    return rc;
}

static const char *missing_port(const struct ss_conf *conf)
{
    for (unsigned i = 0; i < conf->servers; i++) {
        const struct ssp__endpoint *e = &conf->server[i];
        if (e->port == 0 && !e->named && e->u.address.u.any.sa_family == AF_INET6)
            return "no server port (expected -p <port> or \"server_port\" in the configuration "
                   "file; an IPv6 address with a port needs brackets: [2001:db8::1]:8388)";
        if (e->port == 0)
            return "no server port (expected -p <port> or \"server_port\" in the configuration "
                   "file)";
    }
    return NULL;
}

/* True unless an order for the process that runs has no way to it. */
static bool reaches_running(const struct ss_conf *conf)
{
    return conf->control != NULL || (conf->reload && conf->pid_file != NULL) ||
           !(conf->take_over || conf->reload);
}

static bool is_access_log(const char *place)
{
    return place == NULL || place[0] == '/' || strcmp(place, "-") == 0 ||
           strcmp(place, "syslog") == 0;
}

static bool is_one_of(const char *word, const char *a, const char *b, const char *c)
{
    return word == NULL || strcmp(word, a) == 0 || strcmp(word, b) == 0 || strcmp(word, c) == 0;
}

/* Reports missing values: the first, or with --check each one of which nothing was said yet.
 * Returns how many. */
static unsigned report_missing(const struct ss_conf *conf, enum ss_program program)
{
    bool client = ss_programs[program].role == SSP_CLIENT;
    bool listens = conf->local_port != 0 || conf->listeners > 0;
    bool tunnels = program == SS_TUNNEL && (conf->local_port != 0 || conf->listeners == 0);
    const struct {
        const char *key, *reason;
    } needs[] = {
        {"server", conf->servers > 0 ? NULL
                                     : "no server (expected -s <host> or \"server\" in the "
                                       "configuration file)"},
        {"server_port", missing_port(conf)},
        {"local_port", !client || listens
                           ? NULL
                           : "no local port (expected -l <port> or \"local_port\" in "
                             "the configuration file)"},
        {"tunnel_address", !tunnels || conf->tunnel_address != NULL
                               ? NULL
                               : "no tunnel address (expected -L <host>:<port> or "
                                 "\"tunnel_address\" in the configuration file)"},
        {"control", reaches_running(conf)
                        ? NULL
                        : "no control socket (expected --control <path> or \"control\" in the "
                          "configuration file, as of the process that runs)"},
        {"access_log",
         is_access_log(conf->access_log)
             ? NULL
             : "access_log: it is no place for lines (expected an absolute path, - or "
               "syslog)"},
        {"access_log_targets", is_one_of(conf->access_log_targets, "full", "none", "none")
                                   ? NULL
                                   : "access_log_targets: unknown word (expected full or none)"},
        {"access_log_clients", is_one_of(conf->access_log_clients, "full", "network", "none")
                                   ? NULL
                                   : "access_log_clients: unknown word (expected full, network or "
                                     "none)"},
        {"password", conf->password != NULL || conf->key != NULL
                         ? NULL
                         : "no password (expected -k <password> or \"password\" in the "
                           "configuration file)"},
    };
    unsigned n = 0;
    for (size_t i = 0; i < sizeof needs / sizeof needs[0] && (n == 0 || conf->check); i++) {
        if (needs[i].reason == NULL || ss_field_refused(conf, needs[i].key))
            continue;
        ss_complain(&(struct ss_origin){.program = program}, "%s; %s -h for help", needs[i].reason,
                    ss_programs[program].name);
        n++;
    }
    return n;
}

/* A user cannot invent a key of the right form, so the message contains a new one. */
static int check_key(const struct ss_conf *conf, enum ss_program program, int *status)
{
    enum { TEXT_SIZE = sodium_base64_ENCODED_LEN(SS_KEY_MAX, sodium_base64_VARIANT_URLSAFE) };
    const struct ss_method *method = ss_method_find(conf->method);
    const struct ss_secret secret = {.password = conf->password,
                                     .key = conf->key,
                                     .role = ss_programs[program].role,
                                     .users = conf->users,
                                     .prefix = {conf->prefix, conf->prefix_len}};
    if (method == NULL)
        return -1;
    char why[SS_WHY_MAX];
    if (ss_method_check(method, &secret, why) == 0)
        return 0;
    if (strcmp(why, "out of memory") == 0) {
        ss_complain(&(struct ss_origin){.program = program}, "%s", why);
        *status = SS_EXIT_FATAL;
        return -1;
    }

    char text[TEXT_SIZE];
    uint8_t key[SS_KEY_MAX];
    randombytes_buf(key, sizeof key);
    /* Other implementations of AEAD-2022 know the standard alphabet only. */
    (void)sodium_bin2base64(text, sizeof text, key, method->cipher->key_len,
                            method->keys_only ? sodium_base64_VARIANT_ORIGINAL
                                              : sodium_base64_VARIANT_URLSAFE);
    ss_complain(
        &(struct ss_origin){.program = program, .name = conf->key != NULL ? "key" : "password"},
        "%s (%s expects %u bytes in %sbase64; a new random key: %s)", why, method->name,
        (unsigned)method->cipher->key_len, method->keys_only ? "" : "URL-safe ", text);
    sodium_memzero(key, sizeof key);
    sodium_memzero(text, sizeof text);
    return -1;
}

/*
 * local_address in a file means the listen address to a client and the outgoing address to a
 * server: the copy of a client's file would confine a server to its own machine.
 */
static void warn_if_loopback(const char *text)
{
    struct ssp__address address;
    if (text == NULL || ssp__address_parse(&address, text, 0) == -1 ||
        !ssp__address_loopback(&address))
        return;
    ss_complain(&(struct ss_origin){.program = SS_SERVER, .name = "local_address"},
                "outgoing connections come from %s and reach this machine only (remove it unless "
                "that is meant)",
                text);
}

/* Sorts local_address of a server by family; the key of that family has precedence. */
static void place_outgoing(struct ss_conf *conf)
{
    struct ssp__address address;
    char *text = conf->local_address;
    conf->local_address = NULL;
    bool numeric = text != NULL && ssp__address_parse(&address, text, 0) == 0;
    if (text != NULL && !numeric) {
        char quote[SS_QUOTE_MAX];
        ss_complain(&(struct ss_origin){.program = SS_SERVER, .name = "local_address"},
                    "%s is not an IP address, ignored (for a server it is the source address of "
                    "outgoing connections)",
                    ss_quote(quote, text));
    }
    char **place = numeric && address.u.any.sa_family == AF_INET6 ? &conf->local_ipv6_address
                                                                  : &conf->local_ipv4_address;
    if (numeric && *place == NULL) {
        *place = text;
        text = NULL;
    }
    free(text);
    warn_if_loopback(conf->local_ipv4_address);
    warn_if_loopback(conf->local_ipv6_address);
}

static void ignore_small(unsigned *buffer, const char *name, enum ss_program program)
{
    if (*buffer == 0 || *buffer >= BUFFER_MIN)
        return;
    ss_complain(&(struct ss_origin){.program = program, .name = name},
                "%u is too small, ignored (expected at least %d)", *buffer, BUFFER_MIN);
    *buffer = 0;
}

static int check_store(const struct ss_conf *conf, enum ss_program program)
{
    struct ss_store_place place;
    const char *why;
    if (conf->store == NULL)
        return 0;
    int rc = ss_store_place_read(&place, conf->store, &why);
    if (rc == -1)
        ss_complain(&(struct ss_origin){.program = program, .name = "store"},
                    "%s (expected redis://:PASSWORD@HOST:PORT/DB or unix:/PATH)", why);
    ss_store_place_release(&place);
    return rc;
}

enum ssp__next ss_conf_check(struct ss_conf *conf, enum ss_program program, int *status)
{
    const struct ss_origin origin = {.program = program};
    ss_fields_drop_empty(conf);
    *status = SS_EXIT_USAGE;
    if (complete(conf, program) == -1) {
        ss_complain(&origin, "out of memory");
        return SSP_EXIT_WITH;
    }
    bool lacks = ss_secrets_fetch(conf, program) == -1;
    if (lacks && !conf->check)
        return SSP_EXIT_WITH;
    if (lacks)
        ss_field_note_refused(conf, ss_field_find("password"));
    lacks = report_missing(conf, program) > 0 || lacks;
    bool keyed = conf->password != NULL || conf->key != NULL;
    if (lacks && !conf->check)
        return SSP_EXIT_WITH;
    if (keyed && !ss_field_refused(conf, "method") &&
        (ss_secrets_make_users(conf, program) == -1 || check_key(conf, program, status) == -1))
        lacks = true;
    lacks = check_store(conf, program) == -1 || lacks;
    if (lacks)
        return SSP_EXIT_WITH;
    if (conf->password != NULL && conf->key == NULL && *conf->password == '\0')
        ss_complain(&(struct ss_origin){.program = program, .name = "password"},
                    "is empty: everyone can use the server (set a password)");
    if (conf->plugin == NULL && conf->plugin_opts != NULL)
        ss_complain(&(struct ss_origin){.program = program, .name = "plugin_opts"},
                    "ignored without a plugin (set \"plugin\" to the program that they are for)");
    if (ss_programs[program].role == SSP_SERVER)
        place_outgoing(conf);
    ignore_small(&conf->tcp_incoming_sndbuf, "tcp_incoming_sndbuf", program);
    ignore_small(&conf->tcp_incoming_rcvbuf, "tcp_incoming_rcvbuf", program);
    ignore_small(&conf->tcp_outgoing_sndbuf, "tcp_outgoing_sndbuf", program);
    ignore_small(&conf->tcp_outgoing_rcvbuf, "tcp_outgoing_rcvbuf", program);
    return SSP_GO_ON;
}
