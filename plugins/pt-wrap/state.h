/* SPDX-License-Identifier: Apache-2.0 */
/*
 * state.h - the directory in which a transport keeps its keys, and the files that pt-wrap adds.
 */
#ifndef PT_WRAP_STATE_H
#define PT_WRAP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PT_PATH_MAX = 4096 };

struct pt_state {
    char path[PT_PATH_MAX]; /* absolute; "" : none */
    bool temporary;         /* temporary: removed when the transport has started, or at the end */
};

/* Opens the directory, making it when its parent is there; NULL: a temporary one.  Returns 0, or -1
 * with a sentence in why. */
int pt_state_open(struct pt_state *state, const char *path, char *why, size_t why_cap);

/* Writes a file of mode 0600 in the directory, all of it or nothing; its path is written to `path`
 * of PT_PATH_MAX bytes.  Returns 0, or -1 with a sentence in why. */
int pt_state_write(const struct pt_state *state, const char *name, const void *bytes, size_t n,
                   char *path, char *why, size_t why_cap);

/* Removes a temporary directory with what the transport left there; may be called again. */
void pt_state_remove(const struct pt_state *state);

#endif
