/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - a complete conf as a configuration file, without its secrets.
 */
#ifndef SS_CONF_DUMP_H
#define SS_CONF_DUMP_H

#include "conf/conf.h"

/* Prints it on stdout, and the keys that are left out on stderr.  Read again with these, it is the
 * same conf.  Returns the exit status. */
int ss_conf_dump(const struct ss_conf *conf, enum ss_program program);

#endif
