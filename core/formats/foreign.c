/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/foreign.h"

#include "formats/json5.h"
#include "formats/json_tree.h"
#include "formats/yaml.h"

#include <ssplugin/options.h>

#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 64 };

static const char no_memory[] = "memory is out";

/* A scalar as text; NULL: none, or it holds a NUL. */
static const char *get(json_object *object, const char *key)
{
    json_object *value;
    if (!json_object_object_get_ex(object, key, &value) || value == NULL ||
        json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array))
        return NULL;
    const char *text = json_object_get_string(value);
    bool whole = !json_object_is_type(value, json_type_string) ||
                 strlen(text) == (size_t)json_object_get_string_len(value);
    return whole ? text : NULL;
}

/* A number or a text; -1: none, or it is no port. */
static int port_of(json_object *object, const char *key)
{
    json_object *value;
    if (!json_object_object_get_ex(object, key, &value))
        return -1;
    if (!json_object_is_type(value, json_type_int)) {
        const char *text = get(object, key);
        return text != NULL ? ssp_port_parse(text) : -1;
    }
    int64_t number = json_object_get_int64(value);
    return number > 0 && number <= UINT16_MAX ? (int)number : -1;
}

static bool is(const char *text, const char *word)
{
    return text != NULL && strcmp(text, word) == 0;
}

static int copy(char **to, const char *text)
{
    *to = text != NULL ? strdup(text) : NULL;
    return text == NULL || *to != NULL ? 0 : -1;
}

/* Both programs have these values, under names of their own. */
static const char *read_common(struct ss_server *s, json_object *object, const char *name,
                               const char *port_key, const char *method_key)
{
    const char *host = get(object, "server");
    int number = port_of(object, port_key);
    if (host == NULL || number == -1 ||
        ssp__endpoint_set(&s->endpoint, host, (uint16_t)number) == -1 ||
        (s->endpoint.named && strchr(host, ':') != NULL)) /* a port in the host is read elsewhere */
        return "its server or port is missing or wrong";
    if (get(object, method_key) == NULL || get(object, "password") == NULL)
        return "it has no method or no password";
    int rc = copy(&s->name, name) | copy(&s->method, get(object, method_key)) |
             copy(&s->password, get(object, "password"));
    return rc == 0 ? NULL : no_memory;
}

/* ---- Clash and mihomo ---- */

/* "key=value", escaped, behind what is there. */
static void add_option(FILE *out, const char *key, const char *value)
{
    char escaped[1024];
    if (value == NULL || ssp_options_escape(NULL, 0, value) >= sizeof escaped)
        return;
    (void)ssp_options_escape(escaped, sizeof escaped, value);
    (void)fprintf(out, "%s%s=%s", ftell(out) > 0 ? ";" : "", key, escaped);
}

static void write_obfs(FILE *out, json_object *options)
{
    add_option(out, "obfs", get(options, "mode"));
    add_option(out, "obfs-host", get(options, "host"));
}

static void write_v2ray(FILE *out, json_object *options)
{
    add_option(out, "mode", get(options, "mode"));
    if (is(get(options, "tls"), "true"))
        (void)fputs(ftell(out) > 0 ? ";tls" : "tls", out);
    add_option(out, "host", get(options, "host"));
    add_option(out, "path", get(options, "path"));
    if (is(get(options, "mux"), "false"))
        add_option(out, "mux", "0");
}

static const struct {
    const char *name, *plugin;
    void (*write)(FILE *out, json_object *options);
} plugins[] = {
    {"obfs", "obfs-local", write_obfs},
    {"v2ray-plugin", "v2ray-plugin", write_v2ray},
};

static const char *read_clash_plugin(struct ss_server *s, json_object *object)
{
    const char *name = get(object, "plugin");
    json_object *options = NULL;
    size_t i = 0, size = 0, n = sizeof plugins / sizeof plugins[0];
    while (i < n && !is(name, plugins[i].name))
        i++;
    if (name == NULL || *name == '\0')
        return NULL;
    if (i == n)
        return "its plugin is part of that program and has no counterpart";
    (void)json_object_object_get_ex(object, "plugin-opts", &options);
    FILE *out = open_memstream(&s->plugin_opts, &size);
    if (out == NULL)
        return no_memory;
    if (json_object_is_type(options, json_type_object))
        plugins[i].write(out, options);
    bool written = fclose(out) == 0;
    return copy(&s->plugin, plugins[i].plugin) == 0 && written ? NULL : no_memory;
}

static const char *read_clash(struct ss_server *s, json_object *object)
{
    if (!is(get(object, "type"), "ss"))
        return "it is no Shadowsocks server";
    const char *why = read_common(s, object, get(object, "name"), "port", "cipher");
    s->has_mode = true;
    s->mode = is(get(object, "udp"), "true") ? SSP_TCP_AND_UDP : SSP_TCP_ONLY;
    if (why == NULL && is(get(object, "udp-over-tcp"), "true"))
        return "udp-over-tcp is not supported";
    return why != NULL ? why : read_clash_plugin(s, object);
}

