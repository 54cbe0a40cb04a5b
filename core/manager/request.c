/* SPDX-License-Identifier: Apache-2.0 */
#include "manager/request.h"

#include "formats/json_tree.h"

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 8, PORT_MAX = 65535 };

static const struct {
    const char *word;
    enum ss_verb verb;
} verbs[] = {
    {"add", SS_VERB_ADD},   {"remove", SS_VERB_REMOVE}, {"list", SS_VERB_LIST},
    {"ping", SS_VERB_PING}, {"stat", SS_VERB_STAT},
};

/* A request may set these.  Other settings are those of the manager. */
enum form { PORT, TEXT, SWITCH, NUMBER, OPTIONS, LIST, AMOUNT };

static const struct {
    const char *key;
    enum form form;
} keys[] = {
    {"server_port", PORT}, {"password", TEXT},       {"method", TEXT},
    {"mode", TEXT},        {"fast_open", SWITCH},    {"no_delay", SWITCH},
    {"plugin", TEXT},      {"plugin_opts", OPTIONS}, {"plugin_mode", TEXT},
    {"acl", TEXT},         {"timeout", NUMBER},      {"udp_timeout", NUMBER},
    {"users", LIST},       {"limit_bytes", AMOUNT},  {"limit_rate", AMOUNT},
};

/* ---- words ---- */

static bool blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static enum ss_verb verb_of(const char *word, size_t len)
{
    for (size_t i = 0; i < sizeof verbs / sizeof *verbs; i++) {
        if (strlen(verbs[i].word) == len && memcmp(word, verbs[i].word, len) == 0)
            return verbs[i].verb;
    }
    return SS_VERB_NONE;
}

/* ---- values ---- */

/* 0: none.  A port may be a text. */
static uint16_t port_of(json_object *value)
{
    bool number = json_object_is_type(value, json_type_int);
    const char *text = number || json_object_is_type(value, json_type_string)
                           ? json_object_get_string(value)
                           : NULL;
    if (text == NULL || *text < '1' || *text > '9')
        return 0;
    char *end;
    unsigned long port = strtoul(text, &end, 10);
    return *end == '\0' && port <= PORT_MAX ? (uint16_t)port : 0;
}

static bool is_text(json_object *value)
{
    return json_object_is_type(value, json_type_string) &&
           strlen(json_object_get_string(value)) == (size_t)json_object_get_string_len(value);
}

static bool fits(enum form form, json_object *value)
{
    switch (form) {
    case PORT:
        return port_of(value) != 0;
    case TEXT:
        return is_text(value);
    case SWITCH:
        return json_object_is_type(value, json_type_boolean);
    case NUMBER:
        return json_object_is_type(value, json_type_int);
    case OPTIONS:
        return is_text(value) || json_object_is_type(value, json_type_object);
    case LIST:
        return json_object_is_type(value, json_type_array);
    case AMOUNT:
        return is_text(value) || json_object_is_type(value, json_type_int);
    }
    return false;
}

static json_object *value_of(json_object *object, const char *key)
{
    json_object *value;
    return json_object_object_get_ex(object, key, &value) ? value : NULL;
}

static char *text_of(json_object *object)
{
    const char *text = json_object_to_json_string_ext(object, JSON_C_TO_STRING_PLAIN |
                                                                  JSON_C_TO_STRING_NOSLASHESCAPE);
    char *copy = text != NULL ? strdup(text) : NULL;
    if (text != NULL)
        explicit_bzero((void *)(uintptr_t)text, strlen(text));
    return copy;
}

/* ---- requests ---- */

/* Copies the known keys, in the order of the table: equal settings are equal texts. */
static int put_settings(struct ss_request *r, json_object *object)
{
    json_object *known = json_object_new_object();
    bool fit = known != NULL;
    for (size_t i = 0; i < sizeof keys / sizeof *keys && fit; i++) {
        json_object *value = value_of(object, keys[i].key);
        if (value == NULL)
            continue;
        fit = fits(keys[i].form, value);
        if (!fit)
            break;
        json_object *own =
            keys[i].form == PORT ? json_object_new_int(r->port) : json_object_get(value);
        fit = ss_json_add(known, keys[i].key, own) == 0;
    }
    if (fit)
        r->settings = text_of(known);
    json_object_put(known);
    return r->settings != NULL ? 0 : -1;
}

/* Copies the value of a key that names something, if any.  Returns 0, or -1 when memory is out. */
static int copy_name(char **out, json_object *object, const char *key)
{
    json_object *value = value_of(object, key);
    bool given = value != NULL && *json_object_get_string(value) != '\0';
    *out = given ? strdup(json_object_get_string(value)) : NULL;
    return given && *out == NULL ? -1 : 0;
}

