/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_file.h - a file with one JSON object; what is wrong with it is said with line and column.
 */
#ifndef OBFS_JSON_FILE_H
#define OBFS_JSON_FILE_H

#include "obfs/obfs.h"

#include <json-c/json.h>

/* Returns the object, to be released with json_object_put(), or NULL with a sentence in why. */
json_object *obfs_json_read(const char *path, char why[OBFS_WHY_MAX]);

#endif
