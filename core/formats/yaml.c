/* SPDX-License-Identifier: Apache-2.0 */
#include "formats/yaml.h"

#ifdef SS_HAS_YAML

#include "formats/json_tree.h"

#include <string.h>
#include <yaml.h>

/* Aliases multiply: the whole is bounded. */
enum { NODES_MAX = 100000, DEPTH_MAX = 64 };

struct converter {
    yaml_document_t *document;
    unsigned nodes, depth;
    const char *why;
};

static const char no_memory[] = "memory is out";

/* A value that could not be made or added is lost with the whole. */
static void keep(struct converter *c, int rc)
{
    if (rc != 0 && c->why == NULL)
        c->why = no_memory;
}

static json_object *convert(struct converter *c, int id);

static json_object *sequence(struct converter *c, const yaml_node_t *node)
{
    json_object *array = json_object_new_array();
    for (const yaml_node_item_t *item = node->data.sequence.items.start;
         item < node->data.sequence.items.top && c->why == NULL; item++)
        keep(c, ss_json_append(array, convert(c, *item)));
    return array;
}

/* Keys of the mapping itself beat those that are merged in. */
static void merge(struct converter *c, json_object *object, json_object *other)
{
    if (!json_object_is_type(other, json_type_object))
        return;
    json_object_object_foreach(other, key, value)
    {
        if (!json_object_object_get_ex(object, key, NULL))
            keep(c, ss_json_add(object, key, json_object_get(value)));
    }
}

static json_object *mapping(struct converter *c, const yaml_node_t *node)
{
    json_object *object = json_object_new_object(), *merged = NULL;
    for (const yaml_node_pair_t *pair = node->data.mapping.pairs.start;
         pair < node->data.mapping.pairs.top && c->why == NULL; pair++) {
        const yaml_node_t *key = yaml_document_get_node(c->document, pair->key);
        if (key == NULL || key->type != YAML_SCALAR_NODE)
            continue;
        const char *name = (const char *)key->data.scalar.value;
        json_object *value = convert(c, pair->value);
        if (strcmp(name, "<<") == 0 && merged == NULL)
            merged = value;
        else
            keep(c, ss_json_add(object, name, value));
    }
    merge(c, object, merged);
    json_object_put(merged);
    return object;
}

static json_object *convert(struct converter *c, int id)
{
    const yaml_node_t *node = yaml_document_get_node(c->document, id);
    json_object *value = NULL;
    if (++c->nodes > NODES_MAX || c->depth == DEPTH_MAX)
        c->why = "it is too deep, or too large";
    if (node == NULL || c->why != NULL)
        return NULL;
    c->depth++;
    if (node->type == YAML_SEQUENCE_NODE)
        value = sequence(c, node);
    else if (node->type == YAML_MAPPING_NODE)
        value = mapping(c, node);
    else if (node->type == YAML_SCALAR_NODE)
        value = json_object_new_string_len((const char *)node->data.scalar.value,
                                           (int)node->data.scalar.length);
    keep(c, value != NULL ? 0 : -1);
    c->depth--;
    return value;
}

json_object *ss_yaml_parse(const char *text, size_t len, const char **why)
{
    yaml_parser_t parser;
    yaml_document_t document;
    json_object *value = NULL;
    *why = no_memory;
    if (yaml_parser_initialize(&parser) == 0)
        return NULL;
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    if (yaml_parser_load(&parser, &document) != 0) {
        struct converter c = {.document = &document};
        if (yaml_document_get_root_node(&document) != NULL)
            value = convert(&c, 1);
        else
            *why = "it is no YAML";
        if (c.why != NULL) {
            json_object_put(value);
            value = NULL;
            *why = c.why;
        }
        yaml_document_delete(&document);
    } else if (parser.error != YAML_MEMORY_ERROR && parser.error != YAML_NO_ERROR) {
        /* some functions of libyaml name no error when memory is out */
        *why = "it is no YAML";
    }
    yaml_parser_delete(&parser);
    return value;
}

#else

json_object *ss_yaml_parse(const char *text, size_t len, const char **why)
{
    (void)text, (void)len;
    *why = "this program was built without libyaml (JSON works)";
    return NULL;
}

#endif
