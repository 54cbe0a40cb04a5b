/* SPDX-License-Identifier: Apache-2.0 */
/*
 * merge.h - the values of the command line and those of the file become one.
 */
#ifndef SS_CONF_MERGE_H
#define SS_CONF_MERGE_H

#include "conf/conf.h"

/* Moves values from *file into *conf, the command line's, where *conf has none. */
void ss_fields_merge(struct ss_conf *conf, struct ss_conf *file);

/* Treats empty text as not given. */
void ss_fields_drop_empty(struct ss_conf *conf);

#endif
