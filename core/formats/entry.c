/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/entry.h"

#include "formats/amount.h"
#include "formats/json_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { HOST, PORT, TEXT, SECRET, MODE, SWITCH, PREFIX, USERS, AMOUNT, UNUSED };

#define AT(member) offsetof(struct ss_server, member)

static const struct row {
    const char *key;
    enum kind kind;
    size_t offset;
} rows[] = {
    {"server", HOST, 0},
    {"address", HOST, 0},
    {"server_port", PORT, 0},
    {"port", PORT, 0},
    {"method", TEXT, AT(method)},
    {"password", SECRET, AT(password)},
    {"plugin", TEXT, AT(plugin)},
    {"plugin_opts", SECRET, AT(plugin_opts)},
    {"remarks", TEXT, AT(name)},
    {"name", TEXT, AT(name)},
    {"id", TEXT, AT(id)},
    {"mode", MODE, AT(mode)},
    {"plugin_mode", MODE, AT(plugin_mode)},
    {"disabled", SWITCH, AT(disabled)},
    {"prefix", PREFIX, 0},
    {"users", USERS, 0},
    {"limit_bytes", AMOUNT, AT(allowance.bytes)},
    {"limit_rate", AMOUNT, AT(allowance.rate)},
    {"acl", UNUSED, 0},
    {"group", UNUSED, 0},
    {"inbound_udp_allow_fragmentation", UNUSED, 0},
    {"outbound_bind_addr", UNUSED, 0},
    {"outbound_bind_interface", UNUSED, 0},
    {"outbound_fwmark", UNUSED, 0},
    {"outbound_proxy", UNUSED, 0},
    {"outbound_udp_allow_fragmentation", UNUSED, 0},
    {"outbound_user_cookie", UNUSED, 0},
    {"plugin_args", UNUSED, 0},
    {"tcp_weight", UNUSED, 0},
    {"timeout", UNUSED, 0},
    {"udp_weight", UNUSED, 0},
};

/* An object on the way to a server. */
struct reading {
    struct ss_server *server;
    const char *host; /* borrowed */
    int port;         /* 0: none */
    char *why;
};

static int refuse(struct reading *r, const char *key, const char *expected)
{
    (void)snprintf(r->why, SS_ENTRY_WHY_MAX, "%s is missing or wrong (expected %s)", key, expected);
    return -1;
}

/* A text or a whole number, without NUL; or NULL. */
static const char *text_of(json_object *value)
{
    enum json_type type = json_object_get_type(value);
    if (type == json_type_int)
        return json_object_get_string(value);
    if (type != json_type_string)
        return NULL;
    const char *text = json_object_get_string(value);
    return strlen(text) == (size_t)json_object_get_string_len(value) ? text : NULL;
}

static int read_text(struct reading *r, const struct row *row, const char *text)
{
    char **member = (char **)((char *)r->server + row->offset);
    if (text == NULL)
        return refuse(r, row->key, "a text");
    ss_secret_free(*member);
    *member = strdup(text);
    return *member != NULL ? 0 : refuse(r, row->key, "more memory");
}

static int read_mode(struct reading *r, const struct row *row, const char *text)
{
    ssp_mode *mode = (ssp_mode *)((char *)r->server + row->offset);
    bool *given = row->offset == AT(mode) ? &r->server->has_mode : &r->server->has_plugin_mode;
    const char *word = text != NULL ? text : "";
    *given = true;
    if (strcmp(word, "tcp_only") == 0)
        *mode = SSP_TCP_ONLY;
    else if (strcmp(word, "udp_only") == 0)
        *mode = SSP_UDP_ONLY;
    else if (strcmp(word, "tcp_and_udp") == 0)
        *mode = SSP_TCP_AND_UDP;
    else
        return refuse(r, row->key, "tcp_only, tcp_and_udp or udp_only");
    return 0;
}

static int read_port(struct reading *r, const struct row *row, const char *text)
{
    r->port = text != NULL ? ssp_port_parse(text) : -1;
    return r->port != -1 ? 0 : refuse(r, row->key, "1..65535");
}

