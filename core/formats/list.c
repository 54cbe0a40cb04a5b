/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/list.h"

#include "formats/entry.h"
#include "formats/json5.h"
#include "formats/json_tree.h"
#include "formats/url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DEPTH_MAX = 64 };

static int refuse(char why[SS_LIST_WHY_MAX], const char *reason)
{
    (void)snprintf(why, SS_LIST_WHY_MAX, "%s", reason);
    return -1;
}

static void skip(const struct ss_list_notes *notes, size_t number, const char *why)
{
    if (notes != NULL)
        notes->skipped(notes->arg, number, why);
}

/* ---- SIP008 ---- */

static int add_object(struct ss_server_list *list, json_object *object, size_t number,
                      const struct ss_list_notes *notes)
{
    char why[SS_ENTRY_WHY_MAX];
    struct ss_server server;
    int rc = 0;
    if (ss_entry_read(&server, object, NULL, why) == -1)
        skip(notes, number, why);
    else if (server.method == NULL || server.password == NULL)
        skip(notes, number, "it has no method or no password");
    else if (!server.disabled)
        rc = ss_server_list_add(list, &server);
    ss_server_release(&server);
    return rc;
}

/* A document without a version, and one that is a server itself, are common. */
static int read_document(struct ss_server_list *list, json_object *root,
                         const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX])
{
    json_object *version, *servers;
    bool versioned = json_object_object_get_ex(root, "version", &version);
    if (versioned &&
        (!json_object_is_type(version, json_type_int) || json_object_get_int64(version) != 1))
        return refuse(why, "its version is not supported (expected 1)");
    if (!json_object_object_get_ex(root, "servers", &servers))
        return add_object(list, root, 1, notes) == 0 ? 0 : refuse(why, "memory is out");
    if (!json_object_is_type(servers, json_type_array))
        return refuse(why, "\"servers\" is not a list");
    for (size_t i = 0; i < json_object_array_length(servers); i++) {
        if (add_object(list, json_object_array_get_idx(servers, i), i + 1, notes) == -1)
            return refuse(why, "memory is out");
    }
    return 0;
}

/* Why there is no object; the text begins with its first word. */
static const char *why_none(json_tokener *tokener, const char *text)
{
    bool lost = tokener == NULL ||
                (*text == '{' && json_tokener_get_error(tokener) == json_tokener_success);
    return lost ? "memory is out" : "it is neither JSON of SIP008 nor a list of ss:// URLs";
}

static int read_json(struct ss_server_list *list, const char *text, size_t len,
                     const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX])
{
    struct ss_json5 json;
    if (ss_json5_rewrite(&json, text, len) == -1)
        return refuse(why, "memory is out");
    json_tokener *tokener = json_tokener_new_ex(DEPTH_MAX);
    json_object *root = tokener != NULL ? ss_json_tree(tokener, json.text, json.len) : NULL;
    int rc = json_object_is_type(root, json_type_object)
                 ? read_document(list, root, notes, why)
                 : refuse(why, why_none(tokener, json.text));
    json_object_put(root);
    if (tokener != NULL)
        json_tokener_free(tokener);
    explicit_bzero(json.text, json.len);
    free(json.text);
    return rc;
}

/* ---- URLs, one a line ---- */

static int read_line(struct ss_server_list *list, const char *line, size_t number,
                     const struct ss_list_notes *notes)
{
    struct ss_server server;
    if (line[strspn(line, " \t\r")] == '\0')
        return 0;
    const char *why = ss_url_read(&server, line);
    if (why != NULL)
        skip(notes, number, why);
    int rc = why == NULL ? ss_server_list_add(list, &server) : 0;
    ss_server_release(&server);
    return rc;
}

static int read_lines(struct ss_server_list *list, char *text, const struct ss_list_notes *notes,
                      char why[SS_LIST_WHY_MAX])
{
    size_t number = 1;
    for (char *line = text, *end; line != NULL; line = end, number++) {
        end = strchr(line, '\n');
        if (end != NULL)
            *end++ = '\0';
        if (read_line(list, line, number, notes) == -1)
            return refuse(why, "memory is out");
    }
    return 0;
}

static int read_urls(struct ss_server_list *list, const char *text, size_t len,
                     const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX])
{
    char *copy = strndup(text, len);
    if (copy == NULL)
        return refuse(why, "memory is out");
    int rc = read_lines(list, copy, notes, why);
    explicit_bzero(copy, len);
    free(copy);
    return rc;
}

int ss_list_read(struct ss_server_list *list, const char *text, size_t len,
                 const struct ss_list_notes *notes, char why[SS_LIST_WHY_MAX])
{
    static const char bom[] = "\xEF\xBB\xBF", scheme[] = "ss://";
    *list = (struct ss_server_list){.n = 0};
    if (len >= sizeof bom - 1 && memcmp(text, bom, sizeof bom - 1) == 0) {
        text += sizeof bom - 1;
        len -= sizeof bom - 1;
    }
    while (len > 0 && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
        text++;
        len--;
    }
    if (len > SS_LIST_MAX || memchr(text, '\0', len) != NULL)
        return refuse(why, len > SS_LIST_MAX ? "it is too long" : "it holds a NUL byte");
    bool urls = len >= sizeof scheme - 1 && strncasecmp(text, scheme, sizeof scheme - 1) == 0;
    int rc = (urls ? read_urls : read_json)(list, text, len, notes, why);
    if (rc == 0 && list->n == 0)
        rc = refuse(why, "it names no server that can be used");
    if (rc == -1)
        ss_server_list_release(list);
    return rc;
}
