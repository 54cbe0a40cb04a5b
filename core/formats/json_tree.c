/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/json_tree.h"

#include <json-c/json_visit.h>

/* NOLINTNEXTLINE(readability-function-size): the parameters that json-c gives */
static int count(json_object *value, int flags, json_object *parent, const char *key, size_t *index,
                 void *arg)
{
    (void)value;
    (void)flags;
    (void)parent;
    (void)key;
    (void)index;
    ++*(size_t *)arg;
    return JSON_C_VISIT_RETURN_CONTINUE;
}

static size_t size_of(json_object *tree)
{
    size_t n = 0;
    (void)json_c_visit(tree, 0, count, &n);
    return n;
}

json_object *ss_json_tree(json_tokener *tokener, const char *text, size_t len)
{
    json_object *tree = json_tokener_parse_ex(tokener, text, (int)len);
    if (tree == NULL)
        return NULL;
    json_tokener_reset(tokener);
    json_object *again = json_tokener_parse_ex(tokener, text, (int)len);
    if (size_of(tree) != size_of(again)) {
        json_object_put(tree);
        tree = NULL;
    }
    json_object_put(again);
    return tree;
}