/* Outline writes the bytes as characters up to U+00FF, which JSON holds as UTF-8. */
static int read_prefix(struct reading *r, json_object *value)
{
    struct ss_server *s = r->server;
    const unsigned char *c = (const unsigned char *)json_object_get_string(value);
    size_t n = json_object_is_type(value, json_type_string)
                   ? (size_t)json_object_get_string_len(value)
                   : SIZE_MAX;
    s->prefix_len = 0;
    if (n == SIZE_MAX)
        return refuse(r, "prefix", "a text");
    for (size_t i = 0; i < n; i++) {
        bool two = (c[i] & 0xFE) == 0xC2 && n - i > 1 && (c[i + 1] & 0xC0) == 0x80;
        if (s->prefix_len == SS_PREFIX_MAX || (c[i] >= 0x80 && !two))
            return refuse(r, "prefix", "at most 32 characters up to U+00FF");
        s->prefix[s->prefix_len++] =
            two ? (uint8_t)((c[i] & 3U) << 6 | (c[i + 1] & 0x3FU)) : (uint8_t)c[i];
        i += two ? 1 : 0;
    }
    return 0;
}

static int read_amount(struct reading *r, const char *key, json_object *value, uint64_t *bytes)
{
    const char *text = text_of(value);
    return text != NULL && ss_amount_read(bytes, text) == 0 ? 0
                                                            : refuse(r, key, SS_AMOUNT_EXPECTED);
}

/* A limit of a user, if it is there. */
static int read_limit(struct reading *r, json_object *user, const char *key, uint64_t *bytes)
{
    json_object *value = NULL;
    bool found = json_object_object_get_ex(user, key, &value) && value != NULL;
    return found ? read_amount(r, key, value, bytes) : 0;
}

static int add_user(struct reading *r, json_object *object)
{
    struct ss_server *s = r->server;
    json_object *name = NULL, *key = NULL;
    bool found = json_object_object_get_ex(object, "name", &name) &&
                 json_object_object_get_ex(object, "password", &key);
    const char *name_text = found ? text_of(name) : NULL, *key_text = found ? text_of(key) : NULL;
    if (name_text == NULL || key_text == NULL)
        return refuse(r, "users", "objects with a name and a password");
    struct ssp__allowance *allowance = &s->user[s->users].allowance;
    if (read_limit(r, object, "limit_bytes", &allowance->bytes) == -1 ||
        read_limit(r, object, "limit_rate", &allowance->rate) == -1)
        return -1;
    s->user[s->users].name = strdup(name_text);
    s->user[s->users].key = strdup(key_text);
    explicit_bzero((void *)(uintptr_t)key_text, strlen(key_text));
    bool complete = s->user[s->users].name != NULL && s->user[s->users].key != NULL;
    s->users++;
    return complete ? 0 : refuse(r, "users", "more memory");
}

static int read_users(struct reading *r, json_object *value)
{
    size_t n = json_object_is_type(value, json_type_array) ? json_object_array_length(value) : 0;
    if (!json_object_is_type(value, json_type_array) || r->server->has_users)
        return refuse(r, "users", "a list");
    r->server->has_users = true;
    r->server->user = calloc(n + 1, sizeof *r->server->user);
    if (r->server->user == NULL)
        return refuse(r, "users", "more memory");
    for (size_t i = 0; i < n; i++) {
        if (add_user(r, json_object_array_get_idx(value, i)) == -1)
            return -1;
    }
    return 0;
}

static int read_value(struct reading *r, const struct row *row, json_object *value)
{
    switch (row->kind) {
    case HOST:
        r->host = text_of(value);
        return r->host != NULL ? 0 : refuse(r, row->key, "a host");
    case PORT:
        return read_port(r, row, text_of(value));
    case TEXT:
        return read_text(r, row, text_of(value));
    case SECRET: {
        int rc = read_text(r, row, text_of(value));
        const char *text = text_of(value);
        if (text != NULL)
            explicit_bzero((void *)(uintptr_t)text, strlen(text));
        return rc;
    }
    case MODE:
        return read_mode(r, row, text_of(value));
    case SWITCH:
        r->server->disabled = json_object_get_boolean(value);
        return json_object_is_type(value, json_type_boolean) ? 0
                                                             : refuse(r, row->key, "true or false");
    case PREFIX:
        return read_prefix(r, value);
    case USERS:
        return read_users(r, value);
    case AMOUNT:
        return read_amount(r, row->key, value,
                           (uint64_t *)(uintptr_t)((char *)r->server + row->offset));
    case UNUSED:
        break;
    }
    return 0;
}

