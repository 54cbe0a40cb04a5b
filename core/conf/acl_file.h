/* SPDX-License-Identifier: Apache-2.0 */
/*
 * acl_file.h - the file of an access list: read, and asked by --acl-test.
 */
#ifndef SS_CONF_ACL_FILE_H
#define SS_CONF_ACL_FILE_H

#include "acl/acl.h"
#include "conf/program.h"

/* Reads the file.  Tells remarks as ss_acl_read() does; a file that cannot be read is a mistake in
 * line 0.  NULL after a mistake. */
struct ss_acl *ss_acl_file_read(const char *path, ss_acl_remark_fn *tell, void *arg);

/* Prints a line for each of n names and addresses: where they go, and the rule that says so.
 * Returns the exit status. */
int ss_acl_file_test(enum ss_program program, const char *path, int n, char **target);

#endif
