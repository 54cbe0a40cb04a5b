/* SPDX-License-Identifier: Apache-2.0 */
#include "conf/json.h"

#include "base/guess.h"
#include "conf/accounts.h"
#include "conf/fields.h"
#include "conf/locals.h"
#include "conf/online.h"
#include "conf/ports.h"
#include "conf/secrets.h"
#include "conf/servers.h"
#include "formats/amount.h"
#include "formats/draft.h"
#include "formats/json5.h"
#include "formats/json_tree.h"
#include "formats/url.h"

#include <ssplugin/options.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Each level costs stack when json-c frees the values. */
enum { DEPTH_MAX = 1024 };

static const char *const type_names[] = {
    [json_type_null] = "null",        [json_type_boolean] = "a boolean",
    [json_type_double] = "a float",   [json_type_int] = "an integer",
    [json_type_object] = "an object", [json_type_array] = "an array",
    [json_type_string] = "a string",
};

/* A value as a message shows it: long and secret values only by their type. */
static const char *show(char out[SS_QUOTE_MAX], json_object *value, bool secret)
{
    enum json_type type = json_object_get_type(value);
    if (secret || type == json_type_array || type == json_type_object || type == json_type_null)
        return type_names[type];
    if (type == json_type_string)
        return ss_quote(out, json_object_get_string(value));
    (void)snprintf(out, SS_QUOTE_MAX, "%.60s", json_object_get_string(value));
    return out;
}

/* True when C would see only the beginning. */
static bool has_nul(json_object *value)
{
    return json_object_is_type(value, json_type_string) &&
           strlen(json_object_get_string(value)) != (size_t)json_object_get_string_len(value);
}

static bool fits(const struct ss_field *field, json_object *value)
{
    enum json_type type = json_object_get_type(value);
    if (field->kind == SS_KIND_SWITCH)
        return type == json_type_boolean;
    if (type == json_type_double)
        return field->kind == SS_KIND_SECONDS;
    return type == json_type_string || (type == json_type_int && field->kind != SS_KIND_SERVERS);
}

static int put(struct ss_conf *conf, const struct ss_field *field, const struct ss_origin *origin,
               json_object *value)
{
    char found[SS_QUOTE_MAX];
    bool secret = (field->flags & SS_SECRET) != 0;
    if (!fits(field, value))
        return ss_field_refuse(field, origin, show(found, value, secret));
    if (has_nul(value)) {
        ss_complain(origin, "contains a NUL character");
        return -1;
    }
    const char *text = json_object_get_string(value);
    if (text == NULL) {
        ss_complain(origin, "out of memory");
        return -1;
    }
    bool url = ss_url_is(text);
    int rc = ss_field_set(conf, field, origin, text);
    if (secret || url)
        ss_json_wipe(value);
    return rc;
}

static int put_servers(struct ss_conf *conf, const struct ss_field *field,
                       const struct ss_origin *origin, json_object *value)
{
    conf->servers = 0;
    if (!json_object_is_type(value, json_type_array))
        return put(conf, field, origin, value);
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        if (put(conf, field, origin, json_object_array_get_idx(value, i)) == -1)
            return -1;
    }
    return 0;
}

/* A text of an object, or NULL. */
static json_object *text_of(json_object *object, const char *key)
{
    json_object *value;
    bool found = json_object_is_type(object, json_type_object) &&
                 json_object_object_get_ex(object, key, &value);
    bool fit = found && json_object_is_type(value, json_type_string) && !has_nul(value);
    return fit ? value : NULL;
}

/* Reads a limit of a user, if it is there. */
static int put_amount(uint64_t *bytes, json_object *user, const char *key,
                      const struct ss_origin *origin, size_t number)
{
    json_object *value;
    char found[SS_QUOTE_MAX];
    if (!json_object_object_get_ex(user, key, &value) || json_object_is_type(value, json_type_null))
        return 0;
    if (!json_object_is_type(value, json_type_double) && !has_nul(value) &&
        ss_amount_read(bytes, json_object_get_string(value)) == 0)
        return 0;
    ss_complain(origin, "%s of user %zu is %s (expected %s)", key, number,
                show(found, value, false), SS_AMOUNT_EXPECTED);
    return -1;
}

