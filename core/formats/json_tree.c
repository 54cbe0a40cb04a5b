/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json_tree.h"

#include <json-c/json_visit.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* json-c keeps the text of a value until it frees the value. */
void ss_json_wipe(json_object *value)
{
    bool is_text = json_object_is_type(value, json_type_string);
    const char *text = json_object_get_string(value);
    if (text != NULL)
        explicit_bzero((void *)(uintptr_t)text,
                       is_text ? (size_t)json_object_get_string_len(value) : strlen(text));
}

/* NOLINTBEGIN(readability-function-size): the parameters that json-c gives */
static int count(json_object *value, int flags, json_object *parent, const char *key, size_t *index,
                 void *arg)
{
    (void)value, (void)flags, (void)parent, (void)key, (void)index;
    ++*(size_t *)arg;
    return JSON_C_VISIT_RETURN_CONTINUE;
}

static int wipe_text(json_object *value, int flags, json_object *parent, const char *key,
                     size_t *index, void *arg)
{
    (void)flags, (void)parent, (void)key, (void)index, (void)arg;
    if (json_object_is_type(value, json_type_string))
        ss_json_wipe(value);
    return JSON_C_VISIT_RETURN_CONTINUE;
}
/* NOLINTEND(readability-function-size) */

static size_t size_of(json_object *tree)
{
    size_t n = 0;
    (void)json_c_visit(tree, 0, count, &n);
    return n;
}

/* Any of its texts may be a secret. */
static void drop(json_object *tree)
{
    (void)json_c_visit(tree, 0, wipe_text, NULL);
    json_object_put(tree);
}

json_object *ss_json_tree(json_tokener *tokener, const char *text, size_t len)
{
    json_object *tree = json_tokener_parse_ex(tokener, text, (int)len);
    if (tree == NULL)
        return NULL;
    json_tokener_reset(tokener);
    json_object *again = json_tokener_parse_ex(tokener, text, (int)len);
    if (size_of(tree) != size_of(again)) {
        drop(tree);
        tree = NULL;
    }
    drop(again);
    return tree;
}

int ss_json_add(json_object *object, const char *key, json_object *value)
{
    if (object != NULL && value != NULL && json_object_object_add(object, key, value) == 0)
        return 0;
    json_object_put(value);
    return -1;
}

int ss_json_append(json_object *array, json_object *value)
{
    if (array != NULL && value != NULL && json_object_array_add(array, value) == 0)
        return 0;
    json_object_put(value);
    return -1;
}
