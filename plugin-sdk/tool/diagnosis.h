/* SPDX-License-Identifier: Apache-2.0 */
/*
 * diagnosis.h - finds the cause of a failed start in an examination.
 */
#ifndef SSP_TOOL_DIAGNOSIS_H
#define SSP_TOOL_DIAGNOSIS_H

#include "examine.h"

enum { DIAGNOSIS_TEXT = 640, DIAGNOSIS_NOTES = 4 };

struct diagnosis {
    bool works;
    const char *cause;           /* one word for programs, such as "port-in-use"; static */
    char what[DIAGNOSIS_TEXT];   /* what happened, one line */
    char advice[DIAGNOSIS_TEXT]; /* the explanation and the remedy; "": nothing is known */
    char notes[DIAGNOSIS_NOTES][DIAGNOSIS_TEXT]; /* no causes, but worth knowing */
    unsigned note_count;
};

/* Fills d from the examination alone; only a file that exec refused is read again. */
void diagnose(const struct examination *x, struct diagnosis *d);

#endif
