/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_tree.h - a text of JSON as a tree of json-c, with all that the text has.
 */
#ifndef SS_FORMATS_JSON_TREE_H
#define SS_FORMATS_JSON_TREE_H

#include <json-c/json.h>
#include <stddef.h>

/*
 * As json_tokener_parse_ex().  json-c leaves out a member or an element that it has no memory for,
 * and says nothing: the text is read twice, and trees that differ are given up.  NULL then, with
 * success in the tokener.  No other memory than that of the tree and of the tokener has its texts.
 */
json_object *ss_json_tree(json_tokener *tokener, const char *text, size_t len);

/* Take a value for an object or at the end of an array.  Return 0, or -1: one of the two is none,
 * for want of memory, for which json-c would abort, or there is no memory now. */
int ss_json_add(json_object *object, const char *key, json_object *value);
int ss_json_append(json_object *array, json_object *value);

/* Overwrites the text of a value that is no object or array. */
void ss_json_wipe(json_object *value);

#endif
