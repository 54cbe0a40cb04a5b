/* SPDX-License-Identifier: Apache-2.0 */
/*
 * used.h - bytes that count toward limits, as a text that is kept over a restart:
 *
 *   {"port": 1073741824, "users": {"alice": 52428800}}
 */
#ifndef SS_MANAGER_USED_H
#define SS_MANAGER_USED_H

#include <stddef.h>
#include <stdint.h>

struct ss_used;

struct ss_used *ss_used_new(void);       /* NULL when memory is out */
void ss_used_free(struct ss_used *used); /* accepts NULL */

/* Notes the bytes of a user, or with NULL those of the port.  Without memory they are left out. */
void ss_used_add(struct ss_used *used, const char *user, uint64_t bytes);

/* The text, which lives as long as used; NULL when memory is out, or nothing was noted. */
const char *ss_used_text(struct ss_used *used);

/* Calls visit for the port, with NULL, and for each user.  Returns 0, or -1 when the text is
 * another one. */
int ss_used_read(const char *text, size_t len,
                 void (*visit)(void *arg, const char *user, uint64_t bytes), void *arg);

#endif
