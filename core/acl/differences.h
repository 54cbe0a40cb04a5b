/* SPDX-License-Identifier: Apache-2.0 */
/*
 * differences.h - lines that shadowsocks-libev and shadowsocks-rust read otherwise than we do.
 */
#ifndef SS_ACL_DIFFERENCES_H
#define SS_ACL_DIFFERENCES_H

#include "acl/lists.h"
#include "acl/rule.h"

/* One line of a file, whole, and the rule or section in it. */
struct ss_acl_line {
    unsigned number;
    size_t len;          /* of all of it */
    bool marked;         /* a byte order mark is in front of it */
    bool commented;      /* a comment follows its text */
    const char *text;    /* without blanks and comment */
    bool section, newer; /* a section, which only shadowsocks-rust has */
};

/* Tells those that concern the line alone.  rule is NULL for a section. */
void ss_differences_of_line(const struct ss_acl_line *line, const struct ss_rule *rule,
                            ss_acl_remark_fn *tell, void *arg);

/* Tells the lines that two lists contradict each other in, when all has been read. */
void ss_differences_of_lists(const struct ss_acl *acl, ss_acl_remark_fn *tell, void *arg);

#endif