static int put_users(struct ss_conf *conf, const struct ss_field *field,
                     const struct ss_origin *origin, json_object *value)
{
    if (!json_object_is_type(value, json_type_array))
        return ss_field_refuse(field, origin, type_names[json_object_get_type(value)]);
    conf->has_users = true;
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        json_object *user = json_object_array_get_idx(value, i);
        json_object *name = text_of(user, "name"), *key = text_of(user, "password");
        if (name == NULL || key == NULL || json_object_get_string_len(name) == 0) {
            ss_complain(origin,
                        "user %zu lacks a name or a password (expected "
                        "{\"name\": text, \"password\": text})",
                        i + 1);
            return -1;
        }
        struct ssp__allowance allowance = {.bytes = 0};
        if (put_amount(&allowance.bytes, user, "limit_bytes", origin, i + 1) == -1 ||
            put_amount(&allowance.rate, user, "limit_rate", origin, i + 1) == -1)
            return -1;
        int rc = ss_users_of_conf_add(conf, json_object_get_string(name),
                                      json_object_get_string(key), &allowance);
        ss_json_wipe(key);
        if (rc == -1) {
            ss_complain(origin, "out of memory");
            return -1;
        }
    }
    return 0;
}

static void escape(struct ss_draft *out, const char *text)
{
    size_t cap = ssp_options_escape(NULL, 0, text) + 1;
    char *escaped = malloc(cap);
    out->failed = out->failed || escaped == NULL;
    if (escaped == NULL)
        return;
    (void)ssp_options_escape(escaped, cap, text);
    ss_draft_put(out, escaped);
    explicit_bzero(escaped, cap);
    free(escaped);
}

/* True stands for the key alone, false and null for nothing. */
static int encode_option(struct ss_draft *out, const struct ss_origin *origin, const char *key,
                         json_object *value)
{
    enum json_type type = json_object_get_type(value);
    bool flag = type == json_type_boolean;
    if (type == json_type_null || (flag && !json_object_get_boolean(value)))
        return 0;
    bool nested = type == json_type_array || type == json_type_object;
    if (*key == '\0' || nested || has_nul(value)) {
        char quote[SS_QUOTE_MAX];
        ss_complain(origin, "%s: %s is not an option (expected a string, a number or a boolean)",
                    ss_quote(quote, key), type_names[type]);
        return -1;
    }
    if (out->len > 0)
        ss_draft_put_byte(out, ';');
    escape(out, key);
    const char *text = flag ? NULL : json_object_get_string(value);
    if (flag)
        return 0;
    ss_draft_put_byte(out, '=');
    out->failed = out->failed || text == NULL;
    escape(out, text != NULL ? text : "");
    ss_json_wipe(value);
    return 0;
}

/* Converts an object of options into the option string of a plugin. */
static int put_options(struct ss_conf *conf, const struct ss_field *field,
                       const struct ss_origin *origin, json_object *value)
{
    struct ss_draft out = {.text = NULL};
    int rc = 0;
    if (!json_object_is_type(value, json_type_object))
        return put(conf, field, origin, value);
    json_object_object_foreach(value, key, item)
    {
        if (rc == 0)
            rc = encode_option(&out, origin, key, item);
    }
    char *text = ss_draft_end(&out);
    if (text == NULL && rc == 0) {
        ss_complain(origin, "out of memory");
        rc = -1;
    }
    if (rc == 0)
        rc = ss_field_set(conf, field, origin, text);
    ss_secret_free(text);
    return rc;
}

/* An array of objects, each of which is named with its number. */
static int put_each(struct ss_conf *conf, const struct ss_origin *origin, json_object *value,
                    int (*add)(struct ss_conf *conf, const struct ss_origin *origin,
                               json_object *object))
{
    int rc = 0;
    if (!json_object_is_type(value, json_type_array)) {
        ss_complain(origin, "%s is not a list (expected an array of objects: [{...}])",
                    type_names[json_object_get_type(value)]);
        return -1;
    }
    for (size_t i = 0; i < json_object_array_length(value); i++) {
        char name[SS_QUOTE_MAX];
        (void)snprintf(name, sizeof name, "%.40s[%zu]", origin->name, i);
        const struct ss_origin item = {origin->program, origin->path, name};
        rc |= add(conf, &item, json_object_array_get_idx(value, i));
    }
    return rc == 0 ? 0 : -1;
}

