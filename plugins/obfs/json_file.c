/* SPDX-License-Identifier: Apache-2.0 */
#include "obfs/json_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_MAX = 1 << 20 };

static json_object *refuse(char why[OBFS_WHY_MAX], const char *path, const char *reason)
{
    (void)snprintf(why, OBFS_WHY_MAX, "%.300s: %s", path, reason);
    return NULL;
}

/* Names the line and the column of text + at. */
static json_object *refuse_at(char why[OBFS_WHY_MAX], const char *path, const char *text, size_t at,
                              const char *reason)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        bool continues = ((unsigned char)text[i] & 0xC0) == 0x80;
        column = text[i] == '\n' ? 1 : column + (continues ? 0 : 1);
        line += text[i] == '\n' ? 1 : 0;
    }
    (void)snprintf(why, OBFS_WHY_MAX, "%.300s:%u:%u: not valid JSON: %s", path, line, column,
                   reason);
    return NULL;
}

/* json-c leaves out a member that it has no memory for, and says nothing: a second reading, which
 * moves the tokener to the same place, has it. */
static bool is_whole(json_tokener *tokener, json_object *root, const char *text, size_t len)
{
    json_tokener_reset(tokener);
    json_object *again = json_tokener_parse_ex(tokener, text, (int)len);
    bool whole = json_object_equal(root, again) == 1;
    json_object_put(again);
    return whole;
}

static json_object *parse(json_tokener *tokener, const char *path, const char *text, size_t len,
                          char why[OBFS_WHY_MAX])
{
    json_object *root = json_tokener_parse_ex(tokener, text, (int)len);
    size_t end = json_tokener_get_parse_end(tokener);
    enum json_tokener_error error = json_tokener_get_error(tokener);
    if (error == json_tokener_continue)
        return refuse_at(why, path, text, len, "unexpected end");
    if (error != json_tokener_success)
        return refuse_at(why, path, text, end, json_tokener_error_desc(error));
    if (!is_whole(tokener, root, text, len)) {
        json_object_put(root);
        return refuse(why, path, "out of memory");
    }
    end += strspn(text + end, " \t\r\n");
    if (end == len && json_object_is_type(root, json_type_object))
        return root;
    json_object_put(root);
    return end < len ? refuse_at(why, path, text, end, "unexpected text behind the value")
                     : refuse(why, path, "expected an object: {...}");
}

/* A NUL in the file is seen where it is: the text goes on behind it. */
static json_object *parse_text(const char *path, const char *text, size_t len,
                               char why[OBFS_WHY_MAX])
{
    static const char bom[] = {'\xEF', '\xBB', '\xBF'};
    size_t skipped = len >= sizeof bom && memcmp(text, bom, sizeof bom) == 0 ? sizeof bom : 0;
    json_tokener *tokener = json_tokener_new();
    if (tokener == NULL)
        return refuse(why, path, "out of memory");
    json_object *root = parse(tokener, path, text + skipped, len - skipped, why);
    json_tokener_free(tokener);
    return root;
}

json_object *obfs_json_read(const char *path, char why[OBFS_WHY_MAX])
{
    FILE *file = fopen(path, "re");
    char *text = malloc(FILE_MAX + 1);
    json_object *root = NULL;
    if (file == NULL || text == NULL) {
        root = refuse(why, path, strerror(file == NULL ? errno : ENOMEM));
    } else {
        size_t len = fread(text, 1, FILE_MAX, file);
        text[len] = '\0';
        if (ferror(file))
            root = refuse(why, path, strerror(errno));
        else
            root = parse_text(path, text, len, why);
    }
    if (file != NULL)
        (void)fclose(file);
    free(text);
    return root;
}