static int read_member(struct reading *r, const struct ss_entry_notes *notes, const char *key,
                       json_object *value)
{
    const struct row *row = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0] && row == NULL; i++)
        row = strcmp(rows[i].key, key) == 0 ? &rows[i] : NULL;
    if ((row == NULL || row->kind == UNUSED) && notes != NULL)
        notes->note(notes->arg, key, row != NULL);
    if (row == NULL || json_object_is_type(value, json_type_null))
        return 0;
    return read_value(r, row, value);
}

static int read_members(struct reading *r, const struct ss_entry_notes *notes, json_object *object)
{
    json_object_object_foreach(object, key, value)
    {
        if (read_member(r, notes, key, value) == -1)
            return -1;
    }
    if (r->host == NULL)
        return refuse(r, "server", "a host");
    if (ssp__endpoint_parse(&r->server->endpoint, r->host, (uint16_t)r->port) == 0)
        return 0;
    return r->port == 0 ? refuse(r, "server_port", "1..65535") : refuse(r, "server", "a host");
}

int ss_entry_read(struct ss_server *server, json_object *object, const struct ss_entry_notes *notes,
                  char why[SS_ENTRY_WHY_MAX])
{
    struct reading r = {.server = server, .why = why};
    *server = (struct ss_server){.method = NULL};
    int rc = json_object_is_type(object, json_type_object)
                 ? read_members(&r, notes, object)
                 : refuse(&r, "the entry", "an object: {...}");
    if (rc == 0 && server->plugin != NULL && *server->plugin == '\0') {
        free(server->plugin);
        server->plugin = NULL;
    }
    if (rc == -1)
        ss_server_release(server);
    return rc;
}

static void add(json_object *object, const char *key, const char *text)
{
    if (text != NULL)
        (void)ss_json_add(object, key, json_object_new_string(text));
}

static const char *mode_name(ssp_mode mode)
{
    return mode == SSP_TCP_ONLY ? "tcp_only" : mode == SSP_UDP_ONLY ? "udp_only" : "tcp_and_udp";
}

/* As read_prefix() reads it. */
static void add_prefix(json_object *object, const struct ss_server *s)
{
    char text[2 * SS_PREFIX_MAX];
    int n = 0;
    for (size_t i = 0; i < s->prefix_len; i++) {
        uint8_t byte = s->prefix[i];
        if (byte >= 0x80)
            text[n++] = (char)(0xC0 | byte >> 6);
        text[n++] = (char)(byte >= 0x80 ? 0x80 | (byte & 0x3F) : byte);
    }
    if (n > 0)
        (void)ss_json_add(object, "prefix", json_object_new_string_len(text, n));
}

json_object *ss_entry_write(const struct ss_server *s, bool secrets)
{
    char host[SSP_HOST_MAX];
    json_object *object = json_object_new_object();
    add(object, "remarks", s->name);
    add(object, "id", s->id);
    add(object, "server", ssp__endpoint_host(&s->endpoint, host));
    (void)ss_json_add(object, "server_port", json_object_new_int(s->endpoint.port));
    add(object, "method", s->method);
    add(object, "password", secrets ? s->password : NULL);
    add(object, "plugin", s->plugin);
    add(object, "plugin_opts", secrets ? s->plugin_opts : NULL);
    add(object, "mode", s->has_mode ? mode_name(s->mode) : NULL);
    add(object, "plugin_mode", s->has_plugin_mode ? mode_name(s->plugin_mode) : NULL);
    add_prefix(object, s);
    return object;
}