/* Says that the feature is not wanted. */
static bool is_off(json_object *value)
{
    return json_object_is_type(value, json_type_boolean) && !json_object_get_boolean(value);
}

static int put_any(struct ss_conf *conf, const struct ss_field *field,
                   const struct ss_origin *origin, json_object *value)
{
    switch (field->kind) {
    case SS_KIND_FOREIGN:
        if (!is_off(value))
            ss_complain(origin, "not supported, ignored");
        return 0;
    case SS_KIND_ACCOUNTS:
        return put_each(conf, origin, value, ss_conf_accounts_read);
    case SS_KIND_ENTRIES:
        return put_each(conf, origin, value, ss_servers_add);
    case SS_KIND_ONLINE:
        return ss_online_read(conf, origin, value);
    case SS_KIND_LOCALS:
        return put_each(conf, origin, value, ss_locals_add);
    case SS_KIND_ELSEWHERE:
        return 0;
    case SS_KIND_PORTS:
        if (origin->program == SS_MANAGER)
            return ss_ports_read(conf, origin, value);
        ss_complain(origin,
                    "is for ss-manager, ignored (one %s serves one \"server_port\" with one "
                    "\"password\": run one for each port, or all by ss-manager)",
                    ss_programs[origin->program].name);
        return 0;
    case SS_KIND_OTA:
        if (!json_object_get_boolean(value))
            return 0;
        ss_complain(origin, "One time auth has been deprecated. Try AEAD ciphers instead.");
        return -1;
    case SS_KIND_USERS:
        return put_users(conf, field, origin, value);
    case SS_KIND_SERVERS:
        return put_servers(conf, field, origin, value);
    case SS_KIND_OPTIONS:
        return put_options(conf, field, origin, value);
    default:
        return put(conf, field, origin, value);
    }
}

/* The field of a key; NULL after a warning.  Accepts - for _ in a key.
 */
static const struct ss_field *recognise(const struct ss_origin *origin)
{
    const struct ss_field *field = ss_field_find(origin->name);
    if (field != NULL && (field->flags & SS_ARGV_ONLY) == 0)
        return field;
    field = ss_field_suggest(origin->name);
    if (field == NULL) {
        ss_complain(origin, "unknown key, ignored");
        return NULL;
    }
    /* Many guides write plugin_opt, so it is accepted. */
    if (ssp__distance(origin->name, field->name) == 0 ||
        ssp__distance(origin->name, "plugin_opt") == 0) {
        ss_complain(origin, "read as \"%s\", the name of this key", field->name);
        return field;
    }
    ss_complain(origin, "unknown key, ignored (did you mean \"%s\"?)", field->name);
    return NULL;
}

static int put_key(struct ss_conf *conf, const struct ss_origin *file, const char *key,
                   json_object *value)
{
    struct ss_origin origin = {.program = file->program, .path = file->path, .name = key};
    const struct ss_field *field = recognise(&origin);
    bool ours = field != NULL && (field->flags & 1U << file->program) != 0;
    if (!ours || json_object_is_type(value, json_type_null))
        return 0;
    int rc = put_any(conf, field, &origin, value);
    if (rc == -1)
        ss_field_note_refused(conf, field);
    return rc;
}

static const char not_valid[] = "not valid JSON: ";

/* Says something of the line and the column of text + at. */
static void complain_at(const struct ss_origin *file, const char *text, size_t at, const char *what,
                        const char *why)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        bool continues = ((unsigned char)text[i] & 0xC0) == 0x80;
        column = text[i] == '\n' ? 1 : column + (continues ? 0 : 1);
        line += text[i] == '\n' ? 1 : 0;
    }
    char *path = NULL;
    if (asprintf(&path, "%s:%u:%u", file->path, line, column) == -1)
        path = NULL;
    struct ss_origin origin = {.program = file->program, .path = path};
    ss_complain(&origin, "%s%s", what, why);
    free(path);
}