bool ss_request_takes(const char *key)
{
    size_t i = 0;
    while (i < sizeof keys / sizeof *keys && strcmp(keys[i].key, key) != 0)
        i++;
    return i < sizeof keys / sizeof *keys;
}

static void note_unknown(struct ss_request *r, json_object *object)
{
    unsigned n = 0;
    json_object_object_foreach(object, key, value)
    {
        (void)value;
        if (n < SS_UNKNOWN_MAX && *key != '\0' && !ss_request_takes(key))
            (void)snprintf(r->unknown[n++], sizeof r->unknown[0], "%s", key);
    }
}

static int read_add(struct ss_request *r, json_object *object)
{
    json_object *password = value_of(object, "password");
    r->port = port_of(value_of(object, "server_port"));
    if (copy_name(&r->plugin, object, "plugin") == -1 ||
        copy_name(&r->plugin_opts, object, "plugin_opts") == -1 ||
        copy_name(&r->acl, object, "acl") == -1 || r->port == 0 || password == NULL ||
        !is_text(password) || *json_object_get_string(password) == '\0')
        return -1;
    note_unknown(r, object);
    int rc = put_settings(r, object);
    ss_json_wipe(password);
    return rc;
}

static int read_remove(struct ss_request *r, json_object *object)
{
    r->port = port_of(value_of(object, "server_port"));
    return r->port != 0 ? 0 : -1;
}

static int read_stat(struct ss_request *r, json_object *object)
{
    json_object_object_foreach(object, key, value)
    {
        json_object *name = json_object_new_string(key);
        if (json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0) {
            r->port = port_of(name);
            r->bytes = (uint64_t)json_object_get_int64(value);
        }
        json_object_put(name);
    }
    return r->port != 0 ? 0 : -1;
}

/* Blanks and NULs may be behind it. */
static bool complete(const char *rest, size_t len)
{
    while (len > 0 && (blank(rest[len - 1]) || rest[len - 1] == '\0'))
        len--;
    return len == 0;
}

/* The object that begins at the first brace, or NULL. */
static json_object *object_of(const char *bytes, size_t len)
{
    const char *brace = len > 0 ? memchr(bytes, '{', len) : NULL;
    json_tokener *tokener = brace != NULL ? json_tokener_new_ex(DEPTH_MAX) : NULL;
    if (tokener == NULL)
        return NULL;
    size_t n = len - (size_t)(brace - bytes);
    json_object *object = ss_json_tree(tokener, brace, n);
    size_t end = json_tokener_get_parse_end(tokener);
    bool whole = json_tokener_get_error(tokener) == json_tokener_success &&
                 json_object_is_type(object, json_type_object) && complete(brace + end, n - end);
    json_tokener_free(tokener);
    if (whole)
        return object;
    json_object_put(object);
    return NULL;
}

void ss_request_read(struct ss_request *r, const char *bytes, size_t len)
{
    static int (*const readers[])(struct ss_request *, json_object *) = {
        [SS_VERB_ADD] = read_add, [SS_VERB_REMOVE] = read_remove, [SS_VERB_STAT] = read_stat};
    size_t from = 0, to;
    *r = (struct ss_request){.verb = SS_VERB_NONE};
    while (from < len && blank(bytes[from]))
        from++;
    for (to = from; to < len && !blank(bytes[to]) && bytes[to] != ':' && bytes[to] != '\0';)
        to++;
    r->verb = verb_of(bytes + from, to - from);
    if (r->verb == SS_VERB_NONE || r->verb == SS_VERB_LIST || r->verb == SS_VERB_PING)
        return;
    json_object *object = object_of(bytes + to, len - to);
    r->malformed = object == NULL || readers[r->verb](r, object) == -1;
    json_object_put(object);
}

void ss_request_settings_read(struct ss_request *r, const char *bytes, size_t len)
{
    json_object *object = object_of(bytes, len);
    *r = (struct ss_request){.verb = SS_VERB_ADD};
    r->malformed = object == NULL || read_add(r, object) == -1;
    json_object_put(object);
}

void ss_request_release(struct ss_request *r)
{
    free(r->plugin);
    if (r->plugin_opts != NULL)
        explicit_bzero(r->plugin_opts, strlen(r->plugin_opts));
    free(r->plugin_opts);
    free(r->acl);
    if (r->settings != NULL)
        explicit_bzero(r->settings, strlen(r->settings));
    free(r->settings);
    *r = (struct ss_request){.verb = SS_VERB_NONE};
}

char *ss_request_settings(uint16_t port, const char *password)
{
    json_object *object = json_object_new_object(), *text = json_object_new_string(password);
    char *settings = NULL;
    if (ss_json_add(object, "server_port", json_object_new_int(port)) == 0 &&
        ss_json_add(object, "password", json_object_get(text)) == 0)
        settings = text_of(object);
    json_object_put(object);
    if (text != NULL)
        ss_json_wipe(text);
    json_object_put(text);
    return settings;
}
