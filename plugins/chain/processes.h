/* SPDX-License-Identifier: Apache-2.0 */
/*
 * processes.h - the processes of a chain: each is a program, or a run of stacked codecs.
 */
#ifndef CHAIN_PROCESSES_H
#define CHAIN_PROCESSES_H

#include "chain/stages.h"

#include <stdbool.h>

enum { PROCESS_NAMES_MAX = 512 };

struct process {
    unsigned first, n;             /* stages, counted from 0 */
    bool stacked;                  /* codecs */
    struct items options;          /* for the process */
    char names[PROCESS_NAMES_MAX]; /* of the codecs, joined by ',' */
};

struct processes {
    struct process process[STAGES_MAX];
    unsigned n;
};

/* Runs are as long as they can be.  Returns 0, or -1 when memory is out. */
int processes_make(struct processes *processes, const struct stages *stages);
void processes_release(struct processes *processes);

#endif
