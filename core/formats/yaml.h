/* SPDX-License-Identifier: Apache-2.0 */
/*
 * yaml.h - a YAML document as values of JSON.
 */
#ifndef SS_FORMATS_YAML_H
#define SS_FORMATS_YAML_H

#include <json-c/json.h>
#include <stddef.h>

/* Reads the first document of the len bytes of text; every scalar becomes a text.  Aliases and
 * merge keys are followed, within a limit.  Returns NULL with the reason (static). */
json_object *ss_yaml_parse(const char *text, size_t len, const char **why);

#endif