/* ---- sing-box ---- */

static bool enabled(json_object *object, const char *key)
{
    json_object *value;
    if (!json_object_object_get_ex(object, key, &value))
        return false;
    return json_object_is_type(value, json_type_object) ? is(get(value, "enabled"), "true")
                                                        : is(get(object, key), "true");
}

static const char *read_sing_box(struct ss_server *s, json_object *object)
{
    const char *network = get(object, "network");
    if (!is(get(object, "type"), "shadowsocks"))
        return "it is no Shadowsocks server";
    const char *why = read_common(s, object, get(object, "tag"), "server_port", "method");
    s->has_mode = true;
    s->mode = is(network, "tcp")   ? SSP_TCP_ONLY
              : is(network, "udp") ? SSP_UDP_ONLY
                                   : SSP_TCP_AND_UDP;
    if (why == NULL && (enabled(object, "multiplex") || enabled(object, "udp_over_tcp")))
        return "multiplex and udp_over_tcp are not supported";
    const char *plugin = get(object, "plugin");
    if (why != NULL || plugin == NULL || *plugin == '\0')
        return why;
    return (copy(&s->plugin, plugin) | copy(&s->plugin_opts, get(object, "plugin_opts"))) == 0
               ? NULL
               : no_memory;
}

/* ---- both ---- */

/* Returns NULL, or why the object is skipped (static). */
typedef const char *reader(struct ss_server *s, json_object *object);

static int add_each(struct ss_server_list *list, json_object *array, reader *read,
                    const struct ss_list_notes *notes)
{
    for (size_t i = 0; i < json_object_array_length(array); i++) {
        struct ss_server server = {.method = NULL};
        json_object *item = json_object_array_get_idx(array, i);
        bool object = json_object_is_type(item, json_type_object);
        const char *why = object ? read(&server, item) : "it is no object";
        int rc = why == NULL ? ss_server_list_add(list, &server) : 0;
        ss_server_release(&server);
        if (rc == -1 || why == no_memory)
            return -1;
        if (why != NULL && notes != NULL)
            notes->skipped(notes->arg, i + 1, why);
    }
    return 0;
}

static json_object *parse_json(const char *text, size_t len, const char **why)
{
    struct ss_json5 json;
    json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    *why = no_memory;
    if (tokener == NULL || ss_json5_rewrite(&json, text, len) == -1) {
        if (tokener != NULL)
            json_tokener_free(tokener);
        return NULL;
    }
    json_object *root = ss_json_tree(tokener, json.text, json.len);
    if (json_tokener_get_error(tokener) != json_tokener_success)
        *why = "it is no JSON";
    json_tokener_free(tokener);
    explicit_bzero(json.text, json.len);
    free(json.text);
    return root;
}

static bool is_json(const char *text, size_t len)
{
    size_t blanks = 0;
    while (blanks < len && strchr(" \t\r\n", text[blanks]) != NULL && text[blanks] != '\0')
        blanks++;
    return blanks < len && (text[blanks] == '{' || text[blanks] == '/');
}

/* Finds the list of servers, and the reader of one.  Returns NULL when there is none. */
static reader *find_servers(json_object *root, json_object **array)
{
    reader *read = NULL;
    if (!json_object_is_type(root, json_type_object))
        return NULL;
    if (json_object_object_get_ex(root, "proxies", array))
        read = read_clash;
    else if (json_object_object_get_ex(root, "outbounds", array))
        read = read_sing_box;
    return json_object_is_type(*array, json_type_array) ? read : NULL;
}

int ss_foreign_read(struct ss_server_list *list, const char *text, size_t len,
                    const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX])
{
    const char *reason = "it is too long, or holds a NUL byte";
    json_object *root = NULL, *array = NULL;
    *list = (struct ss_server_list){.n = 0};
    if (len <= SS_LIST_MAX && memchr(text, '\0', len) == NULL)
        root = (is_json(text, len) ? parse_json : ss_yaml_parse)(text, len, &reason);
    reader *read = find_servers(root, &array);
    if (root != NULL)
        reason = "it has neither \"proxies\" (Clash, mihomo) nor \"outbounds\" (sing-box)";
    if (read != NULL) {
        int rc = add_each(list, array, read, notes);
        reason = rc == -1 ? no_memory : list->n == 0 ? "it names no Shadowsocks server" : NULL;
    }
    json_object_put(root);
    if (reason == NULL)
        return 0;
    (void)snprintf(why, SS_LIST_WHY_MAX, "%s", reason);
    ss_server_list_release(list);
    return -1;
}
