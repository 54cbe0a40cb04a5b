/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnosis.h - from what was seen of a plugin to what is wrong with it.
 */
#ifndef SSP_TOOL_DIAGNOSIS_H
#define SSP_TOOL_DIAGNOSIS_H

#include "examine.h"

enum { DIAGNOSIS_TEXT = 640, DIAGNOSIS_NOTES = 4 };

struct diagnosis {
    bool works;
    const char *cause;           /* one word for programs, such as "port-in-use"; static */
    char what[DIAGNOSIS_TEXT];   /* what happened, one line */
    char advice[DIAGNOSIS_TEXT]; /* what explains it and what to do; "": nothing is known */
    char notes[DIAGNOSIS_NOTES][DIAGNOSIS_TEXT]; /* no causes, but worth knowing */
    unsigned note_count;
};

/* Fills d. Asks nobody: everything is in the examination, but for a file that exec refused. */
void diagnose(const struct examination *x, struct diagnosis *d);

#endif
