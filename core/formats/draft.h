/* SPDX-License-Identifier: Apache-2.0 */
/*
 * draft.h - a text that grows and may hold secrets: places that it leaves are wiped, which those of
 * a memory stream are not.
 */
#ifndef SS_FORMATS_DRAFT_H
#define SS_FORMATS_DRAFT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero is an empty one. */
struct ss_draft {
    char *text; /* owned, ends with a NUL; NULL: nothing was written */
    size_t len, cap;
    bool failed; /* memory is out */
};

void ss_draft_put(struct ss_draft *draft, const char *text);
void ss_draft_put_byte(struct ss_draft *draft, char byte);
void ss_draft_print(struct ss_draft *draft, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Returns the text, now the caller's, to be wiped and freed; NULL when memory is out. */
char *ss_draft_end(struct ss_draft *draft);

#endif
