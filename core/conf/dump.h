/* SPDX-License-Identifier: Apache-2.0 */
/*
 * dump.h - configuration files that are printed: a complete conf without its secrets, and the
 * servers of another program.
 */
#ifndef SS_CONF_DUMP_H
#define SS_CONF_DUMP_H

#include "conf/conf.h"

/* Prints it on stdout, and the keys that are left out on stderr.  Read again with these, it is the
 * same conf.  Returns the exit status. */
int ss_conf_dump(const struct ss_conf *conf, enum ss_program program);

/* Reads the file of another program, Clash, mihomo or sing-box, and prints its servers as a
 * configuration file, with their secrets.  Returns the exit status. */
int ss_conf_import(enum ss_program program, const char *path);

#endif
