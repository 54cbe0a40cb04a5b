/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/locals.h"

#include "base/guess.h"
#include "conf/fields.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The keys of a listener and, where they are used, the fields whose values they are. */
static const struct {
    const char *key, *field;
} keys[] = {
    {"local_address", "local_address"},
    {"local_port", "local_port"},
    {"mode", "mode"},
    {"forward_address", NULL},
    {"forward_port", NULL},
    {"protocol", NULL},
    {"disabled", NULL},
    {"acl", ""},
    {"client_cache_size", ""},
    {"http_auth_config_path", ""},
    {"local_dns_address", ""},
    {"local_dns_port", ""},
    {"local_udp_address", ""},
    {"local_udp_port", ""},
    {"remote_dns_address", ""},
    {"remote_dns_port", ""},
    {"socks5_auth_config_path", ""},
    {"tcp_redir", NULL},
    {"tun_device_fd_from_path", ""},
    {"tun_interface_address", ""},
    {"tun_interface_destination", ""},
    {"tun_interface_name", ""},
    {"udp_redir", NULL},
};

enum { KEYS = sizeof keys / sizeof keys[0] };

static const char *text_of(json_object *object, const char *key)
{
    json_object *value;
    bool found = json_object_object_get_ex(object, key, &value) && value != NULL;
    return found ? json_object_get_string(value) : NULL;
}

static int complain_unknown(const struct ss_origin *origin)
{
    struct ssp__guess guess;
    ssp__guess_begin(&guess, origin->name);
    for (size_t i = 0; i < KEYS; i++)
        (void)ssp__guess_offer(&guess, keys[i].key);
    ss_complain(origin,
                guess.best != NULL ? "unknown key of a listener, ignored (did you mean "
                                     "\"%s\"?)"
                                   : "unknown key of a listener, ignored",
                guess.best);
    return 0;
}

/* The values are read by the rows of a conf, of which only those are used. */
static int read_key(struct ss_conf *scratch, const struct ss_origin *file, const char *key,
                    json_object *value)
{
    const struct ss_origin origin = {.program = file->program, .path = file->path, .name = key};
    size_t i = 0;
    while (i < KEYS && strcmp(keys[i].key, key) != 0)
        i++;
    if (i == KEYS)
        return complain_unknown(&origin);
    if (value == NULL || keys[i].field == NULL)
        return 0;
    if (*keys[i].field == '\0') {
        ss_complain(&origin, "not supported, ignored");
        return 0;
    }
    return ss_field_set(scratch, ss_field_find(keys[i].field), &origin,
                        json_object_get_string(value));
}

/* The program that serves a protocol; SS_PROGRAMS: none. */
static enum ss_program program_of(const char *protocol, enum ss_program program)
{
    if (protocol == NULL)
        return program;
    if (strcmp(protocol, "socks") == 0 || strcmp(protocol, "http") == 0)
        return SS_LOCAL; /* it takes both on one port */
    if (strcmp(protocol, "redir") == 0)
        return SS_REDIR;
    return strcmp(protocol, "tunnel") == 0 ? SS_TUNNEL : SS_PROGRAMS;
}

static int out_of_memory(const struct ss_origin *origin)
{
    ss_complain(origin, "out of memory");
    return -1;
}

static int read_target(struct ss_conf *scratch, const struct ss_origin *origin, json_object *object)
{
    const char *host = text_of(object, "forward_address"), *port = text_of(object, "forward_port");
    char *text = NULL;
    if (host == NULL || port == NULL) {
        ss_complain(origin, "a tunnel has no target (expected \"forward_address\" and "
                            "\"forward_port\")");
        return -1;
    }
    bool v6 = strchr(host, ':') != NULL && *host != '[';
    if (asprintf(&text, v6 ? "[%s]:%s" : "%s:%s", host, port) == -1)
        return out_of_memory(origin);
    const struct ss_origin at = {origin->program, origin->path, "forward_address"};
    int rc = ss_field_set(scratch, ss_field_find("tunnel_address"), &at, text);
    free(text);
    return rc;
}

static int read_object(struct ss_conf *scratch, const struct ss_origin *origin, json_object *object)
{
    int rc = 0;
    json_object_object_foreach(object, key, value)
    {
        rc |= read_key(scratch, origin, key, value);
    }
    if (scratch->local_port == 0 && rc == 0) {
        ss_complain(origin, "a listener has no port (expected \"local_port\")");
        rc = -1;
    }
    return rc == 0 ? 0 : -1;
}

/* Reads how rules bring TCP, and UDP, to ss-redir. */
static int read_redir(struct ss_conf *scratch, const struct ss_origin *origin, json_object *object)
{
    const char *tcp = text_of(object, "tcp_redir"), *udp = text_of(object, "udp_redir");
    scratch->tcp_tproxy = tcp != NULL && strcmp(tcp, "tproxy") == 0;
    if (tcp != NULL && !scratch->tcp_tproxy && strcmp(tcp, "redirect") != 0) {
        ss_complain(origin, "tcp_redir is wrong (expected redirect or tproxy)");
        return -1;
    }
    if (udp != NULL && strcmp(udp, "tproxy") != 0) {
        ss_complain(origin, "udp_redir is wrong (expected tproxy)");
        return -1;
    }
    return 0;
}

/* Moves what was read into a new row. */
static int keep(struct ss_conf *conf, struct ss_conf *scratch, const struct ss_origin *origin,
                enum ss_program program)
{
    struct ss_listener *at = reallocarray(conf->listener, conf->listeners + 1, sizeof *at);
    if (at == NULL)
        return out_of_memory(origin);
    conf->listener = at;
    at[conf->listeners++] = (struct ss_listener){
        .address = scratch->local_address,
        .port = scratch->local_port,
        .has_mode = ss_field_given(scratch, "mode"),
        .mode = scratch->mode,
        .program = program,
        .target = scratch->tunnel_address,
        .tcp_tproxy = scratch->tcp_tproxy,
    };
    scratch->local_address = scratch->tunnel_address = NULL;
    return 0;
}

int ss_locals_add(struct ss_conf *conf, const struct ss_origin *origin, json_object *object)
{
    json_object *disabled = NULL;
    struct ss_conf scratch = {.servers = 0};
    if (!json_object_is_type(object, json_type_object)) {
        ss_complain(origin, "not a list of listeners (expected objects: [{...}])");
        return -1;
    }
    if (json_object_object_get_ex(object, "disabled", &disabled) && disabled != NULL &&
        !json_object_is_type(disabled, json_type_boolean)) {
        ss_complain(origin, "disabled is wrong (expected true or false)");
        return -1;
    }
    if (json_object_get_boolean(disabled))
        return 0;
    const char *protocol = text_of(object, "protocol");
    enum ss_program program = program_of(protocol, origin->program);
    if (program == SS_PROGRAMS) {
        char quote[SS_QUOTE_MAX];
        ss_complain(origin,
                    "a listener of protocol %s is not supported, ignored (expected socks, "
                    "http, redir or tunnel)",
                    ss_quote(quote, protocol));
        return 0;
    }
    int rc = read_object(&scratch, origin, object);
    if (rc == 0 && program == SS_TUNNEL)
        rc = read_target(&scratch, origin, object);
    if (rc == 0 && program == SS_REDIR)
        rc = read_redir(&scratch, origin, object);
    if (rc == 0)
        rc = keep(conf, &scratch, origin, program);
    ss_conf_release(&scratch);
    return rc;
}
