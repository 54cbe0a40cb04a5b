/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/dump.h"

#include "conf/fetch.h"
#include "conf/fields.h"
#include "formats/entry.h"
#include "formats/foreign.h"
#include "formats/json_tree.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const void *member(const struct ss_conf *conf, const struct ss_field *field)
{
    return (const char *)conf + field->offset;
}

static json_object *text(const char *value)
{
    return value != NULL ? json_object_new_string(value) : NULL;
}

static json_object *number(unsigned value)
{
    return value > 0 ? json_object_new_int64(value) : NULL;
}

static json_object *amount(uint64_t bytes)
{
    return bytes > 0 ? json_object_new_int64((int64_t)bytes) : NULL;
}

static json_object *seconds(unsigned ms)
{
    char digits[16];
    (void)snprintf(digits, sizeof digits, "%u.%03u", ms / 1000, ms % 1000);
    return json_object_new_double_s(ms / 1000.0, digits);
}

/* A switch that is off by default is left out. */
static json_object *flag(bool on, bool always)
{
    return on || always ? json_object_new_boolean(on) : NULL;
}

static json_object *endpoint(const struct ssp__endpoint *e)
{
    char where[SSP_HOST_MAX + 8], host[SSP_HOST_MAX];
    ssp__endpoint_format(e, where, sizeof where);
    return json_object_new_string(e->port != 0 ? where : ssp__endpoint_host(e, host));
}

static json_object *addresses(const struct ss_conf *conf)
{
    if (conf->servers == 0 || conf->from_list)
        return NULL;
    json_object *all = json_object_new_array();
    for (unsigned i = 0; i < conf->servers; i++)
        (void)ss_json_append(all, endpoint(&conf->server[i]));
    return all;
}

static json_object *entries(const struct ss_conf *conf)
{
    json_object *all = conf->list.n > 0 ? json_object_new_array() : NULL;
    for (size_t i = 0; i < conf->list.n; i++)
        (void)ss_json_append(all, ss_entry_write(&conf->list.at[i], false));
    return all;
}

static json_object *listeners(const struct ss_conf *conf)
{
    static const char *const protocols[SS_PROGRAMS] = {
        [SS_LOCAL] = "socks", [SS_REDIR] = "redir", [SS_TUNNEL] = "tunnel"};
    json_object *all = conf->listeners > 0 ? json_object_new_array() : NULL;
    for (size_t i = 0; i < conf->listeners; i++) {
        const struct ss_listener *l = &conf->listener[i];
        char host[SSP_HOST_MAX];
        struct ssp__endpoint target;
        json_object *one = json_object_new_object();
        (void)ss_json_add(one, "protocol", text(protocols[l->program]));
        (void)ss_json_add(one, "tcp_redir", l->tcp_tproxy ? text("tproxy") : NULL);
        (void)ss_json_add(one, "local_address", text(l->address));
        (void)ss_json_add(one, "local_port", number(l->port));
        (void)ss_json_add(one, "mode", l->has_mode ? text(ss_mode_name(l->mode)) : NULL);
        if (l->target != NULL && ssp__endpoint_parse(&target, l->target, 0) == 0) {
            (void)ss_json_add(one, "forward_address", text(ssp__endpoint_host(&target, host)));
            (void)ss_json_add(one, "forward_port", number(target.port));
        }
        (void)ss_json_append(all, one);
    }
    return all;
}

/* An outgoing address of a server has a key for each family, that of a client has one. */
static json_object *outgoing(const struct ss_conf *conf, enum ss_program program)
{
    if (ss_programs[program].role == SSP_SERVER)
        return NULL;
    return text(conf->local_ipv4_address != NULL ? conf->local_ipv4_address
                                                 : conf->local_ipv6_address);
}