static size_t blanks(const char *text, size_t len)
{
    size_t n = 0;
    while (n < len && strchr(" \t\r\n", text[n]) != NULL)
        n++;
    return n;
}

/*
 * A tokener collects each string in a buffer that it never wipes, neither when it grows nor at the
 * end.  A string as long as the text makes the buffer large enough beforehand and blank afterwards.
 */
static int blank(json_tokener *tokener, size_t len)
{
    char *filler = malloc(len + 2);
    if (filler == NULL)
        return -1;
    memset(filler, '*', len + 2);
    filler[0] = filler[len + 1] = '"';
    json_object_put(json_tokener_parse_ex(tokener, filler, (int)len + 2));
    json_tokener_reset(tokener);
    free(filler);
    return 0;
}

/* Returns the value of the whole text, or NULL after an error message. */
static json_object *parse(json_tokener *tokener, const struct ss_origin *file, const char *text,
                          size_t len)
{
    json_object *root = ss_json_tree(tokener, text, len);
    size_t end = json_tokener_get_parse_end(tokener);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue)
        complain_at(file, text, len, not_valid, "unexpected end");
    else if (error != json_tokener_success)
        complain_at(file, text, end, not_valid, json_tokener_error_desc(error));
    if (error != json_tokener_success)
        return NULL;

    /* json-c takes a lack of memory for success. */
    bool none = root == NULL && strncmp(text + blanks(text, len), "null", 4) != 0;
    end += blanks(text + end, len - end);
    if (none)
        ss_complain(file, "out of memory");
    else if (end < len)
        complain_at(file, text, end, not_valid, "unexpected text after the closing brace");
    else if (!json_object_is_type(root, json_type_object))
        ss_complain(file, "%s is not a configuration (expected an object: {...})",
                    type_names[json_object_get_type(root)]);
    else
        return root;
    json_object_put(root);
    return NULL;
}

/* Every mistake is reported, not only the first. */
static int put_object(struct ss_conf *conf, const struct ss_origin *file, json_object *root)
{
    int rc = 0;
    json_object_object_foreach(root, key, value)
    {
        rc |= put_key(conf, file, key, value);
    }
    return rc == 0 ? 0 : -1;
}

/* Reads the JSON of a rewritten text. */
static int read_json(struct ss_conf *conf, const struct ss_origin *origin, const char *text,
                     size_t len)
{
    json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    if (tokener == NULL || blank(tokener, len) == -1) {
        if (tokener != NULL) /* or json-c crashes */
            json_tokener_free(tokener);
        ss_complain(origin, "out of memory");
        return -1;
    }
    json_object *root = parse(tokener, origin, text, len);
    int rc = root != NULL ? put_object(conf, origin, root) : -1;
    json_object_put(root);
    json_tokener_reset(tokener);
    (void)blank(tokener, len);
    json_tokener_free(tokener);
    return rc;
}

int ss_conf_json(struct ss_conf *conf, const struct ss_origin *origin, const char *text, size_t len)
{
    static const char bom[] = {'\xEF', '\xBB', '\xBF'};
    struct ss_json5 json;
    if (len >= sizeof bom && memcmp(text, bom, sizeof bom) == 0) {
        text += sizeof bom;
        len -= sizeof bom;
    }
    const char *nul = len > 0 ? memchr(text, '\0', len) : NULL;
    if (len > SS_FILE_MAX) {
        ss_complain(origin, "too large (expected at most %d bytes)", SS_FILE_MAX);
        return -1;
    }
    if (nul != NULL) {
        complain_at(origin, text, (size_t)(nul - text), not_valid, "unexpected NUL byte");
        return -1;
    }
    if (ss_json5_rewrite(&json, text, len) == -1) {
        ss_complain(origin, "out of memory");
        return -1;
    }
    int rc = read_json(conf, origin, json.text, json.len);
    if (rc == 0 && json.found != NULL)
        complain_at(origin, text, json.at, json.found,
                    " is JSON5: read, but other programs may refuse the file");
    explicit_bzero(json.text, json.len);
    free(json.text);
    return rc;
}
