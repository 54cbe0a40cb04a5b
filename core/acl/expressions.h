/* SPDX-License-Identifier: Apache-2.0 */
/*
 * expressions.h - regular expressions for host names, each with the line of its rule.
 *
 * They are tried one after the other.  A table or a tree takes whatever it can; these are the rest.
 */
#ifndef SS_ACL_EXPRESSIONS_H
#define SS_ACL_EXPRESSIONS_H

#include <stdbool.h>
#include <stddef.h>

struct ss_expressions;

/* NULL when memory is out. */
struct ss_expressions *ss_expressions_new(void);
void ss_expressions_free(struct ss_expressions *expressions); /* accepts NULL */

/* Adds an expression that is not anchored and ignores case.  Returns 0, or -1 with a phrase in why.
 */
enum { SS_EXPRESSION_WHY_MAX = 160 };
int ss_expressions_add(struct ss_expressions *expressions, const char *text, unsigned line,
                       char why[SS_EXPRESSION_WHY_MAX]);

/* The line of the first that matches, or 0.  An expression that takes too many steps over a name
 * matches when `unsure` is true. */
unsigned ss_expressions_find(struct ss_expressions *expressions, const char *name, bool unsure);

#endif