/* The value of a key, or NULL when there is nothing to say. */
static json_object *value_of(const struct ss_conf *conf, enum ss_program program,
                             const struct ss_field *field)
{
    const void *at = member(conf, field);
    bool first = strcmp(field->name, "servers") == 0;
    switch (field->kind) {
    case SS_KIND_PORT: /* each server has its own */
        return field->offset == offsetof(struct ss_conf, server_port)
                   ? NULL
                   : number(*(const uint16_t *)at);
    case SS_KIND_NUMBER:
        return (field->flags & SS_ZERO) != 0 ? json_object_new_int64(*(const unsigned *)at)
                                             : number(*(const unsigned *)at);
    case SS_KIND_AMOUNT:
        return amount(*(const uint64_t *)at);
    case SS_KIND_SECONDS:
        return seconds(*(const unsigned *)at);
    case SS_KIND_SWITCH:
        return flag(*(const bool *)at, (field->flags & SS_ZERO) != 0);
    case SS_KIND_SERVERS:
        return addresses(conf);
    case SS_KIND_MODE:
    case SS_KIND_PLUGIN_MODE:
        return text(ss_mode_name(*(const ssp_mode *)at));
    case SS_KIND_OUTBOUND:
        return text(ss_outbound_name(*(const enum ss_outbound *)at));
    case SS_KIND_RESTART:
        return text(*(const bool *)at ? "on-failure" : "never");
    case SS_KIND_UDP:
        return text(*(const bool *)at ? "off" : "direct");
    case SS_KIND_ENTRIES:
        return first ? entries(conf) : NULL;
    case SS_KIND_LOCALS:
        return listeners(conf);
    case SS_KIND_OUTGOING:
        return outgoing(conf, program);
    case SS_KIND_ONLINE: /* its servers are in the list */
    case SS_KIND_USERS:  /* their keys are secrets */
    case SS_KIND_ACCOUNTS:
    case SS_KIND_OTA:
    case SS_KIND_PORTS: /* their passwords, too */
    case SS_KIND_ELSEWHERE:
    case SS_KIND_FOREIGN:
        return NULL;
    default:
        return text(*(const char *const *)at);
    }
}

/* The server of a list has its settings there. */
static bool is_listed(const struct ss_conf *conf, const struct ss_field *field)
{
    return conf->from_list && (field->offset == offsetof(struct ss_conf, method) ||
                               field->offset == offsetof(struct ss_conf, plugin));
}

static json_object *object_of(const struct ss_conf *conf, enum ss_program program)
{
    json_object *object = json_object_new_object();
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++) {
        bool shown = (field->flags & 1U << program) != 0 &&
                     (field->flags & (SS_ARGV_ONLY | SS_SECRET)) == 0 && !is_listed(conf, field);
        if (shown)
            (void)ss_json_add(object, field->name, value_of(conf, program, field));
    }
    return object;
}

static bool has_secrets(const struct ss_conf *conf)
{
    bool any = conf->list.n > 0 || conf->has_users || conf->port_count > 0 || conf->accounts > 0;
    for (const struct ss_field *field = ss_fields; field->name != NULL; field++)
        any = any || ((field->flags & SS_SECRET) != 0 &&
                      *(const char *const *)member(conf, field) != NULL);
    return any;
}

static const char *json_of(json_object *object)
{
    return json_object_to_json_string_ext(
        object, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);
}

/* json-c leaves out a member or a part of the text that it has no memory for, and says nothing: two
 * objects of the same settings, both taken over here, differ then. */
static int print(json_object *object, json_object *again, enum ss_program program)
{
    const char *one = json_of(object), *other = json_of(again);
    int status = SS_EXIT_FATAL;
    if (one != NULL && other != NULL && strcmp(one, other) == 0) {
        (void)puts(one);
        status = ss_answered(program);
    } else {
        ss_complain(&(struct ss_origin){.program = program}, "out of memory");
    }
    json_object_put(object);
    json_object_put(again);
    return status;
}

int ss_conf_dump(const struct ss_conf *conf, enum ss_program program)
{
    int status = print(object_of(conf, program), object_of(conf, program), program);
    if (has_secrets(conf))
        ss_complain(&(struct ss_origin){.program = program, .name = "--dump-config"},
                    "passwords, keys, users and options of plugins are left out");
    return status;
}

static void tell_skipped(void *arg, size_t number, const char *why)
{
    ss_complain(arg, "proxy %zu: %s; left out", number, why);
}

static json_object *configuration_of(const struct ss_server_list *list)
{
    enum { SOCKS_PORT = 1080 };
    json_object *object = json_object_new_object(), *servers = json_object_new_array();
    for (size_t i = 0; i < list->n; i++)
        (void)ss_json_append(servers, ss_entry_write(&list->at[i], true));
    (void)ss_json_add(object, "local_address", text("127.0.0.1"));
    (void)ss_json_add(object, "local_port", number(SOCKS_PORT));
    (void)ss_json_add(object, "servers", servers);
    return object;
}

int ss_conf_import(enum ss_program program, const char *path)
{
    struct ss_origin origin = {.program = program, .path = path};
    struct ss_server_list list = {.n = 0};
    const struct ss_list_notes notes = {.skipped = tell_skipped, .arg = &origin};
    char why[SS_FETCH_WHY_MAX];
    size_t len;
    char *content = ss_fetch_file(path, false, SS_LIST_MAX, &len, why);
    int rc = content != NULL ? ss_foreign_read(&list, content, len, &notes, why) : -1;
    if (content != NULL)
        explicit_bzero(content, len);
    free(content);
    if (rc == -1)
        ss_complain(&origin, "cannot be imported: %s", why);
    int status =
        rc == 0 ? print(configuration_of(&list), configuration_of(&list), program) : SS_EXIT_FATAL;
    ss_server_list_release(&list);
    return status;
}
