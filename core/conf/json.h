/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json.h - the configuration file: a JSON object becomes fields of a conf.
 */
#ifndef SS_CONF_JSON_H
#define SS_CONF_JSON_H

#include "conf/complain.h"

#include <stddef.h>

/* Larger files are refused. */
enum { SS_FILE_MAX = 16 * 1024 * 1024 };

/*
 * Reads the len bytes of text, which need no NUL, into *conf.  Values are those of the text:
 * nothing is required, no default is added.  origin->path is what messages call the text.
 *
 * Trailing commas and comments are allowed, an unknown key is a warning.  Returns 0, or -1 after an
 * error message; *conf is to be released in both cases.
 */
int ss_conf_json(struct ss_conf *conf, const struct ss_origin *origin, const char *text,
                 size_t len);

/* The same with the content of the file origin->path. */
int ss_conf_file(struct ss_conf *conf, const struct ss_origin *origin);

#endif
