/* SPDX-License-Identifier: Apache-2.0 */
/*
 * scratch.h - what tests of the host need from the system: a child to be changed for good, and a
 * directory to fill.
 */
#ifndef SCRATCH_H
#define SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

enum { SCRATCH_PATH = 256, ENDED_BY = 1000 };

/* In a child: returns from the act when a claim does not hold, and says so. */
#define PROVE(claim)                                                                               \
    do {                                                                                           \
        if (!(claim))                                                                              \
            return unproven(#claim, __FILE__, __LINE__);                                           \
    } while (0)

int unproven(const char *claim, const char *file, int line); /* 1 */

/* Acts in a child.  Returns what act returned, or ENDED_BY plus a signal. */
int in_child(int (*act)(const void *arg), const void *arg);

/* The end of a process that was waited for: its status, or ENDED_BY plus a signal. */
int outcome(pid_t pid);

/* A new directory of mode 0755 below base; removed with everything in it. */
void scratch_make(char dir[SCRATCH_PATH], const char *base);
void scratch_remove(const char *dir);

/* dir/name; a static row of buffers, good for the next few calls. */
const char *scratch_path(const char *dir, const char *name);

/* Creates dir/name with this mode and content; returns its path as scratch_path() does. */
const char *scratch_file(const char *dir, const char *name, mode_t mode, const void *content,
                         size_t n);
const char *scratch_text(const char *dir, const char *name, mode_t mode, const char *text);

#endif
